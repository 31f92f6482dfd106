"""Claims about forks in a cluster: what is made and when, what is followed, what is left alone, and what is said of what goes wrong."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.unit.xds.forks.server import Server
from tests.waiting import wait_until
from translator.ir.copy import Copies, Copy, OfFork
from translator.workloads.rollout import HASH
from xds.forks import writer as module
from xds.forks.writer import Forks
from xds.reports import queue

POD = {"containers": [{"name": "app", "image": "r/web:1"}]}
BASE: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": POD}},
}


def service(name: str, **selector: str) -> dict[str, Any]:
    return {"kind": "Service", "metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": selector, "ports": [{"port": 80}]}}


def copies(*wanted: Copy, sandbox: str = "alice", born: str = "1") -> Copies:
    return Copies(namespace="shop", sandbox=sandbox, born=born, copies=wanted)


WEB = Copy(of="web", images=(("", "r/web:2"),))
ALL = {"Deployment web", "Service web", "Deployment web-alice", "Service web-alice"}


def shop(*more: dict[str, Any]) -> Server:
    return Server(copy.deepcopy(BASE), service("web", app="web"), *more)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK", 0.01)
    monkeypatch.setattr(queue, "GAP", 0.0)
    monkeypatch.setattr(queue, "LONGEST_GAP", 0.0)
    monkeypatch.setattr(queue, "BACKOFF", (0.01, 0.01))


class Told:
    """What is said of Sandboxes."""

    def __init__(self, server: Server, rows: dict[str, Copies], leads: list[bool]) -> None:
        self.said: dict[str, str] = {}
        self.forks = Forks(server, lambda: rows, self.said.__setitem__, lambda: leads[0], asyncio.get_running_loop().time)
        self.forks.standing, server.changed = server, self.forks.touch


@asynccontextmanager
async def making(server: Server, rows: dict[str, Copies], leads: list[bool] | None = None) -> AsyncIterator[Told]:
    told = Told(server, rows, leads if leads is not None else [True])
    task = asyncio.create_task(told.forks.run())
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def image(server: Server, name: str = "web-alice") -> str:
    return str(server.get("Deployment", name)["spec"]["template"]["spec"]["containers"][0]["image"])


async def looked(server: Server) -> None:
    """Twice from now on, so that at least one look is whole."""
    for _ in range(2):
        seen = server.looks
        server.seen()
        await wait_until(lambda seen=seen: server.looks > seen)


async def test_fork_is_made_owned_by_its_sandbox_and_then_left_alone() -> None:
    server = shop()
    async with making(server, {"shop/alice": copies(WEB)}) as told:
        await wait_until(lambda: server.names() == ALL)
        await looked(server)
        assert server.writes() == ["PATCH web-alice", "PATCH web-alice"]
        assert told.said == {"shop/alice": ""}
    for kind in ("Deployment", "Service"):
        (owner,) = server.get(kind, "web-alice")["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == ("Sandbox", "alice", "u1", True)


async def test_fork_follows_its_baseline_and_what_is_declared() -> None:
    server, rows = shop(), {"shop/alice": copies(Copy(of="web"))}
    async with making(server, rows) as told:
        await wait_until(lambda: server.names() == ALL and image(server) == "r/web:1")
        server.get("Deployment", "web")["spec"]["template"]["spec"]["containers"][0]["image"] = "r/web:3"
        server.seen()
        await wait_until(lambda: image(server) == "r/web:3")
        rows["shop/alice"] = copies(WEB)
        told.forks.touch(["shop"])
        await wait_until(lambda: image(server) == "r/web:2")


async def test_what_others_change_of_a_fork_is_put_right() -> None:
    server = shop()
    async with making(server, {"shop/alice": copies(WEB)}):
        await wait_until(lambda: server.names() == ALL)
        server.get("Deployment", "web-alice")["spec"]["replicas"] = 9
        server.seen()
        await wait_until(lambda: server.get("Deployment", "web-alice")["spec"]["replicas"] == 1)


async def test_what_is_declared_no_more_is_removed_also_by_who_leads_next() -> None:
    server = shop()
    async with making(server, {"shop/alice": copies(WEB)}):
        await wait_until(lambda: server.names() == ALL)
    async with making(server, {}):
        await wait_until(lambda: server.names() == {"Deployment web", "Service web"})


async def test_nobody_writes_who_does_not_lead() -> None:
    server, leads = shop(), [False]
    async with making(server, {"shop/alice": copies(WEB)}, leads) as told:
        told.forks.touch(["shop"])
        for _ in range(20):
            await asyncio.sleep(0)
        assert server.asked == []
        leads[0] = True
        told.forks.touch(["shop"])
        await wait_until(lambda: server.names() == ALL)


async def test_baseline_that_is_gone_leaves_its_forks_and_is_told() -> None:
    server = shop()
    async with making(server, {"shop/alice": copies(WEB)}) as told:
        await wait_until(lambda: server.names() == ALL)
        server.remove("Deployment", "web")
        await wait_until(lambda: told.said["shop/alice"] == "Deployment shop/web does not exist")
        assert server.names() == ALL - {"Deployment web"}


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        pytest.param(Copy(of="gone"), "Deployment shop/gone does not exist", id="no-baseline"),
        pytest.param(Copy(of="web", services=("cart",)), "Service shop/cart does not exist", id="no-service"),
        pytest.param(Copy(of="web", images=(("log", "x"),)), "and not log", id="no-container"),
        pytest.param(Copy(of="web", patch="- a"), "the patch is no object", id="patch-that-is-a-list"),
        pytest.param(Copy(of="web", patch="a: &x 1"), "anchors are not read", id="patch-with-an-anchor"),
        pytest.param(Copy(of="web", patch="{"), "", id="patch-that-is-no-yaml"),
        pytest.param(Copy(of="web", patch="a: b\n---\nc: d"), "not one document", id="patch-that-is-two"),
        pytest.param(
            Copy(of="web", patch='[{"op": "remove", "path": "/spec/x"}]', how="json"),
            "operation 0 of the patch (remove /spec/x)",
            id="json",
        ),
        pytest.param(Copy(of="web", env=(("*", "A", OfFork("cart", "x")),)), "declares no fork of it", id="value-of-no-fork"),
    ],
)
async def test_fork_that_cannot_be_made_is_told_and_others_are_made(wanted: Copy, words: str) -> None:
    server, rows = shop(), {"shop/alice": copies(WEB), "shop/bob": copies(wanted, sandbox="bob")}
    async with making(server, rows) as told:
        await wait_until(lambda: server.names() == ALL and told.said.get("shop/bob"))
        assert words in told.said["shop/bob"]
        assert told.said["shop/alice"] == ""


async def test_variable_is_told_of_another_fork_of_the_sandbox() -> None:
    cart = {**copy.deepcopy(BASE), "metadata": {"name": "cart", "namespace": "shop"}}
    server = shop(cart, service("basket", app="web"))
    env = (("*", "WEB", OfFork("shop/web", "{{ .Service.Host }}:{{ .Service.Port }}")), ("*", "B", OfFork("web", "{{ .Service.Host }}")))
    wanted = (Copy(of="cart", services=("basket",), env=env), Copy(of="web"))
    async with making(server, {"shop/alice": copies(*wanted)}):
        await wait_until(lambda: "Deployment cart-alice" in server.names())
    (container,) = server.get("Deployment", "cart-alice")["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "WEB", "value": "web-alice.shop.svc:80"}, {"name": "B", "value": "web-alice.shop.svc"}]


async def test_fork_of_a_rollout_is_a_deployment_that_follows_it() -> None:
    rollout = {**copy.deepcopy(BASE), "kind": "Rollout", "metadata": {"name": "api", "namespace": "shop"}}
    rollout["spec"]["selector"] = {"matchLabels": {"app": "api"}}
    rollout["spec"]["template"]["metadata"]["labels"] = {"app": "api"}
    server, rows = shop(rollout, service("api", app="api", **{HASH: "abc"})), {"shop/alice": copies(Copy(of="api", kind="Rollout"))}
    async with making(server, rows) as told:
        await wait_until(lambda: {"Deployment api-alice", "Service api-alice"} <= server.names())
        assert server.get("Deployment", "api-alice")["spec"]["template"]["metadata"]["labels"].keys().isdisjoint({"app", HASH})
        rollout["spec"]["template"]["spec"]["containers"][0]["image"] = "r/api:3"
        server.seen()
        await wait_until(lambda: image(server, "api-alice") == "r/api:3")
        assert told.said == {"shop/alice": ""}


async def test_rollouts_are_looked_at_only_where_they_are_wanted_and_hold_up_no_deployment() -> None:
    server, rows = shop(), {"shop/alice": copies(WEB)}
    server.unread = "you may not list rollouts"
    async with making(server, rows) as told:
        await wait_until(lambda: server.names() == ALL)
        assert not server.rolled
        rows["shop/bob"] = copies(Copy(of="api", kind="Rollout"), sandbox="bob")
        told.forks.touch(["shop"])
        await wait_until(lambda: told.said == {"shop/alice": "", "shop/bob": "you may not list rollouts"})
        server.unread = ""
        server.seen()
        await wait_until(lambda: told.said["shop/bob"] == "Rollout shop/api does not exist")


async def test_deployment_without_a_service_is_told() -> None:
    server = Server(copy.deepcopy(BASE), service("web", app="other"))
    async with making(server, {"shop/alice": copies(WEB)}) as told:
        await wait_until(lambda: "no Service leads to Deployment shop/web" in told.said.get("shop/alice", ""))
        assert server.writes() == []


async def test_object_of_somebody_else_is_left_alone() -> None:
    theirs = service("web-alice", app="x")
    server = shop(theirs)
    async with making(server, {"shop/alice": copies(WEB)}) as told:
        await wait_until(lambda: told.said.get("shop/alice") == "Service web-alice is there already, made by somebody else")
        assert server.get("Service", "web-alice") == theirs
    async with making(server, {}):
        await wait_until(lambda: "Deployment web-alice" not in server.names())
        assert server.get("Service", "web-alice") == theirs


async def test_of_two_sandboxes_with_one_name_for_their_forks_the_older_has_it() -> None:
    other = {"kind": "Deployment", "metadata": {"name": "web-b", "namespace": "shop"}, "spec": BASE["spec"]}
    server = shop(copy.deepcopy(other))
    server.sandboxes |= {"b-c": "u2", "c": "u3"}
    rows = {
        "shop/b-c": copies(Copy(of="web"), sandbox="b-c", born="2"),
        "shop/c": copies(Copy(of="web-b", services=("web",)), sandbox="c", born="1"),
    }
    async with making(server, rows) as told:
        await wait_until(lambda: "made by somebody else" in told.said.get("shop/b-c", "") and told.said.get("shop/c") == "")
        assert server.get("Deployment", "web-b-c")["metadata"]["ownerReferences"][0]["name"] == "c"


async def test_sandbox_of_the_same_name_made_again_owns_its_forks() -> None:
    server, rows = shop(), {"shop/alice": copies(WEB)}
    async with making(server, rows):
        await wait_until(lambda: server.names() == ALL)
        server.sandboxes["alice"], rows["shop/alice"] = "u2", copies(WEB, born="2")
        server.seen()
        await wait_until(lambda: server.get("Service", "web-alice")["metadata"]["ownerReferences"][0]["uid"] == "u2")


async def test_nothing_is_made_for_a_sandbox_that_is_gone() -> None:
    server = shop()
    server.sandboxes.clear()
    async with making(server, {"shop/alice": copies(WEB)}):
        await looked(server)
        assert server.writes() == []


@pytest.mark.parametrize(
    ("method", "plural", "words"),
    [
        ("PATCH", "deployments", "Deployment web-alice: you may not"),
        ("WATCH", "services", "services: you may not"),
        ("GET", "sandboxes", "Sandbox alice: you may not"),
    ],
)
async def test_refusal_is_told_and_tried_again(method: str, plural: str, words: str) -> None:
    server = shop()
    server.refuse[method, plural] = (403, "you may not")
    async with making(server, {"shop/alice": copies(WEB)}) as told:
        await wait_until(lambda: told.said.get("shop/alice") == words)
        server.refuse.clear()
        if method == "WATCH":  # of which whoever follows tells
            server.seen()
        await wait_until(lambda: server.names() == ALL and told.said["shop/alice"] == "")


async def test_namespace_without_forks_is_followed_no_longer() -> None:
    server, rows = shop(), {"shop/alice": copies(WEB)}
    async with making(server, rows) as told:
        await wait_until(lambda: server.names() == ALL)
        assert server.left == []
        rows.clear()
        told.forks.touch(["shop"])
        await wait_until(lambda: server.names() == {"Deployment web", "Service web"} and server.left)


async def test_what_could_not_be_listed_is_asked_for_again() -> None:
    server = shop()
    async with making(server, {"shop/alice": copies(WEB)}):
        await wait_until(lambda: server.names() == ALL)
    server.refuse["GET", "services"] = (500, "not now")
    async with making(server, {}):
        await wait_until(lambda: "Deployment web-alice" not in server.names())
        server.refuse.clear()
        await wait_until(lambda: server.names() == {"Deployment web", "Service web"})


async def test_nothing_is_asked_while_nothing_changes() -> None:
    server = shop()
    async with making(server, {"shop/alice": copies(WEB)}):
        await wait_until(lambda: server.names() == ALL)
        await looked(server)
        asked = len(server.asked)
        await looked(server)
        assert len(server.asked) == asked
