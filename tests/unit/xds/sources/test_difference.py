"""What people are told of a change."""

from __future__ import annotations

import pytest

from translator.resources.backend import Backend, BackendEndpoint, BackendSpec, IPEndpoint
from translator.resources.core import Secret, Service, ServicePort, ServiceSpec
from translator.resources.httproute import BackendRef, HTTPRoute, HTTPRouteSpec, RouteRule
from translator.resources.meta import Metadata, Object
from xds.sources.difference import difference


def service(*ports: int, type_: str = "ClusterIP", name: str = "") -> Service:
    return Service(
        metadata=Metadata(name="x"), spec=ServiceSpec(type=type_, external_name=name, ports=tuple(ServicePort(port=port) for port in ports))
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param(None, service(1), "new", id="new"),
        pytest.param(service(1), None, "gone", id="gone"),
        pytest.param(None, None, "", id="never-there"),
        pytest.param(service(1), service(1), "", id="same"),
        pytest.param(service(1), service(2), "spec.ports[0].port 1 → 2", id="field"),
        pytest.param(service(1), service(1, 2), "spec.ports 1 item → 2 items", id="longer"),
        pytest.param(service(), service(1), "spec.ports none → 1 item", id="appeared"),
        pytest.param(service(1, 2, 3), service(4, 5, 6), "spec.ports[0].port 1 → 4, spec.ports[1].port 2 → 5, and 1 more", id="many"),
        pytest.param(service(name="a" * 99), service(name="b"), f"spec.externalName {'a' * 39}… → b", id="long"),
    ],
)  # fmt: skip
def test_a_change_is_told_by_its_fields(old: Object | None, new: Object | None, words: str) -> None:
    assert difference(old, new) == words


def test_a_default_is_said_by_its_value() -> None:
    old, new = (HTTPRoute(metadata=Metadata(name="r"), spec=HTTPRouteSpec(rules=(RouteRule(backend_refs=(one,)),))) for one in
                (BackendRef(name="b", weight=90), BackendRef(name="b")))  # fmt: skip
    assert difference(old, new) == "spec.rules[0].backendRefs[0].weight 90 → 1"


def test_a_kind_of_our_own_is_told_by_its_fields_too() -> None:
    old, new = (
        Backend(metadata=Metadata(name="b"), spec=BackendSpec(endpoints=(BackendEndpoint(ip=IPEndpoint("127.0.0.1", port)),)))
        for port in (1, 2)
    )
    assert difference(old, new) == "spec.endpoints[0].ip.port 1 → 2"


def test_what_a_secret_holds_is_not_told() -> None:
    old, new = (Secret(metadata=Metadata(name="s"), data={"tls.key": text}) for text in (b"canary-one", b"canary-two"))
    assert difference(old, new) == "changed"
