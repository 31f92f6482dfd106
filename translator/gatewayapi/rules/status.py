"""Statuses: what became of each object, said to whoever wrote it. Run last, when it is known what Envoy would refuse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import structs

from translator.engine import Fact, Facts, Table, View, rule
from translator.gatewayapi.addresses import bind_addresses, usable
from translator.gatewayapi.clientcerts import client_conditions
from translator.gatewayapi.conditions import (
    ACCEPTED,
    CONTROLLER,
    FOLLOWED,
    PARTIALLY_INVALID,
    PENDING,
    PROGRAMMED,
    RESOLVED_REFS,
    Problem,
    fails,
    holds,
    verdict,
)
from translator.gatewayapi.dropped import dropped_rules, falls_back, is_refused
from translator.gatewayapi.features import features
from translator.gatewayapi.parents import SET, is_default, listener_id, parent_id
from translator.gatewayapi.planes import addresses as addresses_of
from translator.gatewayapi.planes import obstacle, wanted
from translator.gatewayapi.tables import (
    CLASS_STATE,
    COMPILED,
    DECLARED,
    FOUND,
    LISTENER_STATE,
    OURS,
    PARAMETERS,
    PARENT,
    PRESENT_STATE,
    ROUTE_ON,
    SET_ON,
    SET_STATE,
    SLICES_OF,
    Compiled,
    Declared,
    ListenerState,
    Parameters,
    ParentVerdict,
)
from translator.inputs import (
    BACKEND,
    GATEWAY,
    GATEWAY_CLASS,
    GRPC_ROUTE,
    HTTP_ROUTE,
    LISTENER_SET,
    SERVICE,
    TCP_ROUTE,
    TLS_ROUTE,
    UDP_ROUTE,
)
from translator.ir import names
from translator.ir.finding import Finding
from translator.ir.output import Address, Awaited, Condition, ListenerStatus, ParentStatus, Status, fingerprint
from translator.ir.tables import ACKED, ENTRIES, GROUP, OUT_AWAITED, OUT_FINDINGS, OUT_PLANE, OUT_STATUS, REFUSED, UNFOLLOWED
from translator.resources.gateway import Gateway
from translator.resources.listenerset import ListenerSet

UNACKNOWLEDGED = fails(PROGRAMMED, "Pending", PENDING)
BY_PROXY = ("PM0605", "PM0606")
ROUTES: dict[str, Table[str, Any]] = {table.name: table for table in (HTTP_ROUTE, GRPC_ROUTE, TLS_ROUTE, TCP_ROUTE, UDP_ROUTE)}


@rule(over=CLASS_STATE, into=(OUT_STATUS,))
def class_status(view: View, key: str) -> Facts:
    state, generation = view.one(CLASS_STATE, key), view.one(GATEWAY_CLASS, key).metadata.generation
    condition = fails(ACCEPTED, "InvalidParameters", state.problem) if state.problem else holds(ACCEPTED)
    unfollowed = view.get(UNFOLLOWED, "")
    more = () if unfollowed is None else (fails(FOLLOWED, *unfollowed) if any(unfollowed) else holds(FOLLOWED, "AllFollowed"),)
    told = features(shared=bool(state.group), ways=state.ways)
    yield OUT_STATUS(("GatewayClass", key), Status(generation=generation, conditions=(condition, *more), supported_features=told))


@rule(over=PARENT, into=(OUT_STATUS, ROUTE_ON))
def route_status(view: View, name: str) -> Facts:
    """An accepted route counts for each listener it reaches, whatever the state of the listener (`attachedRoutes`)."""
    compiled = view.one(COMPILED, name)
    kind, key = compiled.origin
    refused = wrongs(view, compiled.origin)
    wrong = [*compiled.dropped, *(Problem(ACCEPTED, "UnsupportedValue", finding) for finding in refused)]
    found, served = view.list(PARENT, name), compiled.accepted and _served(view, name, refused)
    parents = tuple(parent_status(parent, compiled, wrong, served) for parent in found)
    yield OUT_STATUS(compiled.origin, Status(generation=view.one(ROUTES[kind], key).metadata.generation, parents=parents))
    for listener in dict.fromkeys(listener for parent in found for listener in parent.reached) if served else ():
        yield ROUTE_ON(listener, name)


def _served(view: View, name: str, refused: Sequence[Finding]) -> bool:
    """Whether anything of an accepted route is served: not all of its entries refused for Envoy, with nothing in their place."""
    entries = view.get(ENTRIES, name) if refused else None
    dropped = [finding for finding in refused if not falls_back(finding)]
    return not entries or any(not is_refused(entry, dropped) for entry in entries)


def wrongs(view: View, of: tuple[str, str]) -> Sequence[Finding]:
    """What Envoy would refuse or refused of an object; what only one proxy refuses is served."""
    found = view.list(REFUSED, of)
    return [finding for finding in found if finding.severity == "error"] if found else ()


@rule(over=OURS, into=(OUT_STATUS, OUT_AWAITED))
def gateway_status(view: View, key: str) -> Facts:
    """It is programmed when every proxy that serves it has acknowledged what it says now, where anybody knows that."""
    gateway = view.one(GATEWAY, key)
    states = listener_states(view, "Gateway", key, key)
    asked = view.one(PARAMETERS, key)
    group = view.get(GROUP, asked.group)
    facts, states = awaiting(view, asked.group, key, states)
    yield from facts
    if group and group.pods:
        addresses, states = in_pods(view, gateway, asked, states)
    else:
        bound = [address or (group.bind if group else "") for address in bind_addresses(gateway.spec.addresses)]
        addresses = tuple(Address(type="IPAddress", value=address) for address in bound if address)
    status = Status(
        generation=gateway.metadata.generation,
        conditions=(
            *gateway_conditions(gateway, states, asked.problem),
            *client_conditions(gateway, view.get(PRESENT_STATE, key)),
            *default_condition(gateway),
        ),
        addresses=addresses,
        listeners=listener_statuses(view, key, states),
        attached_listener_sets=attached_sets(view, key) if gateway.spec.allowed_listeners else None,
    )
    if group and group.awaits:
        sets = view.list(SET_ON, key)
        parents = (key, *(parent_id(SET, one) for one in sets))
        served = tuple(dict.fromkeys(name for parent in parents for name in served_by(view, parent)))
        said = revision(gateway, *(view.one(LISTENER_SET, one) for one in sets))
        yield OUT_AWAITED(("Gateway", key), Awaited(group=asked.group, revision=said, listeners=served))
        if view.get(ACKED, ("Gateway", key)) != said:
            status = structs.replace(status, conditions=tuple(map(unless_acknowledged, status.conditions)))
    yield OUT_STATUS(("Gateway", key), status)


def default_condition(gateway: Gateway) -> tuple[Condition, ...]:
    """Said by default Gateways alone (GEP-3793, "Controlling which Gateways accept Defaulted Routes")."""
    message = f"its default scope is {gateway.spec.default_scope}"
    return (holds("DefaultGateway", message=message),) if is_default(gateway) else ()


def listener_states(view: View, kind: str, key: str, parent: str) -> list[ListenerState]:
    """The listeners of a Gateway or ListenerSet, less what Envoy would refuse or refused of them and of their certificates."""
    refused = {finding.path: finding.message for finding in wrongs(view, (kind, key))}
    states = [without(state, refused.get(("spec", "listeners", state.index), "")) for state in view.list(LISTENER_STATE, parent)]
    return [unpresented(state, [each for one in state.secrets for each in wrongs(view, ("Secret", one))]) for state in states]


def served_by(view: View, parent: str) -> Iterator[str]:
    """The listeners of Envoy that serve a Gateway or a ListenerSet."""
    for state in view.list(LISTENER_STATE, parent):
        if one := view.get(DECLARED, listener_id(parent, state.name)):
            yield from map(names.listener, one.ports)


def awaiting(view: View, group: str, parent: str, states: Sequence[ListenerState]) -> tuple[list[Fact], list[ListenerState]]:
    """Each listener waits for its own: one that comes later, by a ListenerSet or when its certificate does, holds up no other."""
    run, facts, found = view.get(GROUP, group), list[Fact](), list[ListenerState]()
    for state in states:
        key = ("Listener", listener_id(parent, state.name))
        one = view.get(DECLARED, key[1]) if state.programmed and run and run.awaits else None
        if one:
            row = Awaited(group=group, revision=revision(one), listeners=tuple(map(names.listener, one.ports)))
            facts.append(OUT_AWAITED(key, row))
            found.append(state if view.get(ACKED, key) == row.revision else pending(state, UNACKNOWLEDGED))
        else:
            found.append(state)
    return facts, found


def in_pods(
    view: View, gateway: Gateway, asked: Parameters, states: list[ListenerState]
) -> tuple[tuple[Address, ...], list[ListenerState]]:
    """Where the proxies of a Gateway are reached, and what its listeners are while they are not: none of them is programmed."""
    plane, asks = view.get(OUT_PLANE, gateway.key if asked.ways else asked.group), wanted(gateway)
    if plane is None and asked.reached:
        return (), states
    found = addresses_of(view.get(SERVICE, plane.key), asks) if plane else ()
    why = obstacle(found, asks, view.list(SLICES_OF, plane.key) if plane else ())
    return found, [pending(state, why) if why and stoppable(state, asked) else state for state in states]


def stoppable(state: ListenerState, asked: Parameters) -> bool:
    """Whether a listener would be served but for its proxies."""
    return state.programmed or state.waits is not None or (state.accepted and not asked.reached)


def pending(state: ListenerState, why: Condition) -> ListenerState:
    """The state of a listener that no proxy serves yet."""
    others = tuple(one for one in state.conditions if one.type != PROGRAMMED)
    return structs.replace(state, programmed=False, waits=why, conditions=(*others, fails(PROGRAMMED, "Pending", why.message)))


def revision(*those: Gateway | ListenerSet | Declared) -> str:
    """What generation counts: another for each state of the spec. Files have no generations."""
    return fingerprint(b"".join(msgspec.json.encode(one.spec) for one in those))


def unless_acknowledged(one: Condition) -> Condition:
    """GEP-1364: Programmed tells that the data plane has it, and of which generation."""
    return UNACKNOWLEDGED if one.type == PROGRAMMED and one.status else one


def attached_sets(view: View, key: str) -> int:
    """ListenerSets of which a listener is served."""
    return sum(any(state.programmed for state in view.list(LISTENER_STATE, parent_id(SET, one))) for one in view.list(SET_ON, key))


def listener_statuses(view: View, parent: str, states: Sequence[ListenerState]) -> tuple[ListenerStatus, ...]:
    return tuple(listener_status(state, view.count(ROUTE_ON, listener_id(parent, state.name))) for state in states)


@rule(over=SET_STATE, into=(OUT_STATUS, OUT_AWAITED))
def listener_set_status(view: View, key: str) -> Facts:
    """A ListenerSet is accepted while one of its listeners is served, and programmed once that one is, where its Gateway is."""
    one, state, parent = view.one(LISTENER_SET, key), view.one(SET_STATE, key), parent_id(SET, key)
    states = listener_states(view, SET, key, parent)
    asked = view.one(PARAMETERS, state.gateway)
    facts, states = awaiting(view, asked.group, parent, states)
    yield from facts
    group = view.get(GROUP, asked.group)
    if group and group.pods:
        _, states = in_pods(view, view.one(GATEWAY, state.gateway), asked, states)
    conditions = set_conditions(state.refused, states)
    listeners = listener_statuses(view, parent, states)
    yield OUT_STATUS((SET, key), Status(generation=one.metadata.generation, conditions=conditions, listeners=listeners))


def set_conditions(refused: str, states: Sequence[ListenerState]) -> tuple[Condition, Condition]:
    if refused:
        return fails(ACCEPTED, "NotAllowed", refused), fails(PROGRAMMED, "NotAllowed", refused)
    bad = [state.name for state in states if not (state.accepted and (state.programmed or state.waits))]
    message = f"not served: listener {', '.join(bad)}" if bad else ""
    if len(bad) == len(states):
        return fails(ACCEPTED, "ListenersNotValid", message), fails(PROGRAMMED, "ListenersNotValid", message)
    waits = next((state.waits for state in states if state.waits), None)
    programmed = holds(PROGRAMMED) if waits is None or any(state.programmed for state in states) else waits
    return holds(ACCEPTED, "ListenersNotValid" if bad else "Accepted", message), programmed


def without(state: ListenerState, message: str) -> ListenerState:
    """The state of a listener that was left out because Envoy would refuse it."""
    if not message:
        return state
    others = tuple(one for one in state.conditions if one.type != PROGRAMMED)
    return structs.replace(state, programmed=False, conditions=(*others, fails(PROGRAMMED, "Invalid", message)))


def unpresented(state: ListenerState, refused: Sequence[Finding]) -> ListenerState:
    """The state of a listener with a certificate that Envoy refused: it serves only if there is an older one in its place."""
    if not refused:
        return state
    message = "; ".join(dict.fromkeys(one.message for one in refused))
    others = tuple(one for one in state.conditions if one.type != RESOLVED_REFS)
    found = structs.replace(state, conditions=(*others, fails(RESOLVED_REFS, "InvalidCertificateRef", message)))
    return found if all(map(falls_back, refused)) else without(found, message)


def listener_status(state: ListenerState, attached: int) -> ListenerStatus:
    return ListenerStatus(name=state.name, supported_kinds=state.kinds, attached_routes=attached, conditions=state.conditions)


def gateway_conditions(gateway: Gateway, states: Sequence[ListenerState], wrong: str = "") -> tuple[Condition, Condition]:
    """A Gateway is accepted while one of its listeners is, and programmed while one of them is. `wrong` is with its parameters."""
    if wrong:
        return fails(ACCEPTED, "InvalidParameters", wrong), fails(PROGRAMMED, "Invalid", wrong)
    odd = [address.value for address in gateway.spec.addresses if not usable(address)]
    if odd:
        message = f"no proxy can bind {', '.join(odd)}: only addresses of type IPAddress"
        return fails(ACCEPTED, "UnsupportedAddress", message), fails(PROGRAMMED, "Invalid", message)
    waits = next((state.waits for state in states if state.waits), None)
    bad = [state.name for state in states if not (state.accepted and (state.programmed or state.waits))]
    message = f"not served: listener {', '.join(bad)}" if bad else ""
    accepted = any(state.accepted for state in states)
    programmed = any(state.programmed for state in states)
    reason = "ListenersNotValid" if bad else "Accepted"
    return (
        holds(ACCEPTED, reason, message) if accepted else fails(ACCEPTED, "ListenersNotValid", message),
        holds(PROGRAMMED) if programmed else (waits or fails(PROGRAMMED, "Invalid", message)),
    )


ALL_WELL = (verdict(ACCEPTED, []), verdict(RESOLVED_REFS, []))  # of nearly all routes: one tuple for all


def parent_status(parent: ParentVerdict, compiled: Compiled, wrong: list[Problem], served: bool) -> ParentStatus:
    """`wrong` are rules not served as written: together with others that are, the route is partially invalid."""
    if not (wrong or parent.problem or compiled.unresolved):
        return ParentStatus(parent_ref=parent.ref, controller_name=CONTROLLER, conditions=ALL_WELL, group=parent.group)
    problems = [] if served else wrong
    accepted = verdict(ACCEPTED, [parent.problem] if parent.problem else problems)
    conditions = [accepted, verdict(RESOLVED_REFS, list(compiled.unresolved))]
    if wrong and served:
        conditions.append(holds(PARTIALLY_INVALID, wrong[0].reason, dropped_rules(problem.finding for problem in wrong)))
    group = parent.group if accepted.status else ""
    return ParentStatus(parent_ref=parent.ref, controller_name=CONTROLLER, conditions=tuple(conditions), group=group)


@rule(over=BACKEND, into=(OUT_STATUS,))
def backend_status(view: View, key: str) -> Facts:
    """It is accepted as written; `Programmed` is said only where a proxy does not take what is made of it."""
    refused = "; ".join(dict.fromkeys(finding.message for finding in wrongs(view, ("Backend", key)) if finding.code in BY_PROXY))
    conditions = (holds(ACCEPTED), fails(PROGRAMMED, "RefusedByProxy", refused)) if refused else (holds(ACCEPTED),)
    yield OUT_STATUS(("Backend", key), Status(generation=view.one(BACKEND, key).metadata.generation, conditions=conditions))


@rule(over=REFUSED, into=(FOUND,))
def refused(view: View, key: tuple[str, str]) -> Facts:
    for finding in view.list(REFUSED, key):
        yield FOUND(key, finding)


@rule(over=FOUND, into=(OUT_FINDINGS,))
def findings(view: View, key: tuple[str, str]) -> Facts:
    found: tuple[Finding, ...] = tuple(dict.fromkeys(view.list(FOUND, key)))
    yield OUT_FINDINGS(key, found)


RULES = (class_status, route_status, gateway_status, listener_set_status, backend_status, refused, findings)
