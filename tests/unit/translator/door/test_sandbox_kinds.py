"""Claims about what the door lets through of Sandboxes and RouteGroups, and under which names."""

from __future__ import annotations

from typing import Any

import pytest

from translator.door import Admission, Door
from translator.ir.finding import field_path
from xds.crds import shipped

DOOR = Door(shipped())
OURS = "pointsman.io/v1alpha1"
SERVICE = {"name": "cart", "targetRef": {"name": "cart-alice"}}
PARENTS = [{"name": "edge"}]


def sandbox(api: str = OURS, **spec: Any) -> Admission:
    return DOOR.admit({"apiVersion": api, "kind": "Sandbox", "metadata": {"name": "it"}, "spec": {"services": [SERVICE], **spec}})


def group(**spec: Any) -> Admission:
    return DOOR.admit({"apiVersion": OURS, "kind": "RouteGroup", "metadata": {"name": "it"}, "spec": {"parentRefs": PARENTS, **spec}})


def said(admission: Admission) -> list[tuple[str, str]]:
    return [(finding.code, field_path(finding.path)) for finding in admission.findings]


@pytest.mark.parametrize("api", [OURS, "sandbox.example.com/v1alpha1"])
def test_kind_is_read_under_both_names(api: str) -> None:
    admission = sandbox(api)
    assert (admission.findings, admission.kind, admission.key) == ((), "Sandbox", "default/it")
    assert admission.object is not None


def test_other_version_is_told_with_the_one_to_use() -> None:
    (finding,) = sandbox("sandbox.example.com/v2").findings
    assert finding.code == "PM0104"
    assert finding.fix == "use pointsman.io/v1alpha1"


def test_backend_has_its_one_name() -> None:
    document = {"apiVersion": "sandbox.example.com/v1alpha1", "kind": "Backend", "metadata": {"name": "it"}, "spec": {"endpoints": []}}
    assert [finding.code for finding in DOOR.admit(document).findings] != []


def test_sandbox_has_the_defaults_of_its_crd() -> None:
    it: Any = sandbox().object
    assert (it.routing_key, it.spec.services[0].target_ref.kind, it.spec.services[0].target_ref.port) == ("it", "Service", None)


def test_group_has_the_defaults_of_its_crd() -> None:
    it: Any = group().object
    assert (it.spec.admission.mode, it.spec.admission.wrong, it.spec.routing_key_header) == ("None", "Reject", "x-route-key")
    assert (it.spec.headers, it.spec.selector, it.spec.preview_hosts) == (None, None, ())


@pytest.mark.parametrize("key", ["a", "a-b", "a" * 63, "0", ""])
def test_key_of_the_right_form_passes(key: str) -> None:
    assert said(sandbox(routingKey=key)) == []


@pytest.mark.parametrize("key", ["A", "a.b", "-a", "a-", "a" * 64, "a b", "a,b"])
def test_key_of_another_form_is_refused(key: str) -> None:
    assert ("PM0107", "spec.routingKey") in said(sandbox(routingKey=key))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"services": []}, ("PM0109", "spec"), id="nothing-is-changed"),
        pytest.param({"services": [SERVICE, SERVICE]}, ("PM0109", "spec"), id="service-twice"),
        pytest.param({"services": [{"name": "cart"}]}, ("PM0108", "spec.services[0].targetRef"), id="nobody-answers"),
        pytest.param({"services": [SERVICE], "colour": "red"}, ("PM0106", "spec.colour"), id="field-that-is-not-there"),
    ],
)
def test_sandbox_that_says_too_little_or_too_much_is_told(spec: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in said(sandbox(**spec))


STICKY = ("PM0109", "spec.routes[0].sticky")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"parentRefs": []}, ("PM0109", "spec"), id="neither-parent-nor-mesh"),
        pytest.param({"admission": {"mode": "Signed"}}, ("PM0109", "spec.admission"), id="signed-without-a-secret"),
        pytest.param({"admission": {"audience": "a"}}, ("PM0109", "spec.admission"), id="audience-of-nobody"),
        pytest.param({"admission": {"secrets": ["a"]}}, ("PM0109", "spec.admission"), id="secret-for-nobody"),
        pytest.param(
            {"admission": {"mode": "Signed", "secrets": ["../a"]}}, ("PM0107", "spec.admission.secrets[0]"), id="secret-elsewhere"
        ),
        pytest.param({"admission": {"mode": "Some"}}, ("PM0107", "spec.admission.mode"), id="unknown-mode"),
        pytest.param({"previewHosts": ["preview.example.com"]}, ("PM0107", "spec.previewHosts[0]"), id="host-without-a-star"),
        pytest.param({"previewHosts": ["*.Example.com"]}, ("PM0107", "spec.previewHosts[0]"), id="host-in-upper-case"),
        pytest.param({"headers": [{"name": "baggage", "format": "Baggage"}]}, ("PM0109", "spec.headers[0]"), id="list-without-a-member"),
        pytest.param({"headers": [{"name": ":path"}]}, ("PM0107", "spec.headers[0].name"), id="pseudo-header"),
        pytest.param({"routingKeyHeader": "a b"}, ("PM0107", "spec.routingKeyHeader"), id="header-with-a-blank"),
        pytest.param({"routes": [{"targetSandbox": "a", "sticky": {"type": "Header"}}]}, STICKY, id="sticky-by-no-header"),
        pytest.param({"routes": [{"targetSandbox": "a", "sticky": {"type": "SourceIP", "name": "a"}}]}, STICKY, id="address-of-a-name"),
        pytest.param(
            {"routes": [{"targetSandbox": "a", "sticky": {"type": "Cookie", "name": "a;b"}}]},
            ("PM0107", "spec.routes[0].sticky.name"),
            id="sticky-by-no-cookie",
        ),
        pytest.param({"routes": [{"routingKey": "a"}]}, ("PM0108", "spec.routes[0].targetSandbox"), id="route-to-nobody"),
    ],
)
def test_group_that_cannot_be_meant_is_refused(spec: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in said(group(**spec))
