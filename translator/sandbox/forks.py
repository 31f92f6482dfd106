"""What a fork is sent to, and what is wrong with it. Knows Services and Backends as values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from translator.ir.cluster import Cluster, Endpoints, Use
from translator.ir.finding import Finding
from translator.ir.keys import KeyRule
from translator.ir.output import Condition, ServiceStatus
from translator.ir.value import Row
from translator.resources.backend import Backend
from translator.resources.core import Service
from translator.resources.localworkload import LocalWorkload
from translator.resources.sandbox import SandboxService
from translator.sandbox.keys import SELECTED

Target = Service | Backend | LocalWorkload
DECLARED = 1000  # places from here on are those of forks that the Sandbox declares, so many for each
EACH = 100
TOLD = 64  # services in a status


class Wish(Row, frozen=True, gc=False, order=True):
    """A Sandbox that wants requests of one key for one Service. Those that routes of the RouteGroup name come first, in the
    order of these; of the others the oldest, then the first by name.
    """

    route: int  # the place of the route, or SELECTED
    created: str
    sandbox: str
    place: int  # in its services
    rule: KeyRule = KeyRule()
    sets: tuple[tuple[str, str], ...] = ()


class State(Row, frozen=True, gc=False, order=True):
    """What became of one wish: a fork, or the reason why there is none."""

    place: int
    reason: Literal["", "NotRouted", "Conflicted", "InvalidTarget", "NotMade"]
    message: str = ""
    target: Use | None = None


def heard(wishes: Sequence[Wish]) -> tuple[list[Wish], list[Wish]]:
    """Those that some request can reach, and the others: behind one that takes all, or not named where others are."""
    found: list[Wish] = []
    lost: list[Wish] = []
    for one in wishes:
        behind = bool(found) and (found[-1].rule.takes_all or found[-1].route < one.route == SELECTED)
        if not behind:
            found.append(one)
        elif all((one.sandbox, one.place) != (other.sandbox, other.place) for other in found):
            lost.append(one)
    return found, lost


def target(service: SandboxService, baseline: Use, namespace: str) -> Use:
    """The upstream that answers. It speaks what the baseline is spoken to."""
    ref = service.target_ref
    port = (ref.port or baseline.port) if ref.kind == "Service" else 0
    return Use(ref.kind, f"{namespace}/{ref.name}", port, baseline.speaks)


def problem(to: Use, found: Target | None, wish: tuple[str, str] = ("", "")) -> str:
    """Why it cannot answer, or nothing. An ExternalName is not followed: a name that somebody else resolves. `wish` are the names of
    the Sandbox and of the Service that it wants to change.
    """
    if found is None:
        return f"{to.kind} {to.key} does not exist"
    if isinstance(found, LocalWorkload) and (found.spec.sandbox_ref.name, found.spec.service.name) != wish:
        return f"LocalWorkload {to.key} is for Service {found.spec.service.name} of Sandbox {found.spec.sandbox_ref.name}"
    if isinstance(found, Service):
        if found.spec.type == "ExternalName":
            return f"Service {to.key} is of type ExternalName, which is not followed"
        if not any(port.port == to.port and port.protocol == "TCP" for port in found.spec.ports):
            return f"Service {to.key} has no TCP port {to.port}"
    return ""


def answers(cluster: Cluster | None, known: Endpoints | None) -> bool:
    """Whether requests would be sent there: names are looked up by Envoy, so they count."""
    if cluster is None or cluster.sealed:
        return False
    return cluster.discovery == "dns" or bool(known and known.endpoints)


def ready(states: list[State], silent: list[str]) -> Condition:
    """One condition of all services: the first that no key leads to gives the reason. `silent` are targets without an endpoint. Of the
    Services that lead to one fork it is enough that some are routed.
    """
    reached = {state.place for state in states if state.target}
    forks = {_fork(place) for place in reached} - {None}
    wrong = [state for state in states if state.place not in reached and not (state.reason == "NotRouted" and _fork(state.place) in forks)]
    if not states:
        reason, message = "NoRouteGroup", "no RouteGroup of its namespace leads to it"
    elif wrong:
        reason, message = wrong[0].reason, "; ".join(dict.fromkeys(state.message for state in wrong))
    elif silent:
        reason, message = "NoEndpoints", f"{', '.join(silent)} has no endpoint that is ready, so the baseline answers"
    else:
        return Condition(type="Ready", status=True, reason="Ready")
    return Condition(type="Ready", status=False, reason=reason, message=message)


def _fork(place: int) -> int | None:
    """Which of those that the Sandbox declares."""
    return (place - DECLARED) // EACH if place >= DECLARED else None


def services(changed: Mapping[int, SandboxService], states: list[State], silent: Collection[Use]) -> tuple[ServiceStatus, ...]:
    """Each service as its Sandbox names them; of forks that lead to very many the first, for one too many and none would be written."""
    told = [*changed.items()][:TOLD]
    return tuple(_service(spec.name, [state for state in states if state.place == place], silent) for place, spec in told)


def _service(name: str, states: list[State], silent: Collection[Use]) -> ServiceStatus:
    reached = [state.target for state in states if state.target]
    if not reached:
        why = "; ".join(dict.fromkeys(state.message for state in states)) or "no RouteGroup of its namespace leads to it"
        return ServiceStatus(name=name, status="Pending", message=why)
    ready = [to for to in reached if to not in silent]
    if not ready:
        return ServiceStatus(name=name, status="Pending", message=f"{reached[0].kind} {reached[0].key} has no endpoint that is ready")
    namespace, _, target = ready[0].key.partition("/")
    address = f"{target}.{namespace}:{ready[0].port}" if ready[0].kind == "Service" else f"{ready[0].kind.lower()}/{ready[0].key}"
    return ServiceStatus(name=name, status="Running", endpoint=address)


def conflict(key: str, routing_key: str, service: str, other: Wish, place: int) -> Finding:
    why = "the older" if other.route == SELECTED else "by a route of the RouteGroup to"
    message = f'requests for {service} with key "{routing_key}" go {"to " if other.route == SELECTED else ""}{why} Sandbox {other.sandbox}'
    return _finding("PM0705", key, place, "name", message, "use another routingKey, or remove one of them")


def invalid(key: str, place: int, message: str) -> Finding:
    return _finding("PM0706", key, place, "targetRef", f"{message}, so the baseline answers", "create it or correct the reference")


def not_routed(key: str, place: int, service: str, group: str) -> Finding:
    message = f"no route sends to Service {service} where RouteGroup {group} has keys read"
    return _finding("PM0707", key, place, "name", message, "name a Service that routes of these Gateways send to")


def _finding(code: str, key: str, place: int, field: str, message: str, fix: str) -> Finding:
    path = ("spec", "services", place, field) if place < DECLARED else ("spec", "forks", (place - DECLARED) // EACH, "forkOf")
    return Finding(code=code, kind="Sandbox", key=key, message=message, path=path, fix=fix, severity="warning")
