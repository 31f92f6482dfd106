"""TLSRoutes, TCPRoutes and UDPRoutes: connections or datagrams as they come, given to the backends of one rule."""

from __future__ import annotations

from collections.abc import Generator

from translator.engine import Fact, Facts, View, rule
from translator.gatewayapi.rules.attaching import at_parents, owned, used
from translator.gatewayapi.rules.compiling import Compiling, backend_of, cluster_of, route_id
from translator.gatewayapi.tables import COMPILED, FOUND, PARENT, PARTS, STREAM, USE, Part, Stream
from translator.inputs import TCP_ROUTE, TLS_ROUTE, UDP_ROUTE
from translator.ir import names
from translator.ir.cluster import Use
from translator.ir.route import Share
from translator.ir.tables import CLUSTER_USE
from translator.resources.streamroute import StreamRoute

STREAMS = (COMPILED, PARENT, STREAM, CLUSTER_USE, USE, FOUND)


@rule(over=TLS_ROUTE, into=STREAMS)
def tls_route(view: View, key: str) -> Facts:
    yield from connections(view, "TLSRoute", view.one(TLS_ROUTE, key))


@rule(over=TCP_ROUTE, into=STREAMS)
def tcp_route(view: View, key: str) -> Facts:
    yield from connections(view, "TCPRoute", view.one(TCP_ROUTE, key))


def connections(view: View, kind: str, route: StreamRoute) -> Facts:
    """A share whose backend cannot be had closes its connections (`TCPRouteRule.backendRefs`)."""
    all_of = Compiling(view, (kind, route.key), route)
    shares = tuple(
        Share(cluster=cluster_of(all_of, ("spec", "rules", index, "backendRefs", place), ref), weight=ref.weight)
        for index, spec in enumerate(route.spec.rules[:1])
        for place, ref in enumerate(spec.backend_refs)
    )
    groups = yield from standing(all_of, shares)
    yield from used(route_id(kind, route.key), all_of.uses, groups)


@rule(over=UDP_ROUTE, into=(*STREAMS, PARTS))
def udp_route(view: View, key: str) -> Facts:
    """Its backends are one upstream, since Envoy sends datagrams to one: so a change of it leaves the listener as it is,
    and no session is lost.
    """
    route = view.one(UDP_ROUTE, key)
    all_of = Compiling(view, ("UDPRoute", key), route)
    parts = tuple(
        Part(ref.weight, backend_of(all_of, ("spec", "rules", index, "backendRefs", place), ref))
        for index, spec in enumerate(route.spec.rules[:1])
        for place, ref in enumerate(spec.backend_refs)
    )
    use = Use("UDPRoute", key)
    groups = yield from standing(all_of, (Share(cluster=names.cluster(use)),))
    if groups:
        yield PARTS(use, parts)
    for group in groups:
        yield CLUSTER_USE((group, use), route_id("UDPRoute", key))


def standing(all_of: Compiling, shares: tuple[Share, ...]) -> Generator[Fact, None, dict[str, None]]:
    """Where the route stands, and what is said of it. Returns the groups of proxies that serve it."""
    view, route, found = all_of.view, all_of.route, all_of.compiled(accepted=True)
    facts, reached = at_parents(view, found, route)
    yield COMPILED(found.route, found)
    for problem in all_of.unresolved:
        yield FOUND(all_of.origin, problem.finding)
    yield from facts
    for _, (target, hosts) in reached:
        for port, _, host in owned(view, target, hosts):
            yield STREAM(port, Stream(route.metadata.creation_timestamp, found.route, target.id, host, shares))
    return dict.fromkeys(group for group, _ in reached)


RULES = (tls_route, tcp_route, udp_route)
