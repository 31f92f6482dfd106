"""Routes of the Gateway API whose parent is a Service (GAMMA, GEP-1426), as Linkerd and others read them.

An object for each port and key: one more key changes no other object. A Service that has any route is sent nothing else, so there is
also one for the baseline, unless a user has routes of his own for it: then each of them gets a copy with the key, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from translator.ir.mesh import Branch, MeshPort, MeshRoute, Way
from translator.mesh.gamma_matches import in_order, spelled
from translator.mesh.matching import Json, headers, ignored, metadata, ours
from translator.mesh.rules import ALL, CannotSayError, Led, Unsaid, by_key, conditional, shares

VERSION = "gateway.networking.k8s.io/v1"
PLURALS = {"HTTPRoute": "httproutes", "GRPCRoute": "grpcroutes"}
MATCHES = 64, 128  # of one rule, and of all rules of a route, by the CRD
RULES, BACKENDS, WEIGHT, HEADERS = 16, 16, 1_000_000, 16  # of a route, of a rule, of a backend, of a filter, by the CRD
MODIFIER = "RequestHeaderModifier"


def documents(routes: Iterable[MeshRoute], found: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Of one namespace. `found` are all its HTTPRoutes and GRPCRoutes: those of users are copied, never changed."""
    return [one for one in _all(routes, found) if isinstance(one, dict)]


def unsaid(routes: Iterable[MeshRoute], found: Sequence[Mapping[str, Any]]) -> list[Unsaid]:
    """Rules that these objects do not have, and why."""
    return [one for one in _all(routes, found) if isinstance(one, Unsaid)]


def _all(routes: Iterable[MeshRoute], found: Sequence[Mapping[str, Any]]) -> Iterator[Json | Unsaid]:
    users = [one for one in found if not ours(one) and not ignored(one)]
    for route in routes:
        for port in route.ports:
            yield from _port(route, port, users)


def _port(route: MeshRoute, port: MeshPort, users: Sequence[Mapping[str, Any]]) -> Iterator[Json | Unsaid]:
    keys = [*by_key(route.branches, port.number)]
    theirs = [one for one in users if _is_parent(one, route, port)]
    base = f"pointsman.{route.name}.{port.number}"
    if keys and not theirs:
        yield _object(route, port, base, [{"backendRefs": [_backend(route, port.number)]}])
    for key, led in keys:
        try:
            if not theirs and (rules := [*_rules(route, port, led)]):
                yield _object(route, port, f"{base}.{key}", rules)
            for one in theirs:
                if rules := [*_copies(one, route, *_unconditional(led))]:
                    yield _object(route, port, f"{base}.{key}.{one['metadata']['name']}", rules, one["kind"])
        except CannotSayError as why:
            yield Unsaid(route.service, key, f"port {port.number}: {why}")


def _object(route: MeshRoute, port: MeshPort, name: str, rules: list[Json], kind: str = "") -> Json:
    parent = {"group": "", "kind": "Service", "name": route.name, "port": port.number}
    return {
        "apiVersion": VERSION,
        "kind": kind or ("GRPCRoute" if port.grpc else "HTTPRoute"),
        "metadata": metadata(name, route.namespace),
        "spec": {"parentRefs": [parent], "rules": rules},
    }


def _backend(route: MeshRoute, port: int) -> Json:
    return {"name": route.name, "port": port}


# Where no user has a route ---------------------------------------------------------------------------------------------


def _rules(route: MeshRoute, port: MeshPort, led: Sequence[Led]) -> Iterator[Json]:
    """One for each rule of the key, in their order. All of them or none: the first that fits is what users count on."""
    if len(led) > RULES:
        raise CannotSayError(f"a route has {RULES} rules at most")
    keys = _keys(led[0][0])
    found = in_order([branch.rule for branch, _ in led], grpc=port.grpc)
    spellings = (
        keys if all(len(one) * len(keys) <= MATCHES[0] for one in found) and sum(map(len, found)) * len(keys) <= MATCHES[1] else keys[:1]
    )
    if sum(map(len, found)) * len(spellings) > MATCHES[1]:
        raise CannotSayError(f"a route has {MATCHES[1]} matches at most")
    for fits, (branch, way) in zip(found, led, strict=True):
        if fits:
            yield {"matches": spelled(fits, spellings, grpc=port.grpc), **_sends({}, [_backend(route, port.number)], {}, branch, way)}


def _sends(rule: Json, theirs: Sequence[Json], fork: Json, branch: Branch, way: Way) -> Json:
    """Backends and filters: the fork, or it and all that the rule sends to without the key, or that alone. `fork` is what is said of it."""
    filters = {"filters": rule["filters"]} if "filters" in rule else {}
    if not way.to:
        return {**filters, "backendRefs": deepcopy([*theirs])}
    made = {"name": branch.target, "port": way.to, **fork}
    if branch.rule.weight == ALL:
        if branch.sets and "filters" not in fork:
            filters = {"filters": _setting(rule.get("filters") or [], branch)}
        elif branch.sets:
            made["filters"] = _own_setting(rule, fork, branch)
        return {**filters, "backendRefs": [made]}
    if branch.sets:
        made["filters"] = _own_setting(rule, fork, branch)
    weight, others = shares(branch.rule, [one.get("weight", 1) for one in theirs])
    if max(weight, *others) > WEIGHT or len(theirs) >= BACKENDS:
        raise CannotSayError("a rule of a user has too many backends, or weights that are too large, to have one more")
    return {
        **filters,
        "backendRefs": [{**made, "weight": weight}, *({**one, "weight": more} for one, more in zip(theirs, others, strict=True))],
    }


