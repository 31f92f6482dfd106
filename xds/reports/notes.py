"""Which Events a change of status is worth: an object was refused, or is in order again. Pure.

What is said is compared with what the server holds, so that a new leader repeats nothing. Source: Kubernetes API, core/v1 Event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from xds.reports.merge import ENTRIES

Json = dict[str, Any]
TOLD = ("Accepted", "ResolvedRefs")  # what the user decides; the rest comes and goes by itself
SOURCE = "pointsman"
LONGEST = 1024  # of a message


@dataclass(frozen=True, slots=True)
class Note:
    """An Event to be: `warning`, or in order again."""

    warning: bool
    reason: str
    message: str


def notes(before: Mapping[str, Any], after: Mapping[str, Any], controller: str) -> list[Note]:
    """Each once, also where an object has many parents for which the same is true."""
    found: dict[Note, None] = {}
    for old, new in _pairs(before, after, controller):
        said = {one["type"]: one for one in old}
        for one in new:
            if one["type"] in TOLD and (note := _note(said.get(one["type"]), one)):
                found[note] = None
    return list(found)


def _note(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Note | None:
    message = str(new.get("message") or f"{new['type']} is {new['status']}")[:LONGEST]
    if new["status"] == "False" and (old is None or any(old.get(field) != new.get(field) for field in ("status", "reason", "message"))):
        return Note(True, new["reason"], message)
    if new["status"] == "True" and old is not None and old["status"] == "False":
        return Note(False, new["reason"], message)
    return None


def _pairs(before: Mapping[str, Any], after: Mapping[str, Any], controller: str) -> Iterator[tuple[list[Json], list[Json]]]:
    """Lists of conditions as they were and as they are: of the object, and of each parent that is ours."""
    yield before.get("conditions") or [], after.get("conditions") or []
    for field in ENTRIES:
        old = {_of(one): one.get("conditions") or [] for one in before.get(field) or [] if one.get("controllerName") == controller}
        for one in after.get(field) or []:
            if one.get("controllerName") == controller:
                yield old.get(_of(one), []), one.get("conditions") or []


def _of(entry: Mapping[str, Any]) -> str:
    ref: Mapping[str, Any] = entry.get("parentRef") or entry.get("ancestorRef") or {}
    return str(sorted(ref.items()))


def event(note: Note, of: Mapping[str, Any], identity: str, wall: str) -> Json:
    """As it is created. Its name is that of what it says, so that the same said again finds it. `of` is the object, `wall` a time
    of day in RFC 3339 with seconds.
    """
    metadata = of["metadata"]
    namespace = metadata.get("namespace") or "default"
    said = blake2b(f"{metadata.get('uid')}\0{note.reason}\0{note.message}".encode(), digest_size=8).hexdigest()
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{metadata['name'][:200]}.{said}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": of["apiVersion"],
            "kind": of["kind"],
            "name": metadata["name"],
            **{name: metadata[name] for name in ("namespace", "uid", "resourceVersion") if name in metadata},
        },
        "type": "Warning" if note.warning else "Normal",
        "reason": note.reason,
        "message": note.message,
        "source": {"component": SOURCE},
        "reportingComponent": SOURCE,
        "reportingInstance": identity[:128],
        "firstTimestamp": wall,
        "lastTimestamp": wall,
        "count": 1,
    }


def again(there: Mapping[str, Any], wall: str) -> Json:
    """The same said once more."""
    return {**there, "count": int(there.get("count") or 1) + 1, "lastTimestamp": wall}
