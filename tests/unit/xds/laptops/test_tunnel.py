"""Both ends of a tunnel fit each other, and the gateway takes nobody's word for who he is."""

from __future__ import annotations

from typing import Any

import pytest

from translator.ir.local import ABSENT, HEADER, claim
from xds.bootstrap import Client
from xds.laptops.tunnel import CLUSTER, CONCURRENCY, HTTP, Gateway, Laptop, gateway, laptop

WHO = Client("/claim", "tunnels.example")
ALICE = Laptop(claim="cart.alice.shop", node="abcd", gateways=("tunnels.example:9000",), who=WHO, port=3000)


def end(**given: Any) -> dict[str, Any]:
    return gateway(Gateway(tls="/etc/tunnels", **given))


def listener(config: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in config["static_resources"]["listeners"] if one["name"] == name)


def cluster(config: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in config["static_resources"]["clusters"] if one["name"] == name)


def test_claim_is_a_name_that_a_certificate_can_say() -> None:
    assert claim("shop", "alice", "cart") == "cart.alice.shop"


def test_gateway_wants_a_certificate_and_takes_the_claim_from_it_alone() -> None:
    config = end()
    chains = listener(config, "tunnels")["filter_chains"]
    assert all(chain["transport_socket"]["typed_config"]["require_client_certificate"] is True for chain in chains)
    [tunnel] = chains[1]["filters"]
    assert tunnel["typed_config"]["validation"] == {"tenant_id_format": "%DOWNSTREAM_PEER_DNS_SAN%", "cluster_id_format": CLUSTER}
    assert config["bootstrap_extensions"][0]["typed_config"]["enable_tenant_isolation"] is True, "else a tenant is nothing"


def test_gateway_tells_how_many_workers_it_has_and_nothing_else_of_its_admin_port() -> None:
    config = end(admin="127.0.0.1:19009")
    chain = listener(config, "tunnels")["filter_chains"][0]
    assert chain["filter_chain_match"] == {"application_protocols": [HTTP]}
    [host] = chain["filters"][0]["typed_config"]["route_config"]["virtual_hosts"]
    assert host["routes"] == [
        {"match": {"path": "/workers"}, "route": {"cluster": "admin", "prefix_rewrite": f"/stats?filter=^{CONCURRENCY}$"}}
    ]
    [endpoints] = cluster(config, "admin")["load_assignment"]["endpoints"]
    assert endpoints["lb_endpoints"][0]["endpoint"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 19009}


def test_laptop_dials_as_its_claim() -> None:
    config = laptop(ALICE)
    assert config["node"] == {"id": "cart.alice.shop", "cluster": CLUSTER}
    assert listener(config, "tunnel")["address"]["socket_address"]["address"] == f"rc://abcd:{CLUSTER}:cart.alice.shop@gateway:4"
    context = cluster(config, "gateway")["transport_socket"]["typed_config"]
    assert context["sni"] == "tunnels.example"
    [matcher] = context["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"]
    assert matcher["matcher"] == {"exact": "tunnels.example"}


def test_request_goes_to_whom_it_is_for_and_one_for_nobody_is_not_found() -> None:
    config = end()
    [route] = listener(config, "requests")["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"][0]["routes"]
    assert route["match"]["headers"] == [{"name": HEADER, "present_match": True}]
    by = cluster(config, "laptop")["cluster_type"]["typed_config"]
    assert (by["tenant_id_format"], by["host_id_format"]) == (f"%REQ({HEADER})%", CLUSTER)


def test_gateway_says_when_nobody_is_there() -> None:
    mappers = listener(end(), "requests")["filter_chains"][0]["filters"][0]["typed_config"]["local_reply_config"]["mappers"]
    assert [one["header"]["key"] for mapper in mappers for one in mapper["headers_to_add"]] == [ABSENT, ABSENT]
    assert [*mappers[1]["filter"]] == ["and_filter"], "what may have been done is not asked again"


@pytest.mark.parametrize(("grpc", "speaks"), [(False, False), (True, True)])
def test_local_port_is_spoken_to_as_it_speaks(grpc: bool, speaks: bool) -> None:
    one = Laptop(claim="a.b.c", node="n", gateways=("10.0.0.1:9000",), who=WHO, port=3000, grpc=grpc)
    assert ("typed_extension_protocol_options" in cluster(laptop(one), "local")) is speaks


@pytest.mark.parametrize(("address", "kind"), [("tunnels.example:1", "STRICT_DNS"), ("10.0.0.1:1", "STATIC"), ("[::1]:1", "STATIC")])
def test_gateway_is_dialled_by_name_or_by_address(address: str, kind: str) -> None:
    assert cluster(laptop(Laptop(claim="a", node="n", gateways=(address,), who=WHO, port=1)), "gateway")["type"] == kind


def test_laptop_makes_as_many_tunnels_as_it_is_to() -> None:
    one = Laptop(claim="a", node="n", gateways=("10.0.0.1:9000",), tunnels=64, who=WHO, port=1)
    assert listener(laptop(one), "tunnel")["address"]["socket_address"]["address"] == f"rc://n:{CLUSTER}:a@gateway:64"


def test_each_gateway_is_dialled() -> None:
    dialled = cluster(laptop(Laptop(claim="a", node="n", gateways=("10.0.0.1:9000", "b.example:9001"), who=WHO, port=1)), "gateway")
    endpoints = dialled["load_assignment"]["endpoints"][0]["lb_endpoints"]
    ports = [one["endpoint"]["address"]["socket_address"]["port_value"] for one in endpoints]
    assert (dialled["type"], ports) == ("STRICT_DNS", [9000, 9001])


def test_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError):
        end(tunnels="nowhere")
