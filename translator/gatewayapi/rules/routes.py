"""HTTPRoutes: compiled once, wherever they attach; attached without regard to what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from translator.engine import Facts, View, rule
from translator.gatewayapi.attachment import attach, parent_ref, refused
from translator.gatewayapi.backends import backend_problem, referent, served_kind, service_problem, unresolved, use_of
from translator.gatewayapi.conditions import ACCEPTED, Problem
from translator.gatewayapi.durations import milliseconds
from translator.gatewayapi.filters import ON_BACKENDS, ON_RULES, mirrored_share, simple_filter
from translator.gatewayapi.hostnames import ANY, narrower
from translator.gatewayapi.matches import EVERYTHING, match
from translator.gatewayapi.precedence import precedence
from translator.gatewayapi.references import GATEWAY_GROUP
from translator.gatewayapi.rules.asking import labels_of, may_refer
from translator.gatewayapi.tables import COMPILED, FOUND, OURS, OWNER, PARENT, TARGET, USE, Compiled, ParentVerdict, Target
from translator.inputs import BACKEND, GATEWAY, HTTP_ROUTE, SERVICE
from translator.ir import names
from translator.ir.cluster import Use
from translator.ir.finding import Finding, Path
from translator.ir.route import Answer, Entry, Filter, Forward, Mirror, Place, Redirect, Share
from translator.ir.tables import CLUSTER_USE, ENTRIES, PLACED
from translator.resources.httproute import BackendObjectReference, BackendRef, HTTPRoute, ParentReference, RouteFilter, RouteRule

KIND = "HTTPRoute"
NOT_YET = {"retry": "retry", "session_persistence": "sessionPersistence"}


def route_id(key: str) -> str:
    return f"{KIND}/{key}"


@dataclass(slots=True)
class Compiling:
    """One route while it is compiled: where its parts are gathered."""

    view: View
    route: HTTPRoute
    entries: list[Entry] = field(default_factory=list)
    uses: dict[Use, str] = field(default_factory=dict)
    unresolved: list[Problem] = field(default_factory=list)
    dropped: list[Problem] = field(default_factory=list)
    lost: int = 0  # rules that answer nothing but 500, because a filter of theirs is not served


@rule(over=HTTP_ROUTE, into=(ENTRIES, COMPILED, FOUND))
def compile_route(view: View, key: str) -> Facts:
    """Matches, filters and backends, without regard to parents: a change of a Gateway compiles nothing anew."""
    route = view.one(HTTP_ROUTE, key)
    all_of = Compiling(view, route)
    rules = route.spec.rules or (RouteRule(),)
    for index, spec in enumerate(rules):
        compile_rule(all_of, index, spec)
    accepted = all_of.lost < len(rules)
    yield COMPILED(key, Compiled(tuple(all_of.uses), tuple(all_of.unresolved), tuple(all_of.dropped), accepted))
    if accepted:
        yield ENTRIES(route_id(key), tuple(all_of.entries))
    for problem in (*all_of.unresolved, *all_of.dropped):
        yield FOUND((KIND, key), problem.finding)
    for warning in not_yet(key, rules):
        yield FOUND((KIND, key), warning)


def not_yet(key: str, rules: Sequence[RouteRule]) -> Iterator[Finding]:
    """Fields that we know of and do not serve: said, never silent."""
    for index, spec in enumerate(rules):
        for name, written in NOT_YET.items():
            if getattr(spec, name) is not None:
                message = f"{written} is not served yet; the rule works without it"
                path = ("spec", "rules", index, written)
                yield Finding(code="PM0404", kind=KIND, key=key, message=message, path=path, severity="warning")


def compile_rule(all_of: Compiling, index: int, spec: RouteRule) -> None:
    """One entry for each match; all share filters and action."""
    key, created = all_of.route.key, all_of.route.metadata.creation_timestamp
    path: Path = ("spec", "rules", index)
    origin = (KIND, key)
    filters = filters_of(all_of, path, spec.filters)
    all_of.lost += filters is None
    action: Forward | Answer = Answer(500) if filters is None else action_of(all_of, path, spec, filters)
    for place, one in enumerate(spec.matches or EVERYTHING):
        wanted = match(one)
        entry = Entry(
            name=names.route(KIND, key, index, place),
            match=wanted,
            precedence=precedence(wanted, created, key, (index, place)),
            action=action,
            filters=filters or (),
            origin=origin,
            rule=index,
        )
        all_of.entries.append(entry)


def filters_of(all_of: Compiling, path: Path, specs: Sequence[RouteFilter], kinds: frozenset[str] = ON_RULES) -> tuple[Filter, ...] | None:
    """The filters as rows; None where one of them is not served, so that nothing must be served without it."""
    found: list[Filter] = []
    served = True
    for index, spec in enumerate(specs):
        at = (*path, "filters", index)
        if spec.type not in kinds:
            all_of.dropped.append(unserved(all_of.route.key, at, spec.type))
            served = False
        elif spec.type == "RequestMirror" and spec.request_mirror is not None:
            if cluster := cluster_of(all_of, (*at, "requestMirror", "backendRef"), spec.request_mirror.backend_ref):
                numerator, denominator = mirrored_share(spec.request_mirror)
                found.append(Mirror(cluster=cluster, numerator=numerator, denominator=denominator))
        elif (row := simple_filter(spec)) is not None:
            found.append(row)
    return tuple(found) if served else None


def unserved(key: str, path: Path, name: str) -> Problem:
    message = f"filter {name} is not served, so what it would have acted on is answered with 500"
    return Problem(
        ACCEPTED, "UnsupportedValue", Finding(code="PM0403", kind=KIND, key=key, message=message, path=path, fix="remove the filter")
    )


def action_of(all_of: Compiling, path: Path, spec: RouteRule, filters: Sequence[Filter]) -> Forward | Answer:
    """Where the rule sends requests. Without backends it answers 500, unless it redirects (`HTTPRouteRule.backendRefs`)."""
    if any(isinstance(one, Redirect) for one in filters):
        return Forward(shares=())
    shares = tuple(share_of(all_of, (*path, "backendRefs", place), ref) for place, ref in enumerate(spec.backend_refs))
    if not any(share.cluster and share.weight for share in shares):
        return Answer(500)
    times = spec.timeouts
    return Forward(
        shares=shares,
        timeout=milliseconds(times.request) if times and times.request else None,
        backend_timeout=milliseconds(times.backend_request) if times and times.backend_request else None,
    )


def share_of(all_of: Compiling, path: Path, ref: BackendRef) -> Share:
    """One backend's part; without a cluster where the reference or one of its filters cannot be served."""
    cluster = cluster_of(all_of, path, ref)
    filters = filters_of(all_of, path, ref.filters, ON_BACKENDS)
    return Share(cluster=cluster if filters is not None else "", weight=ref.weight, filters=filters or ())


