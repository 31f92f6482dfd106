"""Claims about the door: what passes, what is refused, and what is said about it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from translator.door import Admission, Door
from translator.ir.finding import field_path
from xds.crds import shipped

DOOR = Door(shipped())
GATEWAY_API = "gateway.networking.k8s.io"


def thing(kind: str, spec: Any = None, api: str = f"{GATEWAY_API}/v1", **metadata: Any) -> dict[str, Any]:
    document = {"apiVersion": api, "kind": kind, "metadata": {"name": "it", **metadata}}
    return document if spec is None else {**document, "spec": spec}


def route(**rule: Any) -> dict[str, Any]:
    return thing("HTTPRoute", {"parentRefs": [{"name": "edge"}], "rules": [rule]})


def admitted(document: Any) -> Any:
    admission = DOOR.admit(document)
    assert admission.findings == ()
    assert admission.object is not None
    return admission.object


def said(admission: Admission) -> list[tuple[str, str]]:
    return [(finding.code, field_path(finding.path)) for finding in admission.findings]


def test_route_is_defaulted_as_its_crd_says() -> None:
    it = admitted(route(backendRefs=[{"name": "cart", "port": 80}]))
    (rule,) = it.spec.rules
    assert it.spec.parent_refs[0].kind == "Gateway"
    assert (rule.matches[0].path.type, rule.matches[0].path.value) == ("PathPrefix", "/")
    assert rule.backend_refs[0].weight == 1
    assert rule.backend_refs[0].kind == "Service"


def test_defaults_reach_into_items_of_lists() -> None:
    it = admitted(route(matches=[{"headers": [{"name": "x", "value": "1"}]}, {"path": {"value": "/a"}}]))
    first, second = it.spec.rules[0].matches
    assert first.headers[0].type == "Exact"
    assert first.path.value == "/"
    assert second.path.type == "PathPrefix"


def test_what_is_shown_is_what_an_api_server_would_keep() -> None:
    written = {**route(backendRefs=[{"name": "s", "port": 80}], colour="red"), "status": {"parents": []}}
    shown = DOOR.defaulted(written)
    assert shown["metadata"] == written["metadata"]
    assert shown["spec"]["rules"][0] == {
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "backendRefs": [{"name": "s", "port": 80, "group": "", "kind": "Service", "weight": 1}],
    }
    assert "status" not in shown


def test_input_is_left_as_it_was() -> None:
    document = route(matches=[{}], unknown=1)
    before = copy.deepcopy(document)
    DOOR.admit(document)
    assert document == before


def test_null_where_none_is_allowed_counts_as_absent() -> None:
    it = admitted(route(matches=[{"path": None, "headers": None}]))
    assert it.spec.rules[0].matches[0].path.value == "/"


def test_misspelt_field_is_dropped_with_a_suggestion() -> None:
    admission = DOOR.admit(route(backendRef=[{"name": "cart", "port": 80}]))
    (finding,) = admission.findings
    assert admission.object is not None
    assert (finding.code, finding.severity, finding.fix) == ("PM0106", "warning", "did you mean backendRefs?")
    assert field_path(finding.path) == "spec.rules[0].backendRef"


def test_value_outside_of_a_choice_is_refused_with_its_path_and_a_suggestion() -> None:
    admission = DOOR.admit(route(matches=[{"path": {"type": "Prefix", "value": "/"}}]))
    (finding,) = admission.findings
    assert admission.object is None
    assert admission.key == "default/it"
    assert (finding.code, field_path(finding.path)) == ("PM0107", "spec.rules[0].matches[0].path.type")
    assert finding.message == 'type must be "Exact" or "PathPrefix" or "RegularExpression", not "Prefix"'
    assert finding.fix == "did you mean PathPrefix?"


def test_yaml_truth_in_place_of_text_is_told_to_be_quoted() -> None:
    (finding,) = DOOR.admit(route(matches=[{"headers": [{"name": "x", "value": True}]}])).findings
    assert (finding.message, finding.fix) == ("value must be text, not true", "put the value in quotes")


def test_missing_field_is_named_with_its_whole_path() -> None:
    assert said(DOOR.admit(thing("Gateway", {"listeners": [{"name": "web", "port": 80}], "gatewayClassName": "x"}))) == [
        ("PM0108", "spec.listeners[0].protocol")
    ]


def test_two_listeners_of_one_name_are_told() -> None:
    listener = {"name": "web", "port": 80, "protocol": "HTTP"}
    found = said(DOOR.admit(thing("Gateway", {"gatewayClassName": "x", "listeners": [listener, {**listener, "port": 81}]})))
    assert ("PM0110", "spec.listeners[1]") in found


def test_rule_of_the_crd_is_run_and_its_message_shown() -> None:
    (finding,) = DOOR.admit(route(backendRefs=[{"name": "cart"}])).findings
    assert (finding.code, finding.message) == ("PM0109", "backendRefs[0] breaks a rule: Must have port for Service reference")


def test_rules_are_not_run_over_values_of_a_wrong_type() -> None:
    assert said(DOOR.admit(route(backendRefs=[{"name": "cart", "port": "http"}]))) == [("PM0107", "spec.rules[0].backendRefs[0].port")]


def test_status_in_a_file_counts_for_nothing() -> None:
    admitted({**route(), "status": "whatever"})


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("GatewayClass", {"controllerName": "pointsman.io/gateway-controller"}),
        ("Gateway", {"gatewayClassName": "x", "listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}]}),
        ("HTTPRoute", {}),
        ("ReferenceGrant", {"from": [{"group": "", "kind": "HTTPRoute", "namespace": "a"}], "to": [{"group": "", "kind": "Service"}]}),
    ],
)
def test_every_version_that_the_crd_serves_is_admitted(version: str, kind: str, spec: Any) -> None:
    assert type(admitted(thing(kind, spec, f"{GATEWAY_API}/{version}"))).__name__ == kind


def test_version_that_is_not_served_is_refused_with_the_right_one() -> None:
    admission = DOOR.admit(thing("HTTPRoute", {}, f"{GATEWAY_API}/v1alpha2"))
    (finding,) = admission.findings
    assert (admission.object, finding.code, finding.severity) == (None, "PM0104", "error")
    assert finding.fix == "use gateway.networking.k8s.io/v1"


def test_kind_of_the_same_name_in_another_group_is_only_warned_of() -> None:
    (finding,) = DOOR.admit(thing("Gateway", {}, "networking.istio.io/v1")).findings
    assert (finding.code, finding.severity) == ("PM0104", "warning")


def test_misspelt_kind_is_warned_of_with_a_suggestion() -> None:
    (finding,) = DOOR.admit(thing("HttpRoutes")).findings
    assert (finding.code, finding.severity, finding.fix) == ("PM0103", "warning", "did you mean HTTPRoute?")


@pytest.mark.parametrize("kind", ["SignadotRoute", "SignadotRouteGroup", "SignadotSandbox"])
def test_kind_of_an_operator_says_where_it_is_read_and_is_no_slip_of_the_pen(kind: str) -> None:
    (finding,) = DOOR.admit(thing(kind, {}, "signadot.com/v1")).findings
    assert (finding.code, finding.severity, finding.fix) == ("PM0103", "warning", "")
    assert "in a cluster alone" in finding.message


def test_kinds_that_nobody_reads_pass_without_a_word() -> None:
    assert DOOR.admit(thing("Pod", api="v1")) == Admission("Pod", "default/it", None)


def test_kind_of_the_gateway_api_that_is_not_served_is_warned_of() -> None:
    assert said(DOOR.admit(thing("XMesh", {}))) == [("PM0112", "kind")]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        pytest.param({}, "apiVersion", id="empty"),
        pytest.param({"apiVersion": "v1", "metadata": {"name": "x"}}, "kind", id="no-kind"),
        pytest.param({"apiVersion": 1, "kind": "Service", "metadata": {"name": "x"}}, "apiVersion", id="version-is-a-number"),
        pytest.param({"apiVersion": "v1", "kind": "Service"}, "metadata", id="no-metadata"),
        pytest.param({"apiVersion": "v1", "kind": "Service", "metadata": {}}, "metadata.name", id="no-name"),
    ],
)
def test_document_that_is_no_object_says_what_it_lacks(document: Any, field: str) -> None:
    assert said(DOOR.admit(document))[0] == ("PM0102", field)


def test_cluster_scoped_object_has_no_namespace_and_says_so() -> None:
    admission = DOOR.admit(thing("GatewayClass", {"controllerName": "a.io/b"}, namespace="shop"))
    assert admission.object is not None
    assert (admission.key, admission.object.key) == ("it", "it")
    assert said(admission) == [("PM0113", "metadata.namespace")]


def test_findings_on_one_object_are_bounded() -> None:
    document = route()
    document["spec"] |= {f"field{number}": 1 for number in range(1000)}
    assert len(DOOR.admit(document).findings) == 20
