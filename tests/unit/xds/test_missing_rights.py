"""Any one right taken from the role of the server: a finding that names it, everything else goes on, and it is gone when it is back.

What is written is driven through all that writes, with an API server that knows the rights that each request needs. What is
followed is a state machine: there a recorded refusal is fed to it.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.xds.sources.kube.fake import recorded
from tests.unit.xds.sources.kube.lines import KINDS, asked, reflector
from tests.unit.xds.sources.kube.test_rights import forbidden
from tests.unit.xds.told import Told
from tests.waiting import wait_until
from translator.ir.output import Group
from translator.ir.tables import OUT_PLANE
from translator.planes import manifests
from xds import outgoing as module
from xds import roles
from xds.groups import Groups
from xds.offline import Loaded, once
from xds.outgoing import Known, Outgoing
from xds.planes.settings import DataPlanes
from xds.planes.standing import Stand, watched
from xds.reports import queue
from xds.reports import writer as reports
from xds.reports.writer import Terms, Writer
from xds.security.access import Policy
from xds.security.issuing import authority
from xds.settings import Cluster, Settings
from xds.sources.kube.notices import findings
from xds.sources.kube.rights import Right, Rights, _place
from xds.sources.kube.transport import Answer
from xds.webhook.sidecars import Sidecars

OBJECTS = (Path(__file__).parent / "every-kind.yaml").read_text()
LEFT = "default/gone"  # a Gateway that is no more, of which a Secret is there still
OVER = [("Sandbox", "default/alice"), ("RouteGroup", "default/keys")]  # their time is over
FOLLOWED = {(kind.group, kind.plural, verb) for kind in KINDS.values() for verb in ("list", "watch")}
ADMISSION = {right for right in roles.everywhere(KINDS.values()) if right[1].endswith("/finalizers")}  # asked for by an admission plugin
ASKED = {("apiextensions.k8s.io", "customresourcedefinitions", "get"), ("", "configmaps", "get")}  # by the source, see below
STANDING = {(version.rpartition("/")[0], plural, "watch") for version, plural in manifests.KINDS.values()}  # followed as well
WRITTEN = sorted({*roles.everywhere(KINDS.values()), *roles.at_home()} - FOLLOWED - STANDING - ADMISSION - ASKED)


class Guarded:
    """Keeps what it is given, and refuses what needs the right that is missing. A request may need two."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.missing: Right | None = None
        self.rights, self.version = Rights(), 0

    async def close(self) -> None:
        """There is nothing to close."""

    def put(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        self.version += 1
        metadata = {"uid": "u", **document.get("metadata", {}), "resourceVersion": str(self.version)}
        self.objects[path] = {**document, "metadata": metadata}
        return self.objects[path]

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, **_: str
    ) -> Answer:  # fmt: skip
        await asyncio.sleep(0)
        group, parts = _place(path)
        resource = "/".join([parts[0], *parts[2:3]])
        for verb in self._verbs(method, path, query):
            if (group, resource, verb) == self.missing:
                answer = Answer(403, forbidden(self.missing))
                break
        else:
            answer = self._answer(method, path, body, query)
        self.rights.answered(method, path, answer.status, answer.body)
        return answer

    def _verbs(self, method: str, path: str, query: Mapping[str, str] | None) -> tuple[str, ...]:
        match method:
            case "GET":
                return ("list",) if query else ("get",)
            case "PATCH":
                return ("patch",) if path in self.objects else ("patch", "create")
            case _:
                return ({"POST": "create", "PUT": "update", "DELETE": "delete"}[method],)

    def _answer(self, method: str, path: str, body: Any, query: Mapping[str, str] | None) -> Answer:
        place = path.removesuffix("/status")
        match method:
            case "GET" if query:
                wanted = dict(one.split("=") for one in query["labelSelector"].split(","))
                below = [one for at, one in self.objects.items() if at.startswith(f"{path}/")]
                found: Any = {"items": [one for one in below if wanted.items() <= one["metadata"].get("labels", {}).items()]}
            case "GET" | "DELETE" if place not in self.objects:
                return Answer(404, b"{}")
            case "GET":
                found = self.objects[place]
            case "DELETE":
                found = self.objects.pop(place)
            case "POST" if f"{path}/{body['metadata']['name']}" in self.objects:
                return Answer(409, b"{}")
            case "POST":
                return Answer(201, msgspec.json.encode(self.put(f"{path}/{body['metadata']['name']}", body)))
            case "PATCH":
                return Answer(200 if place in self.objects else 201, msgspec.json.encode(self.put(place, body)))
            case _:
                found = self.put(place, body)
        return Answer(200, msgspec.json.encode(found))


