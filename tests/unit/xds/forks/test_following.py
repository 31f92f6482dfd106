"""Which namespaces are looked at when somebody changes a baseline or a fork, and what is known of them meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.unit.xds.sources.kube.fake import Fake, Reply
from tests.unit.xds.sources.kube.lines import body, bookmark, line, status
from tests.waiting import wait_until
from xds.forks.drawing import There
from xds.forks.following import Following, UnreadableError, watched
from xds.sources.kube import reflector
from xds.sources.kube.access import Access
from xds.sources.kube.transport import Transport

DEPLOYMENTS, SERVICES = "shop/deployments", "services"  # as the fake knows what is no input, and what is


def deployment(version: int = 1, image: str = "r/web:1", **more: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "shop", "resourceVersion": str(version), "managedFields": [{}]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"image": image}, **more}


class Followed:
    def __init__(self, fake: Fake) -> None:
        async def load() -> Access:
            return Access(f"http://{fake.address}", False, None, None, dict)

        self.changed: list[str] = []
        self.connected: list[Transport] = []
        self.following = Following(lambda: self._connected(Transport(load)), self.changed.extend)

    def _connected(self, one: Transport) -> Transport:
        self.connected.append(one)
        return one

    def there(self, *, rollouts: bool = False) -> There | None:
        return self.following.there("shop", rollouts=rollouts)

    def image(self) -> str:
        found = self.there()
        return found.deployments[0]["spec"]["image"] if found and found.deployments else ""


@asynccontextmanager
async def following(fake: Fake) -> AsyncIterator[Followed]:
    one = Followed(fake)
    task = asyncio.create_task(one.following.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def listed(*documents: dict[str, Any]) -> bytes:
    return b"".join(line("ADDED", one) for one in documents) + bookmark(10, ends_list=True)


def test_one_namespace_is_followed_whoever_wrote_what_is_there() -> None:
    paths = {one.path(one.versions[0]) for one in watched("shop")}
    assert paths == {"/apis/apps/v1/namespaces/shop/deployments", "/api/v1/namespaces/shop/services"}
    assert all(one.filters == {} for one in watched("shop"))


async def test_nothing_is_followed_that_nobody_asks_for() -> None:
    async with Fake() as fake, following(fake) as one:
        assert (one.connected, one.changed) == ([], [])


async def test_namespace_is_known_once_all_of_it_is_told_and_each_change_is() -> None:
    async with Fake() as fake:
        changed = line("MODIFIED", deployment(11, "r/web:2"))
        fake.replies[DEPLOYMENTS] += [Reply(200, listed(deployment()), stays=True, later=changed)]
        async with following(fake) as one:
            assert one.there() is None
            await wait_until(lambda: one.image() == "r/web:1" and one.changed)
            seen = len(one.changed)
            fake.go_on.set()
            await wait_until(lambda: one.image() == "r/web:2" and len(one.changed) > seen)
            assert {*one.changed} == {"shop"}


async def test_namespace_without_anything_is_known_and_told_too() -> None:
    async with Fake() as fake:
        fake.replies[DEPLOYMENTS] += [Reply(200, listed(), stays=True)]
        async with following(fake) as one:
            one.there()
            await wait_until(lambda: one.changed and one.there() == There([], []))


async def test_what_is_told_of_an_object_is_no_change_of_it() -> None:
    said = line("MODIFIED", deployment(11, status={"replicas": 1}))
    async with Fake() as fake:
        fake.replies[DEPLOYMENTS] += [Reply(200, listed(deployment()), stays=True, later=said + line("DELETED", deployment(12)))]
        async with following(fake) as one:
            one.there()
            await wait_until(lambda: one.image() == "r/web:1" and len(one.changed) > 1)
            seen = len(one.changed)
            fake.go_on.set()
            await wait_until(lambda: one.there() == There([], []))
            await wait_until(lambda: len(one.changed) == seen + 1)


async def test_what_may_not_be_read_is_told_and_read_once_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector, "PARKED", 0.01)
    async with Fake() as fake:
        fake.replies[DEPLOYMENTS] += [Reply(403, body(status(403, "you may not")))] * 10_000  # however long it takes
        async with following(fake) as one:
            with pytest.raises(UnreadableError, match="you may not"):
                await wait_until(one.image)
            fake.replies[DEPLOYMENTS].clear()
            fake.replies[DEPLOYMENTS].append(Reply(200, listed(deployment()), stays=True))
            await wait_until(lambda: _image(one) == "r/web:1")


def _image(one: Followed) -> str:
    try:
        return one.image()
    except UnreadableError:
        return ""


async def test_rollouts_come_beside_the_rest_and_where_nobody_defines_them_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector, "PARKED", 0.01)
    async with Fake() as fake:
        fake.replies[DEPLOYMENTS].append(Reply(200, listed(deployment()), stays=True))
        async with following(fake) as one:
            await wait_until(lambda: one.image() == "r/web:1")
            await wait_until(lambda: (found := one.there(rollouts=True)) and found.rollouts == [])  # 404
            fake.replies["shop/rollouts"].append(Reply(200, listed(deployment()), stays=True))
            await wait_until(lambda: (found := one.there(rollouts=True)) and len(found.rollouts) == 1)
            assert one.there() != one.there(rollouts=True)


async def test_rollouts_that_may_not_be_read_hold_up_nothing_else() -> None:
    async with Fake() as fake:
        fake.replies[DEPLOYMENTS].append(Reply(200, listed(deployment()), stays=True))
        fake.replies["shop/rollouts"].append(Reply(403, body(status(403, "you may not"))))
        async with following(fake) as one:
            await wait_until(lambda: (found := one.there(rollouts=True)) and found.unread == "you may not")
            assert one.image() == "r/web:1"


async def test_namespace_that_is_left_is_asked_for_anew() -> None:
    async with Fake() as fake:
        fake.replies[DEPLOYMENTS] += [Reply(200, listed(deployment(image=image)), stays=True) for image in ("r/web:1", "r/web:2")]
        async with following(fake) as one:
            one.there()
            await wait_until(lambda: one.image() == "r/web:1")
            one.following.leave("shop")
            assert one.there() is None
            await wait_until(lambda: one.image() == "r/web:2")
            assert len(one.connected) == 2
