"""`install`, `uninstall`, `doctor`: what they say, and with which exit code. What they do stands in `xds/installation/`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from translator.ir.finding import Finding
from xds.cli.checking import line
from xds.cli.cluster import Cluster, on_cluster
from xds.cli.output import Exit, Output, dumped, say, table
from xds.installation.api import Api, time_of
from xds.installation.diagnosis import findings
from xds.installation.examining import examine
from xds.installation.installing import Installation, Step, Wait
from xds.installation.manifests import IMAGE, NAME, NAMESPACE, base, definitions
from xds.installation.removing import Removal, Wanted
from xds.objects import finding
from xds.sources.folder import Located
from xds.sources.kube.notices import NOWHERE
from xds.sources.kube.transport import Transport

FIRST = "apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, spec.gatewayClassName: pointsman"


def waits() -> Wait:
    return Wait(time.monotonic, asyncio.sleep)


# install -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wish:
    """What `install` is asked for. `seconds` to wait; 0: not at all."""

    image: str = IMAGE
    keep: bool = False
    components: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    seconds: float = 120.0

    def installation(self, transport: Transport) -> Installation:
        """To be applied through it."""
        return Installation(Api(transport), self.image, waits(), keep=self.keep, components=self.components, groups=self.groups)


def manifests(wish: Wish, output: Output) -> None:
    """Exactly what would be applied; nobody is asked."""
    items = [one.document for one in (*definitions(wish.groups), *base(wish.image, wish.components, wish.groups))]
    say(dumped({"apiVersion": "v1", "kind": "List", "items": items}, output))


def plan(cluster: Cluster, wish: Wish, output: Output) -> None:
    """`--dry-run`: the YAML itself for programs and careful people, else what would be different."""
    if output in (Output.YAML, Output.JSON):
        manifests(wish, output)
        return

    async def ask(transport: Transport) -> list[Step]:
        return await wish.installation(transport).plan()

    steps = on_cluster(cluster, ask)
    if output is Output.NAME:
        say("\n".join(one.object for one in steps if one.what in ("created", "changed")))
        return
    rows = [[one.object, one.what, "; ".join(one.changes)] for one in steps if one.what != "unchanged"]
    same = sum(1 for one in steps if one.what == "unchanged")
    say(table(["OBJECT", "WOULD BE", "WHAT"], rows) if rows else "nothing would change")
    say(f"{same} objects are as they should be" if same else "nothing was written; -o yaml prints what would be applied")


def install(cluster: Cluster, wish: Wish, output: Output) -> None:
    """Ends when a Gateway would work. Exit code 1, with what is wrong, where none would."""
    steps: list[Step] = []

    def told(step: Step) -> None:
        steps.append(step)
        if output is Output.TABLE and step.what != "unchanged":
            say(f"{'=' if step.what == 'kept' else '+' if step.what == 'created' else '~'} {step.object} {step.what}")

    async def ask(transport: Transport) -> tuple[list[str], list[Finding]]:
        installation = wish.installation(transport)
        lacking = await installation.apply(told)
        if not lacking and wish.seconds:
            lacking = await installation.settle(wish.seconds, lambda now: _progress(now, output))
        return lacking, await _examined(transport) if lacking else []

    lacking, wrong = on_cluster(cluster, ask)
    _installed(steps, lacking, wrong, output)


def _progress(lacking: list[str], output: Output) -> None:
    if output is Output.TABLE:
        sys.stderr.write(f"… {'; '.join(lacking)}\n")


def _installed(steps: list[Step], lacking: list[str], wrong: list[Finding], output: Output) -> None:
    if output is Output.NAME:
        say("\n".join(one.object for one in steps))
    elif output is not Output.TABLE:
        made = [{"object": one.object, "what": one.what, "changes": one.changes} for one in steps]
        say(dumped({"objects": made, "lacking": lacking, "findings": _plain(wrong)}, output))
    if lacking:
        told = [line(None, Located("", NOWHERE, one)) for one in wrong]
        raise Exit(1, "\n".join([f"no Gateway works yet: {'; '.join(lacking)}", *told, "Next: pointsman doctor"]))
    if output is Output.TABLE:
        say(f"✓ a Gateway of the class {NAME} would work now ({FIRST})")


# uninstall -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unwish:
    """What `uninstall` is asked for."""

    yes: bool = False
    dry_run: bool = False
    definitions: bool = False
    objects: bool = False
    seconds: float = 120.0


def uninstall(cluster: Cluster, wish: Unwish, output: Output) -> None:
    """Exit code 1 where anything is left, or was not to be removed without being asked for."""
    if wish.objects and not (wish.definitions and wish.yes):
        raise Exit(2, "--objects removes what people wrote: it goes with --crds and --yes")
    gone: list[str] = []

    def told(path: str) -> None:
        gone.append(path)
        if output is Output.TABLE:
            say(f"- {path}")

    async def ask(transport: Transport) -> list[str]:
        removal = Removal(Api(transport), Wanted(wish.definitions, wish.objects), waits(), told)
        gateways = await removal.gateways()
        if gateways and not (wish.yes or wish.dry_run):
            raise Exit(1, f"{_few(gateways)} would lose their proxies: add --yes. Gateways themselves are never removed")
        return await (removal.left() if wish.dry_run else removal.remove(wish.seconds))

    left = on_cluster(cluster, ask)
    if wish.dry_run:
        _said(left, "would be removed", output)
        return
    if output is not Output.TABLE:
        _said(gone, "removed", output, left)
    elif not left:
        say("✓ nothing of Pointsman is left" + ("" if wish.definitions else ", but definitions: --crds removes them too"))
    if left:
        raise Exit(1, "\n".join(["not all of it is gone:", *left]))


def _said(names: list[str], what: str, output: Output, left: Iterable[str] = ()) -> None:
    if output is Output.TABLE:
        say("\n".join(f"- {one} {what}" for one in names) or f"nothing {what}")
    elif output is Output.NAME:
        say("\n".join(names))
    else:
        say(dumped({what.replace(" ", "_"): names, "left": list(left)}, output))


def _few(names: list[str]) -> str:
    return f"{len(names)} Gateways ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"


# doctor --------------------------------------------------------------------------------------------------------------------


async def _examined(transport: Transport) -> list[Finding]:
    async with transport.get("/version", {}) as answer:
        here, now = datetime.now(UTC), time_of(answer.headers.get("Date", ""))
        version: dict[str, Any] = await answer.json(content_type=None) if answer.status == 200 else {}
    return findings(await examine(Api(transport), version, now, here))


def doctor(cluster: Cluster, output: Output) -> None:
    """Exit code 1 where anything is wrong that is no mere warning."""
    found = on_cluster(cluster, _examined)
    if output is Output.NAME:
        say("\n".join(f"{one.code} {one.kind}/{one.key}".rstrip("/ ") for one in found))
    elif output is not Output.TABLE:
        say(dumped({"findings": _plain(found)}, output))
    elif found:
        for one in found:
            say(f"{'✗' if one.severity == 'error' else '!'} {line(None, Located('', NOWHERE, one))}")
    else:
        say(f"✓ the server in {NAMESPACE} is as it should be, and Gateways of the class {NAME} are served")
    if any(one.severity == "error" for one in found):
        raise Exit(1)


def _plain(found: Iterable[Finding]) -> list[dict[str, Any]]:
    return [finding(Located("", NOWHERE, one)) for one in found]