def cluster_of(all_of: Compiling, path: Path, ref: BackendObjectReference) -> str:
    """The name of the cluster a reference means, or nothing, and then the problem is told."""
    to = referent(ref, all_of.route.namespace)
    if not served_kind(to):
        reason, code, message = "InvalidKind", "PM0205", f"{to.kind} of group {to.group or 'core'} is no kind of backend"
    elif not may_refer(all_of.view, KIND, all_of.route.namespace, to):
        reason, code, message = "RefNotPermitted", "PM0203", f"no ReferenceGrant in namespace {to.namespace} permits {to.kind} {to.key}"
    elif to.kind == "Service":
        reason, code, message = service_problem(all_of.view.get(SERVICE, to.key), to.key, ref.port)
    else:
        reason, code, message = backend_problem(all_of.view.get(BACKEND, to.key), to.key)
    if reason:
        all_of.unresolved.append(unresolved(KIND, all_of.route.key, path, reason, code, message))
        return ""
    use = use_of(ref, to)
    return all_of.uses.setdefault(use, names.cluster(use))


@rule(over=HTTP_ROUTE, into=(PLACED, PARENT, CLUSTER_USE, USE, FOUND))
def attach_route(view: View, key: str) -> Facts:
    """To which listeners a route attaches, and under which hosts its entries stand.

    A cluster exists in a group of proxies while a route that they serve uses it.
    """
    route = view.one(HTTP_ROUTE, key)
    compiled = view.one(COMPILED, key)
    places: dict[Place, None] = {}
    groups: dict[str, None] = {}
    for index, ref in enumerate(route.spec.parent_refs):
        if (ref.group, ref.kind) != (GATEWAY_GROUP, "Gateway"):
            continue
        gateway = f"{ref.namespace or route.namespace}/{ref.name}"
        group = view.get(OURS, gateway)
        if group is None:
            if view.get(GATEWAY, gateway) is None:
                yield FOUND((KIND, key), no_parent(key, index, gateway))
            continue
        problem, reached = reach(view, route, index, ref, gateway)
        if problem:
            yield FOUND((KIND, key), problem.finding)
        yield PARENT(key, ParentVerdict(index, parent_ref(ref), problem, tuple(target.id for target, _ in reached)))
        if compiled.accepted and reached:
            places.update((place, None) for target, hosts in reached for place in places_of(view, target, hosts))
            groups[group] = None
    for place in places:
        yield PLACED(route_id(key), place)
    for use in compiled.uses if groups else ():
        yield USE(use, route_id(key))
        for group in groups:
            yield CLUSTER_USE((group, use), route_id(key))


def no_parent(key: str, index: int, gateway: str) -> Finding:
    message = f"Gateway {gateway} does not exist"
    path = ("spec", "parentRefs", index, "name")
    return Finding(code="PM0401", kind=KIND, key=key, message=message, path=path, fix="create it or correct the name", severity="warning")


def reach(
    view: View, route: HTTPRoute, index: int, ref: ParentReference, gateway: str
) -> tuple[Problem | None, list[tuple[Target, list[str]]]]:
    targets = view.list(TARGET, (gateway, ref.section_name))
    labels = labels_of(view, route.namespace) if any(one.namespaces.from_ == "Selector" for one in targets) else {}
    reason, message, reached = attach(KIND, route.namespace, route.spec.hostnames, ref.port, targets, labels)
    return (refused(KIND, route.key, index, ref, reason, message) if reason else None), reached


def places_of(view: View, target: Target, hosts: Sequence[str]) -> Iterator[Place]:
    """The virtual hosts where the route stands for one listener: not those of a host that a narrower listener owns.

    A host belongs to the most specific listener of its port, and to no other (GEP-3567, listener isolation).
    """
    for port, table in target.tables:
        for host in hosts:
            if not any(view.get(OWNER, (port, narrow)) is not None for narrow in narrower(host, target.hostname)):
                yield Place(table, host or ANY)


RULES = (compile_route, attach_route)
