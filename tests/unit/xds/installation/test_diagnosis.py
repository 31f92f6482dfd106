"""The usual mistakes, each planted in a healthy cluster: one line each, with its code and what mends it, and nothing beside."""

from __future__ import annotations

import copy
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.xds.installation.world import TRUE, World, gateway, instant, plane
from translator.findings import CODES
from translator.ir.finding import Finding
from xds.installation.api import Api
from xds.installation.diagnosis import findings
from xds.installation.examining import Seen, examine, review
from xds.installation.installing import Installation
from xds.installation.manifests import NAME, NAMESPACE, definitions, place
from xds.installation.removing import HOOKS
from xds.installation.state import BUNDLE
from xds.security.issuing import authority

DEFINITION = "gateways.gateway.networking.k8s.io"
Plant = Callable[[World], Any]


@pytest.fixture
async def world() -> World:
    made = World()
    assert await Installation(Api(made), "x", instant()).apply(lambda _: None) == []
    return made


async def seen(world: World) -> Seen:
    return await examine(Api(world), world.version, world.now, world.now)


async def said(world: World) -> list[Finding]:
    return findings(await seen(world))


async def test_healthy_cluster_has_nothing_wrong(world: World) -> None:
    gateway(world, "edge")
    plane(
        world,
        "Service",
        "v1",
        "services",
        "edge",
        spec={"type": "LoadBalancer"},
        status={"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
    )
    assert await said(world) == []


def definition(world: World) -> Any:
    return world.objects[place("apiextensions.k8s.io/v1", "customresourcedefinitions", "", DEFINITION)]


def fields(world: World) -> Any:
    return definition(world)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]


def server(world: World) -> Any:
    return world.objects[place("apps/v1", "deployments", NAMESPACE, NAME)]


def lease(world: World) -> Any:
    return world.objects[place("coordination.k8s.io/v1", "leases", NAMESPACE, NAME)]["spec"]


def of_class(world: World) -> Any:
    return world.objects[place("gateway.networking.k8s.io/v1", "gatewayclasses", "", NAME)]


def remove(world: World, *where: str) -> None:
    del world.objects[place(*where)]


def certificate(world: World, begins: timedelta, days: int) -> None:
    import base64

    made = authority("CA", "x", world.now + begins, days)
    data = {"tls.crt": base64.b64encode(made.pem).decode()}
    world.put(place("v1", "secrets", NAMESPACE, "pointsman-ca"), {"data": data})


def pods(world: World, reason: str) -> None:
    server(world)["status"] = {"observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": 1}
    status = {"containerStatuses": [{"state": {"waiting": {"reason": reason}}}]}
    world.put(place("v1", "pods", NAMESPACE, "p"), {"metadata": {"labels": {"app.kubernetes.io/name": NAME}}, "status": status})


def proxy(world: World) -> None:
    gateway(world, "edge")
    conditions = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]
    plane(world, "Pod", "v1", "pods", "edge", status={"conditions": conditions})


def waiting(world: World) -> None:
    gateway(world, "edge")
    plane(world, "Service", "v1", "services", "edge", spec={"type": "LoadBalancer"})


