"""The door: one document in, one decoded object or the reasons against it out. Pure; CRDs are given as data.

The steps are those of an API server: version, defaults and pruning, metadata, schema, lists, rules; then decoding. Where
the kind is a custom resource its own CRD decides, so a file and a cluster are told the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from translator.door import core, meta, secret
from translator.door.cel import Cel
from translator.door.kinds import HEAD, Kind, Kinds, Version
from translator.door.lists import repeated
from translator.door.rules import broken
from translator.door.shape import Unknown, shaped
from translator.door.suggest import LONGEST, suggestion
from translator.door.validate import Wrong, shown
from translator.ir.finding import Finding, Path, field_path
from translator.resources.meta import Object

MOST = 20  # findings on one object: more help nobody


class Admission(Struct, frozen=True, gc=False):
    """What the door says of one document. `key` is that of the object's table, also where the object is refused; empty where
    the document has no name. Without an object and without findings, the kind is one that nobody here reads.
    """

    kind: str
    key: str
    object: Object | None
    findings: tuple[Finding, ...] = ()


class Door:
    """Built once by a process from CustomResourceDefinitions; each kind is compiled when it is first met."""

    def __init__(self, crds: Iterable[Mapping[str, Any]], groups: Iterable[str] = ()) -> None:
        """`groups` are those that Sandboxes may be in beside ours."""
        self._kinds = Kinds(crds, groups)
        self._cel = Cel()

    def admit(self, document: Mapping[str, Any]) -> Admission:
        """Check, default and decode one document. Raises nothing, whatever JSON it is given."""
        name = _text(document, "kind")
        kind = self._kinds.get(name)
        key = _key(document, namespaced=kind is None or kind.namespaced)
        refusals = list(_headless(document)) or (_unknown(self._kinds, document) if kind is None else _version(kind, document))
        if kind is None or refusals:
            return _admission(name, key, None, refusals)
        return self._admitted(kind, key, document)

    def defaulted(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """An admitted document as an API server would keep it: defaults filled in, unknown fields left out. KeyError for others."""
        kind = self._kinds.get(document["kind"])
        if kind is None:
            raise KeyError(document["kind"])
        version = kind.versions[document["apiVersion"].rpartition("/")[2]]
        head = {name: document[name] for name in HEAD}
        rest = {name: value for name, value in document.items() if name not in HEAD and not (version.drops_status and name == "status")}
        body: dict[str, Any] = shaped(version.node, rest, (), [])
        return head | body

    def _admitted(self, kind: Kind, key: str, document: Mapping[str, Any]) -> Admission:
        version = kind.versions[document["apiVersion"].rpartition("/")[2]]
        dropped: list[Unknown] = []
        metadata = document["metadata"]
        rest = {name: value for name, value in document.items() if name not in ("apiVersion", "kind", "metadata")}
        if version.drops_status:
            rest.pop("status", None)
        try:
            body = shaped(version.node, rest, (), dropped)
            wrongs = [*self._wrongs(kind, version, metadata, body)]
            found = [*_blamed(kind.name, key, wrongs), *_dropped(kind, key, metadata, dropped)]
            return _admission(kind.name, key, None if wrongs else _decoded(kind, metadata, body), found)
        except (ValueError, TypeError, RecursionError) as error:  # no JSON after all: a key that is no text, half a character, bottomless
            reason = (
                "is nested too deeply" if isinstance(error, RecursionError) else f"holds what JSON cannot hold ({type(error).__name__})"
            )
            return _admission(kind.name, key, None, _blamed(kind.name, key, [Wrong("PM0107", (), reason)]))

    def _wrongs(self, kind: Kind, version: Version, metadata: Mapping[str, Any], body: Any) -> Iterator[Wrong]:
        msgspec.json.encode(body)
        yield from meta.wrongs(metadata, short=kind.short_names)
        wrongs = [*version.validator.wrongs(body)]
        yield from wrongs
        if any(wrong.blocking for wrong in wrongs):
            return
        for path, keys in repeated(version.node, body):
            yield Wrong("PM0110", path, f"has the same {keys} as an item before it" if keys else "is there before")
        for path, message in broken(version.node, body, self._cel):
            yield Wrong("PM0109", path, f"breaks a rule: {message}")
        if kind.name in core.SECRETS and not wrongs:
            yield from secret.wrongs(body)


def _decoded(kind: Kind, metadata: Mapping[str, Any], body: dict[str, Any]) -> Object:
    settled = meta.settled(metadata, namespaced=kind.namespaced, generation=kind.generation)
    if kind.name == "Namespace":  # an API server names every namespace in its labels, for selectors
        settled["labels"] = {**settled["labels"], "kubernetes.io/metadata.name": settled["name"]}
    return kind.decode(settled, secret.merged(body) if kind.name in core.SECRETS else body)


def _text(document: Mapping[str, Any], field: str) -> str:
    value = document.get(field)
    return value if isinstance(value, str) else ""


def _key(document: Mapping[str, Any], *, namespaced: bool) -> str:
    """As well as it can be told: a refused object has a key too, so that its last good state can be kept."""
    metadata = document.get("metadata")
    name = _text(metadata, "name") if isinstance(metadata, Mapping) else ""
    namespace = (_text(metadata, "namespace") or "default") if namespaced and isinstance(metadata, Mapping) else ""
    return f"{namespace}/{name}" if name and namespace else name


def _headless(document: Mapping[str, Any]) -> Iterator[Finding]:
    """What a document lacks to be an object at all."""
    kind = _text(document, "kind")
    metadata = document.get("metadata")
    for field in ("apiVersion", "kind"):
        if not _text(document, field):
            yield Finding(code="PM0102", kind=kind, key="", path=(field,), message=f"{field} is required, as text")
    if not isinstance(metadata, dict):
        yield Finding(code="PM0102", kind=kind, key="", path=("metadata",), message="metadata is required, as an object")
    elif not _text(metadata, "name"):
        yield Finding(code="PM0102", kind=kind, key="", path=("metadata", "name"), message="metadata.name is required, as text")


def _unknown(kinds: Kinds, document: Mapping[str, Any]) -> list[Finding]:
    name, key = document["kind"], _key(document, namespaced=True)
    warn = partial(Finding, kind=name, key=key, path=("kind",), severity="warning")
    if name in core.UNREAD:
        return []
    if name in core.UNSERVED:
        return [warn(code="PM0112", message=f"{name} is not served yet", fix="remove the object")]
    if document["apiVersion"].partition("/")[0] == core.OF_CLUSTERS:
        return [warn(code="PM0103", message=f"{name} is read in a cluster alone, with --signadot: it names workloads by their UIDs")]
    return [warn(code="PM0103", message=f"kind {shown(name)} is not known", fix=_meant(kinds.near(name)))]


def _version(kind: Kind, document: Mapping[str, Any]) -> list[Finding]:
    """Of another group altogether it is somebody else's kind with the same name, and none of our business to refuse."""
    given = document["apiVersion"]
    if given in kind.api_versions:
        return []
    group = given.rpartition("/")[0]
    ours = group == kind.group or not group or bool(suggestion(group, [kind.group]))
    return [
        Finding(
            code="PM0104",
            kind=kind.name,
            key=_key(document, namespaced=kind.namespaced),
            path=("apiVersion",),
            message=f"{kind.name} is not served as {shown(given)}",
            fix=f"use {kind.api_versions[0]}",
            severity="error" if ours else "warning",
        )
    ]


