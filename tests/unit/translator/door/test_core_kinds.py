"""Claims about the kinds of Kubernetes itself, and our own, at the door."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from translator.door import Admission, Door
from translator.ir.finding import field_path
from translator.resources.backend import Backend, BackendEndpoint, IPEndpoint
from xds.crds import shipped

DOOR = Door(shipped())


def admit(kind: str, api: str = "v1", **body: Any) -> Admission:
    return DOOR.admit({"apiVersion": api, "kind": kind, "metadata": {"name": "it"}, **body})


def admitted(kind: str, api: str = "v1", **body: Any) -> Any:
    admission = admit(kind, api, **body)
    assert admission.findings == ()
    return admission.object


def said(admission: Admission) -> list[tuple[str, str]]:
    return [(finding.code, field_path(finding.path)) for finding in admission.findings]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_service_keeps_its_ports_by_name_and_number() -> None:
    spec = admitted(
        "Service", spec={"ports": [{"name": "a", "port": 80, "targetPort": "http"}, {"name": "b", "port": 81, "targetPort": 8080}]}
    ).spec
    assert [(port.target_port, port.protocol) for port in spec.ports] == [("http", "TCP"), (8080, "TCP")]
    assert spec.type == "ClusterIP"


def test_headless_service_is_told_by_its_address() -> None:
    assert admitted("Service", spec={"clusterIP": "None"}).spec.cluster_ip == "None"


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ({"ports": [{"port": 0}]}, ("PM0107", "spec.ports[0].port")),
        ({"ports": [{"name": "a"}]}, ("PM0108", "spec.ports[0].port")),
        ({"ports": [{"port": 1, "protocol": "tcp"}]}, ("PM0107", "spec.ports[0].protocol")),
        ({"ports": [{"port": 1, "name": "a"}, {"port": 1, "name": "b"}]}, ("PM0110", "spec.ports[1]")),
        ({"ports": [{"port": 1, "targetport": 1}]}, ("PM0106", "spec.ports[0].targetport")),
        ({"ports": [{"port": 1, "targetPort": 1.5}]}, ("PM0107", "spec.ports[0].targetPort")),
    ],
)
def test_mistake_in_a_service_is_named(spec: Any, found: tuple[str, str]) -> None:
    assert said(admit("Service", spec=spec)) == [found]


def test_fields_of_a_service_that_we_do_not_read_pass_without_a_word() -> None:
    admitted(
        "Service",
        spec={"ports": [{"port": 1, "nodePort": 30000}], "selector": {"a": "b"}, "ipFamilies": ["IPv4"], "sessionAffinity": "None"},
    )


def test_endpoints_of_a_laptop_are_welcome() -> None:
    slice_ = admitted(
        "EndpointSlice",
        "discovery.k8s.io/v1",
        addressType="IPv4",
        endpoints=[{"addresses": ["127.0.0.1"], "conditions": {"ready": None}}],
        ports=[{"port": 1}],
    )
    assert slice_.endpoints[0].addresses == ("127.0.0.1",)
    assert slice_.endpoints[0].conditions.ready is None
    assert (slice_.ports[0].name, slice_.ports[0].protocol) == ("", "TCP")


def test_namespace_bears_its_name_as_a_label() -> None:
    it = admitted("Namespace")
    assert it.metadata.labels == {"kubernetes.io/metadata.name": "it"}
    assert it.key == "it"


def test_old_version_of_endpoint_slices_is_told_the_new_one() -> None:
    (finding,) = admit("EndpointSlice", "discovery.k8s.io/v1beta1", addressType="IPv4").findings
    assert (finding.code, finding.fix) == ("PM0104", "use discovery.k8s.io/v1")


def test_text_of_a_secret_wins_over_its_data() -> None:
    it = admitted("Secret", data={"a": encoded("old"), "b": encoded("kept")}, stringData={"a": "new"})
    assert it.data == {"a": b"new", "b": b"kept"}


def test_base64_may_be_broken_into_lines() -> None:
    assert admitted("Secret", data={"a": encoded("x" * 60)[:40] + "\n" + encoded("x" * 60)[40:] + "\n"}).data == {"a": b"x" * 60}


CANARY = "c4n4ry"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param({"data": {"a": f"{CANARY}!"}}, ("PM0111", "data.a"), id="no-base64"),
        pytest.param({"data": {"a": encoded(CANARY)[:-1]}}, ("PM0111", "data.a"), id="padding-missing"),
        pytest.param({"data": {"a": [CANARY]}}, ("PM0107", "data.a"), id="list"),
        pytest.param({"data": CANARY}, ("PM0107", "data"), id="text"),
        pytest.param({"stringData": {"a": {"b": CANARY}}}, ("PM0107", "stringData.a"), id="object"),
        pytest.param({"type": [CANARY]}, ("PM0107", "type"), id="type"),
        pytest.param({"dat": {"a": CANARY}}, ("PM0106", "dat"), id="misspelt"),
        pytest.param({"type": "kubernetes.io/tls", "data": {"tls.crt": encoded(CANARY)}}, ("PM0108", "data.tls.key"), id="half-a-pair"),
        pytest.param({"data": {"a": CANARY + "\ud800"}}, ("PM0107", ""), id="half-a-character"),
        pytest.param({"immutable": CANARY}, ("PM0107", "immutable"), id="flag"),
    ],
)
def test_what_a_secret_holds_is_in_no_message(body: Any, found: tuple[str, str]) -> None:
    admission = admit("Secret", **body)
    assert said(admission) == [found]
    assert CANARY not in repr(admission)
    assert encoded(CANARY)[:-1] not in repr(admission)


def test_admitted_secret_does_not_print_itself() -> None:
    assert CANARY not in repr(admit("Secret", stringData={"a": CANARY}))


def test_backend_is_decoded_with_the_names_that_people_write() -> None:
    it = admitted(
        "Backend",
        "pointsman.io/v1alpha1",
        spec={"endpoints": [{"ip": {"address": "127.0.0.1", "port": 1}}], "appProtocol": "kubernetes.io/h2c"},
    )
    assert isinstance(it, Backend)
    assert it.spec.endpoints == (BackendEndpoint(ip=IPEndpoint(address="127.0.0.1", port=1)),)
    assert it.spec.app_protocol == "kubernetes.io/h2c"
    assert (it.key, it.metadata.generation) == ("default/it", 1)


@pytest.mark.parametrize(
    ("endpoints", "found"),
    [
        ([], ("PM0107", "spec.endpoints")),
        ([{}], ("PM0109", "spec.endpoints[0]")),
        ([{"ip": {"address": "127.0.0.1"}}], ("PM0108", "spec.endpoints[0].ip.port")),
        ([{"ip": {"address": "localhost", "port": 1}}], ("PM0109", "spec.endpoints[0].ip.address")),
        ([{"fqdn": {"hostname": "A_b", "port": 1}}], ("PM0107", "spec.endpoints[0].fqdn.hostname")),
        ([{"unix": {"path": ""}}], ("PM0107", "spec.endpoints[0].unix.path")),
    ],
)
def test_mistake_in_a_backend_is_named(endpoints: Any, found: tuple[str, str]) -> None:
    assert said(admit("Backend", "pointsman.io/v1alpha1", spec={"endpoints": endpoints})) == [found]


def test_same_text_as_json_and_as_python_is_the_same_object() -> None:
    document = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "it"}, "spec": {"ports": [{"port": 80}]}}
    assert DOOR.admit(document) == DOOR.admit(json.loads(json.dumps(document)))
