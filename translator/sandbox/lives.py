"""Rules for lives: which objects end by themselves. As in rules.py: ask, call, yield."""

from __future__ import annotations

from translator.engine import Facts, View, rule
from translator.inputs import ROUTE_GROUP, SANDBOX
from translator.ir.finding import Finding
from translator.ir.tables import ENDED, EXPIRED, OUT_LIFE, REFUSED
from translator.sandbox.keys import selected
from translator.sandbox.lifetime import life, over
from translator.sandbox.rules import SANDBOXES_IN


@rule(over=SANDBOX, into=(OUT_LIFE, REFUSED))
def sandbox_life(view: View, key: str) -> Facts:
    one = view.one(SANDBOX, key)
    if found := life(one):
        yield OUT_LIFE(("Sandbox", key), found)
    elif one.spec.ttl:
        yield REFUSED(("Sandbox", key), unborn("Sandbox", key))


@rule(over=ROUTE_GROUP, into=(OUT_LIFE, REFUSED))
def group_life(view: View, key: str) -> Facts:
    one = view.one(ROUTE_GROUP, key)
    if one.spec.ttl is None:
        return
    there = (view.one(SANDBOX, other) for other in view.list(SANDBOXES_IN, one.namespace))
    named = {route.target_sandbox for route in one.spec.routes}
    matched = one.spec.ttl.offset_from == "noMatchedSandboxes" and any(
        selected(one, other) or other.metadata.name in named for other in there
    )
    if found := life(one, matched=matched):
        yield OUT_LIFE(("RouteGroup", key), found)
    elif not matched:
        yield REFUSED(("RouteGroup", key), unborn("RouteGroup", key))


@rule(over=ROUTE_GROUP, into=(ENDED,))
def ended(view: View, key: str) -> Facts:
    if over(view.one(ROUTE_GROUP, key), view.get(EXPIRED, ("RouteGroup", key))):
        yield ENDED(key, True)


def unborn(kind: str, key: str) -> Finding:
    message = "it does not say when it was created, so its time never ends"
    path = ("metadata", "creationTimestamp")
    fix = "write metadata.creationTimestamp, as 2026-01-31T12:00:00Z, or count from updatedAt"
    return Finding(code="PM0711", kind=kind, key=key, message=message, path=path, fix=fix, severity="warning")


ENDS = (ended,)
RULES = (sandbox_life, group_life)
