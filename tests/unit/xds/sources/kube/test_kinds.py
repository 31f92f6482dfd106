"""Which kinds are watched, where they are, and how one is decoded."""

from __future__ import annotations

import msgspec
import pytest

from tests.unit.xds.sources.kube.lines import KINDS, body
from translator.inputs import OBJECTS
from translator.resources.backend import Backend
from translator.resources.core import EndpointSlice, Secret


def test_every_input_kind_is_watched() -> None:
    assert KINDS.keys() == OBJECTS.keys()


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        pytest.param("HTTPRoute", "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/cart/status", id="custom"),
        pytest.param("Service", "/api/v1/namespaces/shop/services/cart/status", id="core"),
        pytest.param("EndpointSlice", "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/cart/status", id="group-of-kubernetes"),
    ],
)
def test_path_leads_to_an_object_and_its_subresource(kind: str, path: str) -> None:
    assert KINDS[kind].path("v1", "shop/cart", "status") == path


def test_path_of_a_cluster_scoped_object_names_no_namespace() -> None:
    assert KINDS["GatewayClass"].path("v1", "edge") == "/apis/gateway.networking.k8s.io/v1/gatewayclasses/edge"


def test_nulls_of_go_mean_absent() -> None:
    text = body({"metadata": {"name": "a", "labels": None}, "addressType": "IPv4", "endpoints": None, "ports": None})
    assert KINDS["EndpointSlice"].decode(text) == EndpointSlice(metadata=msgspec.convert({"name": "a"}, type(_metadata())))


def _metadata() -> msgspec.Struct:
    return KINDS["Namespace"].decode(body({"metadata": {"name": "a"}})).metadata


def test_secret_is_decoded_from_base64() -> None:
    found = KINDS["Secret"].decode(body({"metadata": {"name": "a"}, "type": "Opaque", "data": {"k": "YWJj"}}))
    assert isinstance(found, Secret)
    assert found.data == {"k": b"abc"}


def test_our_own_kind_is_decoded_by_its_dataclass() -> None:
    document = {
        "apiVersion": "pointsman.io/v1alpha1", "kind": "Backend",
        "metadata": {"name": "a", "namespace": "n", "uid": "u", "managedFields": []},
        "spec": {"endpoints": [{"ip": {"address": "192.0.2.1", "port": 80}}], "appProtocol": "kubernetes.io/h2c"},
    }  # fmt: skip
    found = KINDS["Backend"].decode(body(document))
    assert isinstance(found, Backend)
    assert found.spec.app_protocol == "kubernetes.io/h2c"
    shown = KINDS["Backend"].document(found)
    assert shown["spec"] == document["spec"]
    assert (shown["apiVersion"], shown["kind"], shown["metadata"]) == ("pointsman.io/v1alpha1", "Backend", {"name": "a", "namespace": "n"})


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"Backend"}))
def test_object_that_does_not_fit_is_refused(kind: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        KINDS[kind].decode(body({"metadata": {"name": 5}}))


def test_tokens_and_releases_are_not_even_asked_for() -> None:
    assert "type!=kubernetes.io/service-account-token" in KINDS["Secret"].selector
    assert KINDS["Service"].selector == ""
