"""What routes of several kinds have alike while they are compiled: backends looked up, filters read, problems gathered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from translator.engine import Facts, View
from translator.gatewayapi.backends import backend_problem, referent, served_kind, service_problem, speaks_grpc, unresolved, use_of
from translator.gatewayapi.conditions import ACCEPTED, Problem
from translator.gatewayapi.durations import NO_TIMES, Times
from translator.gatewayapi.filters import ON_BACKENDS, ON_RULES, external_auth, is_blocked, mirrored_share, simple_filter
from translator.gatewayapi.rules.asking import may_refer
from translator.gatewayapi.tables import COMPILED, FOUND, TARGETED, Compiled
from translator.inputs import BACKEND, SERVICE
from translator.ir import names
from translator.ir.cluster import Speaks, Use
from translator.ir.finding import Finding, Path
from translator.ir.route import Answer, Entry, Filter, Forward, Match, Mirror, Precedence, Redirect, Share
from translator.ir.tables import ENTRIES
from translator.resources.grpcroute import GRPCRoute, GRPCRouteRule
from translator.resources.httproute import BackendObjectReference, BackendRef, HTTPRoute, RouteFilter, RouteRule
from translator.resources.streamroute import StreamRoute


def route_id(kind: str, key: str) -> str:
    """The key of a route in tables that hold routes of every kind."""
    return f"{kind}/{key}"


@dataclass(slots=True)
class Compiling:
    """One route while it is compiled: where its parts are gathered. `origin` is its kind and key. `missing` is what a share without its
    backend answers.
    """

    view: View
    origin: tuple[str, str]
    route: HTTPRoute | GRPCRoute | StreamRoute
    missing: Literal[500, 503] = 500
    entries: list[Entry] = field(default_factory=list)
    uses: dict[Use, str] = field(default_factory=dict)
    unresolved: list[Problem] = field(default_factory=list)
    dropped: list[Problem] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    lost: int = 0  # rules that answer nothing but an error, because a filter of theirs is not served

    @property
    def kind(self) -> str:
        return self.origin[0]

    def add(self, match: Match, precedence: Precedence, action: Forward | Answer, filters: tuple[Filter, ...]) -> None:
        name = names.route(*self.origin, precedence.rule, precedence.match)
        self.entries.append(Entry(name=name, match=match, precedence=precedence, action=action, filters=filters, origin=self.origin))

    def compiled(self, accepted: bool) -> Compiled:
        return Compiled(route_id(*self.origin), self.origin, tuple(self.uses), tuple(self.unresolved), tuple(self.dropped), accepted)

    def facts(self, rules: int) -> Facts:
        """All that is said of a route with so many rules: it is accepted while one of them is served as written."""
        found = self.compiled(accepted=self.lost < rules)
        yield COMPILED(found.route, found)
        if found.accepted:
            yield ENTRIES(found.route, tuple(self.entries))
        for problem in (*self.unresolved, *self.dropped):
            yield FOUND(self.origin, problem.finding)
        for warning in self.warnings:
            yield FOUND((warning.kind, warning.key), warning)


def filters_of(all_of: Compiling, path: Path, specs: Sequence[RouteFilter], kinds: frozenset[str] = ON_RULES) -> tuple[Filter, ...] | None:
    """The filters as rows; None where one of them is not served, so that nothing must be served without it."""
    found: list[Filter] = []
    served = True
    for index, spec in enumerate(specs):
        at = (*path, "filters", index)
        if spec.type not in kinds:
            all_of.dropped.append(unserved(all_of, at, spec.type))
            served = False
        elif spec.type == "RequestMirror" and spec.request_mirror is not None:
            if cluster := cluster_of(all_of, (*at, "requestMirror", "backendRef"), spec.request_mirror.backend_ref):
                numerator, denominator = mirrored_share(spec.request_mirror)
                found.append(Mirror(cluster=cluster, numerator=numerator, denominator=denominator))
        elif spec.type == "ExternalAuth" and spec.external_auth is not None:
            asked, grpc = (*at, "externalAuth", "backendRef"), spec.external_auth.protocol == "GRPC"
            found.append(external_auth(spec.external_auth, cluster_of(all_of, asked, spec.external_auth.backend_ref, grpc=grpc)))
        elif (row := simple_filter(spec)) is not None:
            found.append(row)
    return tuple(found) if served else None


def unserved(all_of: Compiling, path: Path, name: str) -> Problem:
    message = f"filter {name} is not served, so what it would have acted on is answered with {all_of.missing}"
    finding = Finding(code="PM0403", kind=all_of.kind, key=all_of.origin[1], message=message, path=path, fix="remove the filter")
    return Problem(ACCEPTED, "UnsupportedValue", finding)


def action_of(
    all_of: Compiling,
    path: Path,
    spec: RouteRule | GRPCRouteRule,
    filters: Sequence[Filter],
    times: Times = NO_TIMES,
) -> Forward | Answer:
    """Where the rule sends requests. Without backends it answers an error, unless it redirects (`HTTPRouteRule.backendRefs`);
    and so it does without a service that it must ask first.
    """
    if is_blocked(filters):
        return Answer(all_of.missing)
    if any(isinstance(one, Redirect) for one in filters):
        return Forward(shares=())
    shares = tuple(share_of(all_of, (*path, "backendRefs", place), ref) for place, ref in enumerate(spec.backend_refs))
    if not any(share.cluster and share.weight for share in shares):
        return Answer(all_of.missing)
    timeout, backend_timeout, retry = times
    return Forward(shares=shares, timeout=timeout, backend_timeout=backend_timeout, missing=all_of.missing, retry=retry)


def share_of(all_of: Compiling, path: Path, ref: BackendRef) -> Share:
    """One backend's part; without a cluster where the reference or one of its filters cannot be served."""
    cluster = cluster_of(all_of, path, ref)
    filters = filters_of(all_of, path, ref.filters, ON_BACKENDS)
    return Share(cluster=cluster if filters is not None else "", weight=ref.weight, filters=filters or ())


