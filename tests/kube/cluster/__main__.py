"""`make cluster`: starts one, prints the KUBECONFIG, and stays until it is interrupted. `--nodes`: also runs Pods.

A cluster with nodes is in a network of its own: `-- COMMAND` runs a command in there with KUBECONFIG set, then ends the cluster
and has its exit code; without one it prints how to get in. `--images FILE`, `--show DIR` and `--keep DIR` go with it.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.kube.cluster import isolation
from tests.kube.cluster.cluster import Cluster
from tests.kube.cluster.control_plane import ControlPlane
from tests.kube.cluster.process import DiedError
from tests.kube.cluster.programs import NoProgramsError, programs
from xds import crds


def main(arguments: argparse.Namespace, command: list[str]) -> int:
    try:
        if arguments.nodes:
            isolation.check()
        found = programs()
        with tempfile.TemporaryDirectory(prefix="pointsman-cluster-", ignore_cleanup_errors=True) as temporary:
            folder = Path(arguments.keep or temporary)
            folder.mkdir(parents=True, exist_ok=True)
            if arguments.nodes:
                isolation.enter()
            with Cluster(folder, found, *_options(arguments)) if arguments.nodes else ControlPlane(folder, found) as cluster:
                cluster.install(crds.folder())
                return _stay(cluster, found.folder, command, nodes=arguments.nodes)
    except (NoProgramsError, DiedError, isolation.NoIsolationError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _options(arguments: argparse.Namespace) -> list[str]:
    images = ["--images", arguments.images] if arguments.images else []
    return [*images, *(word for one in arguments.show for word in ("--show", one))]


def _stay(cluster: ControlPlane, programs: Path, command: list[str], *, nodes: bool) -> int:
    path = f"{programs}:{os.environ['PATH']}"
    if command:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        return subprocess.run(command, env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "PATH": path}, check=False).returncode
    if nodes:
        print(f"# it is in a network of its own: nsenter -t {os.getpid()} -n -m", flush=True)
    print(f"export KUBECONFIG={cluster.kubeconfig}", f"export PATH={programs}:$PATH", sep="\n", flush=True)
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", action="store_true", help="two nodes that run Pods, kube-proxy, addresses for Services")
    parser.add_argument("--images", default="", help="with --nodes: a file of images, see node/images.py")
    parser.add_argument("--show", action="append", default=[], help="with --nodes: a folder of this machine that containers see")
    parser.add_argument("--keep", default="", help="where its files and logs are, instead of a folder that goes with it")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    sys.exit(main(parser.parse_args(words[:end]), words[end + 1 :]))
