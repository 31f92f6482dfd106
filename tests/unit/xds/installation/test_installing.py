"""Everything is applied in order, nothing is written in a rehearsal, and the end is that a Gateway would work."""

from __future__ import annotations

import pytest

from tests.unit.xds.installation.world import World, instant
from xds.installation.api import Api, RefusedError
from xds.installation.installing import Installation, Step
from xds.installation.manifests import NAME, NAMESPACE, base, definitions, place

DEPLOYMENT = place("apps/v1", "deployments", NAMESPACE, NAME)


def made(world: World, image: str = "pointsman:0.1.0", *, keep: bool = False) -> Installation:
    return Installation(Api(world), image, instant(), keep=keep)


async def applied(world: World, *, keep: bool = False) -> list[Step]:
    steps: list[Step] = []
    assert await made(world, keep=keep).apply(steps.append) == []
    return steps


async def test_empty_cluster_gets_everything_and_then_a_gateway_would_work() -> None:
    world = World()
    steps = await applied(world)
    assert [one.what for one in steps] == ["created"] * (len(definitions()) + len(base()))
    assert await made(world).settle(10, lambda _: None) == []


async def test_second_time_changes_nothing() -> None:
    world = World()
    await applied(world)
    assert {one.what for one in await applied(world)} == {"unchanged"}


async def test_rehearsal_writes_nothing_and_says_what_is_missing() -> None:
    world = World()
    steps = await made(world).plan()
    assert world.objects == {}
    assert {one.what for one in steps} == {"created"}


async def test_rehearsal_says_what_would_be_different() -> None:
    world = World()
    await applied(world)
    before = dict(world.objects)
    changed = [one for one in await made(world, "other:1").plan() if one.what != "unchanged"]
    assert [one.object for one in changed] == [f"Deployment/{NAME}"]
    assert "image pointsman:0.1.0 → other:1" in " ".join(changed[0].changes)
    assert world.objects == before


async def test_definition_of_a_newer_gateway_api_is_kept() -> None:
    world = World()
    await applied(world)
    newer = place("apiextensions.k8s.io/v1", "customresourcedefinitions", "", "gateways.gateway.networking.k8s.io")
    world.objects[newer]["metadata"]["annotations"]["gateway.networking.k8s.io/bundle-version"] = "v9.0.0"
    kept = [one for one in await applied(world) if one.what == "kept"]
    assert [(one.object.rpartition("/")[2], one.changes) for one in kept] == [
        ("gateways.gateway.networking.k8s.io", ["the cluster has it from a newer Gateway API"])
    ]


async def test_definitions_are_kept_where_that_is_asked_for_and_missing_ones_are_made() -> None:
    world = World()
    await applied(world)
    del world.objects[definitions()[0].path]
    assert [one.what for one in await applied(world, keep=True)][: len(definitions())] == ["created"] + ["kept"] * (len(definitions()) - 1)


async def test_server_is_not_applied_before_its_definitions_are_served() -> None:
    world = World()
    world.sick.add("CustomResourceDefinition")
    lacking = await made(world).apply(lambda _: None)
    assert len(lacking) == len(definitions())
    assert DEPLOYMENT not in world.objects


@pytest.mark.parametrize(
    ("sick", "words"),
    [("Deployment", "the Deployment has not been looked at yet"), ("GatewayClass", "has not accepted the GatewayClass pointsman")],
)
async def test_what_never_comes_is_told_at_the_end(sick: str, words: str) -> None:
    world = World()
    world.sick.add(sick)
    await applied(world)
    if sick == "Deployment":
        world.objects[DEPLOYMENT]["metadata"]["generation"] = 1
    told: list[list[str]] = []
    lacking = await made(world).settle(5, told.append)
    assert words in "; ".join(lacking)
    assert told == [lacking], "the same is said once"


async def test_pods_say_why_they_do_not_run_and_replicas_say_it_once() -> None:
    world = World()
    await applied(world)
    world.objects[DEPLOYMENT]["status"] = {"observedGeneration": 1}
    waiting = {"containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]}
    for name in "ab":
        world.put(place("v1", "pods", NAMESPACE, name), {"metadata": {"labels": {"app.kubernetes.io/name": NAME}}, "status": waiting})
    assert await made(world).lacking() == ["0 of 2 Pods are ready", "ErrImagePull"]


async def test_service_without_an_endpoint_is_no_server() -> None:
    world = World()
    await applied(world)
    del world.objects[place("discovery.k8s.io/v1", "endpointslices", NAMESPACE, "one")]
    assert await made(world).lacking() == ["proxies do not find the server: the Service has no endpoint that is ready"]


async def test_deployment_that_was_removed_meanwhile_is_told() -> None:
    assert await made(World()).lacking() == ["the Deployment is not there"]


async def test_who_may_not_apply_is_told_what() -> None:
    world = World()
    world.refuse = "PATCH", "clusterroles"
    with pytest.raises(RefusedError, match=r"ClusterRole/pointsman: may not PATCH"):
        await applied(world)
