"""Claims about forks that a Sandbox declares: what is to be made, which Services they answer for, and what is said meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from tests.objects import changes, decoded, objects
from translator.engine import Engine
from translator.ir.copy import ANSWERS, Copy, OfFork, Source, fork_name
from translator.ir.output import Status
from translator.ir.tables import COPYING, OUT_COPIES, OUT_FINDINGS, OUT_STATUS, UNCOPIED
from translator.program import engine
from translator.resources.core import Service
from translator.resources.sandbox import Sandbox
from translator.sandbox.copies import MadeFor, answered, declared, made_for, wishes
from translator.sandbox.forks import DECLARED, EACH
from xds.offline import door

IMAGE = {"customizations": {"images": [{"image": "r/checkout:2"}]}}
ALICE = ("Sandbox", "default/alice")
DOOR = door()


def sandbox(**spec: Any) -> Sandbox:
    found = decoded({"kind": "Sandbox", "metadata": {"name": "alice"}, "spec": spec})
    assert isinstance(found, Sandbox)
    return found


def of(name: str, **more: Any) -> dict[str, Any]:
    return {"forkOf": {"name": name}, **more}


def deployed(service: str, deployment: str, **more: Any) -> dict[str, Any]:
    return {"name": service, "targetRef": {"kind": "Deployment", "name": deployment}, **more}


def targets(one: Sandbox, *made: MadeFor) -> dict[str, str]:
    return {each.name: each.target_ref.name for each in answered(one, made).values()}


def test_service_with_a_deployment_is_answered_by_the_service_of_its_fork() -> None:
    one = sandbox(services=[deployed("cart", "web", containers=[]), {"name": "pay", "targetRef": {"name": "pay-2"}}])
    assert targets(one) == {"cart": "cart-alice", "pay": "pay-2"}
    assert [declared(one, place) for place in answered(one)] == [True, False]


def test_fork_answers_for_all_services_that_are_made_for_it_and_until_then_for_the_one_of_its_name() -> None:
    one = sandbox(forks=[of("web"), of("pay")])
    assert targets(one) == {"web": "web-alice", "pay": "pay-alice"}
    made = MadeFor("web", "front"), MadeFor("web", "inside"), MadeFor("other", "x")
    assert targets(one, *made) == {"front": "front-alice", "inside": "inside-alice", "pay": "pay-alice"}
    assert [*answered(one, made)] == [DECLARED, DECLARED + 1, DECLARED + EACH]


def test_what_a_service_says_counts_before_what_a_fork_says() -> None:
    one = sandbox(services=[{"name": "web", "targetRef": {"name": "mine"}}], forks=[of("web")])
    assert targets(one) == {"web": "mine"}


@pytest.mark.parametrize(
    ("name", "says", "expected"),
    [
        ("web-alice", "alice/checkout/web", ("alice", MadeFor("checkout", "web"))),
        ("other", "alice/checkout/web", None),
        ("web-alice", "alice", None),
        ("web-alice", "", None),
        (fork_name("w" * 60 + "!", "alice"), f"alice/checkout/{'w' * 60}!", None),
    ],
)
def test_service_that_leads_to_a_fork_is_known_by_what_it_says_and_by_its_name(name: str, says: str, expected: Any) -> None:
    found = decoded({"kind": "Service", "metadata": {"name": name, "annotations": {ANSWERS: says}}, "spec": {}})
    assert isinstance(found, Service)
    assert made_for(found) == expected


def test_all_that_a_sandbox_says_of_its_forks_is_to_be_made() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "operation": "delete", "container": "app"}]
    patch = {"value": "spec: {replicas: 2}"}
    fork = of("web", customizations={"images": [{"image": "w:2", "container": "app"}], "env": env, "patch": patch})
    containers = [{"name": "app", "image": "c:2", "env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "B"}]}]
    found, wrong = wishes(sandbox(forks=[fork], services=[deployed("cart", "shop", containers=containers), deployed("pay", "shop")]))
    assert (found, wrong) == (
        [
            Copy(of="shop", services=("cart", "pay"), images=(("app", "c:2"),), env=(("app", "A", "1"), ("", "B", ""))),
            Copy(of="web", images=(("app", "w:2"),), env=(("*", "A", "1"), ("app", "B", None)), patch="spec: {replicas: 2}"),
        ],
        [],
    )


def test_fork_may_be_of_a_rollout() -> None:
    fork = {"forkOf": {"kind": "Rollout", "name": "web"}}
    assert wishes(sandbox(forks=[fork])) == ([Copy(of="web", kind="Rollout")], [])


def test_values_from_elsewhere_and_the_type_of_a_patch_are_passed_on() -> None:
    key = {"name": "db", "key": "host"}
    sources = [
        {"configMapKeyRef": key},
        {"secretKeyRef": {**key, "optional": True}},
        {"fieldRef": {"fieldPath": "metadata.name"}},
        {"fork": {"forkOf": {"kind": "Deployment", "name": "pay"}, "expression": "{{ .Service.Host }}"}},
        {"fork": {"forkOf": {"namespace": "default", "name": "pay"}, "expression": "x"}},
    ]
    env = [{"name": "A", "valueFrom": one} for one in sources]
    custom = {"env": env, "patch": {"type": "json", "value": "[]"}}
    ((found,), wrong) = wishes(sandbox(forks=[of("web", customizations=custom)]))
    named = (("name", "db"), ("key", "host"))
    assert [value for _, _, value in found.env] == [
        Source("configMapKeyRef", named),
        Source("secretKeyRef", (*named, ("optional", True))),
        Source("fieldRef", (("fieldPath", "metadata.name"),)),
        OfFork("pay", "{{ .Service.Host }}"),
        OfFork("default/pay", "x"),
    ]
    assert (found.patch, found.how, wrong) == ("[]", "json", [])


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ({"name": "A", "value": "1", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}, "not both"),
        ({"name": "A", "valueFrom": {}}, "exactly one of"),
        ({"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}, "secretKeyRef": {"name": "a", "key": "b"}}}, "exactly one of"),
    ],
)
def test_variable_has_one_value(variable: dict[str, Any], words: str) -> None:
    document = {"kind": "Sandbox", "metadata": {"name": "a"}, "spec": {"forks": [of("web", customizations={"env": [variable]})]}}
    found = DOOR.admit({"apiVersion": "pointsman.io/v1alpha1", **document})
    assert any(words in one.message for one in found.findings)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"forks": [{"forkOf": {"name": "web", "namespace": "other"}}]}, id="other-namespace"),
        pytest.param({"forks": [of("web")], "services": [deployed("cart", "web")]}, id="one-deployment-twice"),
    ],
)
def test_fork_that_is_not_permitted_is_told_and_not_made(spec: dict[str, Any]) -> None:
    found, wrong = wishes(sandbox(**spec))
    assert [one.code for one in wrong] == ["PM0716"]
    assert all(one.services for one in found)


# In the program -------------------------------------------------------------------------------------------------------------

SHOP = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
---
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: pointsman, listeners: [{name: http, port: 8080, protocol: HTTP}]}
---
kind: RouteGroup
metadata: {name: previews}
spec: {parentRefs: [{name: edge}], admission: {mode: All}}
---
kind: HTTPRoute
metadata: {name: shop}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
kind: Sandbox
metadata: {name: alice, creationTimestamp: "2026-01-01T00:00:00Z"}
spec: {forks: [{forkOf: {name: checkout}, customizations: {images: [{image: "r/checkout:2"}]}}], resources: {cpu: 100m}}
"""
MADE = """
kind: Service
metadata: {name: web-alice, annotations: {pointsman.io/answers: alice/checkout/web}}
spec: {ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {name: web-alice-1, labels: {kubernetes.io/service-name: web-alice}}
addressType: IPv4
ports: [{name: "", port: 8080}]
endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}}]
"""


