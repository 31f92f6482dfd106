"""Claims about our resources that only Envoy can confirm: it takes what the rules make, and refuses what the checks refuse."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from protos.v3 import RouteConfiguration, data
from tests.envoy_validate import refusal
from tests.unit.translator.envoy_v3.test_route import VARIANTS
from tests.unit.translator.envoy_v3.world import NAME, TABLE, USE, World, at, entry, routed, served, small, upstream
from translator.envoy_v3.checks import regex_fault
from translator.envoy_v3.domain import route_configuration, virtual_host
from translator.envoy_v3.route import packed_route
from translator.ir.cluster import Cluster, Endpoint, Use
from translator.ir.listener import Chain, Port
from translator.ir.output import Group, Packed
from translator.ir.route import Forward, Share, Site
from translator.ir.tables import CERTIFICATE, GROUP, OUT_CLUSTER, OUT_ROUTES, SECRET_USE

pytestmark = pytest.mark.e2e


def certificate(host: str) -> tuple[bytes, bytes]:
    """A pair signed by itself; validation does not look at the dates."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    signed = built.not_valid_before(start).not_valid_after(start + dt.timedelta(days=36500)).sign(key, hashes.SHA256())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return signed.public_bytes(serialization.Encoding.PEM), key.private_bytes(*form)


def everything() -> World:
    """Every kind of route, cluster, endpoint and chain at once."""
    tls = Chain(name="tls", table="local/8443/https/a", server_names=("a.example", "*.b.example"), secrets=("secret/shop/tls",))
    clusters = [
        Cluster(name="b", protocol="h2c"),
        Cluster(name="m"),
        Cluster(name="n", discovery="dns", endpoints=(Endpoint("n.example", 80),)),
    ]
    more = [change for n, one in enumerate(clusters) for change in upstream(Use("Backend", f"shop/{n}"), one, Endpoint("/run/app.sock", 0))]
    unresolved = entry(99, action=Forward(shares=(Share(cluster=NAME), Share(cluster=""))))
    return World(
        (GROUP, "local", Group(flat=True)), served(),
        served(tls, Chain(name="http", table="local/8443/http"), port=Port("local", "", 8443)),
        *routed([*VARIANTS.values(), unresolved], "a.example", "*.example", "*"),
        *routed([*VARIANTS.values()], "*.b.example", key="tls", table=tls.table),
        *upstream(USE, Cluster(name=NAME), Endpoint("127.0.0.1", 80), Endpoint("::1", 80, weight=3)), *more,
        (SECRET_USE, ("local", "shop/tls"), "l"), (CERTIFICATE, "shop/tls", certificate("a.example")),
    )  # fmt: skip


@pytest.mark.parametrize("flat", [False, True])
def test_envoy_takes_everything_that_the_rules_make(tmp_path: Path, flat: bool) -> None:
    world = everything()
    assert world.refused() == []
    assert refusal(world.resources, "local", tmp_path, flat=flat) == ""


def test_envoy_sees_a_route_to_a_cluster_that_is_missing(tmp_path: Path) -> None:
    world = World(*small())
    del world.resources[OUT_CLUSTER, ("local", NAME)]
    assert NAME in refusal(world.resources, "local", tmp_path)


def table_of(pattern: str) -> dict[object, Packed]:
    one = entry(match=at("regex", pattern))
    hosts = [virtual_host("*", [packed_route(one, Site(path=one.match.path))])]
    return {**World(*small()).resources, (OUT_ROUTES, ("local", f"{TABLE}/1/0")): Packed(route_configuration("r", hosts))}


PATTERNS = ["/a{95}", "/a{96}", "/(?i)a", "/(?=a)", "/(", r"/\pL", r"/\pL{9}", r"/\pL{20}", "/é{48}", "/é{49}", "/[^/]{33}", "/[^/]{99}"]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_regex_check_says_what_envoy_says(tmp_path: Path, pattern: str) -> None:
    assert bool(regex_fault(pattern)) == bool(refusal(table_of(pattern), "local", tmp_path))


def test_joined_table_reads_back_as_itself() -> None:
    for (table, _), row in everything().resources.items():
        if table is OUT_ROUTES:
            assert data(RouteConfiguration.FromString(row.body)) == row.body
