"""Which namespaces are looked at when somebody changes a VirtualService, and what is told of a kind that cannot be followed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.unit.xds.sources.kube.fake import Fake, Reply
from tests.unit.xds.sources.kube.lines import body, bookmark, line
from tests.waiting import wait_until
from translator.mesh.matching import LABEL
from xds.mesh.following import Following, watched
from xds.sources.kube import reflector
from xds.sources.kube.access import Access
from xds.sources.kube.transport import Transport

KIND = "v1/virtualservices"  # as the fake knows what is no input


def service(namespace: str, version: int = 1, **more: Any) -> dict[str, Any]:
    metadata = {"name": "cart", "namespace": namespace, "resourceVersion": str(version), **more.pop("metadata", {})}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": {"hosts": ["cart"]}, **more}


class Followed:
    def __init__(self, fake: Fake) -> None:
        async def load() -> Access:
            return Access(f"http://{fake.address}", False, None, None, dict)

        self.changed: list[tuple[set[str], set[str]]] = []
        self.again = self.told = 0
        self.following = Following(Transport(load), lambda *found: self.changed.append(found), self._again)
        self.following.told = self._told

    def _again(self) -> None:
        self.again += 1

    def _told(self) -> None:
        self.told += 1


@asynccontextmanager
async def following(fake: Fake) -> AsyncIterator[Followed]:
    one = Followed(fake)
    task = asyncio.create_task(one.following.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_all_virtual_services_are_followed_whoever_wrote_them() -> None:
    one = watched()
    assert (one.resource, one.versions, one.filters) == ("virtualservices.networking.istio.io", ("v1",), {})


async def test_namespace_of_each_change_is_told_and_which_of_them_hold_something_of_ours() -> None:
    listed = line("ADDED", service("shop", metadata={"labels": LABEL})) + line("ADDED", service("infra")) + bookmark(10, ends_list=True)
    async with Fake() as fake:
        fake.replies[KIND] += [Reply(200, listed), Reply(200, line("MODIFIED", service("infra", 11, spec={}))), Reply(200, b"", stays=True)]
        async with following(fake) as one:
            await wait_until(lambda: one.changed == [({"shop", "infra"}, {"shop"}), ({"infra"}, set())])


async def test_what_is_told_of_an_object_is_no_change_of_it() -> None:
    told = line("MODIFIED", service("shop", 11, status={"conditions": []})) + line("DELETED", service("shop", 12))
    async with Fake() as fake:
        fake.replies[KIND] += [Reply(200, line("ADDED", service("shop")) + bookmark(10, ends_list=True)), Reply(200, told, stays=True)]
        async with following(fake) as one:
            await wait_until(lambda: len(one.changed) == 2)
            assert one.changed[1] == ({"shop"}, set()), "that it is gone"


async def test_cluster_without_istio_is_no_finding_and_when_it_comes_all_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector, "PARKED", 0.01)
    async with Fake() as fake:
        fake.replies[KIND] += [Reply(404, body({"message": "no such kind"})), Reply(200, bookmark(1, ends_list=True), stays=True)]
        async with following(fake) as one:
            await wait_until(lambda: one.again == 2, what="told of it when it is missing, and when it is there")
            assert (one.following.findings, one.told) == ([], 0)


async def test_role_that_does_not_allow_it_is_told() -> None:
    async with Fake() as fake:
        fake.replies[KIND] += [Reply(403, body({"message": "you may not"}))]
        async with following(fake) as one:
            await wait_until(lambda: one.told == 1)
            assert [each.finding.code for each in one.following.findings] == ["PM0131"]
