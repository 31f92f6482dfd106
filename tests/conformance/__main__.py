"""`make conformance`: the upstream suite against our server and real Envoys in Pods, in a test cluster of its own.

    make conformance                                    all of it
    make conformance RUN=HTTPRouteSimpleSameNamespace   one test; RUN="One|Two" two

    make conformance MODE=shared                        one set of proxies for all Gateways of the class

Which features are tested is what our GatewayClass says of itself; nothing is exempted. What the suite prints comes out as it
comes, or with `--brief` what it says of each whole test; logs of the server and of Pods are in the folder given by `--keep`.
Where it cannot run it is skipped, with the reason; in CI that fails.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

from tests.conformance.outcome import Outcome
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
SHARED = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: gateway-conformance}
spec:
  controllerName: pointsman.io/gateway-controller
  parametersRef: {group: pointsman.io, kind: EnvoyProxy, name: all, namespace: default}
---
apiVersion: pointsman.io/v1alpha1
kind: EnvoyProxy
metadata: {name: all, namespace: default}
spec: {mergeGateways: true, addresses: PerGateway}
"""
# What proxies that several Gateways share cannot do for one of them; docs/conformance.md says why
APART = ("GatewayInfrastructure", "GatewayInvalidTLSBackendConfiguration", "GatewayTLSBackendClientCertificate")


def images(suite: Path) -> list[dict[str, object]]:
    python = f"{sys.prefix}/bin/python"
    dns = [python, "-m", "tests.conformance.dns"]
    return [
        {"pattern": "gateway-api/echo-(basic|advanced)", "entrypoint": [str(suite / ECHO)]},
        {"pattern": "coredns/coredns", "entrypoint": dns, "environment": {"PYTHONPATH": str(REPOSITORY)}},
    ]


def command(suite: Path, arguments: argparse.Namespace) -> list[str]:
    chosen = f"TestConformance/^({arguments.run})$" if arguments.run else "TestConformance"
    report = [f"--report-output={Path(arguments.report).resolve()}", "-serial"] if arguments.report else []
    about = ["--organization=pointsman", "--project=pointsman", "--url=https://pointsman.io", "--version=dev", "--contact=none"]
    return [
        str(suite / SUITE_PROGRAM), "-test.v", f"-test.run={chosen}", "-test.timeout=60m", f"-test.parallel={arguments.parallel}",
        f"--conformance-profiles={PROFILES}", "--cleanup-base-resources=false",
        f"--usable-address={USABLE}", f"--unusable-address={UNUSABLE}", *about, *report,
    ]  # fmt: skip


async def run(cluster: Cluster, folder: Path, suite: Path, arguments: argparse.Namespace) -> int:
    async with serving(cluster, folder):
        # What is tested follows from its status, so that must be there
        await asyncio.to_thread(cluster.kubectl, "wait", "--for=condition=Accepted", "gatewayclass/gateway-conformance", "--timeout=120s")
        environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig)}
        since, asked = time.monotonic(), command(suite, arguments)
        process = await asyncio.create_subprocess_exec(*asked, env=environment, cwd=folder, stdout=PIPE, stderr=STDOUT, limit=1 << 24)
        outcome = await told(process, folder / "suite.log", brief=arguments.brief)
        problems = list(outcome.problems(whole=not arguments.run, without=APART if arguments.mode == "shared" else ()))
        if arguments.brief:
            print(*outcome.last_words(), sep="\n")
        print(*problems, f"{time.monotonic() - since:.0f} s", outcome.summary(), sep="\n", flush=True)
        return await process.wait() or bool(problems)


async def told(process: asyncio.subprocess.Process, log: Path, *, brief: bool) -> Outcome:
    outcome = Outcome()
    assert process.stdout
    with log.open("w") as kept:
        async for data in process.stdout:
            line = data.decode(errors="replace")
            kept.write(line)
            outcome.read(line.rstrip("\n"))
            if not brief or (line.startswith(("    --- ", "=== RUN   TestConformance/")) and line.count("/") == 1):
                print(line, end="", flush=True)
    return outcome


def main(arguments: argparse.Namespace) -> int:
    try:
        isolation.check()
        found, suite = programs(), built()
        with tempfile.TemporaryDirectory(prefix="pointsman-conformance-", ignore_cleanup_errors=True) as temporary:
            folder = Path(arguments.keep or temporary)
            folder.mkdir(parents=True, exist_ok=True)
            if arguments.report:
                Path(arguments.report).parent.mkdir(parents=True, exist_ok=True)
            file = folder / "images.json"
            file.write_text(json.dumps(images(suite)))
            isolation.enter()
            with Cluster(folder, found, "--images", str(file), "--show", str(suite), "--longest-grace", "3") as cluster:
                cluster.install(crds.folder())
                cluster.kubectl("apply", "--validate=false", "-f", "-", text=SHARED if arguments.mode == "shared" else CLASS)
                return asyncio.run(run(cluster, folder, suite, arguments))
    except (NoProgramsError, isolation.NoIsolationError) as error:
        print(f"conformance is skipped: {error}")
        return int(os.environ.get("CI") == "true")
    except DiedError as error:
        print(error)
        return 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", default="", help="tests by their short names, with | between them")
    parser.add_argument("--parallel", type=int, default=2, help="how many tests at a time, of those that may")
    parser.add_argument("--report", default="", help="where the report is written; runs all tests one by one")
    parser.add_argument("--brief", action="store_true", help="print of each test that it begins, and how it ends")
    parser.add_argument("--mode", default="", choices=("", "shared"), help="shared: one set of proxies for all Gateways of the class")
    parser.add_argument("--keep", default="", help="where logs are, instead of a folder that goes with the run")
    sys.exit(main(parser.parse_args()))
