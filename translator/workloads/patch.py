"""Merge patches of Deployments. Strategic ones: maps are merged, lists by the key that Kubernetes gives them, all else is replaced. Plain
ones: maps are merged, and all else is replaced.

Source: Kubernetes, "Update API Objects in Place Using kubectl patch", and the patchMergeKey of the types of a PodSpec; RFC 7386.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
KEYS = {  # lists that are merged → what tells their items apart
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "resourceClaims": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}
HOW = "$patch"
DEEPEST = 64


class UnfitError(Exception):
    """A fork cannot be made as it is asked for; why, in a sentence."""


def merged(base: Any, patch: Any, *, below: str = "", depth: int = 0) -> Any:
    """`below` is the field in which both stand. Neither is changed."""
    if depth > DEEPEST:
        raise UnfitError("the patch is nested too deeply")
    if isinstance(patch, dict):
        return _map(base if isinstance(base, dict) else {}, patch, depth)
    if isinstance(patch, list) and below in KEYS:
        return _list(base if isinstance(base, list) else [], patch, KEYS[below], depth)
    return patch


def joined(base: Any, patch: Any, *, depth: int = 0) -> Any:
    """A plain merge patch. Neither is changed."""
    if depth > DEEPEST:
        raise UnfitError("the patch is nested too deeply")
    if not isinstance(patch, dict):
        return patch
    found = dict(base) if isinstance(base, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = joined(found.get(name), value, depth=depth + 1)
    return found


def _map(base: Json, patch: Json, depth: int) -> Json:
    how = patch.get(HOW, "merge")
    if how not in ("merge", "replace", "delete") or any(name.startswith("$") and name != HOW for name in patch):
        raise UnfitError(f"the patch has a directive that is not known: {', '.join(sorted(name for name in patch if name[0:1] == '$'))}")
    found = dict(base) if how == "merge" else {}
    for name, value in patch.items() if how != "delete" else ():
        if value is None:
            found.pop(name, None)
        elif name != HOW:
            found[name] = merged(found.get(name), value, below=name, depth=depth + 1)
    return found


def _list(base: list[Any], patch: list[Any], key: str, depth: int) -> list[Any]:
    """Items that are there stay at their places, and others come behind them."""
    items = [one for one in patch if isinstance(one, dict)]
    if len(items) != len(patch):
        raise UnfitError(f"an item of a list that is merged by {key} is no object")
    replaced = any(one == {HOW: "replace"} for one in items)
    found = {one.get(key): one for one in base if isinstance(one, dict)} if not replaced else {}
    for one in items:
        if one == {HOW: "replace"}:
            continue
        if not isinstance(one.get(key), str | int):
            raise UnfitError(f"an item of a list that is merged by {key} has none")
        if one.get(HOW) == "delete":
            found.pop(one[key], None)
        else:
            found[one[key]] = merged(found.get(one[key]), one, depth=depth + 1)
    return list(found.values())