def _own_setting(rule: Json, fork: Json, branch: Branch) -> list[Json]:
    """Filters of the fork alone. Which of two that change one header is heard is not said, so there may not be two."""
    whole = [one.get("requestHeaderModifier") or {} for one in rule.get("filters") or []]
    if clash := {name for name, _ in branch.sets} & {name for one in whole for name in _touched(one)}:
        raise CannotSayError(f"a rule of a user changes header {min(clash)} for all that it sends to")
    return _setting(fork.get("filters") or [], branch)


def _setting(filters: Sequence[Json], branch: Branch) -> list[Json]:
    """With the headers set, whatever the user does with them: there is one filter of that type at most."""
    names = {name for name, _ in branch.sets}
    before: Json = next((one["requestHeaderModifier"] for one in filters if one["type"] == MODIFIER), {})
    kept = {verb: [one for one in before.get(verb) or [] if one["name"].lower() not in names] for verb in ("set", "add")}
    kept["set"] += [{"name": name, "value": value} for name, value in branch.sets]
    kept["remove"] = [one for one in before.get("remove") or [] if one.lower() not in names]
    if len(kept["set"]) > HEADERS:
        raise CannotSayError(f"a filter sets {HEADERS} headers at most")
    modifier = {"type": MODIFIER, "requestHeaderModifier": {verb: found for verb, found in kept.items() if found}}
    return [*(deepcopy(one) for one in filters if one["type"] != MODIFIER), modifier]


def _touched(modifier: Json) -> set[str]:
    named = {one["name"].lower() for verb in ("set", "add") for one in modifier.get(verb) or ()}
    return named | {one.lower() for one in modifier.get("remove") or ()}


# Where users have routes -----------------------------------------------------------------------------------------------


def _unconditional(led: Sequence[Led]) -> Led:
    """The only rule of a key, which every request fits. Which of ours and of the user's is more special is not for us to say."""
    if conditional(led[0][0].rule):
        raise CannotSayError("a user has routes of his own for the Service, so a rule with paths or headers has no place among them")
    return led[0]


def _is_parent(one: Mapping[str, Any], route: MeshRoute, port: MeshPort) -> bool:
    return any(
        ref.get("kind") == "Service"
        and ref.get("name") == route.name
        and ref.get("namespace", route.namespace) == route.namespace
        and ref.get("port") in (None, port.number)
        for ref in one["spec"].get("parentRefs") or []
    )


def _copies(one: Mapping[str, Any], route: MeshRoute, branch: Branch, way: Way) -> Iterator[Json]:
    """The user's rules that send to this port of the Service, to the fork instead. Its share is of all that they share among them."""
    rules = one["spec"].get("rules") or []
    many = sum(len(rule.get("matches") or [{}]) for rule in rules) * len(branch.spellings) > MATCHES[1]
    for rule in rules:
        theirs = rule.get("backendRefs") or []
        ours = next((ref for ref in theirs if _is_backend(ref, route, way)), None)
        matches = _narrowed(rule.get("matches") or [{}], branch, many=many)
        if ours and matches:
            kept = {name: deepcopy(value) for name, value in rule.items() if name not in ("name", "matches", "backendRefs")}
            fork = {"filters": ours["filters"]} if "filters" in ours else {}
            yield {**kept, "matches": matches, **_sends(kept, theirs, fork, branch, way)}


def _is_backend(ref: Mapping[str, Any], route: MeshRoute, way: Way) -> bool:
    place = ref.get("kind", "Service"), ref.get("name"), ref.get("namespace", route.namespace), ref.get("port")
    return place == ("Service", route.name, route.namespace, way.port)


def _narrowed(matches: Sequence[Json], branch: Branch, *, many: bool = False) -> list[Json]:
    """Each match in each spelling of the key, or in the first alone where that would be more than a route may have.

    Where the user asks for that header himself, he is asked nothing more.
    """
    keys = _keys(branch)
    kept = keys[:1] if many or len(keys) * len(matches) > MATCHES[0] else keys
    return [
        {**deepcopy(match), "headers": [*match.get("headers", []), one]}
        for match in matches
        for one in kept
        if all(each["name"].lower() != one["name"] for each in match.get("headers", []))
    ]


def _keys(branch: Branch) -> list[Json]:
    """The key in each of its spellings."""
    form = {True: "RegularExpression", False: "Exact"}
    return [{"type": form[expression], "name": name, "value": value} for name, value, expression in headers(branch)]
