"""Claims about TLS to backends and whom it trusts: which cluster is sent where there are two, and what becomes of a bundle."""

from __future__ import annotations

import pytest
from msgspec import structs

from protos.v3 import Cluster as EnvoyCluster
from protos.v3 import ClusterLoadAssignment, Secret, UpstreamTlsContext
from tests.unit.translator.envoy_v3.world import CART, NAME, USE, World, small
from translator.ir.cluster import Authority, BackendTLS
from translator.ir.output import fingerprint
from translator.ir.quarantine import Poison, Quarantined
from translator.ir.tables import (
    AUTHORITY,
    CLIENT_CERTIFICATE,
    CLUSTER,
    CLUSTER_USE,
    HELD,
    OUT_CLUSTER,
    OUT_ENDPOINTS,
    OUT_SECRET,
    QUARANTINE,
)

BUNDLE = "authority/backendtlspolicy/shop/cart"
SECURED = structs.replace(CART, tls=BackendTLS(sni="cart.example", names=(("dns", "cart.example"),), authority=BUNDLE))
POLICY = ("BackendTLSPolicy", "shop/cart")


def secured() -> World:
    return World(*small(), (CLUSTER, USE, SECURED), (AUTHORITY, BUNDLE, Authority(b"certificates", POLICY)))


def test_bundle_is_sent_to_the_groups_that_use_a_cluster_which_trusts_it() -> None:
    world = secured()
    found = Secret.FromString(world.body(OUT_SECRET, BUNDLE))
    assert found.validation_context.trusted_ca.inline_bytes == b"certificates"
    assert EnvoyCluster.FromString(world.body(OUT_CLUSTER, NAME)).transport_socket.name == "envoy.transport_sockets.tls"
    world.change((CLUSTER, USE, CART))
    assert world.names(OUT_SECRET) == set()


@pytest.mark.parametrize(("good", "code"), [(b"", "PM0605"), (b"as it was", "PM0606")])
def test_refused_bundle_is_told_to_its_policy_and_is_as_it_was_where_it_was_accepted(good: bytes, code: str) -> None:
    world = secured()
    poison = Poison(digest=fingerprint(world.body(OUT_SECRET, BUNDLE)), message="no such thing", good=good)
    world.change((QUARANTINE, (OUT_SECRET.name, BUNDLE), Quarantined((poison,))))
    assert [one.code for one in world.refused(*POLICY)] == [code]
    assert world.names(OUT_SECRET) == ({BUNDLE} if good else set())
    assert len(world.engine.rows(HELD)) == 1


def test_certificate_for_backends_is_shown_by_its_group_alone_and_only_where_tls_is_spoken() -> None:
    world = secured()
    world.change((CLUSTER_USE, ("edge", USE), "route"), (CLIENT_CERTIFICATE, "edge", "secret/shop/us"))

    def shown(group: str) -> list[str]:
        cluster = EnvoyCluster.FromString(world.body(OUT_CLUSTER, NAME, group))
        context = UpstreamTlsContext.FromString(cluster.transport_socket.typed_config.value)
        return [one.name for one in context.common_tls_context.tls_certificate_sds_secret_configs]

    assert (shown("edge"), shown("local")) == (["secret/shop/us"], [])
    world.change((CLUSTER, USE, CART))
    assert world.body(OUT_CLUSTER, NAME, "edge") == world.body(OUT_CLUSTER, NAME)


@pytest.mark.parametrize(("good", "code"), [(b"", "PM0605"), (b"as it was", "PM0606")])
def test_refused_cluster_with_a_certificate_is_told_to_its_backend_and_others_go_on(good: bytes, code: str) -> None:
    """It is known by the bytes that were sent, which are not those of groups that show none."""
    world = secured()
    world.change((CLUSTER_USE, ("edge", USE), "route"), (CLIENT_CERTIFICATE, "edge", "secret/shop/us"))
    plain = world.body(OUT_CLUSTER, NAME)
    poison = Poison(digest=fingerprint(world.body(OUT_CLUSTER, NAME, "edge")), message="no such thing", good=good)
    world.change((QUARANTINE, (OUT_CLUSTER.name, NAME), Quarantined((poison,))))
    assert [one.code for one in world.refused(USE.kind, USE.key)] == [code]
    assert len(world.engine.rows(HELD)) == 1
    assert world.body(OUT_CLUSTER, NAME) == plain
    assert world.names(OUT_CLUSTER, "edge") == ({NAME} if good else set())
    world.change((QUARANTINE, (OUT_CLUSTER.name, NAME), None))
    assert world.refused(USE.kind, USE.key) == []


def test_sealed_cluster_is_sent_without_the_endpoints_that_are_known() -> None:
    world = World(*small(), (CLUSTER, USE, structs.replace(CART, sealed=True)))
    assert not ClusterLoadAssignment.FromString(world.body(OUT_ENDPOINTS, NAME)).endpoints
    assert not EnvoyCluster.FromString(world.body(OUT_CLUSTER, NAME)).HasField("transport_socket")
