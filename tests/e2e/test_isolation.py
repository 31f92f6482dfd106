"""A real Envoy refuses one of several resources: that one is named, all others are applied, traffic flows, and it heals.

No clock runs for the server: what is shown here waits for answers of Envoy, and never for time to pass.
"""

from __future__ import annotations

import contextlib
import re
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from math import ceil, log2
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.envoy import Envoy, binary
from tests.e2e.isolating import FORMS, OUTS, Plane, Raw
from tests.e2e.poison import CASES, GARBAGE, GOOD, Case, cluster, listener, members, route, secret, table
from tests.e2e.test_stream import backend
from tests.ports import free_port
from tests.property.pools import pair
from tests.waiting import wait_until
from translator.envoy_v3.anatomy import cut
from translator.ir.output import Packed
from xds.events import Nacked, Refused, Sent
from xds.kinds import BY_TABLE

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(binary() is None, reason="no Envoy binary is installed")]
VARIANTS = pytest.mark.parametrize("sotw", [False, True], ids=["delta", "sotw"])
SLOTS = (0, 1, 2)
KINDS = {"cds": "good", "eds": "good", "rds": "r", "lds": "l", "sds": "s"}
PAIRS = [pair() for _ in SLOTS]


class World:
    """Three of each type, the third of which goes bad, or a fourth that is new; and what is asked of Envoy about them."""

    def __init__(self, plane: Plane, envoy: Envoy, port: int) -> None:
        self.plane, self.envoy, self.port = plane, envoy, port
        self.ports = [free_port() for _ in range(6)]
        self.spare = free_port()

    def good(self, kind: str, slot: int, mark: str) -> dict[tuple[str, str], Packed]:
        name = f"{KINDS[kind]}-{slot}"
        made = {
            "cds": lambda: cluster(name, mark),
            "eds": lambda: members(name, mark, self.port),
            "rds": lambda: table(name, mark, f"good-{slot % 3}"),
            "lds": lambda: listener(name, mark, self.ports[slot] if slot < 3 else self.spare, f"r-{slot % 3}"),
            "sds": lambda: secret(name, *certificate(slot, mark)),
        }
        return {(kind, name): made[kind]()}

    def bad(self, case: Case) -> dict[tuple[str, str], Packed]:
        name = f"{KINDS[case.kind]}-{slot_of(case)}"
        return {(case.kind, name): case.bad(name, self.spare if case.kind == "lds" else self.port, self.ports[0])}

    def healed(self, case: Case, mark: str) -> dict[tuple[str, str], Packed]:
        """A new cluster is warm only with its endpoints."""
        return {**(self.good("eds", slot_of(case), mark) if case.kind == "cds" else {}), **self.good(case.kind, slot_of(case), mark)}

    def base(self) -> Raw:
        found = {at: one for kind in KINDS for slot in SLOTS for at, one in self.good(kind, slot, "base").items()}
        secured = (listener(f"t-{slot}", "tls", self.ports[3 + slot], "r-0", secret=f"s-{slot}") for slot in SLOTS)
        return found | {("lds", f"t-{slot}"): one for slot, one in enumerate(secured)}

    async def serves(self, kind: str, mark: str, *slots: int) -> None:
        """Wait until Envoy has the state with this mark in all of these slots."""

        async def has_it() -> bool:
            config = await self.envoy.config()
            return all(mark_of(kind, slot, mark) in found(config, kind, f"{KINDS[kind]}-{slot}") for slot in slots)

        await wait_until(has_it, what=f"{kind} {mark} in {slots}")

    async def flows(self, envoy: Envoy | None = None) -> None:
        for slot in SLOTS:
            assert await (envoy or self.envoy).fetch(self.ports[slot]) == (200, "hello"), slot

    def shown(self, bad: Iterable[Packed]) -> bool:
        """Whether anything of it is in what an Envoy that comes now is sent."""
        bodies = {one.body for one in bad}
        return any(one.body in bodies for kind in BY_TABLE.values() for one in self.plane.snapshots.of("local", kind).live.values())


def cases(sotw: bool) -> list[Case]:
    return [case for case in CASES if case.sotw or not sotw]


def slot_of(case: Case) -> int:
    return 3 if case.is_new else 2