def shop(*, making: bool = True) -> Engine:
    found = engine()
    found.apply([*([(COPYING, "", True)] if making else []), *changes(objects(SHOP))])
    return found


def said(of: Engine) -> tuple[str, dict[str, str], list[str]]:
    status = of.get(OUT_STATUS, ALICE)
    assert isinstance(status, Status)
    return status.phase, {one.type: one.reason for one in status.conditions}, [f"{one.name} {one.status}" for one in status.services]


def codes(of: Engine) -> list[str]:
    return [one.code for one in of.get(OUT_FINDINGS, ALICE) or ()]


def test_sandbox_is_pending_until_its_fork_is_made_and_running_when_that_answers() -> None:
    core = shop()
    assert said(core) == ("Pending", {"Ready": "NotRouted", "Forked": "Pending"}, ["checkout Pending"])
    core.apply(changes(objects(MADE)))
    assert said(core) == ("Running", {"Ready": "Ready", "Forked": "Made"}, ["web Running"])
    assert codes(core) == []


def test_what_could_not_be_made_is_said_by_the_sandbox() -> None:
    core = shop()
    core.apply([(UNCOPIED, "default/alice", "Deployment default/checkout does not exist")])
    assert said(core)[:2] == ("Failed", {"Ready": "NotRouted", "Forked": "Failed"})
    assert "PM0715" in codes(core)
    core.apply([(UNCOPIED, "default/alice", None)])
    assert "PM0715" not in codes(core)


def test_where_nobody_makes_forks_it_is_said_what_to_do() -> None:
    core = shop(making=False)
    assert said(core)[1]["Forked"] == "NotMadeHere"
    [found] = [one for one in core.get(OUT_FINDINGS, ALICE) or () if one.code == "PM0714"]
    assert "--forks" in found.fix
    core.apply(changes(objects(MADE)))
    assert said(core)[2] == ["web Running"], "a Service that is there is led to, whoever made it"


def test_what_is_to_be_made_goes_with_the_sandbox() -> None:
    core = shop()
    row = core.get(OUT_COPIES, "default/alice")
    assert row is not None
    assert (row.sandbox, row.born, row.resources, [one.of for one in row.copies]) == (
        "alice", "2026-01-01T00:00:00Z", (("cpu", "100m"),), ["checkout"],
    )  # fmt: skip
    core.apply([(table, key, None) for table, key, one in changes(objects(SHOP)) if isinstance(one, Sandbox)])
    assert core.get(OUT_COPIES, "default/alice") is None
