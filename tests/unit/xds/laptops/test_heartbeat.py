"""What a laptop says to the cluster, how often, and what is told where it is not heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from xds.laptops.heartbeat import Heart
from xds.sources.kube.transport import Answer

OURS, THEIRS = "pointsman.io/v1alpha1", "sandbox.example.com/v1alpha1"
PATH = f"/apis/{OURS}/namespaces/shop/localworkloads"


class Server:
    """One list, and what was patched."""

    def __init__(self, *found: tuple[str, str, str]) -> None:
        self.items = [
            {"metadata": {"name": name}, "spec": {"sandboxRef": {"name": sandbox}, "service": {"name": service}}}
            for name, sandbox, service in found
        ]
        self.patched: list[tuple[str, Any]] = []
        self.status, self.lists = 200, 0
        self.broken, self.path = False, PATH

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, *, content: str = "application/json"
    ) -> Answer:
        assert query is None
        if self.broken:
            raise OSError("no way there")
        if method == "GET":
            assert path == self.path
            self.lists += 1
            return Answer(200, msgspec.json.encode({"items": self.items}))
        assert content == "application/merge-patch+json"
        self.patched.append((path, body))
        return Answer(self.status, msgspec.json.encode({"message": "you may not"}))

    async def close(self) -> None:
        """There is nothing to close."""


def heart(server: Server) -> Heart:
    return Heart(server, "shop", "alice", "cart", OURS)


async def test_beat_is_a_new_value_of_an_annotation_of_what_is_about_it_and_of_nothing_else() -> None:
    server = Server(("mine", "alice", "cart"), ("menu", "alice", "menu"), ("bobs", "bob", "cart"))
    assert await heart(server).beat(0.0, "now") == ""
    assert server.patched == [
        (f"{PATH}/mine", {"metadata": {"annotations": {"pointsman.io/heartbeat": "now", "pointsman.io/connected-at": "now"}}})
    ]


async def test_beat_is_for_local_workloads_of_the_group_that_is_named() -> None:
    server = Server(("mine", "alice", "cart"))
    server.path = PATH.replace(OURS, THEIRS)
    assert await Heart(server, "shop", "alice", "cart", THEIRS).beat(0.0, "now") == ""
    assert [path for path, _ in server.patched] == [f"{server.path}/mine"]


async def test_heart_beats_each_ten_seconds() -> None:
    server = Server(("mine", "alice", "cart"))
    one = heart(server)
    for now in (0.0, 1.0, 9.9, 10.0, 19.0, 20.0):
        await one.beat(now, str(now))
    one.since = ""  # connected anew
    await one.beat(30.0, "30.0")
    said = [body["metadata"]["annotations"] for _, body in server.patched]
    assert [each["pointsman.io/heartbeat"] for each in said] == ["0.0", "10.0", "20.0", "30.0"]
    assert [each["pointsman.io/connected-at"] for each in said] == ["0.0", "0.0", "0.0", "30.0"]


async def test_nobody_to_beat_for_is_told() -> None:
    assert f"no LocalWorkload of {OURS} in namespace shop" in await heart(Server()).beat(0.0, "now")


async def test_refusal_and_a_cluster_that_is_away_are_told() -> None:
    server = Server(("mine", "alice", "cart"))
    server.status = 403
    assert await heart(server).beat(0.0, "now") == "you may not"
    server.broken = True
    assert await heart(server).beat(0.0, "now") == "no way there"
