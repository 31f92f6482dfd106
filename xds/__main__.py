"""`pointsman`, and `python -m xds`."""

from __future__ import annotations

import os
import resource
import sys

from xds.cli.commands import run
from xds.security import NO_SUITE_BELOW_1_3


def settle() -> None:
    """What must be so before anything of gRPC runs, which reads its settings once."""
    os.environ["GRPC_SSL_CIPHER_SUITES"] = NO_SUITE_BELOW_1_3
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it would write a line for every handshake that fails, whoever began it
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # our only child becomes Envoy at once; its fork handlers would only harm


def main() -> None:
    settle()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold private keys
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
