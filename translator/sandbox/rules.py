"""The rules of this front: who wants which key, which fork there is for it, and what is said of that. No decisions here."""

from __future__ import annotations

from functools import partial

from msgspec import structs

from translator.engine import Facts, Table, View, rule
from translator.inputs import BACKEND, LOCAL_WORKLOAD, ROUTE_GROUP, SANDBOX, SERVICE
from translator.ir import names
from translator.ir.cluster import Fork, Use
from translator.ir.keys import KeyRule, KeyRules, KeyWay
from translator.ir.output import Condition, Status
from translator.ir.tables import (
    CLUSTER,
    CLUSTER_USE,
    COPYING,
    ENDPOINTS,
    EXPIRED,
    FOLLOWS,
    FORK,
    FORK_KEY,
    FORKABLE,
    KEY_RULES,
    OUT_STATUS,
    REFUSED,
)
from translator.sandbox.copies import changed, declared
from translator.sandbox.copies import forked as forked_as_declared
from translator.sandbox.forks import (
    DECLARED,
    State,
    Target,
    Wish,
    answers,
    conflict,
    heard,
    invalid,
    not_routed,
    problem,
    ready,
    services,
    target,
)
from translator.sandbox.keys import SELECTED, YOUNGER, keys, rule_of, sets_of
from translator.sandbox.lifetime import over

GROUPS_IN = Table[str, str]("GroupsIn")  # namespace → its RouteGroups
SANDBOXES_IN = Table[str, str]("SandboxesIn")  # namespace → its Sandboxes
WISH = Table[tuple[str, str, str], Wish]("Wish", order=lambda wish: wish)  # (RouteGroup, key, Service)
STATE = Table[str, State]("State", order=lambda state: state.place)  # Sandbox


@rule(over=ROUTE_GROUP, into=(GROUPS_IN,))
def groups_in_namespace(view: View, key: str) -> Facts:
    yield GROUPS_IN(view.one(ROUTE_GROUP, key).namespace, key)


@rule(over=SANDBOX, into=(SANDBOXES_IN, WISH))
def wishes(view: View, key: str) -> Facts:
    """What is over wants nothing, and leads to nothing."""
    one = view.one(SANDBOX, key)
    if over(one, view.get(EXPIRED, ("Sandbox", key))):
        return
    yield SANDBOXES_IN(one.namespace, key)
    changes = changed(view, key)
    for group in view.list(GROUPS_IN, one.namespace):
        through = view.one(ROUTE_GROUP, group)
        if over(through, view.get(EXPIRED, ("RouteGroup", group))):
            continue
        leaders = [group, *dict.fromkeys(view.list(FOLLOWS, group))]
        for routing_key, route in keys(through, one):
            wish = Wish(route, one.metadata.creation_timestamp, key, 0, rule_of(through, route), sets_of(through, route))
            for place, service in changes.items():
                for number, leader in enumerate(leaders):
                    wanted = (leader, routing_key, names.baseline(service.kind, f"{one.namespace}/{service.name}"))
                    yield WISH(wanted, structs.replace(wish, place=place, route=behind(route) if number else route))


def behind(route: int) -> int:
    return route if route == SELECTED else route + YOUNGER


@rule(over=WISH, into=(FORK, FORK_KEY, KEY_RULES, CLUSTER_USE, STATE, REFUSED))
def fork(view: View, key: tuple[str, str, str]) -> Facts:
    """A fork for each upstream that routes have of the Service: one for each of its ports, and for gRPC one that speaks it.

    Where one takes all requests of the key, that is all. Else each has a place, and rules say which requests it takes.
    """
    group, routing_key, service = key
    found, others = heard(view.list(WISH, key))
    first = found[0]
    for other in others:
        told = conflict(other.sandbox, routing_key, service, first, other.place)
        yield STATE(other.sandbox, State(other.place, "Conflicted", told.message))
        yield REFUSED(("Sandbox", other.sandbox), told)
    uses = dict.fromkeys(view.list(FORKABLE, (group, service)))
    meshed = view.one(ROUTE_GROUP, group).spec.mesh_output != "None"
    led = uses or meshed or view.count(FOLLOWS, group)  # who follows another is served there
    for one in dict.fromkeys((one.sandbox, one.place) for one in found) if not led else ():
        told = not_routed(*one, service, group)
        yield STATE(one[0], State(one[1], "NotRouted", told.message))
        if one[1] < DECLARED:  # of the Services that lead to a fork many may have no route
            yield REFUSED(("Sandbox", one[0]), told)
    ruled = not first.rule.takes_all
    for proxies, baseline in uses:
        prefix = names.forks(group, names.cluster(baseline))
        for place, wish in enumerate(found):
            yield from forked(view, wish, proxies, baseline, KeyWay(routing_key, place, prefix, wish.rule), ruled=ruled)
        if ruled:
            yield KEY_RULES((proxies, f"{group}/{routing_key}"), KeyRules(prefix + routing_key, tuple(wish.rule for wish in found)))


