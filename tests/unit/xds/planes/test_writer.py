"""What is applied and when, what is removed, and that only the leader does either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.certificates import TRUST
from tests.unit.xds.planes.server import Server
from tests.waiting import wait_until
from translator.ir.plane import Plane, PlanePort, Run, Scaling
from translator.planes.manifests import KINDS, Made, Terms
from xds.planes import writer as module
from xds.planes.identity import Issuer
from xds.planes.standing import Stand
from xds.planes.writer import Place, Planes
from xds.reports import queue
from xds.security.issuing import authority

EDGE = Plane(group="infra/edge", gateway_class="pods", ports=(PlanePort(80, "tcp"),))
GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/infra/gateways/edge"
SERVICE = "/api/v1/namespaces/infra/services/edge-pods"
WHOLE = set(KINDS) - {"DaemonSet", "HorizontalPodAutoscaler"}
PLACE = Place("pointsman.example:18000", "pointsman.example", Terms("pointsman"), "pointsman-system")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.05)
    monkeypatch.setattr(queue, "GAP", 0.0)
    monkeypatch.setattr(queue, "LONGEST_GAP", 0.0)
    monkeypatch.setattr(queue, "BACKOFF", (0.01, 0.01))


@pytest.fixture
def server() -> Server:
    made = Server()
    made.objects[GATEWAY] = {"metadata": {"name": "edge", "uid": "uid-1", "labels": {}}}
    return made


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, made = tmp_path_factory.mktemp("ca"), authority("test", TRUST, datetime.now(UTC), 30)
    (folder / "ca.crt").write_bytes(made.pem)
    (folder / "ca.key").write_bytes(made.key)
    return folder


@asynccontextmanager
async def writing(server: Server, ca: Path, declared: dict[str, Plane], *, leads: list[bool] | None = None) -> AsyncIterator[Planes]:
    leading = leads if leads is not None else [True]
    one = Planes(server, declared.get, PLACE, Issuer(ca, TRUST), lambda: leading[0], asyncio.get_running_loop().time)
    task = asyncio.create_task(one.run(lambda: list(declared)))
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def kinds(server: Server) -> set[str]:
    return {one["kind"] for one in server.objects.values() if "kind" in one}


async def test_leader_makes_all_objects_of_what_is_declared_when_it_begins(server: Server, ca: Path) -> None:
    async with writing(server, ca, {"infra/edge": EDGE}) as one:
        await wait_until(lambda: kinds(server) == WHOLE)
    assert server.objects[SERVICE]["metadata"]["ownerReferences"][0]["uid"] == "uid-1"
    assert one.problems.held == {}


async def test_nobody_writes_who_does_not_lead(server: Server, ca: Path) -> None:
    leads = [False]
    async with writing(server, ca, {"infra/edge": EDGE}, leads=leads) as one:
        one.touch(["infra/edge"])
        for _ in range(20):
            await asyncio.sleep(0)
        assert server.asked == []
        leads[0] = True
        one.touch(["infra/edge"])
        await wait_until(lambda: kinds(server) == WHOLE)


async def test_what_was_changed_by_others_is_as_declared_again(server: Server, ca: Path) -> None:
    async with writing(server, ca, {"infra/edge": EDGE}):
        await wait_until(lambda: kinds(server) == WHOLE)
        server.objects[SERVICE] = {**server.objects[SERVICE], "spec": {"selector": {"nobody": "here"}}}
        await wait_until(lambda: "nobody" not in server.objects[SERVICE]["spec"]["selector"])


async def test_certificate_that_is_good_is_kept(server: Server, ca: Path) -> None:
    async with writing(server, ca, {"infra/edge": EDGE}):
        await wait_until(lambda: kinds(server) == WHOLE)
        held = server.objects["/api/v1/namespaces/infra/secrets/edge-pods"]
        before = len(server.writes())
        await wait_until(lambda: len(server.writes()) > before + len(WHOLE))
        assert server.objects["/api/v1/namespaces/infra/secrets/edge-pods"] is held


async def test_data_plane_that_is_declared_no_more_is_removed_and_nothing_else(server: Server, ca: Path) -> None:
    other = "/api/v1/namespaces/infra/services/other"
    server.objects[other] = {"metadata": {"name": "other", "labels": {"gateway.networking.k8s.io/gateway-name": "edge"}}}
    declared = {"infra/edge": EDGE}
    async with writing(server, ca, declared) as one:
        await wait_until(lambda: kinds(server) == WHOLE)
        declared.clear()
        one.touch(["infra/edge"])
        await wait_until(lambda: not kinds(server))
    assert set(server.objects) == {GATEWAY, other}


async def test_gateway_that_is_gone_gets_nothing(server: Server, ca: Path) -> None:
    del server.objects[GATEWAY]
    async with writing(server, ca, {"infra/edge": EDGE}):
        await wait_until(lambda: ("GET", GATEWAY) in server.asked)
    assert server.writes() == []


async def test_refusal_is_told_by_kind_and_tried_again(server: Server, ca: Path) -> None:
    server.refuse["deployments"] = (403, "you may not")
    async with writing(server, ca, {"infra/edge": EDGE}) as one:
        await wait_until(lambda: one.problems.held)
        assert one.problems.held == {"infra/edge": "Deployment: you may not"}
        assert one.counts.failed
        server.refuse.clear()
        await wait_until(lambda: kinds(server) == WHOLE and not one.problems.held)


async def test_without_a_ca_that_can_sign_it_says_so(server: Server, tmp_path: Path) -> None:
    async with writing(server, tmp_path, {"infra/edge": EDGE}) as one:
        await wait_until(lambda: one.problems.held)
        assert "no CA that can sign" in one.problems.held["infra/edge"]


ALL = Plane(group="class:pods", gateway_class="pods", home="pointsman-system", ports=EDGE.ports)
CLASS = "/apis/gateway.networking.k8s.io/v1/gatewayclasses/pods"
APPS, SCALING = "/apis/apps/v1/namespaces/infra", "/apis/autoscaling/v2/namespaces/infra/horizontalpodautoscalers/edge-pods"
SCALED, DAEMONS = replace(EDGE, run=Run(scaling=Scaling(1, 3, 75))), replace(EDGE, run=Run(daemons=True))


async def test_what_a_data_plane_has_no_more_is_removed(server: Server, ca: Path) -> None:
    declared = {"infra/edge": SCALED}
    async with writing(server, ca, declared):
        await wait_until(lambda: SCALING in server.objects)
        declared["infra/edge"] = DAEMONS
        await wait_until(lambda: kinds(server) == WHOLE - {"Deployment"} | {"DaemonSet"})
        declared["infra/edge"] = EDGE
        await wait_until(lambda: kinds(server) == WHOLE)


def counted(*managers: str) -> list[dict[str, object]]:
    return [{"manager": one, "fieldsV1": {"f:spec": {"f:replicas": {}}}} for one in managers]


async def test_autoscaler_takes_over_the_count_as_it_is(server: Server, ca: Path) -> None:
    path = f"{APPS}/deployments/edge-pods"
    server.objects[path] = {"metadata": {"name": "edge-pods", "managedFields": counted("pointsman")}, "spec": {"replicas": 7}}
    async with writing(server, ca, {"infra/edge": SCALED}):
        await wait_until(lambda: SCALING in server.objects)
    [first] = [body for by, body in server.applied if by == "pointsman-scaling"]
    assert first["spec"] == {"replicas": 7}
    assert next(by for by, body in server.applied if body["kind"] == "Deployment") == "pointsman-scaling", "before we let go of it"


@pytest.mark.parametrize("managers", [(), ("kube-controller-manager",), ("pointsman", "pointsman-scaling")])
async def test_count_that_others_say_is_left_to_them(server: Server, ca: Path, managers: tuple[str, ...]) -> None:
    path = f"{APPS}/deployments/edge-pods"
    server.objects[path] = {"metadata": {"name": "edge-pods", "managedFields": counted(*managers)}, "spec": {"replicas": 7}}
    async with writing(server, ca, {"infra/edge": SCALED}):
        await wait_until(lambda: SCALING in server.objects)
    assert {by for by, _ in server.applied} == {"pointsman"}


async def test_what_another_made_under_the_same_name_is_left_alone(server: Server, ca: Path) -> None:
    server.objects[SCALING] = {"metadata": {"name": "edge-pods", "labels": {"app.kubernetes.io/managed-by": "somebody"}}}
    async with writing(server, ca, {"infra/edge": EDGE}) as one:
        await wait_until(lambda: kinds(server) == WHOLE and one.counts.written > 2 * len(WHOLE))
    assert SCALING in server.objects


async def test_data_plane_that_is_kept_has_its_certificate_made_anew_and_nothing_else(server: Server, ca: Path) -> None:
    secret, deployment = "/api/v1/namespaces/infra/secrets/edge-pods", f"{APPS}/deployments/edge-pods"
    declared = {"infra/edge": EDGE}
    async with writing(server, ca, declared) as one:
        await wait_until(lambda: kinds(server) == WHOLE and not one.queue.due())
        declared["infra/edge"] = replace(EDGE, kept=True, run=Run(replicas=9))
        one.touch(["infra/edge"])
        await wait_until(lambda: not one.queue.due())
        server.objects[secret] = {**server.objects[secret], "data": {}}
        server.objects[deployment] = {**server.objects[deployment], "spec": {"theirs": True}}
        await wait_until(lambda: server.objects[secret]["data"])
    assert server.objects[deployment]["spec"] == {"theirs": True}


async def test_data_plane_that_was_never_made_is_not_made_to_be_kept(server: Server, ca: Path) -> None:
    async with writing(server, ca, {"infra/edge": replace(EDGE, kept=True)}) as one:
        await wait_until(lambda: ("GET", "/api/v1/namespaces/infra/secrets/edge-pods") in server.asked)
        await wait_until(lambda: not one.queue.due())
    assert server.writes() == []


async def test_what_a_class_shares_is_made_at_home_owned_by_it_and_removed_by_its_labels(server: Server, ca: Path) -> None:
    server.objects[CLASS] = {"metadata": {"name": "pods", "uid": "uid-2"}}
    declared = {"class:pods": ALL}
    async with writing(server, ca, declared) as one:
        await wait_until(lambda: kinds(server) == WHOLE)
        owner = server.objects["/api/v1/namespaces/pointsman-system/services/pods-shared"]["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["uid"]) == ("GatewayClass", "uid-2")
        declared.clear()
        one.touch(["class:pods"])
        await wait_until(lambda: not kinds(server))


async def test_what_stands_under_another_name_is_removed_once_the_new_is_there(server: Server, ca: Path) -> None:
    """A Gateway that has another class now."""
    old = "/api/v1/namespaces/infra/services/edge-other"
    server.objects[old] = {"metadata": {"name": "edge-other", "labels": {}}}
    async with writing(server, ca, {"infra/edge": EDGE}) as one:
        one.stand = Stood()
        await wait_until(lambda: kinds(server) == WHOLE and old not in server.objects)
        assert one.stand.answers >= {"Service", "Deployment"}


class Stood(Stand):
    """What stands, without a cluster to look at."""

    def __init__(self) -> None:
        self.answers: set[str] = set()

    def applied(self, made: Made, body: bytes) -> None:
        self.answers |= {made.kind} if body else set()

    def strays(self, group: str, key: str) -> list[tuple[str, str]]:
        return [("Service", "infra/edge-other")] if (group, key) == (EDGE.group, EDGE.key) else []
