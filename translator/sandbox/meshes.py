"""Forks in meshes: for each Service of a RouteGroup with mesh output, which key leads to which other Service.

The same wishes as at Gateways, and the same winner. What comes of them as objects is for `translator/mesh`; which of them a mesh
is told of depends on whether their endpoints are ready, for a mesh has no baseline to fall back to.
"""

from __future__ import annotations

from itertools import groupby

from translator.engine import Facts, Table, View, rule
from translator.inputs import ROUTE_GROUP, SERVICE
from translator.ir import names
from translator.ir.cluster import Fork, Use
from translator.ir.finding import Finding
from translator.ir.keys import HEADER, KeyRule, Spelling
from translator.ir.mesh import Branch, MeshPort, MeshRoute, Way
from translator.ir.tables import CLUSTER, ENDPOINTS, FORK, OUT_MESH, REFUSED
from translator.ir.value import Row
from translator.resources.core import Service, ServicePort
from translator.resources.sandbox import USUAL, KeyHeader, RouteGroup
from translator.sandbox.forks import State, Wish, answers, heard, invalid
from translator.sandbox.rules import STATE, WISH, answering_for


class Meshed(Row, frozen=True, gc=False, kw_only=True):
    """A key that leads from one port of a Service to another Service: all its requests, or those of one rule. To port 0 of the
    Service itself: there is no fork for them.
    """

    created: str  # of the RouteGroup: of several with the same key the oldest decides
    group: str
    key: str
    sandbox: str  # key
    spellings: tuple[Spelling, ...]
    port: int
    to: Use
    place: int = 0  # of the rule
    rule: KeyRule = KeyRule()
    sets: tuple[tuple[str, str], ...] = ()

    @property
    def forked(self) -> bool:
        """Whether anything is to answer in the place of the baseline."""
        return self.to.kind != "Service" or self.to.port > 0


Wrong = tuple[State, Finding | None]
MESHED = Table[tuple[str, str], Meshed](  # (output, Service)
    "Meshed", order=lambda one: (one.key, one.created, one.group, one.place, one.port)
)


@rule(over=WISH, into=(MESHED, FORK, STATE, REFUSED))
def meshed(view: View, key: tuple[str, str, str]) -> Facts:
    """A fork for each port of the Service that its target has. What it lacks stays with the baseline, unless it lacks them all."""
    group, _, service = key
    of = view.one(ROUTE_GROUP, group)
    if of.spec.mesh_output == "None" or service.startswith("Backend/"):
        return
    wishes = heard(view.list(WISH, key))[0]
    for place, wish in enumerate(wishes):
        yield from _led(view, of, key, wish, None if wishes[0].rule.takes_all else place)


def _led(view: View, of: RouteGroup, key: tuple[str, str, str], wish: Wish, place: int | None) -> Facts:
    """One rule of a key. Where it is not the only one, it has its place, and keeps its requests from those behind it."""
    group, routing_key, service = key
    found, wrong = forked(view, wish, service, anything=of.spec.mesh_output == "Sidecar")
    if wrong and not found:
        why, told = wrong[0]
        yield STATE(wish.sandbox, why)
        if told:
            yield REFUSED(("Sandbox", wish.sandbox), told)
    for number, to in found:
        prefix = names.mesh(group, service, number)
        made = Use("Sandbox", wish.sandbox, fork=names.fork(prefix, routing_key, place))
        yield FORK(made, Fork(to=to, prefix=prefix, key=routing_key))
        yield STATE(wish.sandbox, State(wish.place, "", target=to))
    led = dict(found)
    for port in streams(view.get(SERVICE, service)):
        if port.port in led or place is not None:
            row = Meshed(
                created=of.metadata.creation_timestamp,
                group=group,
                key=routing_key,
                sandbox=wish.sandbox,
                spellings=spellings(of),
                port=port.port,
                to=led.get(port.port, Use("Service", service)),
                place=place or 0,
                rule=wish.rule,
                sets=wish.sets,
            )
            yield MESHED((of.spec.mesh_output, service), row)


def forked(view: View, wish: Wish, service: str, *, anything: bool) -> tuple[list[tuple[int, Use]], list[Wrong]]:
    """Ports of the baseline with what answers in their place, and what is wrong with the others. `anything`: a Backend may, too."""
    baseline = view.get(SERVICE, service)
    if baseline is None:
        return [], [refused(invalid(wish.sandbox, wish.place, f"Service {service} does not exist"), wish.place)]
    found: list[tuple[int, Use]] = []
    wrong: list[Wrong] = []
    for port in streams(baseline):
        to, why = answering_for(view, wish, Use("Service", service, port.port))
        if to.kind != "Service" and not anything:
            wrong.append(refused(no_service(wish.sandbox, wish.place, to), wish.place))
        elif why:
            wrong.append((why, invalid(wish.sandbox, wish.place, why.message) if why.reason == "InvalidTarget" else None))
        else:
            found.append((port.port, to))
    return found, wrong


def refused(told: Finding, place: int) -> Wrong:
    return State(place, "InvalidTarget", told.message), told


@rule(over=MESHED, into=(OUT_MESH,))
def mesh_route(view: View, key: tuple[str, str]) -> Facts:
    """A port that the fork lacks stays with the baseline. Sidecars of ours have no objects."""
    if key[0] == "Sidecar":
        return
    found = view.list(MESHED, key)
    decides = {one.key: one.group for one in reversed(found)}  # of several RouteGroups with one key the first
    oldest = [one for one in found if one.group == decides[one.key]]
    branches = [_branch(view, [*rows]) for _, rows in groupby(oldest, lambda one: (one.key, one.place))]
    ports = tuple(MeshPort(one.port, grpc=speaks_grpc(one)) for one in streams(view.get(SERVICE, key[1])))
    yield OUT_MESH(key, MeshRoute(service=key[1], ports=ports, branches=tuple(branches)))


def _branch(view: View, rows: list[Meshed]) -> Branch:
    first = rows[0]
    ways = [Way(one.port, one.to.port, ready=answers(view.get(CLUSTER, one.to), view.get(ENDPOINTS, one.to))) for one in rows]
    target = next((one.to.key.partition("/")[2] for one in rows if one.to.port), "")
    return Branch(key=first.key, spellings=first.spellings, target=target, ways=tuple(ways), rule=first.rule, sets=first.sets)


def streams(service: Service | None) -> list[ServicePort]:
    return [one for one in service.spec.ports if one.protocol == "TCP"] if service else []


def speaks_grpc(port: ServicePort) -> bool:
    """By its appProtocol, or by its name as Istio reads it."""
    return port.app_protocol in ("grpc", "kubernetes.io/grpc") or port.name == "grpc" or port.name.startswith("grpc-")


def spellings(group: RouteGroup) -> tuple[Spelling, ...]:
    spec = group.spec
    spelled = [KeyHeader(name=HEADER), KeyHeader(name=spec.routing_key_header), *(USUAL if spec.headers is None else spec.headers)]
    return tuple(dict.fromkeys(Spelling(one.name.lower(), one.member if one.format != "Plain" else "") for one in spelled))


def no_service(key: str, place: int, to: Use) -> Finding:
    message = f"{to.kind} {to.key} is no Service, which is all that a mesh can send to, so the baseline answers"
    path = ("spec", "services", place, "targetRef")
    fix = "make a Service for it, and name that"
    return Finding(code="PM0731", kind="Sandbox", key=key, message=message, path=path, fix=fix, severity="warning")


FORKS = (meshed,)
OUTPUT = (mesh_route,)