def _blamed(kind: str, key: str, wrongs: Iterable[Wrong]) -> list[Finding]:
    return [
        Finding(code=wrong.code, kind=kind, key=key, path=wrong.path, message=f"{_field(wrong.path)}{wrong.message}", fix=wrong.fix)
        for wrong in wrongs
    ]


def _field(path: Path) -> str:
    """What a message begins with: the field's own name and place; the whole path stands in the finding."""
    names = [index for index, part in enumerate(path) if isinstance(part, str)]
    last = field_path(path[names[-1] :]) if names else "the object"
    return f"{last} " if last.isprintable() and len(last) <= LONGEST else ""


def _dropped(kind: Kind, key: str, metadata: Mapping[str, Any], dropped: list[Unknown]) -> Iterator[Finding]:
    warn = partial(Finding, kind=kind.name, key=key, severity="warning")
    for path, known in dropped[:MOST]:
        name = path[-1]
        yield warn(code="PM0106", path=path, message=f"field {shown(name)} is not known, and dropped", fix=_meant(suggestion(name, known)))
    if not kind.namespaced and metadata.get("namespace"):
        path = ("metadata", "namespace")
        yield warn(code="PM0113", path=path, message=f"{kind.name} belongs to no namespace", fix="remove metadata.namespace")


def _meant(near: str) -> str:
    return f"did you mean {near}?" if near else ""


def _admission(kind: str, key: str, decoded: Object | None, found: Iterable[Finding]) -> Admission:
    return Admission(kind, key, decoded, tuple(found)[:MOST])
