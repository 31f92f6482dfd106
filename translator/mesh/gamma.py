"""Routes of the Gateway API whose parent is a Service (GAMMA, GEP-1426), as Linkerd and others read them.

An object for each port and key: one more key changes no other object. A Service that has any route is sent nothing else, so there is
also one for the baseline, unless a user has routes of his own for it: then each of them gets a copy with the key, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from translator.ir.mesh import Branch, MeshPort, MeshRoute, Way
from translator.mesh.matching import Json, headers, ignored, metadata, ours

VERSION = "gateway.networking.k8s.io/v1"
PLURALS = {"HTTPRoute": "httproutes", "GRPCRoute": "grpcroutes"}
MATCHES = 64, 128  # of one rule, and of all rules of a route, by the CRD


def documents(routes: Iterable[MeshRoute], found: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Of one namespace. `found` are all its HTTPRoutes and GRPCRoutes: those of users are copied, never changed."""
    users = [one for one in found if not ours(one) and not ignored(one)]
    return [each for route in routes for port in route.ports for each in _port(route, port, users)]


def _port(route: MeshRoute, port: MeshPort, users: Sequence[Mapping[str, Any]]) -> Iterator[Json]:
    ways = [(branch, way) for branch in route.branches for way in branch.ways if way.port == port.number]
    theirs = [one for one in users if _is_parent(one, route, port)]
    base = f"pointsman.{route.name}.{port.number}"
    if ways and not theirs:
        yield _object(route, port, base, [{"backendRefs": [{"name": route.name, "port": port.number}]}])
    for branch, way in ways:
        fork = [{"name": branch.target, "port": way.to}]
        if not theirs:
            yield _object(route, port, f"{base}.{branch.key}", [{"matches": _narrowed([{}], branch), "backendRefs": fork}])
        for one in theirs:
            if rules := [*_copies(one, route, branch, way)]:
                yield _object(route, port, f"{base}.{branch.key}.{one['metadata']['name']}", rules, one["kind"])


def _object(route: MeshRoute, port: MeshPort, name: str, rules: list[Json], kind: str = "") -> Json:
    parent = {"group": "", "kind": "Service", "name": route.name, "port": port.number}
    return {
        "apiVersion": VERSION,
        "kind": kind or ("GRPCRoute" if port.grpc else "HTTPRoute"),
        "metadata": metadata(name, route.namespace),
        "spec": {"parentRefs": [parent], "rules": rules},
    }


def _is_parent(one: Mapping[str, Any], route: MeshRoute, port: MeshPort) -> bool:
    return any(
        ref.get("kind") == "Service"
        and ref.get("name") == route.name
        and ref.get("namespace", route.namespace) == route.namespace
        and ref.get("port") in (None, port.number)
        for ref in one["spec"].get("parentRefs") or []
    )


def _copies(one: Mapping[str, Any], route: MeshRoute, branch: Branch, way: Way) -> Iterator[Json]:
    """The user's rules that send to this port of the Service, to the fork instead. A share is one choice: the fork takes all of it."""
    rules = one["spec"].get("rules") or []
    many = sum(len(rule.get("matches") or [{}]) for rule in rules) * len(branch.spellings) > MATCHES[1]
    for rule in rules:
        ours = next((ref for ref in rule.get("backendRefs") or [] if _is_backend(ref, route, way)), None)
        matches = _narrowed(rule.get("matches") or [{}], branch, many=many)
        if ours and matches:
            kept = {name: deepcopy(value) for name, value in rule.items() if name not in ("name", "matches", "backendRefs")}
            filters = {"filters": ours["filters"]} if "filters" in ours else {}
            yield {**kept, "matches": matches, "backendRefs": [{"name": branch.target, "port": way.to, **filters}]}


def _is_backend(ref: Mapping[str, Any], route: MeshRoute, way: Way) -> bool:
    place = ref.get("kind", "Service"), ref.get("name"), ref.get("namespace", route.namespace), ref.get("port")
    return place == ("Service", route.name, route.namespace, way.port)


def _narrowed(matches: Sequence[Json], branch: Branch, *, many: bool = False) -> list[Json]:
    """Each match in each spelling of the key, or in the first alone where that would be more than a route may have.

    Where the user asks for that header himself, he is asked nothing more.
    """
    form = {True: "RegularExpression", False: "Exact"}
    spelled = [{"type": form[expression], "name": name, "value": value} for name, value, expression in headers(branch)]
    kept = spelled[:1] if many or len(spelled) * len(matches) > MATCHES[0] else spelled
    return [
        {**deepcopy(match), "headers": [*match.get("headers", []), one]}
        for match in matches
        for one in kept
        if all(each["name"].lower() != one["name"] for each in match.get("headers", []))
    ]