def certificate(slot: int, mark: str) -> tuple[bytes, bytes]:
    """The mark of a certificate is which one it is."""
    one = GOOD if mark == "base" else PAIRS[slot]
    return one["tls.crt"], one["tls.key"]


def mark_of(kind: str, slot: int, mark: str) -> str:
    """Of a certificate without its end: it may be sent with another line at the end of it."""
    return b64encode(certificate(slot, mark)[0][:300]).decode() if kind == "sds" else f'"{mark}"'


def found(config: dict[str, Any], kind: str, name: str) -> str:
    """What a dump of Envoy's configuration says of one resource that is in force, as text."""
    where = {
        "cds": ("dynamic_active_clusters", "cluster.name"),
        "eds": ("dynamic_endpoint_configs", "endpoint_config.cluster_name"),
        "rds": ("dynamic_route_configs", "route_config.name"),
        "lds": ("dynamic_listeners", "name"),
        "sds": ("dynamic_active_secrets", "name"),
    }[kind]  # fmt: skip
    listed = [one for section in config["configs"] for one in section.get(where[0], ())]
    mine = [one for one in listed if at(one, where[1]) == name]
    return re.sub(r"'", '"', str([one.get("active_state", one) if kind == "lds" else one for one in mine]))


def at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value.get(step, {})
    return value


def tries(plane: Plane, kind: str) -> int:
    """Responses after the first that it took until the last cause was known."""
    url = BY_TABLE[OUTS[kind].name].type_url
    last = max(place for place, event in enumerate(plane.events) if isinstance(event, Refused))
    return sum(isinstance(event, Sent) and event.type_url == url for event in plane.events[:last]) - 1


def most_tries(case: Case, beside: int, bad: Packed) -> int:
    """Halves of the resources, and then of the parts of one: log2(N) + 1 each, and one without any that proves it of them."""
    among = ceil(log2(beside + 1)) + 1
    try:
        parts = len(list(cut(FORMS[OUTS[case.kind]], bad.body).parts()))
    except (KeyError, ValueError):
        return among
    return among + ceil(log2(parts)) + 2


@contextlib.asynccontextmanager
async def world(directory: Path, *, sotw: bool) -> AsyncIterator[World]:
    async with backend("hello") as port, Plane() as plane, plane.envoy(directory, sotw=sotw) as envoy:
        one = World(plane, envoy, port)
        plane.apply(one.base())
        await envoy.ready()
        await plane.settled()
        await one.flows()
        yield one


async def isolated(one: World, case: Case) -> None:
    """The bad one goes out with two good ones that changed as well."""
    plane, kind, bad = one.plane, case.kind, one.bad(case)
    ((_, name),) = bad
    plane.events.clear()
    plane.apply({**bad, **one.good(kind, 0, case.name), **one.good(kind, 1, case.name)})
    await plane.settled()
    assert plane.of(Nacked), "Envoy took it"
    assert plane.refused() == {(name, case.part)}
    assert re.search(case.said, plane.of(Refused)[-1].message)
    assert not any(event.doubted for event in plane.of(Refused))
    assert tries(plane, kind) <= most_tries(case, 2, bad[kind, name])
    assert not one.shown(bad.values())
    await one.serves(kind, case.name, 0, 1)
    await one.flows()
    assert plane.feedback.rows
    mark = f"{case.name}-healed"
    plane.apply(one.healed(case, mark))
    await plane.settled()
    await one.serves(kind, mark, slot_of(case))
    assert not plane.feedback.rows
    if case.is_new:
        plane.apply(dict.fromkeys(one.healed(case, mark)))
        await plane.settled()


@VARIANTS
async def test_what_envoy_refuses_is_isolated_named_and_healed(tmp_path: Path, sotw: bool) -> None:
    async with world(tmp_path, sotw=sotw) as one:
        for case in cases(sotw):
            try:
                await isolated(one, case)
            except AssertionError as error:
                error.add_note(f"case {case.name}\n" + "\n".join(map(str, one.plane.events)))
                raise


