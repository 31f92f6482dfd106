"""What is touched when an object of a data plane is changed, by whom, and what is no change at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.unit.xds.sources.kube.fake import Fake, Reply
from tests.unit.xds.sources.kube.lines import body, bookmark, line
from tests.waiting import wait_until
from translator.ir.plane import Plane, PlanePort
from translator.planes.manifests import KINDS, Made, Terms, objects
from xds.planes.standing import Stand, standing, watched
from xds.sources.kube.access import Access
from xds.sources.kube.transport import Transport

EDGE = Plane(group="infra/edge", gateway_class="pods", ports=(PlanePort(80, "tcp"),))
ALL = Plane(group="class:pods", gateway_class="pods", home="home", ports=EDGE.ports)
MADE = {one.kind: one for one in objects(EDGE, "uid", {}, Terms("pointsman"))}


def stood(kind: str, version: int = 1, **more: Any) -> dict[str, Any]:
    """An object as the API server has it: with what it adds by itself."""
    document = MADE[kind].document
    added = {"resourceVersion": str(version), "uid": "x", "managedFields": [{"manager": "pointsman"}], "generation": version}
    return {**document, "metadata": {**document["metadata"], **added}, **more}


class Followed:
    def __init__(self, fake: Fake) -> None:
        async def load() -> Access:
            return Access(f"http://{fake.address}", False, None, None, dict)

        self.touched: list[str] = []
        self.stand = Stand(Transport(load), self._touch)

    def _touch(self, groups: Iterable[str]) -> None:
        self.touched += groups


@asynccontextmanager
async def following(fake: Fake) -> AsyncIterator[Followed]:
    one = Followed(fake)
    async with running(one):
        yield one


@asynccontextmanager
async def running(one: Followed) -> AsyncIterator[None]:
    task = asyncio.create_task(one.stand.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def listed(*documents: dict[str, Any]) -> bytes:
    return b"".join(line("ADDED", one) for one in documents) + bookmark(10, ends_list=True)


def test_only_what_may_be_applied_is_part_of_what_an_object_says() -> None:
    one = standing(stood("Service"))
    assert one.key == "infra/edge-pods"
    assert standing(stood("Service", 2, status={"loadBalancer": {}})) == one
    assert standing(stood("Service", 2, spec={})) != one
    relabelled = stood("Service")
    relabelled["metadata"]["labels"] = {"other": "x"}
    assert standing(relabelled).digest != one.digest


def test_all_kinds_are_followed_by_the_label_of_what_is_ours() -> None:
    assert {(one.group, one.plural) for one in watched()} == {(version.rpartition("/")[0], plural) for version, plural in KINDS.values()}
    assert {tuple(one.filters.items()) for one in watched()} == {(("labelSelector", "app.kubernetes.io/managed-by=pointsman"),)}
    assert not any(one.on_demand for one in watched())


async def test_group_is_touched_when_somebody_changes_or_deletes_what_it_has() -> None:
    theirs = line("MODIFIED", stood("Service", 11, spec={"theirs": True}))
    async with Fake() as fake:
        fake.replies["services"] += [
            Reply(200, listed(stood("Service"))),
            Reply(200, theirs),
            Reply(200, line("DELETED", stood("Service", 12))),
        ]
        one = Followed(fake)
        one.stand.applied(MADE["Service"], body(stood("Service")))
        async with running(one):
            await wait_until(lambda: one.touched == ["infra/edge", "infra/edge"])
            assert one.stand.strays("infra/edge", "") == []


async def test_what_we_applied_ourselves_is_no_news() -> None:
    async with Fake() as fake:
        fake.replies["services"].append(Reply(200, listed(stood("Service")), stays=True))
        fake.replies["configmaps"].append(Reply(200, listed(stood("ConfigMap", data={"theirs": "x"})), stays=True))
        one = Followed(fake)
        one.stand.applied(MADE["Service"], body(stood("Service", 7)))
        async with running(one):
            await wait_until(lambda: len(one.stand.strays("infra/edge", "infra/other")) == 2)
            assert one.touched == ["infra/edge"], "for the ConfigMap alone"


async def test_strays_are_of_the_same_group_under_another_name() -> None:
    async with Fake() as fake:
        foreign = stood("Service")
        foreign["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "pointsman"}
        foreign["metadata"]["name"] = "none"
        fake.replies["services"].append(Reply(200, listed(stood("Service"), foreign), stays=True))
        async with following(fake) as one:
            await wait_until(lambda: one.stand.strays("infra/edge", "infra/edge-other"))
            assert one.stand.strays("infra/edge", "infra/edge-other") == [("Service", "infra/edge-pods")]
            assert one.stand.strays("infra/edge", "infra/edge-pods") == []
            assert one.stand.strays("infra/edge", "home/infra-edge-pods") == [("Service", "infra/edge-pods")], "its Service went there"
            assert one.stand.strays("infra/inner", "infra/edge-other") == []


async def test_what_another_server_shares_in_its_own_namespace_is_no_stray() -> None:
    document = objects(ALL, "uid", {}, Terms("pointsman"))[0].document
    async with Fake() as fake:
        fake.replies["v1/serviceaccounts"].append(Reply(200, listed(document), stays=True))
        async with following(fake) as one:
            await wait_until(lambda: one.stand.strays("class:pods", "home/other"))
            assert one.stand.strays("class:pods", "elsewhere/pods-shared") == []


async def test_kind_that_may_not_be_followed_is_a_finding_and_holds_up_no_other() -> None:
    refusal = msgspec.json.encode({"kind": "Status", "code": 403, "message": "you may not"})
    async with Fake() as fake:
        fake.replies["v1/deployments"].append(Reply(403, refusal))
        fake.replies["services"].append(Reply(200, listed(stood("Service")), stays=True))
        async with following(fake) as one:
            said: list[str] = []
            one.stand.told = lambda: said.append("told")
            await wait_until(lambda: one.stand.findings)
            assert [(found.finding.code, found.finding.kind) for found in one.stand.findings] == [("PM0131", "deployments")]
            await wait_until(lambda: said and one.touched)


def test_answer_to_an_apply_is_known_by_kind_and_key() -> None:
    stand = Stand(Transport(_nowhere), lambda _: None)
    stand.applied(Made("Service", MADE["Service"].document), body(stood("Service")))
    assert list(stand._applied) == [("services", "infra/edge-pods")]


async def _nowhere() -> Access:
    return Access("http://127.0.0.1:1", False, None, None, dict)