def cluster_of(all_of: Compiling, path: Path, ref: BackendObjectReference, *, grpc: bool = False) -> str:
    """The name of the cluster a reference means, or nothing, and then the problem is told."""
    use = backend_of(all_of, path, ref, grpc=grpc)
    return all_of.uses.setdefault(use, names.cluster(use)) if use else ""


def backend_of(all_of: Compiling, path: Path, ref: BackendObjectReference, *, grpc: bool = False) -> Use | None:
    """The upstream a reference means, or nothing, and then the problem is told. `grpc`: it is spoken whatever the route is."""
    to = referent(ref, all_of.route.namespace)
    spoken: Speaks = ""
    if not served_kind(to):
        reason, code, message = "InvalidKind", "PM0205", f"{to.kind} of group {to.group or 'core'} is no kind of backend"
    elif not may_refer(all_of.view, all_of.kind, all_of.route.namespace, to):
        reason, code, message = "RefNotPermitted", "PM0203", f"no ReferenceGrant in namespace {to.namespace} permits {to.kind} {to.key}"
    elif to.kind == "Service":
        service = all_of.view.get(SERVICE, to.key)
        reason, code, message = service_problem(service, to.key, ref.port, "UDP" if all_of.kind == "UDPRoute" else "TCP")
        if code == "PM0206" and all_of.view.count(TARGETED, (to.kind, to.key)):  # a BackendTLSPolicy speaks it
            reason, code, message = "", "", ""
        spoken = speaks_grpc(service, ref.port) if grpc or all_of.kind == "GRPCRoute" else ""
    else:
        backend = all_of.view.get(BACKEND, to.key)
        reason, code, message = backend_problem(backend, to.key)
        spoken = speaks_grpc(backend) if grpc or all_of.kind == "GRPCRoute" else ""
    if reason:
        all_of.unresolved.append(unresolved(*all_of.origin, path, reason, code, message))
        return None
    return use_of(ref, to, spoken)
