"""The kinds that are watched: where the API server has them, and how one is decoded. Made from what the translator takes in and
from the CRDs that we ship, so that a new input kind is watched without a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from pydantic import TypeAdapter

from translator.door import core
from translator.door.kinds import OWN, STRUCTS, Kind
from translator.inputs import OBJECTS
from translator.resources.crd import ELSEWHERE, GROUP
from translator.resources.meta import Object
from translator.sandbox.foreign import aliased
from xds.sources.kube.wire import without_nulls

Decode = Callable[[bytes | msgspec.Raw], Object]

ON_DEMAND = frozenset({"Secret", "ConfigMap"})  # taken in only where something refers to them
# Never a certificate, and many: tokens, logins to registries, whole releases of Helm.
NOT_OURS = ("kubernetes.io/service-account-token", "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg", "helm.sh/release.v1")
SELECTORS = {"Secret": ",".join(f"type!={one}" for one in NOT_OURS)}


@dataclass(frozen=True)
class Watched:
    """One kind. `versions` are those we can read, the one to try first in front; `crd` is empty for a kind of Kubernetes itself."""

    name: str
    group: str
    versions: tuple[str, ...]
    plural: str
    namespaced: bool
    decode: Decode
    crd: str = ""
    reports: bool = False  # whether its objects have a status that is written apart from them
    labels: str = ""  # a label selector
    namespace: str = ""  # the only one that is followed; all of them where it is empty
    second: bool = False  # the same kind is in another group too, whose objects count before these

    @property
    def known(self) -> str:
        """What it is told apart by."""
        return f"{self.name}.{self.group}" if self.second else self.name

    @property
    def on_demand(self) -> bool:
        return self.name in ON_DEMAND

    @property
    def selector(self) -> str:
        """A field selector, or nothing."""
        return SELECTORS.get(self.name, "")

    @property
    def filters(self) -> dict[str, str]:
        """Of a list or watch: which of its objects are wanted at all."""
        said = {"fieldSelector": self.selector, "labelSelector": self.labels}
        return {name: value for name, value in said.items() if value}

    def path(self, version: str, key: str = "", subresource: str = "") -> str:
        """Of all objects, or of one by its key."""
        namespace, _, name = key.rpartition("/")
        namespace = namespace or self.namespace
        parts = ["apis", self.group, version] if self.group else ["api", version]
        parts += ["namespaces", namespace] if namespace else []
        return "/" + "/".join([*parts, self.plural, *([name] if name else []), *([subresource] if subresource else [])])

    def document(self, held: Object) -> dict[str, Any]:
        """As the API has it, as far as it is kept."""
        version = f"{self.group}/{self.versions[0]}" if self.group else self.versions[0]
        plain = msgspec.json.decode(msgspec.json.encode(held.metadata))
        if self.name in OWN:
            spec: Any = held.spec  # type: ignore[attr-defined]
            rest = {"spec": TypeAdapter(type(spec)).dump_python(spec, by_alias=True, exclude_defaults=True, mode="json")}
        else:
            rest = {name: value for name, value in msgspec.json.decode(msgspec.json.encode(held)).items() if name != "metadata"}
        return {"apiVersion": version, "kind": self.name, "metadata": plain, **rest}

    @property
    def resource(self) -> str:
        """As kubectl and roles name it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def watched(definitions: Iterable[Mapping[str, Any]], groups: tuple[str, ...] = (GROUP,)) -> tuple[Watched, ...]:
    """All kinds that the translator takes in, from the CRDs that define them; those of sandboxes in these groups. KeyError where one has
    no definition at all.
    """
    custom = {one["spec"]["names"]["kind"]: one for one in definitions}
    own = {one["spec"]["names"]["kind"]: one for one in core.DEFINITIONS}
    first = [_custom(name, custom[name]) if name in custom else _core(name, own[name]) for name in OBJECTS]
    return tuple(each for one in first for each in ([one] if one.name not in ELSEWHERE else _in_groups(one, custom[one.name], groups)))


def _in_groups(one: Watched, definition: Mapping[str, Any], groups: tuple[str, ...]) -> list[Watched]:
    """One in each, the first before the others."""
    through = one.decode, _through(Kind(definition, own=True), aliased)
    return [
        replace(one, group=group, crd=f"{one.plural}.{group}", decode=through[group != GROUP], second=bool(number))
        for number, group in enumerate(groups)
    ]


def _custom(name: str, definition: Mapping[str, Any]) -> Watched:
    spec = definition["spec"]
    versions = tuple(version["name"] for version in spec["versions"] if version["served"])
    plural = spec["names"]["plural"]
    return Watched(
        name=name,
        group=spec["group"],
        versions=versions,
        plural=plural,
        namespaced=spec["scope"] == "Namespaced",
        decode=_decoder(name, definition),
        crd=f"{plural}.{spec['group']}",
        reports=any("status" in version.get("subresources", {}) for version in spec["versions"]),
    )


def _core(name: str, definition: Mapping[str, Any]) -> Watched:
    spec = definition["spec"]
    return Watched(name, spec["group"], ("v1",), f"{name.lower()}s", spec["scope"] == "Namespaced", _decoder(name, definition))


def _decoder(name: str, definition: Mapping[str, Any]) -> Decode:
    """msgspec.ValidationError or ValueError where an object does not fit after all."""
    if name in OWN:
        return _through(Kind(definition, own=True))
    struct = STRUCTS[name]
    fast = msgspec.json.Decoder(struct).decode

    def decode(raw: bytes | msgspec.Raw) -> Object:
        try:
            return fast(raw)
        except msgspec.ValidationError:  # nulls, or what does not fit: the slow way knows
            return msgspec.convert(without_nulls(msgspec.json.decode(raw)), struct, builtin_types=(bytes,))

    return decode


def _through(kind: Kind, first: Callable[[Mapping[str, Any]], dict[str, Any]] = dict) -> Decode:
    def decode(raw: bytes | msgspec.Raw) -> Object:
        document = first(without_nulls(msgspec.json.decode(raw)))
        metadata = {name: value for name, value in document.pop("metadata").items() if name in METADATA}
        return kind.decode(metadata, document)

    return decode


METADATA = frozenset({"name", "namespace", "creationTimestamp", "generation", "labels", "annotations"})
