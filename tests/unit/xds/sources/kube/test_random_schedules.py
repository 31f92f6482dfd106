"""F2, F3, F18: whatever an API server does in between, in the end everything is as it has it, and nothing is told too early."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.unit.xds.sources.kube.lines import NAMESPACE, body, bookmark, document, error, line, page, status
from xds.sources.kube.reflector import Reflector, Request

SEEDS = 400
STEPS = 60


class Server:
    """A toy API server: a log of revisions, of which the oldest are forgotten."""

    def __init__(self, chance: random.Random) -> None:
        self.chance, self.revision, self.forgotten = chance, 1, 0
        self.objects: dict[str, dict[str, Any]] = {}
        self.log: list[tuple[int, str, dict[str, Any]]] = []
        self.pages: dict[str, list[dict[str, Any]]] = {}

    def write(self) -> None:
        self.revision += 1
        name = f"n{self.chance.randrange(6)}"
        there = name in self.objects
        what = self.chance.choice(["MODIFIED", "DELETED"]) if there else "ADDED"
        labels = {"label": str(self.chance.randrange(3))}
        written = {"metadata": {**document(name, self.revision)["metadata"], "labels": labels}}
        self.objects.pop(name, None)
        if what != "DELETED":
            self.objects[name] = written
        self.log.append((self.revision, what, written))

    def forget(self) -> None:
        self.forgotten = self.chance.randint(self.forgotten, self.revision)

    def initial(self) -> bytes:
        found = [line("ADDED", one) for one in self.objects.values()]
        self.chance.shuffle(found)
        return b"".join(found) + bookmark(self.revision, ends_list=True)

    def since(self, version: int) -> bytes:
        if version < self.forgotten:
            return error(410)
        events = [line(what, one) for revision, what, one in self.log if revision > version]
        doubled = [each for each in events for _ in range(self.chance.choice([1, 1, 1, 2]))] if self.chance.random() < 0.3 else events
        return b"".join(doubled) + (bookmark(self.revision) if self.chance.random() < 0.5 else b"")

    def page(self, token: str) -> tuple[int, bytes]:
        if token and token not in self.pages:
            return 410, body(status(410))
        items = self.pages.pop(token) if token else list(self.objects.values())
        version = int(token.partition("-")[0]) if token else self.revision
        if len(items) < 2:
            return 200, page(version, *items)
        next_ = f"{version}-{self.chance.random()}"
        self.pages[next_] = items[2:]
        return 200, page(version, *items[:2], next_=next_)


class Run:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.server = Server(self.chance)
        self.one = Reflector(NAMESPACE, self.chance.random, hold=0.0)
        self.now = 0.0
        self.told: dict[str, str] = {}

    def step(self, *, faults: bool) -> None:
        for _ in range(self.chance.randrange(4)) if faults else ():
            self.server.write()
        if faults and self.chance.random() < 0.2:
            self.server.forget()
        if faults and self.chance.random() < 0.1:
            self.server.pages.clear()
        request = self.one.request(self.now)
        while not isinstance(request, Request):
            self.now += 0.5
            request = self.one.request(self.now)
        if faults and self.chance.random() < 0.3:
            self._refuse()
        elif request.streams:
            self._stream(request, faults=faults)
        else:
            code, answer = self.server.page(request.query.get("continue", ""))
            if code == 200:
                self.one.page(answer, self.now)
            else:
                self.one.refused(code, answer, 0.0, self.now)
        self._look()

    def _refuse(self) -> None:
        code = self.chance.choice([0, 401, 403, 410, 429, 500, 503])
        if code:
            self.one.refused(code, body(status(code)), self.chance.choice([0.0, 2.0]), self.now)
        else:
            self.one.failed("reset", self.now)

    def _stream(self, request: Request, *, faults: bool) -> None:
        listing = "sendInitialEvents" in request.query
        if faults and listing and self.chance.random() < 0.2:
            self.one.feed(error(500), self.now)
            return
        text = self.server.initial() if listing else self.server.since(int(request.query["resourceVersion"]))
        if faults and self.chance.random() < 0.4:
            text = text[: self.chance.randrange(len(text) + 1)]
        while text and self.one.reading:
            size = self.chance.randint(1, 200)
            self.one.feed(text[:size], self.now)
            text = text[size:]
            self._look()
        self.now += self.chance.choice([0.0, 30.0])
        self.one.ended(self.now)

    def _look(self) -> None:
        """What was told is a state of the server, or between two of them, and never less than a list: nothing goes that was not deleted."""
        deleted = {one["metadata"]["name"] for _, what, one in self.server.log if what == "DELETED"}
        for change in self.one.take(self.now):
            name = change.key.partition("/")[2]
            if change.object is None:
                assert name in deleted
                del self.told[name]
            else:
                self.told[name] = change.object.metadata.labels["label"]


@pytest.mark.parametrize("block", range(4))
def test_nothing_is_lost_and_nothing_is_gone_too_early(block: int) -> None:
    for seed in range(block * SEEDS // 4, (block + 1) * SEEDS // 4):
        run = Run(seed)
        for _ in range(STEPS):
            run.step(faults=True)
        for _ in range(12):  # pages of two, after the last wait
            run.step(faults=False)
        expected = {name: one["metadata"]["labels"]["label"] for name, one in run.server.objects.items()}
        assert run.told == expected, f"seed {seed}"
