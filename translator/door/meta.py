"""Names, labels and age: what every object has, checked and brought into one form. Knows no kind but by what it is told.

Source: Kubernetes API conventions, "Object names and IDs", "Labels and selectors"; metav1.Time is RFC 3339 in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from translator.door.validate import Wrong, shown

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.DOTALL)
QUALIFIED = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
ANNOTATIONS = 256 * 1024  # bytes of all keys and values
NAME = "must be lower-case letters, digits, '-' and '.', at most 253, beginning and ending with a letter or digit"
SHORT_NAME = "must be lower-case letters, digits and '-', at most 63, beginning and ending with a letter or digit"


def wrongs(metadata: Mapping[str, Any], *, short: bool) -> Iterator[Wrong]:
    """What is not valid. `short`: the names of this kind are DNS labels, not subdomains."""
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str) or not (LABEL if short else SUBDOMAIN).fullmatch(name):
        yield _wrong(("name",), f"{SHORT_NAME if short else NAME}, not {shown(name)}")
    if namespace is not None and (not isinstance(namespace, str) or not LABEL.fullmatch(namespace)):
        yield _wrong(("namespace",), f"{SHORT_NAME}, not {shown(namespace)}")
    if (generation := metadata.get("generation")) is not None and not (type(generation) is int and 0 <= generation < 2**63):
        yield _wrong(("generation",), "must be a whole number, not negative")
    if metadata.get("creationTimestamp") and not in_utc(metadata["creationTimestamp"]):
        yield _wrong(("creationTimestamp",), f"must be a time like 2026-01-31T12:00:00Z, not {shown(metadata['creationTimestamp'])}")
    yield from _labels(metadata.get("labels"))
    yield from _annotations(metadata.get("annotations"))


def _labels(labels: Any) -> Iterator[Wrong]:
    for key, value in _pairs(labels):
        if not _qualified(key):
            yield _wrong(
                ("labels", key), "is no name of a label: at most 63 letters, digits, '-', '_' and '.', after an optional domain and '/'"
            )
        elif not isinstance(value, str):
            yield _wrong(("labels", key), f"must be text, not {shown(value)}", "put the value in quotes")
        elif not LABEL_VALUE.fullmatch(value):
            yield _wrong(("labels", key), f"must be at most 63 letters, digits, '-', '_' and '.', not {shown(value)}")
    if labels is not None and not isinstance(labels, dict):
        yield _wrong(("labels",), "must be an object")


def _annotations(annotations: Any) -> Iterator[Wrong]:
    """The values are never shown: kubectl keeps whole objects in one, Secrets too."""
    size = 0
    for key, value in _pairs(annotations):
        size += len(key) + (len(value) if isinstance(value, str) else 0)
        if not _qualified(key.lower()):
            yield _wrong(("annotations", key), "is no name of an annotation")
        elif not isinstance(value, str):
            yield _wrong(("annotations", key), "must be text", "put the value in quotes")
    if size > ANNOTATIONS:
        yield _wrong(("annotations",), f"must have at most {ANNOTATIONS} bytes")
    if annotations is not None and not isinstance(annotations, dict):
        yield _wrong(("annotations",), "must be an object")


def _pairs(value: Any) -> list[tuple[str, Any]]:
    return [(key if isinstance(key, str) else str(key), inner) for key, inner in value.items()] if isinstance(value, dict) else []


def _qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    return bool(QUALIFIED.fullmatch(name)) and (not slash or bool(SUBDOMAIN.fullmatch(prefix)))


def _wrong(path: tuple[str, ...], message: str, fix: str = "") -> Wrong:
    return Wrong("PM0105", ("metadata", *path), message, fix)


def in_utc(text: Any) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`, so that comparing text compares age; empty for what is no RFC 3339 time."""
    if not isinstance(text, str) or not TIME.fullmatch(text):
        return ""
    try:
        at = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0")


def settled(metadata: Mapping[str, Any], *, namespaced: bool, generation: int) -> dict[str, Any]:
    """The part of the metadata that is read, in one form; for metadata without wrongs."""
    return {
        "name": metadata["name"],
        "namespace": (metadata.get("namespace") or "default") if namespaced else "",
        "creationTimestamp": in_utc(metadata.get("creationTimestamp")),
        "generation": metadata.get("generation") or generation,
        "labels": metadata.get("labels") or {},
        "annotations": metadata.get("annotations") or {},
    }
