"""A key as meshes match it: by header, in each of its spellings. What both forms of output have alike."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from translator.ir.keys import Spelling
from translator.ir.mesh import Branch

Json = dict[str, Any]
OWNER = {"app.kubernetes.io/managed-by": "pointsman"}  # what is ours as a whole
LABEL = {"pointsman.io/mesh": "routes"}  # what holds something of ours
IGNORED = ("pointsman.io/ignore", "istio.signadot.com/ignore")  # annotations by which a user keeps an object to himself
PATCHES = ("pointsman.io/json-patch", "istio.signadot.com/json-patch")  # and by which he has our routes in it changed
LONGEST = 253


def pattern(spelling: Spelling, key: str) -> str:
    """A regular expression (RE2) of the whole header, for a list one member of which is the key: W3C baggage and tracestate."""
    member = spelling.member.replace(".", r"\.")  # of all characters that a member and a key may have the only one with a meaning
    return rf"^(.*[,\s])?{member}\s*=\s*{key}\s*([,;].*)?$"


def headers(branch: Branch) -> list[tuple[str, str, bool]]:
    """Lower-case name, value, and whether it is a regular expression. Meshes compare names as they are on the wire of HTTP/2."""
    return [(one.header, pattern(one, branch.key) if one.member else branch.key, bool(one.member)) for one in branch.spellings]


def ours(document: Mapping[str, Any]) -> bool:
    return {**OWNER, **LABEL}.items() <= (document["metadata"].get("labels") or {}).items()


def ignored(document: Mapping[str, Any]) -> bool:
    found = document["metadata"].get("annotations") or {}
    return any(found.get(name) == "true" for name in IGNORED)


def patch_of(document: Mapping[str, Any]) -> str:
    """What our routes in it are changed by; nothing where the user has not asked for it."""
    found = document["metadata"].get("annotations") or {}
    return next((found[name] for name in PATCHES if name in found), "")


def metadata(name: str, namespace: str) -> Json:
    """A name that is too long ends in a hash of itself."""
    if len(name) > LONGEST:
        name = f"{name[: LONGEST - 9].rstrip('-.')}.{blake2b(name.encode(), digest_size=4).hexdigest()}"
    return {"name": name, "namespace": namespace, "labels": {**OWNER, **LABEL}}
