"""The files of Secrets, ConfigMaps, tokens and fields that a Pod mounts. They change while it runs, as a kubelet changes them:
all files of a volume at once, by one link.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Fetch = Callable[[str, str, bool], Awaitable[dict[str, bytes]]]  # kind, name, whether it may be missing → content
Token = Callable[[Json], Awaitable[bytes]]
CURRENT = "..data"


def content(document: Json) -> dict[str, bytes]:
    """Of a Secret or a ConfigMap."""
    plain = document.get("data") or {}
    if document["kind"] == "ConfigMap":
        found = {name: text.encode() for name, text in plain.items()}
        return found | {name: base64.b64decode(text) for name, text in (document.get("binaryData") or {}).items()}
    return {name: base64.b64decode(text) for name, text in plain.items()}


async def files(source: Json, field: Callable[[str], str], fetch: Fetch, token: Token) -> dict[str, bytes] | None:
    """Path → content of one source; none where it is a folder that starts empty."""
    for kind, of in (("Secret", source.get("secret")), ("ConfigMap", source.get("configMap"))):
        if of is not None:
            found = await fetch(kind, of.get("secretName") or of["name"], bool(of.get("optional")))
            return {one["path"]: found[one["key"]] for one in of["items"] if one["key"] in found} if of.get("items") else found
    if "downwardAPI" in source:
        fields = [one for one in source["downwardAPI"].get("items", ()) if "fieldRef" in one]
        return {one["path"]: field(one["fieldRef"]["fieldPath"]).encode() for one in fields}
    if "serviceAccountToken" in source:
        return {source["serviceAccountToken"]["path"]: await token(source["serviceAccountToken"])}
    if "projected" in source:
        parts = [await files(one, field, fetch, token) for one in source["projected"].get("sources", ())]
        return {path: body for part in parts for path, body in (part or {}).items()}
    return None


def write(folder: Path, found: dict[str, bytes], mode: int) -> None:
    """All at once: whoever reads sees the old files or the new ones."""
    current = folder / CURRENT
    if current.exists() and found == {str(path.relative_to(current)): path.read_bytes() for path in current.rglob("*") if path.is_file()}:
        return
    made = folder / f"..{secrets.token_hex(6)}"
    for path, body in found.items():
        file = made / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        file.chmod(mode)
    made.mkdir(exist_ok=True)
    old = current.readlink() if current.is_symlink() else None
    link = folder / "..data_tmp"
    link.symlink_to(made.name)
    link.rename(current)
    for top in {path.partition("/")[0] for path in found}:
        if not (folder / top).is_symlink():
            (folder / top).symlink_to(f"{CURRENT}/{top}")
    for old_link in list(folder.iterdir()):
        if not old_link.name.startswith("..") and old_link.name not in {path.partition("/")[0] for path in found}:
            old_link.unlink()
    if old:
        shutil.rmtree(folder / old)


def field(document: Json, path: str, more: dict[str, str]) -> str:
    """A field as the downward API has it; `more` are those that a node knows."""
    if found := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return str(document["metadata"].get(found[1], {}).get(found[2], ""))
    if path in more:
        return more[path]
    value: Any = document
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return value if isinstance(value, str) else json.dumps(value)
