"""Nothing of ours is left, and nothing of anybody else is touched."""

from __future__ import annotations

import copy

import pytest

from tests.unit.xds.installation.world import TRUE, World, gateway, instant, plane
from translator.gatewayapi.conditions import CONTROLLER
from translator.ir.copy import DECLARED
from translator.mesh.matching import LABEL
from translator.planes.manifests import OWNER
from xds.forks.difference import KINDS
from xds.installation.api import Api
from xds.installation.installing import Installation
from xds.installation.manifests import NAMESPACE, base, definitions, place
from xds.installation.removing import Removal, Wanted, cleared

ROUTE = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/r"
THEIRS = {"parentRef": {"name": "x"}, "controllerName": "example.com/c", "conditions": []}
OURS = {"parentRef": {"name": "edge"}, "controllerName": CONTROLLER, "conditions": [{"type": "Accepted", **TRUE}]}


@pytest.fixture
async def world() -> World:
    made = World()
    assert await Installation(Api(made), "x", instant()).apply(lambda _: None) == []
    return made


def removal(world: World, wanted: Wanted | None = None, told: list[str] | None = None) -> Removal:
    return Removal(Api(world), wanted or Wanted(), instant(), ([] if told is None else told).append)


async def test_what_was_installed_is_removed_and_definitions_stay(world: World) -> None:
    world.put(place("v1", "configmaps", NAMESPACE, "kube-root-ca.crt"), {})
    world.put(place("v1", "secrets", NAMESPACE, "pointsman-ca"), {"metadata": {"labels": {"app.kubernetes.io/managed-by": "pointsman"}}})
    assert await removal(world).remove(5) == []
    assert set(world.objects) == {one.path for one in definitions()}


async def test_server_goes_before_what_it_would_make_again(world: World) -> None:
    plane(world, "Deployment", "apps/v1", "deployments", "edge")
    told: list[str] = []
    await removal(world, told=told).remove(5)
    assert told[0].endswith("/pointsman-system/deployments/pointsman")
    assert told[1].endswith("/default/deployments/edge-pointsman")


async def test_nothing_more_is_removed_while_the_server_runs(world: World) -> None:
    world.put(place("v1", "pods", NAMESPACE, "p"), {"metadata": {"labels": {"app.kubernetes.io/name": "pointsman"}}})
    plane(world, "Service", "v1", "services", "edge")
    assert await removal(world).remove(5) == [f"{NAMESPACE}/p"]
    assert any(path.endswith("edge-pointsman") for path in world.objects)


async def test_proxies_of_all_namespaces_go_and_gateways_stay(world: World) -> None:
    gateway(world, "edge")
    for version, plural in (("v1", "services"), ("v1", "secrets"), ("apps/v1", "deployments"), ("policy/v1", "poddisruptionbudgets")):
        plane(world, "X", version, plural, "edge")
    world.put(place("v1", "services", "default", "shop"), {"kind": "Service"})
    assert await removal(world).gateways() == ["default/edge"]
    assert await removal(world).remove(5) == []
    left = {path for path in world.objects if "/default/" in path}
    assert {path.rpartition("/")[2] for path in left} == {"edge", "shop"}


async def test_of_statuses_our_part_goes_and_that_of_others_stays(world: World) -> None:
    world.put(ROUTE, {"kind": "HTTPRoute", "spec": {}, "status": {"parents": [THEIRS, OURS]}})
    foreign = {"type": "example.com/Checked", **TRUE}
    status = {"conditions": [{"type": "Programmed", **TRUE}, foreign], "addresses": [{"value": "192.0.2.1"}]}
    edge = gateway(world, "edge", status=status)
    other = copy.deepcopy(gateway(world, "other", of_class="else", status=status))
    await removal(world).remove(5)
    assert world.objects[ROUTE]["status"] == {"parents": [THEIRS]}
    assert world.objects[place("gateway.networking.k8s.io/v1", "gateways", "default", edge["metadata"]["name"])]["status"] == {
        "conditions": [foreign]
    }
    assert world.objects[place("gateway.networking.k8s.io/v1", "gateways", "default", "other")] == other


async def test_routes_that_were_written_for_a_mesh_go_and_those_of_people_stay(world: World) -> None:
    made = f"{ROUTE}-forks"
    world.put(made, {"kind": "HTTPRoute", "spec": {}, "metadata": {"labels": {**OWNER, **LABEL}}})
    world.put(ROUTE, {"kind": "HTTPRoute", "spec": {}})
    assert await removal(world).remove(5) == []
    assert made not in world.objects
    assert ROUTE in world.objects


async def test_namespace_that_holds_something_else_is_kept_and_said_to_be(world: World) -> None:
    theirs = place("v1", "configmaps", NAMESPACE, "notes")
    world.put(theirs, {})
    world.put(place("v1", "secrets", NAMESPACE, "pointsman-ca"), {"metadata": {"labels": {"app.kubernetes.io/managed-by": "pointsman"}}})
    assert await removal(world).remove(5) == [f"Namespace/{NAMESPACE} is kept: it holds configmaps/notes"]
    left = {path for path in world.objects if NAMESPACE in path and "endpointslices" not in path}
    assert left == {theirs, place("v1", "namespaces", "", NAMESPACE)}


