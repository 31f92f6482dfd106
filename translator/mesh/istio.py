"""VirtualServices of Istio: one of our own for a Service that has none, and our routes in those of users.

A route of ours is known by its name, so it can be taken out of a user's object again, and nothing else of it is touched. It
stands right before the route it is made of: what went to another route before still does. Source: Istio API
networking.istio.io/v1, VirtualService: the first route that matches is taken, names of headers are lower case, and a host without
a dot is one of the object's own namespace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from translator.ir.mesh import Branch, MeshPort, MeshRoute, Way
from translator.mesh.matching import LABEL, Json, headers, ignored, metadata, ours

VERSION = "networking.istio.io/v1"
PLURAL = "virtualservices"
PREFIX = "pointsman/"  # what the names of our routes begin with
MESH = "mesh"  # the gateway that is every sidecar


# Our own ---------------------------------------------------------------------------------------------------------------


def own(route: MeshRoute) -> Json:
    """For a Service that no VirtualService is about: its forks, and after them the Service itself."""
    several = len(route.ports) > 1
    http = [_forked(branch, way, several=several) for branch in route.branches for way in branch.ways]
    http += [_baseline(route, port, several=several) for port in route.ports]
    return {
        "apiVersion": VERSION,
        "kind": "VirtualService",
        "metadata": metadata(f"pointsman.{route.name}", route.namespace),
        "spec": {"hosts": [route.name], "http": http},
    }


def _forked(branch: Branch, way: Way, *, several: bool) -> Json:
    match = [{**one, **({"port": way.port} if several else {})} for one in _matches(branch)]
    name = f"{PREFIX}{branch.key}/{way.port}"
    return {"name": name, "match": match, "route": [{"destination": _destination(branch.target, way.to)}]}


def _baseline(route: MeshRoute, port: MeshPort, *, several: bool) -> Json:
    match = {"match": [{"port": port.number}]} if several else {}
    return {"name": f"{PREFIX}baseline/{port.number}", **match, "route": [{"destination": _destination(route.name, port.number)}]}


def _destination(host: str, port: int) -> Json:
    return {"host": host, "port": {"number": port}}


def _matches(branch: Branch) -> list[Json]:
    return [{"headers": {name: {"regex" if expression else "exact": value}}} for name, value, expression in headers(branch)]


# Those of users --------------------------------------------------------------------------------------------------------


def merged(found: Mapping[str, Any], routes: Iterable[MeshRoute]) -> Json:
    """A user's object with our routes as they are to be, those of before taken out. Equal to it where there is nothing to do."""
    document = deepcopy(dict(found))
    spec, meta = document["spec"], document["metadata"]
    wanted = [] if ignored(document) else list(routes)
    kept = [one for one in spec.get("http") or [] if not one.get("name", "").startswith(PREFIX)]
    http = [each for place, one in enumerate(kept) for each in (*_copies(one, place, meta["namespace"], wanted), one)]
    if http or "http" in spec:
        spec["http"] = http
    labels = {name: value for name, value in (meta.get("labels") or {}).items() if name not in LABEL}
    if len(http) > len(kept):
        meta["labels"] = {**labels, **LABEL}
    elif labels or meta.get("labels"):
        meta["labels"] = labels
    return document


def _copies(one: Json, place: int, namespace: str, routes: Sequence[MeshRoute]) -> Iterator[Json]:
    """A copy for each key, of all that the user's route says but where it goes. The first of its Services that has a fork decides."""
    said: set[str] = set()
    for part in one.get("route") or []:
        to = part["destination"]
        for route in routes:
            for branch in route.branches if means(to["host"], route, namespace) else ():
                way = _way(branch, to.get("port", {}).get("number"))
                match = [*_narrowed(one.get("match") or [{}], branch)]
                if branch.key in said or way is None or not match:
                    continue
                said.add(branch.key)
                forked = {name: value for name, value in part.items() if name not in ("destination", "weight")}
                forked["destination"] = _destination(branch.target, way.to)
                yield {**deepcopy(one), "name": f"{PREFIX}{branch.key}/{one.get('name') or place}", "match": match, "route": [forked]}


def _way(branch: Branch, port: int | None) -> Way | None:
    """That of the port, or the only one where the user names none."""
    if port is None:
        return branch.ways[0] if len(branch.ways) == 1 else None
    return next((way for way in branch.ways if way.port == port), None)


def _narrowed(matches: Iterable[Json], branch: Branch) -> Iterator[Json]:
    """Each match of the user's in each spelling of the key. Where he asks for that header himself, he is asked nothing more."""
    for match in matches:
        for one in _matches(branch):
            [name] = one["headers"]
            if name not in match.get("headers", {}):
                yield {**match, "headers": {**match.get("headers", {}), **one["headers"]}}


def means(host: str, route: MeshRoute, namespace: str) -> bool:
    """Whether a host of a VirtualService in that namespace is this Service, in any of the forms of its name."""
    full = host if "." in host else f"{host}.{namespace}"
    return full == f"{route.name}.{route.namespace}" or full.startswith(f"{route.name}.{route.namespace}.svc")


def covered(found: Iterable[Mapping[str, Any]], route: MeshRoute) -> bool:
    """Whether a user's VirtualService is already what sidecars go by for this Service: a second one would not be heard."""
    return any(_is_about(one["spec"], route, one["metadata"]["namespace"]) for one in found if not ours(one))


def _is_about(spec: Mapping[str, Any], route: MeshRoute, namespace: str) -> bool:
    return MESH in (spec.get("gateways") or [MESH]) and any(means(host, route, namespace) for host in spec.get("hosts") or [])


def documents(routes: Sequence[MeshRoute], found: Sequence[Mapping[str, Any]]) -> tuple[list[Json], list[Json]]:
    """Of one namespace: objects of ours as they are to be, and those of users that are to be different from what they are.

    `found` are all its VirtualServices. One that a user keeps from us still counts: who has it decides for its hosts.
    """
    mine = [own(route) for route in routes if not covered(found, route)]
    others = [after for before in found if not ours(before) and (after := merged(before, routes)) != before]
    return mine, others
