"""What waits for the engine: the newest of each object, endpoints first, in batches."""

from __future__ import annotations

from translator.inputs import ENDPOINT_SLICE, SERVICE
from translator.ir.output import Group
from translator.ir.tables import GROUP
from translator.resources.core import EndpointSlice, Service
from translator.resources.meta import Metadata
from xds.store import Change, Store


def service(name: str, **labels: str) -> Change:
    return Change("Service", name, Service(metadata=Metadata(name=name, labels=labels)))


def test_the_newest_change_of_a_key_counts() -> None:
    store = Store()
    store.put([service("a", is_="old"), service("b"), service("a", is_="new")])
    store.put([Change("Service", "b", None)])
    assert len(store) == 2
    taken = {key: row for _, key, row in store.take()}
    assert taken == {"a": service("a", is_="new").object, "b": None}
    assert store.take() == []


def test_endpoints_come_first() -> None:
    store = Store()
    store.put([service("a"), Change("EndpointSlice", "e", EndpointSlice(metadata=Metadata(name="e"))), service("b")])
    assert [table for table, _, _ in store.take()] == [ENDPOINT_SLICE, SERVICE, SERVICE]


def test_a_burst_is_cut_into_batches() -> None:
    store = Store()
    store.put([service(str(number)) for number in range(10)])
    assert [len(store.take(4)) for _ in range(4)] == [4, 4, 2, 0]


def test_rows_that_no_user_writes_go_the_same_way() -> None:
    store = Store()
    store.declare(GROUP, "local", Group(bind="127.0.0.1"))
    assert store.take() == [(GROUP, "local", Group(bind="127.0.0.1"))]
