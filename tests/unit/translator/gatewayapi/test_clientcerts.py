"""Claims about client certificates: what a port asks for, whom it trusts, and what backends are shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.translation import HERE, admissions
from tests.objects import changes, objects
from translator.engine import Engine
from translator.gatewayapi.clientcerts import client_check, client_conditions, shown_to_backends
from translator.inputs import OBJECTS
from translator.ir.output import Group
from translator.ir.tables import CHAIN, CLIENT_CERTIFICATE, GROUP, OUT_FINDINGS, OUT_SECRET, WANTED
from translator.program import engine as new_engine
from translator.resources.gateway import (
    FrontendTLS,
    FrontendValidation,
    Gateway,
    GatewayBackend,
    GatewayFrontend,
    GatewaySpec,
    GatewayTLS,
    PortTLS,
)
from translator.resources.meta import LocalReference, Metadata

CA = FrontendTLS(validation=FrontendValidation(ca_certificate_refs=(LocalReference("ca", kind="ConfigMap", namespace="b"),)))
LENIENT = FrontendTLS(validation=FrontendValidation(mode="AllowInsecureFallback"))


def gateway(frontend: GatewayFrontend | None = None, shown: LocalReference | None = None) -> Gateway:
    tls = GatewayTLS(frontend=frontend, backend=GatewayBackend(client_certificate_ref=shown))
    return Gateway(metadata=Metadata("g", "a"), spec=GatewaySpec(gateway_class_name="c", tls=tls))


@pytest.mark.parametrize(
    ("frontend", "name"),
    [
        pytest.param(None, None, id="nothing-said"),
        pytest.param(GatewayFrontend(default=CA), "authority/gateway/a/g/default", id="default"),
        pytest.param(GatewayFrontend(default=CA, per_port=(PortTLS(port=8443, tls=CA),)), "authority/gateway/a/g/default", id="other-port"),
        pytest.param(GatewayFrontend(default=CA, per_port=(PortTLS(port=443, tls=CA),)), "authority/gateway/a/g/443", id="port"),
        pytest.param(GatewayFrontend(default=CA, per_port=(PortTLS(port=443),)), None, id="port-that-asks-for-nothing"),
    ],
)
def test_what_is_said_of_a_port_goes_before_the_default(frontend: GatewayFrontend | None, name: str | None) -> None:
    found = client_check(gateway(frontend), 443)
    assert (found.name if found else None) == name


def test_authority_may_lie_in_another_namespace_and_mode_says_whether_it_is_required() -> None:
    found = client_check(gateway(GatewayFrontend(default=CA)), 443)
    assert found is not None
    assert ([one.key for one in found.refs], found.required) == (["b/ca"], True)
    lenient = client_check(gateway(GatewayFrontend(default=LENIENT)), 443)
    assert lenient is not None
    assert not lenient.required


def test_gateway_says_nothing_of_client_certificates_unless_it_names_some() -> None:
    assert client_conditions(gateway(), None) == ()
    assert client_conditions(gateway(GatewayFrontend(default=CA)), None) == ()
    (insecure,) = client_conditions(gateway(GatewayFrontend(per_port=(PortTLS(port=1, tls=LENIENT),))), None)
    assert (insecure.type, insecure.status) == ("InsecureFrontendValidationMode", True)


def test_certificate_for_backends_is_a_secret_unless_another_kind_is_named() -> None:
    shown = shown_to_backends(gateway(shown=LocalReference("s")))
    assert shown is not None
    assert (shown.kind, shown.key) == ("Secret", "a/s")


GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: NAME}
spec:
  gatewayClassName: pointsman
  tls: TLS
  listeners: [{name: web, port: PORT, protocol: HTTPS, tls: {certificateRefs: [{name: pair}]}}]
"""
ASKS = '{frontend: {default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}}}}'
SHOWS = "{backend: {clientCertificateRef: {name: pair}}}"


def declared(name: str, port: int, tls: str) -> list[Any]:
    return changes(objects(GATEWAY.replace("NAME", name).replace("PORT", str(port)).replace("TLS", tls)))


def world(*found: Any) -> Engine:
    engine = new_engine()
    base = [
        (OBJECTS[one.kind], one.key, one.object) for name in ("class", "pair", "ca") for one in admissions(HERE / "base" / f"{name}.yaml")
    ]
    engine.apply([(GROUP, "local", Group()), *base, *found])
    assert engine.failures == {}
    return engine


def test_bundle_of_clients_is_a_secret_of_its_own_that_goes_with_its_listener() -> None:
    engine = world(*declared("edge", 443, ASKS))
    bundle = ("local", "authority/gateway/default/edge/default")
    ((chain,),) = engine.rows(CHAIN).values()
    assert chain.clients is not None
    assert chain.clients.authority == bundle[1]
    assert bundle in engine.rows(OUT_SECRET)
    assert engine.rows(WANTED)["ConfigMap", "default/ca"] == [True]
    engine.apply(declared("edge", 443, "{}"))
    assert bundle not in engine.rows(OUT_SECRET)
    assert ("ConfigMap", "default/ca") not in engine.rows(WANTED)


def test_gateways_that_share_proxies_show_one_certificate_to_backends_or_none() -> None:
    engine = world(*declared("edge", 443, SHOWS), *declared("more", 8443, SHOWS))
    assert set(engine.rows(CLIENT_CERTIFICATE)["local"]) == {"secret/default/pair"}
    engine.apply(declared("more", 8443, "{}"))
    assert "local" not in engine.rows(CLIENT_CERTIFICATE)
    assert [one.code for (found,) in engine.rows(OUT_FINDINGS).values() for one in found] == ["PM0508"]


def test_gateway_with_proxies_of_its_own_shows_what_it_wants() -> None:
    engine = world(*declared("edge", 443, SHOWS), *declared("more", 8443, "{}"), (GROUP, "default/edge", Group()))
    assert engine.rows(CLIENT_CERTIFICATE) == {"default/edge": ["secret/default/pair"]}
