"""`make cluster`: starts one, prints the KUBECONFIG, and stays until it is interrupted."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from tests.kube.cluster.control_plane import ControlPlane
from tests.kube.cluster.process import DiedError
from tests.kube.cluster.programs import NoProgramsError, programs
from xds import crds


def main() -> int:
    try:
        found = programs()
        temporary = tempfile.TemporaryDirectory(prefix="pointsman-cluster-", ignore_cleanup_errors=True)
        with temporary as folder, ControlPlane(Path(folder), found) as cluster:
            cluster.install(crds.folder())
            print(f"export KUBECONFIG={cluster.kubeconfig}", f"export PATH={found.folder}:$PATH", sep="\n", flush=True)
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
    except (NoProgramsError, DiedError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main())
