"""The laws of the translation, on random histories of objects of every kind. Ten thousand cases in all, and what they reach
is counted: a law that never met two routes on one host has not been tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.objects import changes, decoded
from tests.property.pools import POOL
from translator.engine import Engine
from translator.inputs import OBJECTS
from translator.ir.output import Group
from translator.ir.tables import CHAIN, DATAGRAMS, GROUP, OUT_FINDINGS, OUT_STATUS, OUTPUTS, PLACED, RESOURCES
from translator.program import engine as new_engine
from translator.resources.meta import Object

CASES = settings(max_examples=1600, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
Change = tuple[Any, str, Object | None]
Edit = tuple[int, bool]

BASE: list[Object] = [
    decoded({"kind": "GatewayClass", "metadata": {"name": "c"}, "spec": {"controllerName": "pointsman.io/gateway-controller"}}),
    decoded(
        {
            "kind": "Gateway",
            "metadata": {"name": "g1", "namespace": "a"},
            "spec": {
                "gatewayClassName": "c",
                "listeners": [{"name": "l1", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}],
            },
        }
    ),
    decoded({"kind": "Service", "metadata": {"name": "s1", "namespace": "a"}, "spec": {"ports": [{"name": "p80", "port": 80}]}}),
]
LOCAL: Change = (GROUP, "local", Group(flat=True))  # type: ignore[arg-type]

edits = st.tuples(st.integers(0, len(POOL) - 1), st.sampled_from([True, True, True, False]))  # False: delete what has that key
histories = st.lists(st.lists(edits, min_size=1, max_size=8), min_size=1, max_size=5)
choices = st.lists(st.integers(0, len(POOL) - 1), max_size=30)


def change(index: int, keep: bool = True) -> Change:
    table, key, one = changes([POOL[index]])[0]
    return (table, key, one if keep else None)


def started(found: Iterable[Change] = ()) -> Engine:
    engine = new_engine()
    engine.apply([LOCAL, *changes(BASE), *found])
    return engine


def everything(engine: Engine) -> dict[Any, Any]:
    assert engine.failures == {}
    return {table: engine.rows(table) for table in engine.tables}


def last(found: Iterable[Change]) -> list[Change]:
    return [(table, key, one) for (table, key), one in {(table, key): one for table, key, one in found}.items()]


REACHED: Counter[str] = Counter()


def reach(engine: Engine) -> None:
    """Count what a case came to: each name is something that only happens when objects meet."""
    places = [place for rows in engine.rows(PLACED).values() for place in set(rows)]
    reasons = {
        (kind, condition.type, condition.reason)
        for (kind, _), (status,) in engine.rows(OUT_STATUS).items()
        for conditions in (status.conditions, *(p.conditions for p in status.parents), *(one.conditions for one in status.listeners))
        for condition in conditions
    }
    REACHED["cases"] += 1
    REACHED["two routes on one host"] += any(count > 1 for count in Counter(places).values())
    REACHED["routes served"] += bool(places)
    REACHED["connections carried"] += any(chain.shares for rows in engine.rows(CHAIN).values() for chain in rows)
    REACHED["datagrams carried"] += bool(engine.rows(DATAGRAMS))
    REACHED["TLS served"] += any("/https/" in place.table for place in places)
    REACHED.update(f"{kind}: {condition} {reason}" for kind, condition, reason in reasons)
    REACHED.update({finding.code for (found,) in engine.rows(OUT_FINDINGS).values() for finding in found})


@CASES
@given(histories)
def incremental(history: list[list[Edit]]) -> None:
    engine = started()
    known = {(table, key): rows[0] for table in OUTPUTS for key, rows in engine.rows(table).items()}
    done: list[Change] = [*changes(BASE)]
    for batch in history:
        found = [change(*edit) for edit in batch]
        done += found
        before = {(table, key): rows[0] for table in OUTPUTS for key, rows in engine.rows(table).items()}
        for name, row in engine.apply(found).items():
            assert before.get(name) != row  # only what differs is reported
            known[name] = row
    scratch = new_engine()
    scratch.apply([LOCAL, *last(done)])
    assert everything(engine) == everything(scratch)
    assert {name: row for name, row in known.items() if row is not None} == {
        (table, key): rows[0] for table in OUTPUTS for key, rows in scratch.rows(table).items()
    }
    reach(engine)


def test_incremental_equals_from_scratch_in_every_table_and_the_cases_reach_what_matters() -> None:
    REACHED.clear()
    incremental()
    # With room, and nothing rare: what is drawn depends on which modules are loaded.
    wanted = {
        "two routes on one host": 50,
        "routes served": 300,
        "TLS served": 10,
        "connections carried": 3,
        "datagrams carried": 3,
        "Gateway: Conflicted HostnameConflict": 10,
        "Gateway: Conflicted ProtocolConflict": 5,
        "Gateway: Accepted PortUnavailable": 5,
        "Gateway: ResolvedRefs RefNotPermitted": 5,
        "Gateway: ResolvedRefs InvalidCertificateRef": 50,
        "HTTPRoute: Accepted NoMatchingListenerHostname": 10,
        "HTTPRoute: Accepted NotAllowedByListeners": 20,
        "HTTPRoute: ResolvedRefs RefNotPermitted": 20,
        "HTTPRoute: ResolvedRefs BackendNotFound": 50,
        "HTTPRoute: ResolvedRefs InvalidKind": 50,
        "HTTPRoute: PartiallyInvalid UnsupportedValue": 20,
        "PM0602": 20,
    }
    assert {name: REACHED[name] for name, least in wanted.items() if REACHED[name] < least} == {}


@CASES
@given(choices, st.randoms())
def test_order_of_inputs_and_cuts_into_batches_cannot_be_seen(found: list[int], random: Any) -> None:
    everybody = [LOCAL, *last([*changes(BASE), *(change(index) for index in found)])]
    straight = new_engine()
    straight.apply(everybody)
    random.shuffle(everybody)
    engine = new_engine()
    while everybody:
        cut = random.randint(1, len(everybody))
        engine.apply(everybody[:cut])
        del everybody[:cut]
    assert everything(engine) == everything(straight)


@CASES
@given(choices)
def test_deleting_everything_leaves_nothing(found: list[int]) -> None:
    engine = started(change(index) for index in found)
    engine.apply([(table, key, None) for table in (*OBJECTS.values(), GROUP) for key in engine.rows(table)])
    assert engine.empty


@CASES
@given(choices, st.integers(0, len(POOL) - 1), st.randoms())
def test_steps_given_up_halfway_are_finished_by_the_next_batch(found: list[int], more: int, random: Any) -> None:
    engine = started(change(index) for index in found)
    batch = [change(more), *(change(index, keep=False) for index in found[:3])]
    for taken, _ in enumerate(engine.steps(batch)):
        if taken >= len(batch) and random.random() < 0.2:
            break
    engine.apply([])
    scratch = new_engine()
    scratch.apply([LOCAL, *last([*changes(BASE), *(change(index) for index in found), *batch])])
    assert everything(engine) == everything(scratch)


@pytest.mark.parametrize("edit", range(0, len(POOL), 9))
def test_a_bad_object_removes_only_itself(edit: int) -> None:
    """Whatever object comes and goes again, the bytes are those of before."""
    engine = started(change(index) for index in range(0, len(POOL), 3))
    before = {table: engine.rows(table) for table in RESOURCES}
    table, key, _ = change(edit)
    held = engine.get(table, key)
    engine.apply([change(edit)])
    engine.apply([(table, key, held)])
    assert {table: engine.rows(table) for table in RESOURCES} == before
