"""A control plane whose objects are Envoy resources as they are, with the loop that isolates what is refused: streams, feedback,
quarantine. For resources that our own translation would never make.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.e2e.envoy import Envoy, bootstrap
from tests.e2e.made import TABLES
from tests.waiting import wait_until
from translator.engine import Engine, Facts, Rule, Table, View, rule
from translator.envoy_v3.anatomy import CHAINS, ENDPOINTS, ROUTES, Form, cut
from translator.envoy_v3.held import held, held_rule
from translator.envoy_v3.quarantine import judged, replaced
from translator.ir import names
from translator.ir.output import Packed
from translator.ir.quarantine import ROUTE
from translator.ir.tables import HELD, OUT_ENDPOINTS, OUT_HELD, OUT_LISTENER, OUT_ROUTES, OUT_SECRET, QUARANTINE, RESOURCES
from xds.events import Acked, Event, Nacked, Refused, Sent
from xds.feedback import Feedback, Rows
from xds.server import Server
from xds.snapshot import Snapshots

OUTS = {**TABLES, "sds": OUT_SECRET}
RAW = {short: Table[str, Packed](f"raw.{short}") for short in OUTS}
FORMS: dict[Any, Form] = {OUT_ROUTES: ROUTES, OUT_ENDPOINTS: ENDPOINTS, OUT_LISTENER: CHAINS}
Raw = Mapping[tuple[str, str], Packed | None]


def _rule(short: str) -> Rule:
    out = OUTS[short]

    @rule(over=RAW[short], into=(out, HELD))
    def raw(view: View, name: str) -> Facts:
        row = view.one(RAW[short], name)
        body: bytes | None = row.body
        if out is OUT_ROUTES:
            body = yield from _routes(view, row.body)
        verdict = judged(view.get(QUARANTINE, (out.name, name)), body or b"", _form(out, row.body))
        yield from held(out, name, verdict)
        if verdict.body is not None:
            yield out(("local", name), Packed(verdict.body, row.needs))

    return raw


def _form(out: Any, body: bytes) -> Form | None:
    try:
        cut(FORMS[out], body)
    except (KeyError, ValueError):
        return None
    return FORMS[out]


def _routes(view: View, body: bytes) -> Any:
    """As the real rules do it: routes by their owner."""
    if _form(OUT_ROUTES, body) is None:
        return body
    whole, instead = cut(ROUTES, body), {}
    for part in whole.parts():
        row = view.get(QUARANTINE, (ROUTE, names.owner(part.name)))
        for one in row.poisons if row else ():
            if one.digest == part.digest and not one.doubted:
                instead[part.digest] = one.good
                yield HELD((ROUTE, names.owner(part.name), one.digest), True)
    return replaced(whole, instead) if instead else body


class Plane:
    """Everything between the resources and one or more Envoys."""

    def __init__(self) -> None:
        self.engine = Engine((*RAW.values(), QUARANTINE), (*map(_rule, RAW), held_rule), (*RESOURCES, OUT_HELD))
        self.snapshots, self.events = Snapshots(), list[Event]()
        self.snapshots.synced = True
        self.feedback = Feedback(self.snapshots, lambda _: ())
        self.server = Server(self.snapshots, self._event, lambda: 0.0)  # so whatever waits for time waits for ever
        self.address = ""

    async def __aenter__(self) -> Self:
        self.address = await self.server.start("127.0.0.1:0")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop(0)

    def apply(self, resources: Raw) -> None:
        self._take([(RAW[short], name, one) for (short, name), one in resources.items()])

    def _take(self, changes: list[Any]) -> None:
        settled = self.engine.apply(changes)
        assert not self.engine.failures
        self.snapshots.apply(settled)
        self._feed(self.feedback.settled(settled))
        self.server.publish()

    def _feed(self, rows: Rows) -> None:
        if rows:
            self._take([(QUARANTINE, key, row) for key, row in rows.items()])

    def _event(self, event: Event) -> None:
        self.events.append(event)
        self._feed(self.feedback.event(event))

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def refused(self) -> set[tuple[str, str]]:
        return {(event.name, event.part) for event in self.of(Refused)}

    async def settled(self) -> None:
        def quiet() -> bool:
            answered = len(self.of(Acked)) + len(self.of(Nacked))
            states = {one.state for proxy in self.server.proxies() for one in proxy.types}
            return len(self.of(Sent)) == answered and states <= {"SYNCED", "NACK"}

        await wait_until(quiet, what="all that was sent to be answered")

    def envoy(self, directory: Path, *, sotw: bool, node: str = "envoy") -> Envoy:
        return Envoy(bootstrap(self.address, node=node, sotw=sotw), directory)
