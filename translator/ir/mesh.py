"""Forks as a mesh is told of them: which key leads from which Service to which. Knows no mesh and no object of one."""

from __future__ import annotations

from msgspec.structs import replace

from translator.ir.keys import KeyRule, Spelling
from translator.ir.value import Row


class MeshPort(Row, frozen=True, gc=False, order=True):
    """A port of the baseline. `grpc`: what it speaks has routes of its own in the Gateway API."""

    number: int
    grpc: bool = False


class Way(Row, frozen=True, gc=False, order=True):
    """From a port of the baseline to one of the fork; `ready` while an endpoint answers there. To 0: no fork, so the baseline answers."""

    port: int
    to: int
    ready: bool = False


class Branch(Row, frozen=True, gc=False, kw_only=True):
    """Where requests with one key go that fit a rule: a Service of the same namespace. The key counts in any of its spellings. What
    the rule does not take is the baseline's.
    """

    key: str
    spellings: tuple[Spelling, ...]
    target: str  # name
    ways: tuple[Way, ...]
    rule: KeyRule = KeyRule()
    sets: tuple[tuple[str, str], ...] = ()  # headers on the way to the fork, whatever they were


class MeshRoute(Row, frozen=True, gc=False, kw_only=True):
    """All forks of one Service in one mesh. Branches are sorted by key; those of one key are its rules, of which the first that fits
    decides.
    """

    service: str  # key
    ports: tuple[MeshPort, ...]
    branches: tuple[Branch, ...]

    @property
    def namespace(self) -> str:
        return self.service.partition("/")[0]

    @property
    def name(self) -> str:
        return self.service.partition("/")[2]


def answering(route: MeshRoute, *, surely: bool = False) -> MeshRoute | None:
    """What is left of it where a fork without an endpoint is none: requests of its rule are the baseline's, and not those of the next
    rule. `surely`: all forks are taken to answer.
    """
    before: set[tuple[str, int]] = set()  # keys and ports that a later rule leads to a fork
    kept: list[Branch] = []
    for one in reversed(route.branches):
        live = {way.port: way for way in one.ways if way.to and (surely or way.ready) and one.rule.weight}
        ways = tuple(live.get(way.port, Way(way.port, 0)) for way in one.ways if way.port in live or (one.key, way.port) in before)
        before |= {(one.key, port) for port in live}
        if ways:
            kept.append(replace(one, ways=ways))
    return MeshRoute(service=route.service, ports=route.ports, branches=tuple(reversed(kept))) if kept else None
