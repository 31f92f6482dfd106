"""The parts of the benchmarks measure what they say: small sizes, no figures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.bench import counted, keys, paired, poison, programs, rounds
from tests.bench.identities import issue
from tests.bench.programs import PLAIN, Programs
from tests.bench.rounds import Side
from xds.kinds import SECRET

SIZE, STREAMS = 20, 3


@pytest.fixture(
    scope="module", params=[(side, way) for side in ("pointsman", "snapshot", "linear") for way in ("plain", "mtls")], ids="-".join
)
def programs_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    try:
        programs.built()
    except programs.NoGoError as reason:
        pytest.skip(str(reason))
    using = PLAIN if request.param[1] == "plain" else Programs(issue(tmp_path_factory.mktemp("certificates")))
    server = using.ours(SIZE, 5) if request.param[0] == "pointsman" else using.peer(request.param[0], SIZE, 5)
    with Side(request.param[0], server, using) as found:
        yield found


@pytest.fixture
def side(programs_of: Side) -> Iterator[Side]:
    programs_of.open(STREAMS)
    assert programs_of.arrived(SIZE)[1]["resources"] == SIZE * STREAMS
    yield programs_of
    programs_of.drop()


def test_a_change_reaches_every_stream_once(side: Side) -> None:
    leg = side.leg(4)
    assert len(leg.times) == 4 * STREAMS
    assert leg.resources == 4 * STREAMS
    assert leg.cpu > 0
    assert min(leg.times) > 0


def test_streams_that_come_back_with_their_versions_are_sent_nothing_but_what_changed(side: Side) -> None:
    side.drop()
    side.open(STREAMS, resume=True)
    assert side.change(1)[1]["resources"] == STREAMS


def test_names_that_are_asked_for_are_all_that_is_sent(side: Side) -> None:
    side.drop()
    side.open(1, SECRET.type_url, names=["secret-00001", "secret-00002"])
    assert side.arrived(2)[1]["resources"] == 2
    assert side.change(2, SECRET.type_url)[1]["resources"] == 1


def test_medians_and_quantiles_are_of_turns() -> None:
    legs = [rounds.Leg(cpu, [cpu, cpu * 2, cpu * 10]) for cpu in (1.0, 2.0, 9.0, 2.0)]
    assert rounds.median(legs) == 2.0
    assert rounds.with_itself(legs) == 2.5
    assert rounds.quantile(legs, 0.5) == 4.0
    assert rounds.quantile(legs, 0.99) == 20.0


async def test_poison_is_told_of_and_others_go_on() -> None:
    async with asyncio.timeout(120):
        figures = await poison.measure(5, turns=1, saves=3)
    assert figures["status ms"] > 0
    assert figures["responses"] > 2, "it was looked for"


@pytest.mark.e2e
async def test_keys_that_come_and_go_are_counted_and_fail_nobody() -> None:
    found = await keys.measure(2, 4, 2, 8, 1, 1)
    assert found.latencies.keys() == {"ten keys in use", "all keys in use", "no key"}
    assert all(figures["p99"] > 0 for figures in found.latencies.values())
    assert all(figures["failed"] == 0 and figures["requests"] and figures["p50 ms"] > 0 for figures in found.turns.values())
    assert all(figures["bytes"] > 300 for figures in found.cost.values()), "of a cluster and its endpoints"


def test_ratio_is_of_rounds_and_its_interval_holds_it() -> None:
    times = [{"one": [1.0, 2.0, 2.0 * slow], "other": [1.0, 1.0, slow]} for slow in (1.0, 5.0, 50.0, 3.0)]
    assert paired.ratio(times, "one", "other") == (2.0, 2.0, 2.0)
    low, high = paired.ratio([*times, {"one": [1.0], "other": [1.0]}], "one", "other")[1:]
    assert low <= 2.0 <= high


def test_report_of_counted_requests_is_taken_whole() -> None:
    assert counted.report(16) > 0