@VARIANTS
async def test_envoy_that_starts_later_is_never_sent_the_poison(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, sotw: bool
) -> None:
    """Bad ones of each type at once, until every case was among them: an Envoy finds them out, another comes up without a refusal."""
    waves = [[case for case in cases(sotw) if case.kind == kind] for kind in KINDS]
    async with world(tmp_path, sotw=sotw) as one:
        for number in range(max(map(len, waves))):
            wave = [each[number % len(each)] for each in waves]
            bad = {at: made for case in wave for at, made in one.bad(case).items()}
            one.plane.events.clear()
            one.plane.apply(bad | {at: made for case in wave for at, made in one.good(case.kind, 0, f"{number}").items()})
            await one.plane.settled()
            assert one.plane.refused() == {(name, case.part) for (_, name), case in zip(bad, wave, strict=True)}
            await comes_up(one, tmp_path_factory.mktemp("fresh"), sotw=sotw)
            one.plane.apply({at: made for case in wave for at, made in one.healed(case, "base").items()})
            one.plane.apply({at: None for case in wave if case.is_new for at in one.healed(case, "base")})
            await one.plane.settled()


async def comes_up(one: World, directory: Path, *, sotw: bool) -> None:
    one.plane.events.clear()
    async with one.plane.envoy(directory, sotw=sotw, node="fresh") as fresh:
        await fresh.ready()
        await one.plane.settled()
        assert one.plane.of(Nacked) == []
        await one.flows(fresh)
    await wait_until(lambda: len(one.plane.server.proxies()) == 1, what="the second Envoy to be gone")


@VARIANTS
async def test_one_among_many_is_found_in_few_tries(tmp_path: Path, sotw: bool) -> None:
    """Of 64 new clusters one that tells Envoy no name, and of 64 new routes one whose words name nothing."""
    async with world(tmp_path, sotw=sotw) as one:
        one.plane.events.clear()
        many = {("cds", f"many-{number}"): cluster(f"many-{number}", "x", type="STATIC", eds_cluster_config=None) for number in range(64)}
        one.plane.apply({**many, ("cds", "many-37"): GARBAGE})
        await one.plane.settled()
        assert one.plane.refused() == {("many-37", "")}
        assert tries(one.plane, "cds") <= 6 + 1
        one.plane.events.clear()
        routes = [route(f"route/ns/{number}/0/0", "x", "good-0", prefix=f"/{number}") for number in range(63)]
        routes.insert(41, route("route/ns/bad/0/0", "x", "good-0", safe_regex={"regex": "a(b"}))
        one.plane.apply({("rds", "r-2"): table("r-2", "base", "good-2", *routes)})
        await one.plane.settled()
        assert one.plane.refused() == {("r-2", "route/ns/bad/0/0")}
        assert tries(one.plane, "rds") <= 6 + 2, "one of them with none of the 64"
        await one.flows()


@VARIANTS
async def test_envoy_that_refuses_everything_is_left_alone_and_others_are_served(tmp_path: Path, sotw: bool) -> None:
    """Nothing more is sent to it until time passes. What it refuses is in doubt from the fourth on, and shown to others."""
    async with world(tmp_path, sotw=sotw) as one:
        one.plane.events.clear()
        one.plane.apply({("cds", f"bad-{number}"): GARBAGE for number in range(200)})
        await one.plane.settled()
        doubts = [event.doubted for event in one.plane.of(Refused)]
        assert doubts == [False, False, False, True]
        assert len(one.plane.of(Sent)) <= 4 * (ceil(log2(200)) + 2)
        await one.flows()
        one.plane.apply({**one.good("rds", 0, "meanwhile"), **one.good("eds", 1, "meanwhile")})
        await one.serves("rds", "meanwhile", 0)
        await one.serves("eds", "meanwhile", 1)


@VARIANTS
async def test_route_to_a_cluster_that_is_nowhere_is_taken_and_fails_alone(tmp_path: Path, sotw: bool) -> None:
    """Envoy accepts it, so there is nothing to trace; its neighbours do not feel it."""
    async with world(tmp_path, sotw=sotw) as one:
        one.plane.events.clear()
        lost = route("route/ns/lost/0/0", "x", "nowhere", prefix="/lost")
        one.plane.apply({("rds", "r-2"): table("r-2", "lost", "good-2", lost), **one.good("rds", 0, "beside")})
        await one.plane.settled()
        await one.serves("rds", "lost", 2)
        await one.serves("rds", "beside", 0)
        assert (await one.envoy.fetch(one.ports[2], "/lost")).status == 503
        assert not one.plane.of(Nacked)
        await one.flows()
