"""Laptops as forks: the way to each, and whose requests may go there."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from protos.v3 import Cluster
from tests.objects import changes, objects
from translator.engine import Engine
from translator.ir.output import Connection, Group
from translator.ir.tables import EXPIRED, GROUP, OUT_CLUSTER, OUT_FINDINGS, OUT_LIFE, OUT_STATUS
from translator.program import engine
from xds.lives import Lives

SHOP = """
kind: Service
metadata: {name: cart}
spec: {ports: [{name: http, port: 80}, {name: api, port: 81}]}
---
kind: RouteGroup
metadata: {name: previews}
spec: {meshOutput: Sidecar}
---
kind: Sandbox
metadata: {name: alice}
spec: {services: [{name: cart, targetRef: {kind: LocalWorkload, name: laptop}}]}
"""


def laptop(target: str = "10.0.0.1:8080", sandbox: str = "alice", service: str = "cart") -> dict[str, Any]:
    spec = {"sandboxRef": {"name": sandbox}, "service": {"name": service}, "connection": {"target": target}}
    return {"kind": "LocalWorkload", "metadata": {"name": "laptop"}, "spec": spec}


def told(*documents: dict[str, Any]) -> Engine:
    core = engine()
    text = "---\n".join([SHOP, yaml.safe_dump_all(documents)])
    core.apply([(GROUP, "local", Group()), *changes(objects(text))])
    assert not core.failures
    return core


def fork(core: Engine) -> Cluster:
    [row] = core.rows(OUT_CLUSTER)["sidecar/default/cart", "beside/default/cart/80/alice"]
    return Cluster.FromString(row.body)


def ready(core: Engine) -> str:
    [status] = core.rows(OUT_STATUS)["Sandbox", "default/alice"]
    return str(status.conditions[0].reason)


def test_request_on_its_way_says_for_whom_it_is() -> None:
    core = told(laptop())
    [options] = fork(core).typed_extension_protocol_options.values()
    assert b"x-pointsman-tunnel" in options.value
    assert b"cart.alice.default" in options.value
    assert ready(core) == "Ready"


@pytest.mark.parametrize(
    ("target", "kind"), [("10.0.0.1:8080", Cluster.EDS), ("[::1]:8080", Cluster.EDS), ("tunnels.infra:8080", Cluster.STRICT_DNS)]
)
def test_gateway_is_found_by_address_or_by_name(target: str, kind: int) -> None:
    assert fork(told(laptop(target))).type == kind


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(laptop(sandbox="bob"), id="of-another-sandbox"),
        pytest.param(laptop(service="menu"), id="for-another-service"),
        pytest.param({**laptop(), "metadata": {"name": "other"}}, id="missing"),
        pytest.param(
            {"kind": "Backend", "metadata": {"name": "laptop"}, "spec": {"endpoints": [{"ip": {"address": "10.0.0.1", "port": 1}}]}},
            id="backend-of-its-name",
        ),
    ],
)
def test_sandbox_and_laptop_must_name_each_other(document: dict[str, Any]) -> None:
    core = told(document)
    assert ready(core) == "InvalidTarget"
    assert [one.code for (found,) in core.rows(OUT_FINDINGS).values() for one in found] == ["PM0706"]


def test_all_goes_with_the_laptop() -> None:
    core = told(laptop())
    core.apply([(table, key, None) for table, key, _ in changes(objects(yaml.safe_dump(laptop())))])
    assert ("sidecar/default/cart", "beside/default/cart/80/alice") not in core.rows(OUT_CLUSTER)


def heard(mark: str = "1", **spec: Any) -> dict[str, Any]:
    one = laptop(**spec)
    return {**one, "metadata": {"name": "laptop", "annotations": {"pointsman.io/heartbeat": mark}}}


def phase(core: Engine) -> tuple[str, str]:
    [status] = core.rows(OUT_STATUS)["LocalWorkload", "default/laptop"]
    return status.phase, status.conditions[0].reason


def test_phase_is_that_of_who_was_never_heard_or_is_heard_or_is_for_nobody() -> None:
    assert phase(told(laptop())) == ("Pending", "NeverHeard")
    assert phase(told(heard())) == ("Connected", "Heard")
    assert phase(told(heard(sandbox="bob"))) == ("Failed", "NotNamed")


def test_status_says_the_key_and_the_connection_as_the_laptop_says_it() -> None:
    one = heard("2026-01-01T00:00:10.5Z")
    one["metadata"]["annotations"]["pointsman.io/connected-at"] = "2026-01-01T00:00:00Z"
    [status] = told(one).rows(OUT_STATUS)["LocalWorkload", "default/laptop"]
    assert (status.routing_key, status.connection) == (
        "alice",
        Connection(tunnel_id="cart.alice.default", connected_at="2026-01-01T00:00:00Z", last_heartbeat="2026-01-01T00:00:10.5Z"),
    )


@pytest.mark.parametrize("mark", ["1", "yesterday", "2026-01-01", "2026-01-01T00:00:00+00:00"])
def test_what_is_no_time_is_no_connection_and_a_beat_all_the_same(mark: str) -> None:
    core = told(heard(mark))
    [status] = core.rows(OUT_STATUS)["LocalWorkload", "default/laptop"]
    assert (status.phase, status.connection) == ("Connected", None)


def test_laptop_that_nobody_names_says_no_key() -> None:
    [status] = told(heard(sandbox="bob")).rows(OUT_STATUS)["LocalWorkload", "default/laptop"]
    assert status.routing_key == ""


@pytest.mark.parametrize(("timeout", "seconds"), [("30s", 30), ("5", 5), ("2m", 120)])
def test_laptop_says_itself_after_which_time_it_is_lost(timeout: str, seconds: int) -> None:
    one = heard()
    one["spec"]["connection"]["timeout"] = timeout
    assert [row.seconds for (row,) in told(one).rows(OUT_LIFE).values()] == [seconds]


def test_who_is_silent_for_too_long_is_lost_and_is_sent_nothing_until_he_is_heard_again() -> None:
    core, clock = told(heard("1")), Lives()
    clock.settled({(OUT_LIFE, key): rows[0] for key, rows in core.rows(OUT_LIFE).items()}, 100.0)
    assert clock.ended(129.0) == {}
    [(key, mark)] = clock.ended(130.0).items()
    core.apply([(EXPIRED, key, mark)])
    assert phase(core) == ("Disconnected", "Lost")
    assert ready(core) == "NoEndpoints"
    assert ("sidecar/default/cart", "beside/default/cart/80/alice") not in core.rows(OUT_CLUSTER)
    settled = core.apply(changes(objects(yaml.safe_dump(heard("2")))))
    assert phase(core) == ("Connected", "Heard")
    assert clock.settled(settled, 200.0) == [key]


def test_each_beat_begins_the_time_anew() -> None:
    core, clock = told(heard("1")), Lives()
    clock.settled({(OUT_LIFE, key): rows[0] for key, rows in core.rows(OUT_LIFE).items()}, 100.0)
    clock.settled(core.apply(changes(objects(yaml.safe_dump(heard("2"))))), 125.0)
    assert clock.ended(154.0) == {}
    assert [*clock.ended(155.0)] == [("LocalWorkload", "default/laptop")]
