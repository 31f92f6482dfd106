"""What is written for meshes and when, what is taken out again, and that only the leader does either."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.xds.mesh.server import Server
from tests.waiting import wait_until
from translator.ir.keys import KeyRule, Spelling
from translator.ir.mesh import Branch, MeshPort, MeshRoute, Way
from translator.mesh.matching import metadata
from xds.mesh import contention
from xds.mesh import writer as module
from xds.mesh.difference import holds, writes
from xds.mesh.writer import Meshes
from xds.reports import queue, rounds

VS = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices"
OLD = VS.replace("/shop/", "/old/")
ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes"


def cart(*keys: str, ready: bool = True) -> MeshRoute:
    branches = [Branch(key=key, spellings=(Spelling("x-route-key"),), target="fork", ways=(Way(80, 80, ready),)) for key in keys]
    return MeshRoute(service="shop/cart", ports=(MeshPort(80),), branches=tuple(branches))


ISTIO, GAMMA = ("Istio", "shop/cart"), ("GatewayAPI", "shop/cart")
USERS = {
    "metadata": {"name": "cart", "namespace": "shop"},
    "spec": {"hosts": ["cart"], "http": [{"route": [{"destination": {"host": "cart"}}]}]},
}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.01)
    monkeypatch.setattr(rounds, "TURN", 0.01)
    monkeypatch.setattr(queue, "GAP", 0.0)
    monkeypatch.setattr(queue, "LONGEST_GAP", 0.0)
    monkeypatch.setattr(queue, "BACKOFF", (0.01, 0.01))


@asynccontextmanager
async def writing(server: Server, wanted: dict[tuple[str, str], MeshRoute], leads: list[bool] | None = None) -> AsyncIterator[Meshes]:
    leading = leads if leads is not None else [True]
    one = Meshes(server, lambda: wanted, lambda: leading[0], asyncio.get_running_loop().time)
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def names(server: Server) -> list[str]:
    return [path.rpartition("/")[2] for path in sorted(server.objects)]


def http(server: Server) -> list[str]:
    return [one.get("name", "") for one in server.objects[f"{VS}/cart"]["spec"]["http"]]


async def test_what_is_wanted_is_applied_and_then_left_alone() -> None:
    server = Server()
    async with writing(server, {ISTIO: cart("alice"), GAMMA: cart("alice")}) as one:
        await wait_until(lambda: names(server) == ["pointsman.cart.80", "pointsman.cart.80.alice", "pointsman.cart"])
        one.touch(["shop"])
        looks = len(server.asked)
        await wait_until(lambda: len(server.asked) > looks + 2)
        assert len(server.writes()) == 3
        assert one.problems.held == {}


async def test_nobody_writes_who_does_not_lead() -> None:
    server, leads = Server(), [False]
    async with writing(server, {ISTIO: cart("alice")}, leads) as one:
        one.touch(["shop"])
        for _ in range(20):
            await asyncio.sleep(0)
        assert server.asked == []
        leads[0] = True
        one.touch(["shop"])
        await wait_until(lambda: names(server) == ["pointsman.cart"])


async def test_fork_is_told_only_while_it_answers() -> None:
    server, wanted = Server(), {ISTIO: cart("alice", ready=False)}
    async with writing(server, wanted) as one:
        await wait_until(lambda: ("GET", VS) in server.asked)
        assert server.writes() == []
        wanted[ISTIO] = cart("alice")
        one.touch(["shop"])
        await wait_until(lambda: names(server) == ["pointsman.cart"])
        wanted[ISTIO] = cart("alice", ready=False)
        one.touch(["shop"])
        await wait_until(lambda: names(server) == [])


async def test_object_of_a_user_gets_our_routes_and_is_what_it_was_when_they_go() -> None:
    server, wanted = Server(), {ISTIO: cart("alice")}
    server.put(f"{VS}/cart", USERS)
    async with writing(server, wanted) as one:
        await wait_until(lambda: http(server) == ["pointsman/alice/0", ""])
        wanted.clear()
        one.touch(["shop"])
        await wait_until(lambda: http(server) == [""])
    assert server.objects[f"{VS}/cart"]["spec"] == USERS["spec"]
    assert "labels" not in server.objects[f"{VS}/cart"]["metadata"] or not server.objects[f"{VS}/cart"]["metadata"]["labels"]


async def test_what_another_process_has_left_behind_is_found_and_removed() -> None:
    server = Server()
    server.put(f"{VS}/cart", USERS)
    async with writing(server, {ISTIO: cart("alice"), GAMMA: cart("alice")}):
        await wait_until(lambda: http(server)[0] == "pointsman/alice/0" and len(names(server)) == 3)
    async with writing(server, {}):
        await wait_until(lambda: names(server) == ["cart"] and http(server) == [""])


async def test_user_who_changed_his_object_meanwhile_loses_nothing() -> None:
    server = Server()
    server.put(f"{VS}/cart", USERS)
    listed, theirs = server._listed, {**USERS, "spec": {**USERS["spec"], "hosts": ["cart", "kart"]}}

    def between(path: str, plural: str, selector: str) -> list[dict[str, Any]]:
        found = listed(path, plural, selector)
        if not selector and plural == "virtualservices" and server.objects[f"{VS}/cart"]["spec"]["hosts"] == ["cart"]:
            server.put(f"{VS}/cart", theirs)
        return found

    server._listed = between  # type: ignore[method-assign]
    async with writing(server, {ISTIO: cart("alice")}) as one:
        await wait_until(lambda: http(server) == ["pointsman/alice/0", ""])
        assert one.counts.conflicts == 1
    assert server.objects[f"{VS}/cart"]["spec"]["hosts"] == ["cart", "kart"]


async def test_who_is_faster_each_time_is_told_of_and_loses_nothing() -> None:
    server = Server()
    server.put(f"{VS}/cart", USERS)
    server.refuse["PUT", "virtualservices"] = (409, "the object has been modified")
    async with writing(server, {ISTIO: cart("alice")}) as one:
        await wait_until(lambda: one.problems.held == {"shop": "VirtualService cart: the object has been modified"})
        assert server.writes() == ["PUT cart"] * module.CONFLICTS, "each after a look of its own"
        server.refuse.clear()
        await wait_until(lambda: http(server) == ["pointsman/alice/0", ""] and not one.problems.held)


async def test_who_takes_our_routes_out_each_time_is_told_of_and_not_outrun() -> None:
    server = Server()
    server.put(f"{VS}/cart", USERS)
    async with writing(server, {ISTIO: cart("alice")}) as one:
        for _ in range(contention.OFTEN):
            await wait_until(lambda: http(server) == ["pointsman/alice/0", ""])
            server.put(f"{VS}/cart", USERS)
            one.changed({"shop"})
        await wait_until(lambda: "as often as they are put in" in one.problems.held.get("shop", ""))
        assert server.writes() == ["PUT cart"] * contention.OFTEN


async def test_change_of_somebody_is_looked_at_where_there_is_something_to_say_and_where_something_of_ours_is() -> None:
    server = Server()
    async with writing(server, {ISTIO: cart("alice")}) as one:
        await wait_until(lambda: names(server) == ["pointsman.cart"])
        await wait_until(lambda: len(one.queue) == 0)
        server.put(f"{VS}/cart", USERS)
        one.changed({"other"})
        assert len(one.queue) == 0
        one.changed({"shop", "other"})
        await wait_until(lambda: names(server) == ["cart"] and http(server) == ["pointsman/alice/0", ""])
        left = {**USERS, "metadata": {"name": "left", "namespace": "old", "labels": metadata("x", "old")["labels"]}}
        server.put(f"{OLD}/left", left)
        one.changed({"old"}, {"old"})
        await wait_until(lambda: names(server) == ["cart"])


async def test_what_could_not_be_listed_is_asked_for_again() -> None:
    server = Server()
    server.refuse["GET", "virtualservices"] = (500, "later")
    left = {**USERS, "metadata": {"name": "left", "namespace": "old", "labels": metadata("x", "old")["labels"]}}
    server.put(f"{OLD}/left", left)
    async with writing(server, {}):
        await wait_until(lambda: len(server.asked) > 6)
        server.refuse.clear()
        await wait_until(lambda: names(server) == [])


async def test_who_leads_again_looks_at_everything_again() -> None:
    server, leads = Server(), [True]
    async with writing(server, {ISTIO: cart("alice")}, leads) as one:
        await wait_until(lambda: names(server) == ["pointsman.cart"])
        leads[0] = False
        one.touch([])
        await wait_until(lambda: one._rounds._look == 0.0)
        server.objects.clear()
        leads[0] = True
        await wait_until(lambda: names(server) == ["pointsman.cart"])


async def test_object_of_somebody_under_our_name_is_left_alone_and_told() -> None:
    server = Server()
    server.put(f"{VS}/pointsman.cart", {"metadata": {"name": "pointsman.cart", "namespace": "shop"}, "spec": {"hosts": ["mine"]}})
    async with writing(server, {ISTIO: cart("alice")}) as one:
        await wait_until(lambda: one.problems.held == {"shop": "VirtualService pointsman.cart: there is one of this name that is not ours"})
        assert server.writes() == []


async def test_kind_that_is_not_served_is_told_only_where_it_is_wanted() -> None:
    server = Server()
    server.served = {"httproutes", "grpcroutes"}
    async with writing(server, {GAMMA: cart("alice")}) as one:
        await wait_until(lambda: len(names(server)) == 2)
        assert one.problems.held == {}
    async with writing(server, {ISTIO: cart("alice")}) as one:
        await wait_until(lambda: one.problems.held == {"shop": "VirtualService: it answered 404"})


async def test_rule_that_the_mesh_cannot_be_told_of_is_a_finding_while_it_is_so() -> None:
    server, wanted, told = Server(), {ISTIO: cart("alice")}, list[int]()
    [branch] = wanted[ISTIO].branches
    wanted[ISTIO] = replace(wanted[ISTIO], branches=(replace(branch, rule=KeyRule(prefixes=("/pay",))),))
    theirs = {"hosts": ["cart"], "http": [{"match": [{"uri": {"regex": ".*"}}], "route": [{"destination": {"host": "cart"}}]}]}
    server.put(f"{VS}/cart", {**USERS, "spec": theirs})
    async with writing(server, wanted) as one:
        one.problems.told = lambda: told.append(len(one.findings()))
        await wait_until(lambda: told == [1])
        assert [(each.code, each.kind, each.key) for each in one.findings()] == [("PM0733", "Service", "shop/cart")]
        server.put(f"{VS}/cart", USERS)
        one.changed({"shop"})
        await wait_until(lambda: told == [1, 0])
        assert one.problems.held == {}


async def test_refusal_is_told_and_tried_again() -> None:
    server = Server()
    server.refuse["PATCH", "virtualservices"] = (403, "you may not")
    async with writing(server, {ISTIO: cart("alice")}) as one:
        await wait_until(lambda: one.problems.held == {"shop": "VirtualService pointsman.cart: you may not"})
        server.refuse.clear()
        await wait_until(lambda: names(server) == ["pointsman.cart"] and not one.problems.held)


def test_new_comes_before_gone() -> None:
    old = [one.document for one in writes("GatewayAPI", [cart("alice")], [])]
    assert [one.how for one in writes("GatewayAPI", [cart("bob")], old)] == ["apply", "delete"]


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ({"a": 1, "filled": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({}, {"a": 1}, False),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": "b"}, {"a": {"b": 1}}, False),
        (None, {"a": 1}, False),
    ],
)
def test_defaults_of_an_api_server_are_no_difference(found: Any, wanted: Any, expected: bool) -> None:
    assert holds(found, wanted) is expected