async def test_definitions_go_when_asked_for_except_those_that_objects_are_of(world: World) -> None:
    gateway(world, "edge")
    kept = await removal(world, Wanted(definitions=True)).remove(5)
    assert [one.partition(" is kept")[0] for one in kept] == ["CustomResourceDefinition/gateways.gateway.networking.k8s.io"]
    assert "1 objects" in kept[0]
    assert "--objects" in kept[0]


async def test_with_objects_every_definition_goes(world: World) -> None:
    gateway(world, "edge")
    assert await removal(world, Wanted(definitions=True, objects=True)).remove(5) == []
    assert not any("customresourcedefinitions" in path for path in world.objects)


async def test_what_does_not_go_is_told(world: World) -> None:
    world.stuck.add(place("rbac.authorization.k8s.io/v1", "clusterroles", "", "pointsman"))
    assert await removal(world).remove(5) == ["ClusterRole/pointsman"]


async def test_rehearsal_lists_all_and_removes_nothing(world: World) -> None:
    plane(world, "Service", "v1", "services", "edge")
    before = len(world.objects)
    left = await removal(world).left()
    assert {str(one) for one in base()} < set(left)
    assert "/api/v1/namespaces/default/services/edge-pointsman" in left
    assert len(world.objects) == before


async def test_again_is_no_error(world: World) -> None:
    await removal(world).remove(5)
    assert await removal(world).remove(5) == []


@pytest.mark.parametrize(
    ("kind", "spec", "mine"),
    [
        ("Gateway", {"gatewayClassName": "pointsman"}, True),
        ("Gateway", {"gatewayClassName": "other"}, False),
        ("GatewayClass", {"controllerName": CONTROLLER}, True),
        ("GatewayClass", {"controllerName": "example.com/c"}, False),
        ("ListenerSet", {"parentRef": {"name": "edge"}}, True),
        ("ListenerSet", {"parentRef": {"name": "edge", "namespace": "else"}}, False),
        ("Sandbox", {}, True),
        ("HTTPRoute", {}, False),
    ],
)
def test_status_is_ours_where_the_object_is(kind: str, spec: dict[str, object], mine: bool) -> None:
    one = {"metadata": {"name": "a", "namespace": "default"}, "spec": spec, "status": {"conditions": [{"type": "Accepted", **TRUE}]}}
    assert cleared(kind, one, {"pointsman"}, {"default/edge"}) == ({} if mine else None)


def test_object_without_a_status_is_left_alone() -> None:
    assert cleared("Sandbox", {"metadata": {"name": "a"}, "spec": {}}, set(), set()) is None


async def test_webhook_goes_before_who_answers_it_and_what_sidecars_start_with_goes_too(world: World) -> None:
    assert await Installation(Api(world), "x", instant(), components=["webhook"]).apply(lambda _: None) == []
    labels = {**OWNER, "pointsman.io/sidecar": "cart"}
    for plural in ("secrets", "configmaps"):
        world.put(place("v1", plural, "shop", "pointsman-sidecar-cart"), {"metadata": {"labels": labels}})
        world.put(place("v1", plural, "shop", "pointsman-sidecar-theirs"), {"metadata": {"labels": OWNER}})
    told: list[str] = []
    assert await removal(world, told=told).remove(5) == []
    assert told[0].endswith("/mutatingwebhookconfigurations/pointsman")
    left = {path for path in world.objects if "customresourcedefinitions" not in path}
    assert {path.rpartition("/")[2] for path in left} == {"pointsman-sidecar-theirs"}


async def test_forks_that_sandboxes_declared_go_and_others_stay(world: World) -> None:
    for version, plural in KINDS.values():
        world.put(place(version, plural, "shop", "web-alice"), {"metadata": {"labels": DECLARED}})
        world.put(place(version, plural, "shop", "web-bob"), {"metadata": {"labels": {"pointsman.io/sandbox": "bob"}}})
    assert await removal(world).remove(5) == []
    assert {path.rpartition("/")[2] for path in world.objects if "/shop/" in path} == {"web-bob"}


@pytest.mark.parametrize("definitions_too", [True, False])
async def test_roles_for_groups_of_sandboxes_go_and_their_definitions_as_far_as_ours_do(world: World, definitions_too: bool) -> None:
    groups = ("previews.example.org",)
    assert await Installation(Api(world), "x", instant(), groups=groups).apply(lambda _: None) == []
    theirs = place("rbac.authorization.k8s.io/v1", "clusterrolebindings", "", "pointsman-a.example")
    foreign = {"kind": "ServiceAccount", "namespace": "other", "name": "x"}
    world.put(theirs, {"roleRef": {"name": "pointsman-a.example"}, "subjects": [foreign]})
    assert await removal(world, Wanted(definitions=definitions_too)).remove(5) == []
    kept = set() if definitions_too else {one.path for one in definitions(groups)}
    assert set(world.objects) == kept | {theirs}
