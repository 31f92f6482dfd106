"""`pointsman`, and `python -m xds`."""

from __future__ import annotations

import os
import sys

from xds.cli.commands import run


def main() -> None:
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # our only child becomes Envoy at once; gRPC's fork handlers would only warn
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
