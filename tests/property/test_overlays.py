"""What a Sandbox may change: the backend of a rule that sends to a Service of its own namespace, where a RouteGroup of that namespace is
admitted by the listener; and nothing else, whoever writes however many of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protos.v3 import ClusterLoadAssignment, Route, RouteConfiguration
from tests.objects import changes, decoded, objects
from translator.engine import Engine
from translator.ir.keys import HEADER
from translator.ir.output import Group
from translator.ir.tables import GROUP, OUT_CLUSTER, OUT_ENDPOINTS, OUT_ROUTES, RESOURCES
from translator.program import engine as new_engine
from translator.resources.meta import Object

CASES = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
SPACES = {"default": 1, "friends": 2, "strangers": 3}  # and the second number of all addresses there
GRANTING = ("default", "friends")  # have a RouteGroup that the listener admits
FORKED = tuple(f"fork/{space}/previews/service/{space}/" for space in GRANTING)
WORLD = """
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
---
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: pointsman
  listeners:
  - {name: web, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
  - {name: own, port: 81, protocol: HTTP}
---
kind: HTTPRoute
metadata: {name: all}
spec:
  parentRefs: [{name: edge}]
  rules:
  - backendRefs: [{name: s1, port: 80}]
  - {matches: [{path: {value: /friends}}], backendRefs: [{name: s1, namespace: friends, port: 80}]}
  - matches: [{path: {value: /strangers}}]
    filters: [{type: URLRewrite, urlRewrite: {hostname: inside.example}}]
    backendRefs: [{name: s1, namespace: strangers, port: 80}, {name: s2, port: 80, weight: 9}]
---
kind: RouteGroup
metadata: {name: previews}
spec: {parentRefs: [{name: edge}], selector: {}}
---
kind: RouteGroup
metadata: {name: previews, namespace: friends}
spec: {parentRefs: [{name: edge, namespace: default, sectionName: web}], selector: {}, defaultRoutingKey: all}
---
kind: RouteGroup
metadata: {name: previews, namespace: strangers}
spec: {parentRefs: [{name: edge, namespace: default, sectionName: own}], selector: {}}
"""
SPACE = """
kind: ReferenceGrant
metadata: {{name: open, namespace: {space}}}
spec: {{from: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}}], to: [{{group: "", kind: Service}}]}}
---
kind: HTTPRoute
metadata: {{name: {space}, namespace: {space}}}
spec:
  parentRefs: [{{name: edge, namespace: default, sectionName: web}}]
  hostnames: [{space}.example.com]
  rules: [{{backendRefs: [{{name: s1, port: 80}}]}}]
"""


def services(space: str) -> Iterator[Object]:
    """Two that routes send to, and two that answer in the place of one. Addresses say whose they are."""
    for number, name in enumerate(("s1", "s2", "t1", "t2")):
        spec = {"ports": [{"name": "http", "port": 80}]}
        yield decoded({"kind": "Service", "metadata": {"name": name, "namespace": space}, "spec": spec})
        head = {"name": f"{name}-1", "namespace": space, "labels": {"kubernetes.io/service-name": name}}
        members = {"ports": [{"name": "http", "port": 8080}], "endpoints": [{"addresses": [f"10.{SPACES[space]}.0.{number + 1}"]}]}
        yield decoded({"kind": "EndpointSlice", "metadata": head, "addressType": "IPv4", **members})


def sandbox(chance: random.Random, number: int) -> Object:
    names = chance.sample(["s1", "s2", "t1", "gone"], chance.choice([1, 2]))
    wanted = [{"name": name, "targetRef": {"name": chance.choice(["t1", "t2", "s1", "gone"])}} for name in names]
    head = {"name": f"x{number}", "namespace": chance.choice([*SPACES])}
    return decoded({"kind": "Sandbox", "metadata": head, "spec": {"routingKey": chance.choice(["", "k1", "k2"]), "services": wanted}})


BASE = [*objects(WORLD), *(one for space in SPACES for one in (*objects(SPACE.format(space=space)), *services(space)))]
SANDBOXES = st.integers(0, 10**9).map(lambda seed: drawn(random.Random(seed)))


def drawn(chance: random.Random) -> list[Object]:
    return [sandbox(chance, number) for number in range(chance.randrange(1, 8))]


def started(*, flat: bool = False) -> Engine:
    engine = new_engine()
    engine.apply([(GROUP, "local", Group(flat=flat)), *changes(BASE)])
    assert engine.failures == {}
    return engine


def sent(engine: Engine) -> dict[tuple[str, Any], bytes]:
    assert engine.failures == {}
    return {(table.name, key): row.body for table in RESOURCES for key, (row,) in engine.rows(table).items()}


@CASES
@given(SANDBOXES)
def test_sandboxes_add_forks_of_services_of_their_own_namespace_and_change_nothing_that_was_there(found: list[Object]) -> None:
    engine = started()
    before = sent(engine)
    engine.apply(changes(found))
    after = sent(engine)
    assert {key: body for key, body in after.items() if key in before} == before
    for table, (_, name) in after.keys() - before.keys():
        assert table in {OUT_CLUSTER.name, OUT_ENDPOINTS.name}
        assert name.startswith(FORKED), name


@CASES
@given(SANDBOXES)
def test_fork_leads_to_endpoints_of_the_namespace_of_its_sandbox_alone(found: list[Object]) -> None:
    engine = started()
    engine.apply(changes(found))
    for (_, name), (row,) in engine.rows(OUT_ENDPOINTS).items():
        space = name.removeprefix("fork/").partition("/")[0]
        addresses = [
            each.endpoint.address.socket_address.address
            for one in ClusterLoadAssignment.FromString(row.body).endpoints
            for each in one.lb_endpoints
        ]
        assert not name.startswith("fork/") or all(one.startswith(f"10.{SPACES[space]}.") for one in addresses), (name, addresses)


@CASES
@given(SANDBOXES)
def test_route_of_a_key_is_the_route_behind_it_but_for_its_backend(found: list[Object]) -> None:
    """Where there is no module, and routes are told of keys."""
    engine = started(flat=True)
    engine.apply(changes(found))
    for (row,) in engine.rows(OUT_ROUTES).values():
        for host in RouteConfiguration.FromString(row.body).virtual_hosts:
            base = None
            for one in reversed(host.routes):
                base = one if not keyed(one) else base
                assert base is not None
                assert keyed(one) is False or plain(one) == plain(base)


def keyed(one: Route) -> bool:
    return any(header.name == HEADER for header in one.match.headers)


def plain(one: Route) -> bytes:
    """Without the key, and without where it leads."""
    copy = Route()
    copy.CopyFrom(one)
    kept = [header for header in copy.match.headers if header.name != HEADER]
    del copy.match.headers[:]
    copy.match.headers.extend(kept)
    for field in ("cluster", "weighted_clusters"):
        copy.route.ClearField(field)
    return copy.SerializeToString(deterministic=True)


def test_world_has_forks_in_both_namespaces_that_grant_them_and_in_no_other() -> None:
    """Else the laws above would hold of nothing."""
    engine = started()
    for number, space in enumerate(SPACES):
        spec = {"routingKey": "k1", "services": [{"name": "s1", "targetRef": {"name": "t1"}}]}
        engine.apply(changes([decoded({"kind": "Sandbox", "metadata": {"name": f"x{number}", "namespace": space}, "spec": spec})]))
    forks = {name for _, name in engine.rows(OUT_CLUSTER) if name.endswith("/k1")}
    assert forks == {f"{prefix}s1/80/k1" for prefix in FORKED}
