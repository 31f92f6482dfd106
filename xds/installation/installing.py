"""Applying everything, and waiting until a Gateway would work. Says what it does by values; words for people are for `xds/cli/`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from xds.installation.api import Api
from xds.installation.difference import differences
from xds.installation.manifests import NAME, NAMESPACE, Json, Manifest, base, definitions, place
from xds.installation.state import endpoints, holds, is_newer, trouble, unavailable

LOOK = 0.5  # seconds between looks
DEFINITIONS = 30.0  # seconds until an API server serves what it was told of
SLICES = {"labelSelector": f"kubernetes.io/service-name={NAME}"}
PODS = {"labelSelector": f"app.kubernetes.io/name={NAME}"}


@dataclass(frozen=True)
class Step:
    """What became of one object, or would: created, changed, unchanged, or kept as it is."""

    object: str
    what: str
    changes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wait:
    """How time passes."""

    clock: Callable[[], float]
    pause: Callable[[float], Awaitable[None]]

    async def until(self, lacking: Callable[[], Awaitable[list[str]]], seconds: float, told: Callable[[list[str]], None]) -> list[str]:
        """What is lacking still at the end; nothing as soon as nothing is. `told` hears of each difference."""
        deadline, before = self.clock() + seconds, list[str]()
        while (now := await lacking()) and self.clock() < deadline:
            if now != before:
                told(now)
            before = now
            await self.pause(LOOK)
        return now


class Installation:
    """`keep`: definitions that are there stay as they are. `components` and `groups` as `manifests.base` has them."""

    def __init__(
        self, api: Api, image: str, wait: Wait, *, keep: bool = False, components: Iterable[str] = (), groups: Iterable[str] = ()
    ) -> None:
        self._api, self._wait, self._keep = api, wait, keep
        self.definitions, self.base = definitions(groups), base(image, components, groups)

    async def plan(self) -> list[Step]:
        """What `apply` would do. Nothing is written."""
        return [await self._step(one, dry_run=True) for one in (*self.definitions, *self.base)]

    async def apply(self, told: Callable[[Step], None]) -> list[str]:
        """Write everything. What is lacking where the API server does not serve the definitions in time."""
        for one in self.definitions:
            told(await self._step(one, dry_run=False))
        if lacking := await self._wait.until(self._unserved, DEFINITIONS, lambda _: None):
            return lacking
        for one in self.base:
            told(await self._step(one, dry_run=False))
        return []

    async def settle(self, seconds: float, told: Callable[[list[str]], None]) -> list[str]:
        """Wait until a Gateway would work; what is lacking where it would not."""
        return await self._wait.until(self.lacking, seconds, told)

    async def lacking(self) -> list[str]:
        """Until a Gateway would work: the server runs, is found by proxies, and has accepted its class."""
        deployment = await self._api.get(place("apps/v1", "deployments", NAMESPACE, NAME))
        if deployment is None:
            return ["the Deployment is not there"]
        if missing := unavailable(deployment):
            pods = await self._api.items(place("v1", "pods", NAMESPACE), **PODS)
            return [missing, *_reasons(pods)]
        slices = await self._api.items(place("discovery.k8s.io/v1", "endpointslices", NAMESPACE), **SLICES)
        found = [] if endpoints(slices) else ["proxies do not find the server: the Service has no endpoint that is ready"]
        of_class = await self._api.get(place("gateway.networking.k8s.io/v1", "gatewayclasses", "", NAME))
        return found if holds(of_class, "Accepted") else [*found, f"the server has not accepted the GatewayClass {NAME}"]

    async def _unserved(self) -> list[str]:
        found = [(one, await self._api.get(one.path)) for one in self.definitions]
        return [f"{one} is not served" for one, there in found if not holds(there, "Established")]

    async def _step(self, one: Manifest, *, dry_run: bool) -> Step:
        before = await self._api.get(one.path)
        if before is not None and one in self.definitions and (why := self._kept(before, one.document)):
            return Step(str(one), "kept", [why])
        after = await self._api.apply(one, dry_run=dry_run)
        if before is None or after is None:
            return Step(str(one), "created")
        changes = differences(before, after)
        return Step(str(one), "changed" if changes else "unchanged", changes)

    def _kept(self, there: Json, shipped: Json) -> str:
        if is_newer(there, shipped):
            return "the cluster has it from a newer Gateway API"
        return "as asked by --keep-crds" if self._keep else ""


def _reasons(pods: Iterable[Json]) -> list[str]:
    """Each once: replicas fail alike."""
    return list(dict.fromkeys(filter(None, map(trouble, pods))))
