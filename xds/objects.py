"""Objects with their `.status`, as `kubectl get -o` shows them, and findings; what Secrets hold is left out. Plain values, no I/O."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from translator.ir.finding import field_path
from translator.resources.core import Secret
from translator.resources.meta import Object
from xds.sources.folder import Located
from xds.sources.interface import Holder
from xds.status import Statuses


def described(holder: Holder, statuses: Statuses) -> list[dict[str, Any]]:
    """Every object in force, by kind and name."""
    return [one for (kind, key), held in sorted(holder.objects().items()) if (one := _described(holder, statuses, kind, key, held))]


def _described(holder: Holder, statuses: Statuses, kind: str, key: str, held: Object) -> dict[str, Any] | None:
    document = holder.document(kind, key)
    if not isinstance(document, dict):
        return None
    metadata = {**document["metadata"], **({"namespace": held.namespace} if held.namespace else {})}
    if held.metadata.generation:
        metadata["generation"] = held.metadata.generation
    shown = {name: value for name, value in document.items() if name != "status"} | {"metadata": metadata}
    if isinstance(held, Secret):
        shown = {name: value for name, value in shown.items() if name != "stringData"} | {"data": dict(_hashes(held))}
        shown["metadata"].pop("annotations", None)  # kubectl keeps a copy of the whole object in one of them
    status = statuses.get(kind, key)
    return shown | ({"status": status} if status is not None else {})


def _hashes(secret: Secret) -> Iterator[tuple[str, str]]:
    for name, value in sorted(secret.data.items()):
        yield name, f"redacted, sha256:{sha256(value).hexdigest()}"


def finding(one: Located) -> dict[str, Any]:
    """A finding in plain values."""
    what = one.finding
    return {
        "code": what.code, "severity": what.severity, "file": one.file, "line": one.at.line, "column": one.at.column,
        "kind": what.kind, "key": what.key, "path": field_path(what.path), "message": what.message, "fix": what.fix,
    }  # fmt: skip
