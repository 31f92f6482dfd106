"""Forks as a mesh is told of them: which key leads from which Service to which. Knows no mesh and no object of one."""

from __future__ import annotations

from translator.ir.keys import Spelling
from translator.ir.value import Row


class MeshPort(Row, frozen=True, gc=False, order=True):
    """A port of the baseline. `grpc`: what it speaks has routes of its own in the Gateway API."""

    number: int
    grpc: bool = False


class Way(Row, frozen=True, gc=False, order=True):
    """From a port of the baseline to one of the fork; `ready` while an endpoint answers there."""

    port: int
    to: int
    ready: bool = False


class Branch(Row, frozen=True, gc=False, kw_only=True):
    """Where requests with one key go: a Service of the same namespace. The key counts in any of its spellings."""

    key: str
    spellings: tuple[Spelling, ...]
    target: str  # name
    ways: tuple[Way, ...]


class MeshRoute(Row, frozen=True, gc=False, kw_only=True):
    """All forks of one Service in one mesh. Branches are sorted by key, and there is one for each."""

    service: str  # key
    ports: tuple[MeshPort, ...]
    branches: tuple[Branch, ...]

    @property
    def namespace(self) -> str:
        return self.service.partition("/")[0]

    @property
    def name(self) -> str:
        return self.service.partition("/")[2]


def answering(route: MeshRoute) -> MeshRoute | None:
    """What is left of it where a fork that has no endpoint is none: its requests belong to the baseline."""
    kept = tuple(
        Branch(key=one.key, spellings=one.spellings, target=one.target, ways=ways)
        for one in route.branches
        if (ways := tuple(way for way in one.ways if way.ready))
    )
    return MeshRoute(service=route.service, ports=route.ports, branches=kept) if kept else None
