"""A gRPC client that asks xDS itself: `python -m tests.e2e.proxyless TARGET` calls once for each line it reads, and prints the answer."""

from __future__ import annotations

import sys

import grpc

METHOD = "/test.Names/Own"


def main(target: str) -> None:
    with grpc.insecure_channel(target) as channel:
        call = channel.unary_unary(METHOD)
        for _ in sys.stdin:
            try:
                print(call(b"", timeout=20).decode(), flush=True)
            except grpc.RpcError as error:
                print(f"failed: {error}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
