"""`make conformance`: the upstream suite against our server and real Envoys in Pods, in a test cluster of its own.

    make conformance                                    all of it
    make conformance RUN=HTTPRouteSimpleSameNamespace   one test; RUN="One|Two" two

Which features are tested is what our GatewayClass says of itself; nothing is exempted. What the suite prints comes out as it
comes; logs of the server and of Pods are in the folder given by `--keep`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from tests.conformance.programs import ECHO, SUITE_PROGRAM, built
from tests.kube.cluster import isolation
from tests.kube.cluster.cluster import Cluster
from tests.kube.cluster.node.images import REPOSITORY
from tests.kube.cluster.process import DiedError
from tests.kube.cluster.programs import NoProgramsError, programs
from tests.kube.planes import serving
from xds import crds

PROFILES = "GATEWAY-HTTP,GATEWAY-TLS,GATEWAY-GRPC,GATEWAY-TCP,GATEWAY-UDP"
USABLE, UNUSABLE = "172.18.0.200", "192.0.2.1"  # one that nodes give to Services, and one that nobody has (RFC 5737)
CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gateway-conformance}
spec: {controllerName: pointsman.io/gateway-controller}
"""


def images(suite: Path) -> list[dict[str, object]]:
    python = f"{sys.prefix}/bin/python"
    dns = [python, "-m", "tests.conformance.dns"]
    return [
        {"pattern": "gateway-api/echo-(basic|advanced)", "entrypoint": [str(suite / ECHO)]},
        {"pattern": "coredns/coredns", "entrypoint": dns, "environment": {"PYTHONPATH": str(REPOSITORY)}},
    ]


def command(suite: Path, arguments: argparse.Namespace) -> list[str]:
    chosen = f"TestConformance/^({arguments.run})$" if arguments.run else "TestConformance"
    report = [f"--report-output={arguments.report}", "-serial"] if arguments.report else []
    about = ["--organization=pointsman", "--project=pointsman", "--url=https://pointsman.io", "--version=dev", "--contact=none"]
    return [
        str(suite / SUITE_PROGRAM), "-test.v", f"-test.run={chosen}", "-test.timeout=60m", f"-test.parallel={arguments.parallel}",
        f"--conformance-profiles={PROFILES}", "--cleanup-base-resources=false",
        f"--usable-address={USABLE}", f"--unusable-address={UNUSABLE}", *about, *report,
    ]  # fmt: skip


async def run(cluster: Cluster, folder: Path, suite: Path, arguments: argparse.Namespace) -> int:
    async with serving(cluster, folder):
        environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
        process = await asyncio.create_subprocess_exec(*command(suite, arguments), env=environment, cwd=folder)
        return await process.wait()


def main(arguments: argparse.Namespace) -> int:
    try:
        isolation.check()
        found, suite = programs(), built()
        with tempfile.TemporaryDirectory(prefix="pointsman-conformance-", ignore_cleanup_errors=True) as temporary:
            folder = Path(arguments.keep or temporary)
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / "images.json"
            file.write_text(json.dumps(images(suite)))
            isolation.enter()
            with Cluster(folder, found, "--images", str(file), "--show", str(suite), "--longest-grace", "3") as cluster:
                cluster.install(crds.folder())
                cluster.kubectl("apply", "-f", "-", text=CLASS)
                return asyncio.run(run(cluster, folder, suite, arguments))
    except (NoProgramsError, DiedError, isolation.NoIsolationError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", default="", help="tests by their short names, with | between them")
    parser.add_argument("--parallel", type=int, default=2, help="how many tests at a time, of those that may")
    parser.add_argument("--report", default="", help="where the report is written; runs all tests one by one")
    parser.add_argument("--keep", default="", help="where logs are, instead of a folder that goes with the run")
    sys.exit(main(parser.parse_args()))
