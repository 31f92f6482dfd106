"""The rules of this front: who wants which key, which fork there is for it, and what is said of that. No decisions here."""

from __future__ import annotations

from translator.engine import Facts, Table, View, rule
from translator.inputs import BACKEND, ROUTE_GROUP, SANDBOX, SERVICE
from translator.ir import names
from translator.ir.cluster import Use
from translator.ir.output import Status
from translator.ir.tables import CLUSTER, CLUSTER_USE, ENDPOINTS, FORK, FORK_KEY, FORKABLE, OUT_STATUS, REFUSED
from translator.sandbox.forks import State, Wish, answers, conflict, invalid, not_routed, problem, ready, target
from translator.sandbox.keys import keys

GROUPS_IN = Table[str, str]("GroupsIn")  # namespace → its RouteGroups
WISH = Table[tuple[str, str, str], Wish]("Wish", order=lambda wish: wish)  # (RouteGroup, key, Service)
STATE = Table[str, State]("State", order=lambda state: state.place)  # Sandbox


@rule(over=ROUTE_GROUP, into=(GROUPS_IN,))
def groups_in_namespace(view: View, key: str) -> Facts:
    yield GROUPS_IN(view.one(ROUTE_GROUP, key).namespace, key)


@rule(over=SANDBOX, into=(WISH,))
def wishes(view: View, key: str) -> Facts:
    one = view.one(SANDBOX, key)
    for group in view.list(GROUPS_IN, one.namespace):
        for routing_key in keys(view.one(ROUTE_GROUP, group), one):
            for place, service in enumerate(one.spec.services):
                wanted = (group, routing_key, f"{one.namespace}/{service.name}")
                yield WISH(wanted, Wish(one.metadata.creation_timestamp, key, place))


@rule(over=WISH, into=(FORK, CLUSTER_USE, STATE, REFUSED))
def fork(view: View, key: tuple[str, str, str]) -> Facts:
    """A fork for each upstream that routes have of the Service: one for each of its ports, and for gRPC one that speaks it."""
    group, routing_key, service = key
    first, *others = view.list(WISH, key)
    for other in others:
        told = conflict(other.sandbox, routing_key, service, first, other.place)
        yield STATE(other.sandbox, State(other.place, "Conflicted", told.message))
        yield REFUSED(("Sandbox", other.sandbox), told)
    uses = dict.fromkeys(view.list(FORKABLE, (group, service)))
    if not uses and view.one(ROUTE_GROUP, group).spec.mesh_output == "None":
        told = not_routed(first.sandbox, first.place, service, group)
        yield STATE(first.sandbox, State(first.place, "NotRouted", told.message))
        yield REFUSED(("Sandbox", first.sandbox), told)
    for proxies, baseline in uses:
        yield from forked(view, first, proxies, baseline, names.forks(group, names.cluster(baseline)) + routing_key)


def forked(view: View, wish: Wish, proxies: str, baseline: Use, name: str) -> Facts:
    one = view.one(SANDBOX, wish.sandbox)
    to = target(one.spec.services[wish.place], baseline, one.namespace)
    wrong = problem(to, view.get(SERVICE, to.key) if to.kind == "Service" else view.get(BACKEND, to.key))
    if wrong:
        yield STATE(wish.sandbox, State(wish.place, "InvalidTarget", wrong))
        yield REFUSED(("Sandbox", wish.sandbox), invalid(wish.sandbox, wish.place, wrong))
        return
    made = Use("Sandbox", wish.sandbox, fork=name)
    yield FORK(made, to)
    yield CLUSTER_USE((proxies, made), f"Sandbox/{wish.sandbox}")
    yield STATE(wish.sandbox, State(wish.place, "", target=to))


@rule(over=FORK, into=(FORK_KEY,))
def answering(view: View, made: Use) -> Facts:
    """The keys that a route may lead to for a proxy that cannot look whether a fork is there."""
    to = view.one(FORK, made)
    if answers(view.get(CLUSTER, to), view.get(ENDPOINTS, to)):
        before, slash, key = made.fork.rpartition("/")
        yield FORK_KEY(before + slash, key)


@rule(over=SANDBOX, into=(OUT_STATUS,))
def sandbox_status(view: View, key: str) -> Facts:
    states = [*dict.fromkeys(view.list(STATE, key))]
    targets = dict.fromkeys(state.target for state in states if state.target)
    silent = [f"{to.kind} {to.key}" for to in targets if not answers(view.get(CLUSTER, to), view.get(ENDPOINTS, to))]
    condition = ready(states, silent)
    phase = "Running" if condition.status else "Pending"
    yield OUT_STATUS(("Sandbox", key), Status(generation=view.one(SANDBOX, key).metadata.generation, phase=phase, conditions=(condition,)))


FORKS = (groups_in_namespace, wishes, fork)
STATUS = (answering, sandbox_status)
