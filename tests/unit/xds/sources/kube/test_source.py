"""The tasks around the book-keeping: real connections to a server that replays what a real one was recorded to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import pytest

from tests.toxic import Toxic
from tests.unit.xds.sources.kube.fake import Fake, Reply, recorded
from tests.unit.xds.sources.kube.lines import KINDS, body, bookmark, document, line, route
from tests.unit.xds.sources.kube.test_reflector import secret
from tests.waiting import wait_until
from xds.sources.interface import Update
from xds.sources.kube import notices, reflector, source
from xds.sources.kube.access import Access
from xds.sources.kube.source import Kube
from xds.sources.kube.transport import Transport

SOON = 30.0  # seconds; a quiet machine needs a hundredth


class Followed:
    """A source that is read as fast as it tells."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.updates: list[Update] = []
        self.there: dict[str, dict[str, object]] = {}

    async def read(self) -> None:
        async with aclosing(self.kube.updates()) as updates:
            async for update in updates:
                self._take(update)

    def _take(self, update: Update) -> None:
        self.updates.append(update)
        for change in update.changes:
            kind = self.there.setdefault(change.kind, {})
            if change.object is None:
                del kind[change.key]
            else:
                kind[change.key] = change.object

    def said(self, code: str) -> Callable[[], bool]:
        """A condition: this was found, now or before."""
        return lambda: any(one.finding.code == code for update in self.updates for one in update.findings)

    def codes(self) -> set[str]:
        return {one.finding.code for one in self.updates[-1].findings} if self.updates else set()

    def synced(self) -> bool:
        return any(update.final for update in self.updates)

    async def until(self, condition: Callable[[], bool]) -> None:
        await wait_until(condition, SOON)

    def routes(self, *names: str) -> Callable[[], bool]:
        """A condition: exactly these HTTPRoutes are there."""
        return lambda: self.there.get("HTTPRoute", {}).keys() == {f"default/{name}" for name in names}


@asynccontextmanager
async def followed(address: str, tokens: list[str] | None = None) -> AsyncIterator[Followed]:
    """Each time the configuration is read, the next token is found in it."""
    given = list(tokens or [""])

    async def load() -> Access:
        token = given.pop(0) if len(given) > 1 else given[0]
        return Access(f"http://{address}", False, None, None, lambda: {"Authorization": f"Bearer {token}"} if token else {})

    one = Followed(Kube(Transport(load), KINDS.values(), asyncio.get_running_loop().time, lambda: 0.0))
    task = asyncio.create_task(one.read())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_recorded_list_and_watch_are_told_as_they_were() -> None:
    async with Fake() as fake:
        fake.replies["httproutes"].extend([recorded("streaming-list"), recorded("watch", stays=True)])
        async with followed(fake.address) as one:
            await one.until(one.routes("a", "c", "d"))
            assert one.there["HTTPRoute"]["default/a"].spec.hostnames == ("two.example",)  # type: ignore[attr-defined]
        assert fake.asked["customresourcedefinitions/httproutes.gateway.networking.k8s.io"], "a deletion is asked about"


async def test_first_update_waits_for_every_kind_and_secrets_for_translation() -> None:
    async with Fake() as fake:
        fake.replies["httproutes"].append(recorded("streaming-list", stays=True))
        fake.replies["secrets"].append(
            Reply(200, line("ADDED", secret("a")) + line("ADDED", secret("b")) + bookmark(9, ends_list=True), stays=True)
        )
        kube = Kube(Transport(_plain(fake.address)), KINDS.values(), asyncio.get_running_loop().time, lambda: 0.0)
        updates, seen = kube.updates(), []
        async with asyncio.timeout(SOON):
            async for update in updates:
                seen.append(update)
                if update.changes and not update.final:
                    kube.want([("Secret", "default/a")])
                if update.final:
                    break
        told = [[change.key for change in update.changes] for update in seen if update.changes]
        assert told == [["default/a", "default/b", "default/c"], ["default/a"]]
        assert [update.final for update in seen][-1:] == [True]
        assert list(kube.objects())[-1] == ("Secret", "default/a")
        await updates.aclose()


def _plain(address: str):
    async def load() -> Access:
        return Access(f"http://{address}", False, None, None, dict)

    return load


async def test_recorded_pages_are_one_list() -> None:
    async with Fake() as fake:
        fake.replies["httproutes"].extend([Reply(422, b"{}"), recorded("page-1"), recorded("page-2")])
        async with followed(fake.address) as one:
            await one.until(one.routes("a", "b", "c"))
        assert [query.get("limit") for query in fake.asked["httproutes"][:3]] == [None, "500", "500"]


async def test_recorded_expiry_leads_to_a_new_list() -> None:
    async with Fake() as fake:
        fake.replies["httproutes"].extend([recorded("streaming-list"), recorded("expired-event"), recorded("streaming-list", stays=True)])
        async with followed(fake.address) as one:
            await one.until(lambda: one.routes("a", "b", "c")() and len(fake.asked["httproutes"]) == 3)
            assert sum(len(update.changes) for update in one.updates) == 3, "what comes again is no change"


