"""Taking everything of ours out of a cluster again: the server first, then what it made, then what was installed.

What people wrote stays: Gateways, routes, and definitions that objects of theirs are of. Of their statuses our part goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from translator.gatewayapi.conditions import CONTROLLER
from translator.planes.manifests import CLASS_LABEL, KINDS, OWNER
from translator.resources.crd import GROUP
from xds.forks import difference as forks
from xds.installation.api import Api
from xds.installation.installing import PODS, Wait
from xds.installation.manifests import COMPONENTS, NAME, NAMESPACE, Json, Manifest, base, definitions, kinds, place
from xds.installation.state import name_of, ours
from xds.mesh.difference import OUTPUTS, collection, kinded, writes
from xds.reports.merge import ENTRIES, merged
from xds.reports.notes import SOURCE
from xds.webhook.writer import LABEL

LABELLED = ",".join(f"{name}={value}" for name, value in OWNER.items())
OF_PLANES = {"labelSelector": f"{LABELLED},{CLASS_LABEL}"}
OF_SIDECARS = {"labelSelector": f"{LABELLED},{LABEL}"}
BINDINGS = place("rbac.authorization.k8s.io/v1", "clusterrolebindings")
HOOKS = place("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", "", NAME)
EVENTS = {"fieldSelector": f"source={SOURCE}"}
OTHERS = {  # what people may have put beside the server
    "v1": ("pods", "services", "configmaps", "secrets", "persistentvolumeclaims"),
    "apps/v1": ("deployments", "statefulsets", "daemonsets"),
}
GIVEN = ("kube-root-ca.crt",)  # what every namespace has
OF_US = frozenset({"Accepted", "Programmed", "ResolvedRefs", "Conflicted", "Ready"})  # conditions that we set


@dataclass(frozen=True)
class Wanted:
    """`definitions`: they too, as far as nothing is of them; `objects`: then those that are go with them."""

    definitions: bool = False
    objects: bool = False


class Removal:
    """`told` hears of each object that went."""

    def __init__(self, api: Api, wanted: Wanted, wait: Wait, told: Callable[[str], None]) -> None:
        self._api, self._wanted, self._wait, self._told = api, wanted, wait, told
        self._groups: tuple[str, ...] = ()  # of Sandboxes, beside our own

    async def gateways(self) -> list[str]:
        """Those that lose their proxies."""
        classes = await self.classes()
        found = await self._api.items(place("gateway.networking.k8s.io/v1", "gateways"))
        return [name_of(one) for one in found if one["spec"]["gatewayClassName"] in classes]

    async def classes(self) -> set[str]:
        found = await self._api.items(place("gateway.networking.k8s.io/v1", "gatewayclasses"))
        return {one["metadata"]["name"] for one in found if ours(one)}

    async def remove(self, seconds: float) -> list[str]:
        """What is left, and why; nothing where all is gone."""
        self._groups = await self._bound()
        await self._delete(HOOKS)  # before who answers goes
        await self._delete(place("apps/v1", "deployments", NAMESPACE, NAME))
        if left := await self._wait.until(self._running, seconds, lambda _: None):
            return left
        await self._made()
        await self._meshes()
        await self._statuses()
        for one in await self._api.items(place("v1", "events"), **EVENTS):
            await self._delete(place("v1", "events", one["metadata"]["namespace"], one["metadata"]["name"]), quiet=True)
        kept = await self._base()
        kept += await self._definitions() if self._wanted.definitions else []
        return kept + await self._wait.until(self.left, seconds, lambda _: None)

    async def left(self) -> list[str]:
        """Everything of ours that is there still. What is kept for somebody is not."""
        self._groups = self._groups or await self._bound()
        found = [path async for path in self._all_made()]
        spared = await self._foreign()
        wanted = [one for one in self._installed() if not (spared and one.kind == "Namespace")]
        return [*found, *[str(one) for one in wanted if await self._api.get(one.path)]]

    def _installed(self) -> list[Manifest]:
        return base(components=COMPONENTS, groups=self._groups)

    async def _bound(self) -> tuple[str, ...]:
        """Groups of Sandboxes that our account has roles for: no group is without a dot, and each of our other roles is."""
        names = [one["metadata"]["name"].removeprefix(f"{NAME}-") for one in await self._api.items(BINDINGS) if _is_group(one)]
        return tuple(sorted(names))

    async def _running(self) -> list[str]:
        """The server would make again what we remove."""
        return [name_of(one) for one in await self._api.items(place("v1", "pods", NAMESPACE), **PODS)]

    async def _delete(self, path: str, *, quiet: bool = False) -> None:
        if await self._api.delete(path) and not quiet:
            self._told(path)

    # What the server made ----------------------------------------------------------------------------------------------

    async def _made(self) -> None:
        for path in [path async for path in self._all_made()]:
            await self._delete(path)

    async def _all_made(self) -> AsyncIterator[str]:
        """The paths of all forks, of all objects of data planes, and of what sidecars start with, in every namespace."""
        for version, plural in forks.KINDS.values():
            for one in await self._api.items(place(version, plural), labelSelector=forks.SELECTOR):
                yield place(version, plural, one["metadata"]["namespace"], one["metadata"]["name"])
        for version, plural in KINDS.values():
            for of in (OF_PLANES, OF_SIDECARS) if plural in ("configmaps", "secrets") else (OF_PLANES,):
                for one in await self._api.items(place(version, plural), **of):
                    yield place(version, plural, one["metadata"]["namespace"], one["metadata"]["name"])

    async def _meshes(self) -> None:
        """What was written for meshes: objects of ours, and our part of those that people wrote."""
        for output, plurals in OUTPUTS.items():
            found: dict[str, list[Json]] = defaultdict(list)
            for kind in plurals:
                for one in kinded(await self._api.items(collection(kind)), kind):
                    found[one["metadata"]["namespace"]].append(one)
            for write in (write for those in found.values() for write in writes(output, [], those)):
                if write.how == "delete":
                    await self._delete(write.path)
                else:
                    await self._api.put(write.path, write.document)

    async def _statuses(self) -> None:
        """Nobody keeps them true any more. Only our part goes."""
        classes, gateways = await self.classes(), set(await self.gateways())
        for kind in (one for one in kinds((GROUP, *self._groups)) if one.reports):
            for version in kind.versions:
                for one in await self._api.items(kind.path(version)):
                    status = cleared(kind.name, one, classes, gateways)
                    if status is not None:
                        await self._api.put(kind.path(version, name_of(one), "status"), {**one, "status": status})

    # What was installed ------------------------------------------------------------------------------------------------

    async def _base(self) -> list[str]:
        """What is kept, and why."""
        spared = await self._foreign()
        for one in reversed(self._installed()):
            if not (spared and one.kind == "Namespace"):
                await self._delete(one.path)
        if not spared:
            return []
        await self._delete(place("v1", "secrets", NAMESPACE, "pointsman-ca"))
        await self._delete(place("coordination.k8s.io/v1", "leases", NAMESPACE, NAME))
        return [f"Namespace/{NAMESPACE} is kept: it holds {', '.join(spared[:3])}{' and more' if len(spared) > 3 else ''}"]

    async def _foreign(self) -> list[str]:
        """What others have put into our namespace."""
        mine = {(one.document["metadata"]["name"]) for one in self._installed()}
        found = list[str]()
        for version, plurals in OTHERS.items():
            for plural in plurals:
                held = await self._api.items(place(version, plural, NAMESPACE))
                found += [f"{plural}/{one['metadata']['name']}" for one in held if not _of_ours(one, mine)]
        for kind in kinds((GROUP, *self._groups)):
            if kind.crd and kind.namespaced:
                held = await self._api.items(kind.path(kind.versions[0], f"{NAMESPACE}/"))
                found += [f"{kind.plural}/{one['metadata']['name']}" for one in held]
        return found

    async def _definitions(self) -> list[str]:
        """What is kept, and why. With a definition all objects of its kind go."""
        kept = []
        for one in definitions(self._groups):
            held = await self._held(one)
            if held and not self._wanted.objects:
                kept.append(f"{one} is kept: {held} objects are of this kind. --objects removes them too")
            else:
                await self._delete(one.path)
        return kept

    async def _held(self, definition: Manifest) -> int:
        """How many objects there are, of ours or of anybody."""
        spec = definition.document["spec"]
        version = next(each["name"] for each in spec["versions"] if each["served"])
        return len(await self._api.items(place(f"{spec['group']}/{version}", spec["names"]["plural"])))


def _is_group(binding: Json) -> bool:
    """Whether it binds a role that is for a group of Sandboxes."""
    name, ours = binding["metadata"]["name"], ("ServiceAccount", NAMESPACE, NAME)
    to = [(one["kind"], one.get("namespace"), one["name"]) for one in binding.get("subjects") or []]
    return bool(name.startswith(f"{NAME}-") and "." in name and name == binding["roleRef"]["name"] and to == [ours])


def _of_ours(one: Json, mine: set[str]) -> bool:
    metadata = one["metadata"]
    labels = metadata.get("labels") or {}
    return (
        metadata["name"] in {*mine, *GIVEN}
        or labels.get("app.kubernetes.io/name") == NAME
        or OWNER.items() <= labels.items()
    )  # fmt: skip


def cleared(kind: str, one: Json, classes: set[str], gateways: set[str]) -> Json | None:
    """The status without our part, or None where nothing in it is ours. `classes` and `gateways` are those that are ours."""
    status = one.get("status") or {}
    if any(field in status for field in ENTRIES):
        return merged(kind, status, None, CONTROLLER)
    if not status or not _is_ours(kind, one, classes, gateways):
        return None
    kept = [each for each in status.get("conditions") or [] if not _by_us(each["type"])]
    return {"conditions": kept} if kept else {}


def _is_ours(kind: str, one: Json, classes: set[str], gateways: set[str]) -> bool:
    match kind:
        case "Gateway":
            return one["spec"]["gatewayClassName"] in classes
        case "GatewayClass":
            return ours(one)
        case "ListenerSet":
            parent = one["spec"]["parentRef"]
            return f"{parent.get('namespace') or one['metadata']['namespace']}/{parent['name']}" in gateways
        case _:
            return not kind.endswith(("Route", "Policy"))


def _by_us(condition: str) -> bool:
    return condition in OF_US or condition.startswith("pointsman.io/")
