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
from translator.mesh.istio_matches import narrowed
from translator.mesh.json_patch import patched
from translator.mesh.matching import LABEL, Json, ignored, metadata, ours, patch_of
from translator.mesh.rules import ALL, CannotSayError, Led, Unsaid, by_key, shares

VERSION = "networking.istio.io/v1"
PLURAL = "virtualservices"
PREFIX = "pointsman/"  # what the names of our routes begin with
MESH = "mesh"  # the gateway that is every sidecar


# Our own ---------------------------------------------------------------------------------------------------------------


def own(route: MeshRoute) -> Json:
    """For a Service that no VirtualService is about: for each port its forks, and after them the Service itself."""
    return {
        "apiVersion": VERSION,
        "kind": "VirtualService",
        "metadata": metadata(f"pointsman.{route.name}", route.namespace),
        "spec": {"hosts": [route.name], "http": [one for one in _own(route) if isinstance(one, dict)]},
    }


def _own(route: MeshRoute) -> Iterator[Json | Unsaid]:
    for port in route.ports:
        base = _baseline(route, port, several=len(route.ports) > 1)
        yield from _copies(base, str(port.number), route.namespace, [route])
        yield base


def _baseline(route: MeshRoute, port: MeshPort, *, several: bool) -> Json:
    match = {"match": [{"port": port.number}]} if several else {}
    return {"name": f"{PREFIX}baseline/{port.number}", **match, "route": [{"destination": _destination(route.name, port.number)}]}


def _destination(host: str, port: int) -> Json:
    return {"host": host, "port": {"number": port}}


# Those of users --------------------------------------------------------------------------------------------------------


def merged(found: Mapping[str, Any], routes: Iterable[MeshRoute]) -> Json:
    """A user's object with our routes as they are to be, those of before taken out. Equal to it where there is nothing to do."""
    document = deepcopy(dict(found))
    spec, meta = document["spec"], document["metadata"]
    kept = _kept(document)
    http = [one for one in _with_copies(document, routes) if isinstance(one, dict)]
    if http or "http" in spec:
        spec["http"] = http
    labels = {name: value for name, value in (meta.get("labels") or {}).items() if name not in LABEL}
    if len(http) > len(kept):
        meta["labels"] = {**labels, **LABEL}
    elif labels or meta.get("labels"):
        meta["labels"] = labels
    return document


def _kept(document: Mapping[str, Any]) -> list[Json]:
    """The user's own routes."""
    return [one for one in document["spec"].get("http") or [] if not one.get("name", "").startswith(PREFIX)]


def _with_copies(document: Mapping[str, Any], routes: Iterable[MeshRoute]) -> Iterator[Json | Unsaid]:
    wanted = [] if ignored(document) else list(routes)
    for place, one in enumerate(_kept(document)):
        name, namespace = one.get("name") or str(place), document["metadata"]["namespace"]
        yield from _copies(one, name, namespace, wanted, patch_of(document))
        yield one


def _copies(one: Json, name: str, namespace: str, routes: Sequence[MeshRoute], patch: str = "") -> Iterator[Json | Unsaid]:
    """A copy for each rule of a key, of all that the route says but where it goes. The first of its Services that has a fork decides."""
    said: set[str] = set()
    for part in one.get("route") or []:
        to = part["destination"]
        for route in routes:
            for key, led in by_key(route.branches, to.get("port", {}).get("number")) if means(to["host"], route, namespace) else ():
                if key not in said and (made := [*_of_key(one, name, part, led, route, patch)]):
                    said.add(key)
                    yield from made


def _of_key(one: Json, name: str, part: Json, led: Iterable[Led], route: MeshRoute, patch: str) -> Iterator[Json | Unsaid]:
    """What a patch does to their names and matches counts for nothing: by these they are ours, and take no request without the key."""
    for number, (branch, way) in enumerate(led):
        try:
            match = narrowed(one.get("match") or [{}], branch)
            changed = {**deepcopy(one), "match": match, "route": _sends(one, part, branch, way)}
            changed = patched(changed, patch) if patch else changed
        except CannotSayError as why:
            yield Unsaid(route.service, branch.key, f"route {name}: {why}")
            return
        if match:
            named = f"{PREFIX}{branch.key}/{name}{f'/{number}' if number else ''}"
            yield {**changed, "name": named, "match": match}


def _sends(one: Json, part: Json, branch: Branch, way: Way) -> list[Json]:
    """To the fork, or to it and to all that the route goes to without the key, or to that alone."""
    if not way.to:
        return deepcopy(one["route"])
    fork = {name: value for name, value in deepcopy(part).items() if name not in ("destination", "weight")}
    fork["destination"] = _destination(branch.target, way.to)
    if branch.sets:
        _set(one, fork, dict(branch.sets))
    if branch.rule.weight == ALL:
        return [fork]
    alone = len(one["route"]) == 1
    weight, others = shares(branch.rule, [1 if alone else each.get("weight", 0) for each in one["route"]])
    return [{**fork, "weight": weight}, *({**deepcopy(each), "weight": more} for each, more in zip(one["route"], others, strict=True))]


def _set(one: Json, fork: Json, sets: dict[str, str]) -> None:
    """Instead of what the user does with these headers there. What he does with them for the whole route would be done after it."""
    if clash := sets.keys() & _touched((one.get("headers") or {}).get("request") or {}):
        raise CannotSayError(f"it changes header {min(clash)} for all that it sends to")
    request = fork.setdefault("headers", {}).setdefault("request", {})
    for verb in ("set", "add"):
        request[verb] = {name: value for name, value in (request.get(verb) or {}).items() if name.lower() not in sets}
    request["remove"] = [name for name in request.get("remove") or [] if name.lower() not in sets]
    request["set"] |= sets
    fork["headers"]["request"] = {verb: value for verb, value in request.items() if value}


def _touched(request: Mapping[str, Any]) -> set[str]:
    return {name.lower() for verb in ("set", "add", "remove") for name in request.get(verb) or ()}


# What they are about ---------------------------------------------------------------------------------------------------


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


def unsaid(routes: Sequence[MeshRoute], found: Sequence[Mapping[str, Any]]) -> list[Unsaid]:
    """Rules that these objects do not have, and why."""
    mine = [each for route in routes if not covered(found, route) for each in _own(route)]
    others = [each for one in found if not ours(one) for each in _with_copies(one, routes)]
    return [one for one in (*mine, *others) if isinstance(one, Unsaid)]
