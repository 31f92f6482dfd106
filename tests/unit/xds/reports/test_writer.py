"""Who leads writes, what is different, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.unit.xds.reports.store import Store
from tests.unit.xds.reports.test_merge import THEM, US, entry
from tests.unit.xds.sources.kube.lines import KINDS
from tests.waiting import wait_until
from xds import crds
from xds.reports import queue
from xds.reports import writer as module
from xds.reports.queue import Name
from xds.reports.writer import Terms, Writer
from xds.sources.kube.kinds import watched
from xds.sources.kube.transport import Answer

ROUTE: Name = ("HTTPRoute", "default/r")
PATH = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes/r"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/here/leases/pointsman"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY", 0.05)
    monkeypatch.setattr(queue, "GAP", 0.0)
    monkeypatch.setattr(queue, "LONGEST_GAP", 0.0)
    monkeypatch.setattr(queue, "BACKOFF", (0.01, 0.01))


@pytest.fixture
def store() -> Store:
    made = Store()
    made.put(PATH, {"metadata": {"name": "r"}, "spec": {"kept": True}, "status": {"parents": [entry(THEM, "edge")]}})
    return made


OURS = {ROUTE: {"parents": [entry(US, "edge")]}}


@asynccontextmanager
async def writing(
    store: Store, ours: dict[Name, dict[str, Any]] = OURS, name: str = "a", now: Iterable[Name] = OURS
) -> AsyncIterator[Writer]:
    loop = asyncio.get_running_loop()
    one = Writer(store, KINDS.values(), lambda kind, key: ours.get((kind, key)), Terms(US, name, "here"), loop.time)
    task = asyncio.create_task(one.run(lambda: now))
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_leader_writes_what_it_finds_different_when_it_begins(store: Store) -> None:
    async with writing(store):
        await wait_until(lambda: f"{PATH}/status" in store.writes)
    assert store.objects[PATH]["status"]["parents"] == [entry(THEM, "edge"), entry(US, "edge")]
    assert store.objects[PATH]["spec"] == {"kept": True}


async def test_status_of_a_kind_in_two_groups_is_written_to_the_object_that_counts(store: Store) -> None:
    alice, said = ("Sandbox", "shop/alice"), {"phase": "Running", "conditions": []}
    first, second = (f"/apis/{group}/v1alpha1/namespaces/shop/sandboxes/alice" for group in ("pointsman.io", "previews.example.org"))
    kinds = watched(crds.shipped(), ("pointsman.io", "previews.example.org"))
    store.put(second, {"metadata": {"name": "alice"}})
    loop = asyncio.get_running_loop()
    one = Writer(store, kinds, lambda *_: said, Terms(US, "a", "here"), loop.time)
    task = asyncio.create_task(one.run(lambda: [alice]))
    try:
        await wait_until(lambda: f"{second}/status" in store.writes)
        store.put(first, {"metadata": {"name": "alice"}})
        one.touch([alice])
        await wait_until(lambda: f"{first}/status" in store.writes)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_status_that_is_there_is_not_written_again(store: Store) -> None:
    store.put(PATH, {"metadata": {"name": "r"}, "status": OURS[ROUTE]})
    async with writing(store) as one:
        await wait_until(lambda: one.counts.unchanged)
    assert f"{PATH}/status" not in store.writes


async def test_conflict_is_read_and_tried_again(store: Store) -> None:
    store.refuse = [409, 409]
    async with writing(store) as one:
        await wait_until(lambda: one.counts.written)
    assert (one.counts.conflicts, one.counts.failed) == (2, 0)


@pytest.mark.parametrize("code", [403, 422, 500])
async def test_refusal_waits_and_is_tried_again(store: Store, code: int) -> None:
    store.refuse = [code]
    async with writing(store) as one:
        await wait_until(lambda: one.counts.written)
    assert one.counts.failed == 1


async def test_object_that_is_gone_is_let_go(store: Store) -> None:
    del store.objects[PATH]
    async with writing(store) as one:
        await wait_until(lambda: LEASE in store.objects and one.leads() and not len(one.queue))
    assert one.counts.failed == 0


async def test_change_is_written_while_it_leads(store: Store) -> None:
    ours: dict[Name, dict[str, Any]] = {}
    async with writing(store, ours, now=()) as one:
        await wait_until(one.leads)
        ours[ROUTE] = {"parents": [entry(US, "later")]}
        one.touch([ROUTE, ("Unknown", "x")])
        await wait_until(lambda: one.counts.written)
    assert store.objects[PATH]["status"]["parents"][-1]["parentRef"] == {"name": "later"}


async def test_second_replica_writes_nothing_until_the_first_gives_up(store: Store) -> None:
    async with writing(store, now=()) as first:
        await wait_until(first.leads)
        async with writing(store, name="b") as second:
            second.touch([ROUTE])
            await wait_until(lambda: second.election.version)
            assert (second.leads(), f"{PATH}/status" in store.writes) == (False, False)
    assert store.objects[LEASE]["spec"]["holderIdentity"] == ""
    async with writing(store, name="b") as second:
        await wait_until(lambda: second.counts.written)


REFUSED = {
    "type": "Accepted", "status": "False", "reason": "NoMatchingParent", "message": "no such listener",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}  # fmt: skip
EVENTS = "/api/v1/namespaces/default/events"


def refused() -> dict[Name, dict[str, Any]]:
    return {ROUTE: {"parents": [{**entry(US, "edge"), "conditions": [REFUSED]}]}}


def object_of_a_route() -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "r", "namespace": "default", "uid": "u"},
    }


def told(store: Store) -> list[tuple[str, str, int]]:
    found = [one for path, one in store.objects.items() if path.startswith(EVENTS)]
    return [(one["type"], one["reason"], one["count"]) for one in found]


async def test_refusal_is_an_event_and_the_same_again_counts_up(store: Store) -> None:
    store.put(PATH, object_of_a_route())
    ours = refused()
    async with writing(store, ours) as one:
        await wait_until(lambda: told(store) == [("Warning", "NoMatchingParent", 1)])
        store.put(PATH, object_of_a_route())
        one.touch([ROUTE])
        await wait_until(lambda: told(store) == [("Warning", "NoMatchingParent", 2)])


async def test_new_leader_repeats_no_event(store: Store) -> None:
    store.put(PATH, {**object_of_a_route(), "status": refused()[ROUTE]})
    async with writing(store, refused()) as one:
        await wait_until(lambda: one.counts.unchanged)
    assert told(store) == []


async def test_status_is_written_where_events_may_not_be(store: Store) -> None:
    store.put(PATH, object_of_a_route())
    store.forbidden = EVENTS
    async with writing(store, refused()) as one:
        await wait_until(lambda: one.counts.written)
    assert one.counts.failed == 0


async def test_refused_write_is_told_by_kind_until_it_is_taken(store: Store) -> None:
    store.refuse = [403]
    heard: list[dict[str, str]] = []
    async with writing(store) as one:
        one.problems.told = lambda: heard.append(dict(one.problems.held))
        await wait_until(lambda: one.counts.written)
    assert heard == [{"HTTPRoute": "it answered 403"}, {}]


class Pausing(Store):
    """Whoever has read the route is paused for a minute, and another leads when it wakes."""

    paused = 0.0

    async def call(self, method: str, path: str, body: Any = None, *more: object, **options: object) -> Answer:
        found = await super().call(method, path, body, *more, **options)
        if (method, path) == ("GET", PATH):
            self.paused = 60.0
            self.put(LEASE, {"metadata": {"name": "pointsman"}, "spec": {"holderIdentity": "b", "leaseDurationSeconds": 600}})
        return found


async def test_leader_that_was_paused_before_it_wrote_writes_nothing() -> None:
    """F17: it asks whether it still leads right before the write."""
    store, loop = Pausing(), asyncio.get_running_loop()
    store.put(PATH, {"metadata": {"name": "r"}, "status": {}})
    one = Writer(store, KINDS.values(), lambda *_: OURS[ROUTE], Terms(US, "a", "here"), lambda: loop.time() + store.paused)
    task = asyncio.create_task(one.run(lambda: OURS))
    await wait_until(lambda: one.counts.failed and one.election.version == store.objects[LEASE]["metadata"]["resourceVersion"])
    assert (one.leads(), f"{PATH}/status" in store.writes) == (False, False)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class Overtaken(Store):
    """Another writes between each read of the route and the write."""

    async def call(self, method: str, path: str, body: Any = None, *more: object, **options: object) -> Answer:
        if method == "PUT" and path == f"{PATH}/status" and THEM not in str(self.objects[PATH]):
            self.put(PATH, {"metadata": {"name": "r"}, "status": {"parents": [entry(THEM, "edge")]}})
        return await super().call(method, path, body, *more, **options)


async def test_write_that_was_overtaken_is_made_again_on_what_is_there_now() -> None:
    store = Overtaken()
    store.put(PATH, {"metadata": {"name": "r"}, "status": {}})
    async with writing(store) as one:
        await wait_until(lambda: one.counts.written)
    assert one.counts.conflicts == 1
    assert store.objects[PATH]["status"]["parents"] == [entry(THEM, "edge"), entry(US, "edge")]
