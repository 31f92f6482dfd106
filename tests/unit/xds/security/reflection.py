"""What methods a gRPC server really has, read out of the server object itself: nobody has to keep a list of them."""

from __future__ import annotations

import gc
from typing import NamedTuple

import grpc.aio


class Registered(NamedTuple):
    path: str
    request_streaming: bool
    response_streaming: bool


def methods(server: grpc.aio.Server) -> list[Registered]:
    """All of them, by path. grpc keeps handlers in a list and a dictionary that only the collector can reach."""
    found = {}
    for held in gc.get_referents(server._server):
        if isinstance(held, list):
            for generic in held:
                found.update(generic._method_handlers)
        elif isinstance(held, dict):
            found.update(held)
    return [Registered(str(path), one.request_streaming, one.response_streaming) for path, one in sorted(found.items())]