def forked(view: View, wish: Wish, proxies: str, baseline: Use, way: KeyWay, *, ruled: bool) -> Facts:
    """One fork. The cluster of `way` is the prefix of all forks of the baseline."""
    to, why = answering_for(view, wish, baseline)
    if why:
        yield STATE(wish.sandbox, why)
        if why.reason == "InvalidTarget":
            yield REFUSED(("Sandbox", wish.sandbox), invalid(wish.sandbox, wish.place, why.message))
        if ruled:
            yield FORK_KEY(way.cluster, KeyWay(way.key, way.place, "", way.rule))
        return
    made = Use("Sandbox", wish.sandbox, fork=names.fork(way.cluster, way.key, way.place if ruled else None))
    rule = way.rule if ruled else None
    yield FORK(made, Fork(to=to, prefix=way.cluster, key=way.key, sets=wish.sets, place=way.place, rule=rule))
    yield CLUSTER_USE((proxies, made), f"Sandbox/{wish.sandbox}")
    yield STATE(wish.sandbox, State(wish.place, "", target=to))


def answering_for(view: View, wish: Wish, baseline: Use) -> tuple[Use, State | None]:
    """What is to answer, and if it cannot, why; one that is still being made is no fault of anybody."""
    one = view.one(SANDBOX, wish.sandbox)
    service = changed(view, wish.sandbox)[wish.place]
    to = target(service, baseline, one.namespace)
    found = found_at(view, to)
    wrong = problem(to, found, (one.metadata.name, service.name))
    if not wrong:
        return to, None
    if found is None and declared(one, wish.place) and view.get(COPYING, ""):
        return to, State(wish.place, "NotMade", f"its fork is not there yet: {wrong}")
    return to, State(wish.place, "InvalidTarget", wrong)


def found_at(view: View, to: Use) -> Target | None:
    if to.kind == "Service":
        return view.get(SERVICE, to.key)
    return view.get(LOCAL_WORKLOAD, to.key) if to.kind == "LocalWorkload" else view.get(BACKEND, to.key)


@rule(over=FORK, into=(FORK_KEY,))
def answering(view: View, made: Use) -> Facts:
    """The keys that a route may lead to for a proxy that cannot look whether a fork is there."""
    one = view.one(FORK, made)
    there = answers(view.get(CLUSTER, one.to), view.get(ENDPOINTS, one.to))
    if there or one.rule:
        yield FORK_KEY(one.prefix, KeyWay(one.key, one.place, made.fork if there else "", one.rule or KeyRule()))


@rule(over=SANDBOX, into=(OUT_STATUS,))
def sandbox_status(view: View, key: str) -> Facts:
    one = view.one(SANDBOX, key)
    told = partial(Status, generation=one.metadata.generation, routing_key=one.routing_key)
    if over(one, view.get(EXPIRED, ("Sandbox", key))):
        ended = Condition(type="Ready", status=False, reason="Expired", message="its time is over, so the baseline answers")
        yield OUT_STATUS(("Sandbox", key), told(phase="Terminating", conditions=(ended,)))
        return
    states = [*dict.fromkeys(view.list(STATE, key))]
    targets = dict.fromkeys(state.target for state in states if state.target)
    silent = [to for to in targets if not answers(view.get(CLUSTER, to), view.get(ENDPOINTS, to))]
    condition = ready(states, [f"{to.kind} {to.key}" for to in silent])
    made = forked_as_declared(view, key)
    failed = condition.reason == "InvalidTarget" or (made is not None and made.reason == "Failed")
    phase = "Running" if condition.status else "Failed" if failed else "Pending"
    each = services(changed(view, key), states, silent)
    conditions = (condition, made) if made else (condition,)
    yield OUT_STATUS(("Sandbox", key), told(phase=phase, conditions=conditions, services=each))


INDEXES = (groups_in_namespace,)
FORKS = (wishes, fork)
STATUS = (answering, sandbox_status)