@pytest.mark.parametrize(
    ("plant", "code", "words"),
    [
        pytest.param(lambda w: w.version.update(minor="30+"), "PM0902", "1.30", id="old-kubernetes"),
        pytest.param(
            lambda w: remove(w, "apiextensions.k8s.io/v1", "customresourcedefinitions", "", DEFINITION), "PM0903", "does not have it",
            id="definition-missing",
        ),
        pytest.param(
            lambda w: definition(w).update(status={"conditions": [{**TRUE, "type": "NamesAccepted", "message": "gtw is taken"}]}),
            "PM0903", "gtw is taken", id="names-taken",
        ),
        pytest.param(
            lambda w: definition(w)["metadata"].update(annotations={BUNDLE: "v9.0.0"}), "PM0904", "v9.0.0", id="definition-newer"
        ),
        pytest.param(
            lambda w: fields(w).pop("addresses"), "PM0904", "pointsman install", id="definition-older"
        ),
        pytest.param(lambda w: remove(w, "apps/v1", "deployments", NAMESPACE, NAME), "PM0905", "not installed", id="not-installed"),
        pytest.param(lambda w: pods(w, "ImagePullBackOff"), "PM0906", "--image IMAGE", id="image"),
        pytest.param(lambda w: pods(w, "CrashLoopBackOff"), "PM0906", "logs deployment/pointsman", id="crash"),
        pytest.param(lambda w: pods(w, "CreateContainerConfigError"), "PM0906", "refers to", id="config"),
        pytest.param(
            lambda w: server(w).update(status={"observedGeneration": 1}), "PM0906", "quota or an admission webhook", id="no-pod-at-all"
        ),
        pytest.param(lambda w: w.may_not.add(("list", "httproutes")), "PM0907", "list httproutes.gateway", id="right-missing"),
        pytest.param(
            lambda w: remove(w, "gateway.networking.k8s.io/v1", "gatewayclasses", "", NAME), "PM0908", "pointsman install", id="no-class"
        ),
        pytest.param(lambda w: of_class(w).pop("status"), "PM0909", "no server has accepted it", id="class-not-accepted"),
        pytest.param(
            lambda w: of_class(w).update(status={"conditions": [{**TRUE, "type": "Accepted", "status": "False", "message": "parameters"}]}),
            "PM0909", "parameters", id="class-refused",
        ),
        pytest.param(lambda w: lease(w).update(holderIdentity=""), "PM0910", "no status is written", id="nobody-leads"),
        pytest.param(
            lambda w: lease(w).update(renewTime=(w.now - timedelta(minutes=2)).isoformat()), "PM0910", "no proxy is made", id="leader-gone"
        ),
        pytest.param(lambda w: lease(w).update(renewTime="yesterday"), "PM0910", "no status", id="lease-without-a-time"),
        pytest.param(
            lambda w: lease(w).update(renewTime=(w.now + timedelta(minutes=2)).isoformat()), "PM0911", "120 s ahead", id="clock"
        ),
        pytest.param(lambda w: certificate(w, timedelta(days=-10), 9), "PM0912", "ended on", id="certificate-ended"),
        pytest.param(lambda w: certificate(w, timedelta(days=-10), 13), "PM0912", "ends on", id="certificate-ends-soon"),
        pytest.param(lambda w: certificate(w, timedelta(days=2), 90), "PM0912", "is good from", id="certificate-not-good-yet"),
        pytest.param(waiting, "PM0913", "MetalLB", id="no-address"),
        pytest.param(proxy, "PM0914", "0/1 nodes", id="proxy-has-no-place"),
        pytest.param(
            lambda w: setattr(w, "refuse", ("GET", "/secrets")), "PM0915", "may not GET", id="secrets-hidden"
        ),
        pytest.param(
            lambda w: remove(w, "discovery.k8s.io/v1", "endpointslices", NAMESPACE, "one"), "PM0916", "no proxy finds the server",
            id="no-endpoint",
        ),
    ],
)  # fmt: skip
async def test_mistake_is_one_line_with_what_mends_it(world: World, plant: Plant, code: str, words: str) -> None:
    plant(world)
    (found,) = await said(world)
    assert found.code == code
    assert words in f"{found.message} ({found.fix})"
    assert found.fix
    assert code in CODES


async def test_proxies_of_a_whole_class_are_those_of_each_of_its_gateways(world: World) -> None:
    gateway(world, "edge")
    gateway(world, "inner", namespace="else")
    labels = {
        "app.kubernetes.io/managed-by": "pointsman",
        "pointsman.io/shared": "true",
        "gateway.networking.k8s.io/gateway-class-name": NAME,
    }
    world.put(place("v1", "services", NAMESPACE, "all"), {"metadata": {"labels": labels}, "spec": {"type": "LoadBalancer"}})
    assert [(one.code, one.key) for one in await said(world)] == [("PM0913", "default/edge"), ("PM0913", "else/inner")]


async def test_clock_of_this_machine_is_compared_with_that_of_the_server(world: World) -> None:
    found = await examine(Api(world), world.version, world.now, world.now - timedelta(minutes=1))
    (one,) = findings(found)
    assert (one.code, "this machine is 60 s behind" in one.message) == ("PM0911", True)


async def test_verbs_that_are_missing_of_one_resource_are_one_line(world: World) -> None:
    world.may_not = {("create", "leases"), ("update", "leases"), ("update", "gateways/status")}
    told = [one.message for one in await said(world)]
    assert told == [
        "the server may not update gateways/status.gateway.networking.k8s.io",
        "the server may not create, update leases.coordination.k8s.io",
    ]


