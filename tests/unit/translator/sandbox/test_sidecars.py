"""Sidecars: which Services have a group of them, which numbers they mind, whom they lead keys to, and whom they leave alone."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from protos.v3 import Cluster, DynamicModuleClusterSpecifier, Listener, RouteConfiguration, StringValue
from tests.objects import changes, objects
from translator.engine import Engine
from translator.envoy_v3.validation import violations
from translator.ir.inbound import PORT, Inbound, InboundPort, Pods
from translator.ir.output import Group, fingerprint
from translator.ir.quarantine import Poison, Quarantined
from translator.ir.tables import (
    GROUP,
    INBOUND,
    OUT_CLUSTER,
    OUT_ENDPOINTS,
    OUT_FINDINGS,
    OUT_LISTENER,
    OUT_MESH,
    OUT_ROUTES,
    OUT_SCOPE,
    OUT_SIDECARS,
    QUARANTINE,
)
from translator.program import engine

CART = "sidecar/default/cart"


def service(name: str = "cart", *ports: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [*ports] or [{"name": "http", "port": 80, "targetPort": 8080}]},
    }


def endpoints(name: str, address: str, *ports: tuple[str, int]) -> dict[str, Any]:
    return {
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": called, "port": port} for called, port in ports or (("http", 8080),)],
        "endpoints": [{"addresses": [address]}],
    }


def group(name: str = "previews", created: str = "", **spec: Any) -> dict[str, Any]:
    return {"kind": "RouteGroup", "metadata": {"name": name, "creationTimestamp": created}, "spec": {"meshOutput": "Sidecar", **spec}}


def sandbox(name: str = "alice", /, **target: Any) -> dict[str, Any]:
    services = [{"name": "cart", "targetRef": {"name": "cart-alice", **target}}]
    return {"kind": "Sandbox", "metadata": {"name": name}, "spec": {"services": services}}


def told(*documents: dict[str, Any], poisons: tuple[Poison, ...] = ()) -> Engine:
    core = engine()
    refused = [(QUARANTINE, (OUT_LISTENER.name, "inbound/default/cart"), Quarantined(poisons))] if poisons else []
    core.apply([(GROUP, "local", Group()), *refused, *changes(objects(yaml.safe_dump_all(documents)))])
    assert not core.failures
    return core


def inbound(core: Engine) -> Inbound:
    [row] = core.rows(INBOUND)[CART]
    return row


def listener(core: Engine, view: str = CART) -> Listener:
    [row] = core.rows(OUT_LISTENER)[view, "inbound/default/cart"]
    return Listener.FromString(row.body)


def names(core: Engine) -> list[str]:
    return sorted(name for of, name in core.rows(OUT_CLUSTER) if of == CART)


def test_every_service_of_the_namespace_has_its_listener_before_anybody_forks_it() -> None:
    core = told(service(), service("other"), group())
    assert set(core.rows(INBOUND)) == {CART, "sidecar/default/other"}
    assert inbound(core).ports == (InboundPort(8080, "beside/default/cart/80/"),)
    assert names(core) == ["local"]


def test_namespace_without_such_a_group_has_none() -> None:
    assert told(service(), group(meshOutput="Istio")).rows(INBOUND) == {}


def test_one_more_key_is_one_more_cluster_and_changes_the_listener_only_by_its_peers() -> None:
    before = told(service(), service("cart-alice"), group())
    after = told(service(), service("cart-alice"), group(), sandbox())
    assert set(names(after)) - set(names(before)) == {"beside/default/cart/80/alice"}
    assert listener(before) == listener(after)


def test_fork_is_spoken_to_as_the_request_came_in() -> None:
    core = told(service(), service("cart-alice"), group(), sandbox())
    [row] = core.rows(OUT_CLUSTER)[CART, "beside/default/cart/80/alice"]
    [options] = Cluster.FromString(row.body).typed_extension_protocol_options.values()
    assert b"\x12" in options.value
    assert (CART, "beside/default/cart/80/alice") in core.rows(OUT_ENDPOINTS)


def test_what_forks_ask_of_the_baseline_stays_there() -> None:
    core = told(service(), service("cart-alice"), endpoints("cart-alice", "10.0.0.2"), group(), sandbox())
    assert inbound(core).peers == ("10.0.0.2",)
    assert [one.name for one in listener(core).filter_chains] == ["itself", "keys", "8080", "8080/peers"]


def test_port_that_is_named_is_known_by_the_endpoints() -> None:
    named = service("cart", {"name": "http", "port": 80, "targetPort": "web"})
    assert inbound(told(named, group())).ports == ()
    assert [one.number for one in inbound(told(named, endpoints("cart", "10.0.0.1"), group())).ports] == [8080]


def test_two_ports_that_lead_to_one_number_are_one_and_datagrams_are_none() -> None:
    ports = [
        {"name": "a", "port": 80, "targetPort": 1},
        {"name": "b", "port": 81, "targetPort": 1},
        {"name": "d", "port": 53, "protocol": "UDP"},
    ]
    assert inbound(told(service("cart", *ports), group())).ports == (InboundPort(1, "beside/default/cart/80/"),)


def test_backend_may_answer_beside_a_workload() -> None:
    backend = {
        "kind": "Backend",
        "metadata": {"name": "cart-alice"},
        "spec": {"endpoints": [{"fqdn": {"hostname": "a.example", "port": 1}}]},
    }
    core = told(service(), backend, group(), sandbox(kind="Backend"))
    assert "beside/default/cart/80/alice" in names(core)
    assert inbound(core).peers == ()


def test_of_two_groups_with_one_key_the_older_decides() -> None:
    old = group("z", "2026-01-01T00:00:00Z", routes=[{"targetSandbox": "alice", "routingKey": "k"}], headers=[])
    young = group("a", "2026-02-01T00:00:00Z", routes=[{"targetSandbox": "bob", "routingKey": "k"}])
    documents = [service(), service("cart-alice"), service("cart-bob"), sandbox(), sandbox("bob", name="cart-bob"), old, young]
    core = told(*documents, endpoints("cart-alice", "10.0.0.2"), endpoints("cart-bob", "10.0.0.3"))
    [assignment] = core.rows(OUT_ENDPOINTS)[CART, "beside/default/cart/80/k"]
    assert b"10.0.0.2" in assignment.body
    assert [one.header for one in inbound(core).reading.spellings] == ["x-route-key"]


def ruled(*routes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return group(routes=[{"targetSandbox": "alice", "routingKey": "k", **one} for one in routes], **more)


PAY, REST = {"paths": [{"prefix": "/pay"}], "headers": {"X-Version": "2"}, "weight": 30}, {"additionalHeaders": {"X-Env": "a"}}
WORLD = (service(), service("cart-alice"), endpoints("cart-alice", "10.0.0.2"), sandbox())


def lines(core: Engine, name: str, view: str = CART) -> list[str]:
    """What the native module is told in this RouteConfiguration."""
    [row] = core.rows(OUT_ROUTES)[view, name]
    extension = RouteConfiguration.FromString(row.body).virtual_hosts[0].routes[0].route.inline_cluster_specifier_plugin.extension
    specifier = DynamicModuleClusterSpecifier.FromString(extension.typed_config.value)
    assert specifier.specifier_name == "rules"
    return StringValue.FromString(specifier.specifier_config.value).value.splitlines()


def test_each_rule_of_a_key_has_its_fork_and_the_module_is_told_which_requests_it_takes() -> None:
    core = told(*WORLD, ruled(PAY, REST))
    assert names(core) == ["beside/default/cart/80/k/0", "beside/default/cart/80/k/1", "local"]
    assert lines(core, "keys/default/previews/k") == [
        "fork=beside/default/cart/80/k", "rule=30", "path=/pay", "header=x-version 2", "rule=100",
    ]  # fmt: skip
    assert (CART, "keys/default/previews/k") in core.rows(OUT_SCOPE)
    [row] = core.rows(OUT_CLUSTER)[CART, "beside/default/cart/80/k/1"]
    assert b"x-env" in row.body
    assert not core.rows(OUT_FINDINGS)


def test_rule_of_a_key_changes_nothing_that_requests_without_it_come_by() -> None:
    before, after = told(*WORLD, group()), told(*WORLD, ruled(PAY, REST))
    assert after.rows(OUT_LISTENER) == before.rows(OUT_LISTENER)
    assert after.rows(OUT_CLUSTER)[CART, "local"] == before.rows(OUT_CLUSTER)[CART, "local"]


def test_headers_to_set_are_no_rule_and_go_with_the_cluster_of_the_fork() -> None:
    core = told(*WORLD, ruled(REST))
    assert names(core) == ["beside/default/cart/80/k", "local"]
    assert (CART, "keys/default/previews/k") not in core.rows(OUT_ROUTES)
    [row] = core.rows(OUT_CLUSTER)[CART, "beside/default/cart/80/k"]
    assert b"x-env" in row.body


def test_rule_whose_fork_cannot_be_had_keeps_its_requests_from_those_behind_it() -> None:
    gone = sandbox("gone", name="nowhere")
    core = told(*WORLD, gone, ruled({**PAY, "targetSandbox": "gone"}, REST))
    assert names(core) == ["beside/default/cart/80/k/1", "local"]
    assert lines(core, "keys/default/previews/k")[1] == "rule=30"


def test_rules_of_each_port_of_a_key_are_one_resource() -> None:
    two = [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "grpc", "port": 90, "targetPort": 9090}]
    core = told(service("cart", *two), service("cart-alice", *two), sandbox(), ruled({"weight": 30}))
    assert lines(core, "keys/default/previews/k") == [
        "fork=beside/default/cart/80/k", "rule=30", "fork=beside/default/cart/90/k", "rule=30",
    ]  # fmt: skip


def test_of_two_groups_with_rules_for_one_key_the_older_decides_alone() -> None:
    old = ruled({"weight": 30}, name="z", created="2026-01-01T00:00:00Z")
    young = ruled({"weight": 70}, name="a", created="2026-02-01T00:00:00Z")
    core = told(*WORLD, old, young)
    assert lines(core, "keys/default/z/k")[1:] == ["rule=30"]
    assert (CART, "keys/default/a/k") not in core.rows(OUT_ROUTES)


def test_envoy_without_the_module_carries_all_on() -> None:
    flat = listener(told(service(), group()), f"{CART}~flat")
    assert [one.name for one in flat.filter_chains] == ["itself"]
    assert flat.default_filter_chain.name == "local"


@pytest.mark.parametrize("view", [CART, f"{CART}~flat"])
def test_listener_keeps_the_rules_of_envoy(view: str) -> None:
    core = told(service(), service("cart-alice"), endpoints("cart-alice", "10.0.0.2"), group(), sandbox())
    assert violations(listener(core, view)) == ()
    assert listener(core, view).transparent.value


def test_listener_that_a_proxy_refused_is_left_out_and_its_service_told() -> None:
    [row] = told(service(), group()).rows(OUT_LISTENER)[CART, "inbound/default/cart"]
    core = told(service(), group(), poisons=(Poison(digest=fingerprint(row.body), message="no"),))
    assert (CART, "inbound/default/cart") not in core.rows(OUT_LISTENER)
    assert [one.code for (found,) in core.rows(OUT_FINDINGS).values() for one in found if one.kind == "Service"] == ["PM0605"]


def test_meshes_of_others_hear_nothing_of_it() -> None:
    assert told(service(), service("cart-alice"), group(), sandbox()).rows(OUT_MESH) == {}


def selecting(name: str = "cart", *ports: dict[str, Any], **labels: str) -> dict[str, Any]:
    found = service(name, *ports)
    return {**found, "spec": {**found["spec"], "selector": labels or {"app": "cart"}}}


def test_sidecars_are_put_beside_the_pods_that_a_service_selects() -> None:
    ports = [{"name": "a", "port": 80, "targetPort": "web"}, {"name": "b", "port": 81}, {"name": "d", "port": 53, "protocol": "UDP"}]
    core = told(selecting("cart", *ports, app="cart", tier="web"), group())
    assert core.rows(OUT_SIDECARS) == {"default/cart": [Pods(selector=(("app", "cart"), ("tier", "web")), ports=("web", 81))]}


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param((service(), group()), id="nothing-selected"),
        pytest.param((selecting("cart", {"port": 53, "protocol": "UDP"}), group()), id="datagrams-only"),
        pytest.param((selecting(), group(meshOutput="Istio")), id="another-mesh"),
        pytest.param((selecting(),), id="no-group"),
    ],
)
def test_sidecars_are_put_nowhere_else(documents: tuple[dict[str, Any], ...]) -> None:
    assert told(*documents).rows(OUT_SIDECARS) == {}


def dual(*families: str) -> dict[str, Any]:
    found = service()
    return {**found, "spec": {**found["spec"], "ipFamilies": [*families]}}


def six(core: Engine, view: str = CART) -> Listener:
    [row] = core.rows(OUT_LISTENER)[view, "inbound6/default/cart"]
    return Listener.FromString(row.body)


@pytest.mark.parametrize("view", [CART, f"{CART}~flat"])
def test_pods_with_ipv6_have_a_listener_for_it_that_does_the_same(view: str) -> None:
    core = told(dual("IPv4", "IPv6"), service("cart-alice"), endpoints("cart-alice", "10.0.0.2"), group(), sandbox())
    one, other = listener(core, view), six(core, view)
    assert other.address.socket_address.address == "::"
    assert violations(other) == ()
    other.name, other.address.socket_address.address = one.name, one.address.socket_address.address
    assert one == other


@pytest.mark.parametrize("families", [(), ("IPv4",)])
def test_pods_without_ipv6_have_none(families: tuple[str, ...]) -> None:
    core = told(dual(*families), group())
    assert (CART, "inbound6/default/cart") not in core.rows(OUT_LISTENER)


def test_listener_that_a_pod_without_ipv6_refused_takes_the_other_not_with_it() -> None:
    [row] = told(dual("IPv6"), group()).rows(OUT_LISTENER)[CART, "inbound6/default/cart"]
    refused = (QUARANTINE, (OUT_LISTENER.name, "inbound6/default/cart"), Quarantined((Poison(digest=fingerprint(row.body), message="no"),)))
    core = engine()
    core.apply([(GROUP, "local", Group()), refused, *changes(objects(yaml.safe_dump_all([dual("IPv6"), group()])))])
    assert not core.failures
    assert (CART, "inbound6/default/cart") not in core.rows(OUT_LISTENER)
    assert (CART, "inbound/default/cart") in core.rows(OUT_LISTENER)


def test_connection_to_the_sidecar_itself_goes_nowhere() -> None:
    first = listener(told(service(), group())).filter_chains[0]
    assert first.filter_chain_match.destination_port.value == PORT
    assert b"local" not in first.filters[0].typed_config.value