async def test_forbidden_kind_holds_the_first_update_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector, "PARKED", 0.2)
    async with Fake() as fake:
        fake.replies["httproutes"].extend([recorded("forbidden"), recorded("streaming-list", stays=True)])
        async with followed(fake.address) as one:
            await one.until(one.said("PM0131"))
            assert not any(update.final for update in one.updates if update.findings)
            await one.until(lambda: one.synced() and one.routes("a", "b", "c")() and not one.codes())


async def test_missing_kind_is_named_and_taken_in_when_it_appears(monkeypatch: pytest.MonkeyPatch) -> None:
    """F6: a definition is missing at the start."""
    monkeypatch.setattr(reflector, "PARKED", 0.2)
    async with Fake() as fake:
        fake.replies["httproutes"].extend([recorded("missing"), recorded("missing"), recorded("streaming-list", stays=True)])
        async with followed(fake.address) as one:
            await one.until(one.said("PM0130"))
            await one.until(lambda: one.routes("a", "b", "c")() and not one.codes())


async def test_rotated_token_is_read_after_401() -> None:
    """F2: the token was rotated."""
    async with Fake() as fake:
        fake.tokens.add("new")
        fake.replies["httproutes"].append(recorded("streaming-list", stays=True))
        async with followed(fake.address, ["old", "new"]) as one:
            await one.until(one.routes("a", "b", "c"))


async def test_connections_that_swallow_everything_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """F4: half-open connections, for real."""
    monkeypatch.setattr(reflector, "WATCH", (0.2, 0.2))
    monkeypatch.setattr(reflector, "PATIENCE", 0.2)
    async with Fake() as fake, Toxic(fake.address) as toxic, followed(toxic.address) as one:
        await one.until(one.synced)
        toxic.swallow()
        fake.replies["httproutes"].append(Reply(200, line("ADDED", route("a", 2)), stays=True))
        await one.until(one.routes("a"))


async def test_server_that_goes_away_leaves_everything_as_it_was_and_is_followed_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """F1: the API server is away."""
    monkeypatch.setattr(notices, "STALE", 0.05)
    monkeypatch.setattr(source, "LOOK", 0.05)
    async with Fake() as fake, Toxic(fake.address) as toxic:
        fake.replies["httproutes"].append(recorded("streaming-list", stays=True))
        async with followed(toxic.address) as one:
            await one.until(one.routes("a", "b", "c"))
            toxic.refusing = True
            toxic.reset()
            await one.until(one.said("PM0132"))
            assert one.routes("a", "b", "c")()
            fake.replies["httproutes"].append(Reply(200, line("ADDED", route("d", 999)), stays=True))
            toxic.refusing = False
            await one.until(lambda: one.routes("a", "b", "c", "d")() and not one.codes())


async def test_secret_that_is_wanted_later_is_got_by_its_name() -> None:
    async with Fake() as fake:
        fake.replies["secrets"].append(Reply(200, line("ADDED", secret("a")) + bookmark(9, ends_list=True), stays=True))
        fake.replies["secrets/b"].append(Reply(200, body(secret("b"))))
        async with followed(fake.address) as one:
            await one.until(one.synced)
            one.kube.want([("Secret", "default/a")])
            await one.until(lambda: one.there.get("Secret", {}).keys() == {"default/a"})
            one.kube.want([("Secret", "default/b")])
            await one.until(lambda: one.there["Secret"].keys() == {"default/a", "default/b"})
            one.kube.release([("Secret", "default/a")])
            await one.until(lambda: one.there["Secret"].keys() == {"default/b"})


async def test_objects_that_go_with_their_definition_stay_in_force() -> None:
    """F9: a definition goes, and its objects before it."""
    async with Fake() as fake:
        going = body({"metadata": {"name": "httproutes", "deletionTimestamp": "2026-01-01T00:00:00Z"}})
        fake.replies["customresourcedefinitions/httproutes.gateway.networking.k8s.io"].append(Reply(200, going))
        fake.replies["httproutes"].extend([recorded("streaming-list"), recorded("watch", stays=True)])
        async with followed(fake.address) as one:
            await one.until(lambda: one.said("PM0134")() and one.routes("a", "b", "c", "d")())
            document = one.kube.document("HTTPRoute", "default/b")
            assert document is not None
            assert document["spec"]["hostnames"] == ["one.example"]
            assert one.kube.document("HTTPRoute", "default/none") is None


async def test_route_that_overtakes_its_service_between_two_watches_is_told_after_it() -> None:
    """F3: events of two kinds in another order than they were written."""
    spec = {"rules": [{"backendRefs": [{"name": "s", "port": 80}]}]}
    slices = document("s-1", 12, addressType="IPv4", endpoints=[])
    slices["metadata"]["labels"] = {"kubernetes.io/service-name": "s"}
    async with Fake() as fake:
        listed = bookmark(1, ends_list=True)
        fake.replies["httproutes"].append(Reply(200, listed, stays=True, later=line("ADDED", document("a", 11, spec=spec))))
        for kind, there in (("services", document("s", 10, spec={"ports": [{"port": 80}]})), ("endpointslices", slices)):
            fake.replies[kind].extend([Reply(200, listed, later=b""), Reply(200, line("ADDED", there), stays=True)])
        async with followed(fake.address) as one:
            await one.until(one.synced)
            fake.go_on.set()
            await one.until(one.routes("a"))
            told = [change.kind for update in one.updates for change in update.changes]
        assert sorted(told[:2]) == ["EndpointSlice", "Service"], told