class World:
    """A server's writing half in front of such an API server."""

    def __init__(self, server: Guarded, loaded: Loaded, written: Outgoing) -> None:
        self.server, self.loaded, self.written = server, loaded, written
        self.begin = copy.deepcopy(server.objects)

    def found(self) -> list[str]:
        return [one.finding.key for one in self.written.findings() if one.finding.code == "PM0137"]

    def again(self, missing: Right | None) -> None:
        """As if all of it were written for the first time, and then for the second."""
        self.server.missing = missing
        kept = [f"/{one}/" for one in ("events", "leases") if missing is None or missing[1:] != (one, "create")]
        there = {at: one for at, one in self.server.objects.items() if any(one in at for one in kept)}
        self.server.objects = {**copy.deepcopy(self.begin), **there}
        self.touch()

    def touch(self) -> None:
        for path, document in self.begin.items():
            if path in self.server.objects and "status" not in document:
                self.server.objects[path].pop("status", None)
        self.written._writer.touch(self.loaded.statuses.names())
        self.written.touch((OUT_PLANE, one) for one in [*self.loaded.engine.rows(OUT_PLANE), LEFT])
        for one in OVER:
            self.written.ended(one)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.setattr(reports, "RETRY", 0.02)
    monkeypatch.setattr(queue, "GAP", 0.0)
    monkeypatch.setattr(queue, "LONGEST_GAP", 0.0)
    told, server = Told(OBJECTS), Guarded()
    loaded = await once(told, Groups(Group(bind="0.0.0.0", pods=True), each=True), lambda: 0.0)
    for name, key in loaded.statuses.names():
        kind = KINDS[name]
        metadata = {"name": key.rpartition("/")[2], "namespace": key.rpartition("/")[0] or None}
        head = {"apiVersion": f"{kind.group}/{kind.versions[0]}", "kind": name, "metadata": metadata}
        server.put(kind.path(kind.versions[0], key), head)
    namespace, labels = manifests.leftovers(LEFT, "here")[0]
    for version, plural in manifests.KINDS.values():
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        server.put(f"{root}/namespaces/{namespace}/{plural}/left", {"metadata": {"name": "left", "labels": labels}})
    signer = authority("CA", "x", datetime.now(UTC), 30)
    (tmp_path / "ca.crt").write_bytes(signer.pem)
    (tmp_path / "ca.key").write_bytes(signer.key)
    terms = Terms("pointsman.io/gateway-controller", "one", "here")
    made = Writer(server, KINDS.values(), loaded.statuses.get, terms, asyncio.get_running_loop().time)  # type: ignore[arg-type]
    monkeypatch.setattr(module, "writer", lambda *_: made)
    planes = DataPlanes("image", "server:18000", str(tmp_path))
    settings = Settings(cluster=Cluster(), planes=planes, policy=Policy(trust="x"))
    known = Known(engine=loaded.engine, statuses=loaded.statuses, soon=lambda _: True, over=lambda: OVER, sidecars=Sidecars())
    monkeypatch.setattr(Stand, "run", lambda _: asyncio.Event().wait())  # it follows, which is a state machine that is tested below
    written = Outgoing(settings, known, lambda: None, lambda *_: None)
    synced = asyncio.Event()
    synced.set()
    task = asyncio.create_task(written.run(synced))
    world = World(server, loaded, written)
    try:
        await wait_until(lambda: made.leads() and made.counts.written >= len(loaded.statuses.names()), what="the first round")
        yield world
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_every_right_to_write_is_missed_by_name_and_only_until_it_is_back(world: World) -> None:
    assert world.found() == []
    for right in WRITTEN:
        group, resource, verb = right
        name = f"{verb} {resource}.{group}" if group else f"{verb} {resource}"
        world.again(right)
        await wait_until(lambda name=name: name in world.found(), what=f"{name} to be missed")  # type: ignore[misc]
        world.again(None)
        await wait_until(lambda: world.found() == [] or world.touch(), what=f"{name} to be back")


def test_every_kind_that_is_written_has_an_object_here() -> None:
    for kind in KINDS.values():
        assert not kind.reports or f"kind: {kind.name}\n" in OBJECTS, kind.name


@pytest.mark.parametrize("kind", [*KINDS.values(), *watched()], ids=lambda kind: kind.resource)
def test_every_right_to_follow_is_missed_by_name(kind: Any) -> None:
    one = reflector(kind)
    if one.wanted is not None:
        one.want(("default/x",))
    asked(one)
    one.refused(403, recorded("forbidden").body, 0.0, 0.0)
    (found,) = findings([one], 0.0)
    assert found.finding.code == "PM0131"
    assert kind.resource in found.finding.fix
    assert not one.synced