@pytest.mark.parametrize(
    ("option", "right"),
    [
        ("--forks", ("create", "deployments")),
        ("--mesh", ("update", "virtualservices")),
        ("--signadot", ("list", "signadotroutes")),
        ("--sandbox-group=previews.example.org", ("delete", "sandboxes")),
    ],
)
async def test_rights_that_an_option_needs_are_missed_only_with_it(world: World, option: str, right: tuple[str, str]) -> None:
    server(world)["spec"]["template"]["spec"]["containers"][0]["args"].append(option)
    world.may_not = {right}
    assert f"the server may not {' '.join(right)}" in " ".join(one.message for one in await said(world))
    if option.startswith("--s"):  # of kinds that nothing else reads
        server(world)["spec"]["template"]["spec"]["containers"][0]["args"].remove(option)
        assert not any("signadot" in one.message or "previews" in one.message for one in await said(world))


async def test_empty_cluster_lacks_definitions_and_server_and_says_nothing_of_what_follows_from_it() -> None:
    codes = [one.code for one in await said(World())]
    assert codes == ["PM0903"] * len(definitions()) + ["PM0905"]


async def test_errors_come_before_warnings(world: World) -> None:
    definition(world)["metadata"]["annotations"] = {"gateway.networking.k8s.io/bundle-version": "v9.0.0"}
    of_class(world).pop("status")
    assert [one.severity for one in await said(world)] == ["error", "warning"]


async def test_who_may_see_nothing_is_told_so_and_nothing_else(world: World) -> None:
    world.refuse = "GET", "/"
    assert {one.code for one in await said(world)} == {"PM0915"}


async def test_every_look_changes_nothing(world: World) -> None:
    before = copy.deepcopy(world.objects)
    await said(world)
    assert world.objects == before


def test_right_is_asked_for_the_account_of_the_server() -> None:
    spec = review(("gateway.networking.k8s.io", "gateways/status", "update"), "")["spec"]
    assert spec["user"] == "system:serviceaccount:pointsman-system:pointsman"
    assert spec["resourceAttributes"] == {
        "group": "gateway.networking.k8s.io", "resource": "gateways", "subresource": "status", "verb": "update",
    }  # fmt: skip
    assert review(("coordination.k8s.io", "leases", "get"), "a")["spec"]["resourceAttributes"]["namespace"] == "a"


def hooks(world: World, days: int = 60) -> Any:
    """The webhook is installed, and whoever signs is known, and trusted."""
    made = authority("ours", "x", world.now - timedelta(days=5), days)
    secret = place("v1", "secrets", NAMESPACE, "pointsman-ca")
    world.put(secret, {"kind": "Secret", "metadata": {}, "data": {"tls.crt": b64encode(made.pem).decode()}})
    bundle = b64encode(made.pem).decode()
    found = world.objects[HOOKS]
    for one in found["webhooks"]:
        one["clientConfig"]["caBundle"] = bundle
    return found


@pytest.fixture
async def hooked() -> World:
    made = World()
    assert await Installation(Api(made), "x", instant(), components=["webhook"]).apply(lambda _: None) == []
    return made


async def test_webhook_that_is_trusted_is_fine(hooked: World) -> None:
    hooks(hooked)
    assert await said(hooked) == []


async def test_webhook_that_nobody_answers_is_told(hooked: World) -> None:
    hooks(hooked)
    deployment = hooked.objects[place("apps/v1", "deployments", NAMESPACE, NAME)]
    deployment["spec"]["template"]["spec"]["containers"][0]["args"].remove("--webhook=0.0.0.0:19443")
    assert [(one.code, "not told to answer" in one.message) for one in await said(hooked)] == [("PM0917", True)]


@pytest.mark.parametrize(
    ("bundle", "why"),
    [
        pytest.param("", "empty", id="nobody"),
        pytest.param("eA==", "empty", id="nonsense"),
        pytest.param(b64encode(authority("other", "x", datetime.now(UTC), 10).pem).decode(), "another CA", id="another"),
    ],
)
async def test_webhook_that_is_not_trusted_is_told_with_the_reason(hooked: World, bundle: str, why: str) -> None:
    for one in hooks(hooked)["webhooks"]:
        one["clientConfig"]["caBundle"] = bundle
    assert [(one.code, why in one.message) for one in await said(hooked)] == [("PM0917", True)]


async def test_webhook_whose_ca_has_ended_is_told(hooked: World) -> None:
    hooks(hooked, days=1)
    assert ("PM0917", True) in [(one.code, "has ended" in one.message) for one in await said(hooked)]
