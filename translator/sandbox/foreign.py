"""Files of other projects, written as our own objects: the routing proxy's `config.yaml`, and Sandboxes and RouteGroups of Signadot.

What has no place here is left in the object, so that the door says of each such field that it is not known: nothing is dropped
in silence. Pure; knows JSON values and no kinds. Each object comes with the path of what it was made from.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from translator.ir.finding import Path
from translator.resources.crd import ELSEWHERE

Json = dict[str, Any]
Made = Iterator[tuple[Path, Json]]
OURS, GATEWAY_API = "pointsman.io/v1alpha1", "gateway.networking.k8s.io/v1"
GROUP = "pointsman.io/"
NAME = "sandbox-router"  # of all that stands for a config.yaml
DEFAULT = "default"  # the namespace of what names none
_SERVICE = re.compile(r"[a-z]+://[^./:@]+\.([^./:@]+)(?:\.svc(?:\.cluster\.local)?\.?)?(?::[0-9]+)?/?$")


def rewritten(value: Any) -> list[tuple[Path, Json]] | None:
    """The objects that a document stands for; None where it is one already, or none of these."""
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("apiVersion"), str):
        return [((), aliased(value))] if value.get("kind") in ELSEWHERE and not value["apiVersion"].startswith(GROUP) else None
    if "kind" in value or "apiVersion" in value:
        return None
    routing, spec = value.get("routing"), value.get("spec")
    if isinstance(routing, Mapping) and not value.keys() - {"server", "routing"}:
        return [*_router(value.get("server"), routing)]
    if isinstance(value.get("name"), str) and isinstance(spec, Mapping) and not value.keys() - {"name", "spec"}:
        if spec.keys() & {"forks", "local", "defaultRouteGroup"}:
            return [*_sandboxes(value["name"], spec)]
        if spec.keys() & {"match", "endpoints"}:
            return [*_groups(value["name"], spec)]
    return None


# The same kinds under another group --------------------------------------------------------------------------------------


def aliased(value: Mapping[str, Any]) -> Json:
    """There a time to live is a number of seconds, and so is that after which a laptop is lost; and a RouteGroup names no Gateway: it is
    for the one of a `config.yaml`, which believes every client.
    """
    spec = value.get("spec")
    if not isinstance(spec, Mapping):
        return dict(value)
    if value.get("kind") == "RouteGroup" and not spec.get("parentRefs") and spec.get("meshOutput", "None") == "None":
        spec = {"admission": {"mode": "All"}, **spec, "parentRefs": [{"name": NAME}]}
    connection = spec.get("connection")
    if isinstance(spec.get("ttl"), int | str):
        spec = {**spec, "ttl": {"duration": str(spec["ttl"])}}
    if isinstance(connection, Mapping) and isinstance(connection.get("timeout"), int):
        spec = {**spec, "connection": {**connection, "timeout": str(connection["timeout"])}}
    return {**value, "spec": spec}


# config.yaml of the routing proxy -------------------------------------------------------------------------------------------


def _object(kind: str, spec: Json, *, name: str = NAME, api: str = OURS) -> Json:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _router(server: Any, routing: Mapping[str, Any]) -> Made:
    """A Gateway with its ports, the default target as the baseline, and each rule as a route of a key."""
    ports = server if isinstance(server, Mapping) else {} if server is None else {"server": server}
    rules = routing.get("rules") or []
    listed = [rule for rule in rules if isinstance(rule, Mapping)] if isinstance(rules, list) else []
    listeners = [
        {"name": "http", "port": ports.get("httpPort", 8080), "protocol": "HTTP"},
        {"name": "grpc", "port": ports.get("grpcPort", 8081), "protocol": "HTTP"},
    ]
    yield ("server",), _object("GatewayClass", {"controllerName": "pointsman.io/gateway-controller"}, api=GATEWAY_API)
    gateway = {"gatewayClassName": NAME, "listeners": listeners, **_but(ports, "httpPort", "grpcPort")}
    yield ("server", "httpPort"), _object("Gateway", gateway, api=GATEWAY_API)
    ref = {"group": "pointsman.io", "kind": "Backend", "name": NAME}
    for kind, section in (("HTTPRoute", "http"), ("GRPCRoute", "grpc")):
        parents = [{"name": NAME, "sectionName": section}]
        yield ("routing", "defaultTarget", kind), _object(kind, {"parentRefs": parents, "rules": [{"backendRefs": [ref]}]}, api=GATEWAY_API)
    yield from _backend(("routing", "defaultTarget"), NAME, routing.get("defaultTarget"))
    targets = list(dict.fromkeys(str(rule.get("targetService", "")) for rule in listed))
    for number, target in enumerate(targets):
        name = f"{NAME}-{number}"
        place = next(at for at, rule in enumerate(listed) if str(rule.get("targetService", "")) == target)
        path = ("routing", "rules", place)
        yield from _backend((*path, "targetService"), name, target)
        service = {"kind": "Backend", "name": NAME, "targetRef": {"kind": "Backend", "name": name}}
        yield path, _object("Sandbox", {"services": [service]}, name=name)
    routes: Any = rules  # what is no rule is told at the door
    if isinstance(rules, list):
        names = {target: f"{NAME}-{number}" for number, target in enumerate(targets)}
        routes = [_route(one, names[str(one.get("targetService", ""))]) if isinstance(one, Mapping) else one for one in rules]
    header = routing.get("routeKeyHeader", "X-Route-Key")
    spec = {"parentRefs": [{"name": NAME}], "routingKeyHeader": header, "admission": {"mode": "All"}, "routes": routes}
    yield ("routing", "rules"), _object("RouteGroup", {**spec, **_but(routing, "rules", "routeKeyHeader", "defaultTarget")})


def _route(rule: Mapping[str, Any], sandbox: str) -> Json:
    prefixes = rule.get("pathPrefixes") or []
    paths = [{"prefix": prefix} for prefix in prefixes] if isinstance(prefixes, list) else prefixes
    return {
        "targetSandbox": sandbox,
        "routingKey": rule.get("routeKey", ""),
        "paths": paths,
        "headers": rule.get("headerMatchers") or {},
        "additionalHeaders": rule.get("additionalHeaders") or {},
        **_but(rule, "routeKey", "targetService", "pathPrefixes", "headerMatchers", "additionalHeaders"),
    }


def _but(given: Mapping[str, Any], *known: str) -> Json:
    return {name: value for name, value in given.items() if name not in known}


def _backend(path: Path, name: str, target: Any) -> Made:
    """`http://host:port`, `https://host:port`, `host:port` or `host`. What else a URL has is told; its path is that of each request."""
    text = target if isinstance(target, str) else ""
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        parts, host, port = urlsplit(""), text, 80
    numeric = host.replace(".", "").isdigit() or ":" in host
    if parts.scheme not in ("", "http", "https") or (parts.scheme == "https" and numeric):
        host, numeric = text, False  # nobody can prove to be an address
    endpoint = {"ip": {"address": host, "port": port}} if numeric else {"fqdn": {"hostname": host, "port": port}}
    left = {"path": parts.path.rstrip("/"), "query": parts.query, "user": parts.username}
    yield path, _object("Backend", {"endpoints": [endpoint], **{field: True for field, value in left.items() if value}}, name=name)
    if parts.scheme == "https":
        to = {"group": "pointsman.io", "kind": "Backend", "name": name}
        proof = {"hostname": host, "wellKnownCACertificates": "System"}
        policy = _object("BackendTLSPolicy", {"targetRefs": [to], "validation": proof}, name=name, api=GATEWAY_API)
        yield (*path, "BackendTLSPolicy"), policy


# Signadot -------------------------------------------------------------------------------------------------------------------


def _groups(name: str, spec: Mapping[str, Any]) -> Made:
    """Its `cluster` is the Gateway where keys are read, its name the key. One in each namespace that its endpoints lead to."""
    left = {field: value for field, value in spec.items() if field not in ("cluster", "description", "endpoints")}
    targets = _targets(spec.get("endpoints"))
    for namespace in targets or {DEFAULT: []}:
        ours = {"defaultRoutingKey": name, **left}
        path: Path = ("spec", "endpoints", targets[namespace][0][0]) if len(targets) > 1 else ()
        if "endpoints" in spec:  # what is no list is told at the door
            ours["endpoints"] = [one for _, one in targets[namespace]] if targets else spec["endpoints"]
        yield path, _described(_read_at(name, namespace, spec, ours), spec)


def _read_at(name: str, namespace: str, spec: Mapping[str, Any], ours: Json) -> Json:
    """A RouteGroup at the Gateway that has the name of the cluster."""
    ref = {"name": spec.get("cluster", "")} if namespace == DEFAULT else {"name": spec.get("cluster", ""), "namespace": DEFAULT}
    made = _object("RouteGroup", {"parentRefs": [ref], "admission": {"mode": "All"}, **ours}, name=name)
    made["metadata"]["namespace"] = namespace
    return made


def _targets(endpoints: Any) -> dict[str, list[tuple[int, Mapping[str, Any]]]]:
    """Endpoints and their places, by the namespace of the Service that each leads to."""
    found: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for place, one in _listed(endpoints):
        led = _SERVICE.match(str(one.get("target", "")))
        found.setdefault(led[1] if led else DEFAULT, []).append((place, one))
    return found


def _defaults(name: str, spec: Mapping[str, Any], spaces: Iterable[str]) -> Made:
    """The RouteGroup that Signadot makes for a Sandbox: in each namespace that it changes or that its endpoints lead to."""
    default = spec.get("defaultRouteGroup")
    targets = _targets(default.get("endpoints")) if isinstance(default, Mapping) else {}
    for namespace in dict.fromkeys((*spaces, *targets)) if targets else ():
        endpoints = [{"routingKey": name, **one} for _, one in targets.get(namespace, ())]
        path = ("spec", "defaultRouteGroup", namespace)
        yield path, _described(_read_at(name, namespace, spec, {"endpoints": endpoints}), spec)


def _sandboxes(name: str, spec: Mapping[str, Any]) -> Made:
    """One in each namespace that it changes. Its fork of the Deployment `checkout` answers as `checkout-<name>`, whoever makes that."""
    known = {"cluster", "description", "labels", "ttl", "forks", "local"}
    left = {field: value for field, value in spec.items() if field not in known}
    default = left.get("defaultRouteGroup")
    if isinstance(default, Mapping) and not default.keys() - {"endpoints"} and _targets(default.get("endpoints")):
        del left["defaultRouteGroup"]
    if "resources" in left:  # what plugins make, and not how much is used
        left["resourcePlugins"] = left.pop("resources")
    spaces: dict[str, list[tuple[Path, str, Json]]] = {}
    for field, of, made in (("forks", "forkOf", _fork), ("local", "from", _local)):
        for place, one in _listed(spec.get(field)):
            base = one[of] if isinstance(one.get(of), Mapping) else {}
            spaces.setdefault(str(base.get("namespace") or DEFAULT), []).append((("spec", field, place), *made(name, base, one)))
    if not spaces:
        spaces[DEFAULT] = []
    ttl = {"ttl": spec["ttl"]} if "ttl" in spec else {}
    for namespace, services in spaces.items():
        changed = {field: [one for _, of, one in services if of == field] for field in ("services", "forks")}
        sandbox = _object("Sandbox", {**ttl, **changed, **left}, name=name)
        sandbox["metadata"] |= {"namespace": namespace, "labels": spec.get("labels") or {}}
        yield (services[0][0] if services else ("spec",)), _described(sandbox, spec)
    yield from _defaults(name, spec, spaces)


def _listed(value: Any) -> list[tuple[int, Mapping[str, Any]]]:
    return [(place, one) for place, one in enumerate(value) if isinstance(one, Mapping)] if isinstance(value, list) else []


def _local(_: str, base: Mapping[str, Any], one: Mapping[str, Any]) -> tuple[str, Json]:
    """A laptop, by a LocalWorkload of that name: where tunnels end is not said here."""
    more = {field: value for field, value in one.items() if field not in ("from", "name")}
    return "services", {"name": base.get("name", ""), "targetRef": {"kind": "LocalWorkload", "name": one.get("name", "")}, **more}


def _fork(name: str, base: Mapping[str, Any], one: Mapping[str, Any]) -> tuple[str, Json]:
    """Where it stands in a Sandbox of ours. What is neither Deployment nor Rollout is nothing that we make a fork of."""
    more = {field: value for field, value in one.items() if field != "forkOf"}
    if isinstance(more.get("customizations"), Mapping):
        more["customizations"] = _customized(more["customizations"])
    kind = base.get("kind", "Deployment")
    if kind not in ("Deployment", "Rollout"):
        return "services", {"name": base.get("name", ""), "targetRef": {"name": f"{base.get('name', '')}-{name}"}, **more}
    return "forks", {"forkOf": {"kind": kind, "name": base.get("name", "")}, **more}


def _customized(custom: Mapping[str, Any]) -> Json:
    """A patch may be written as text or as what it says. What plugins make is nothing that a variable can be told here."""
    found, patch, env = dict(custom), custom.get("patch"), custom.get("env")
    if isinstance(patch, Mapping) and isinstance(patch.get("value"), dict | list):
        found["patch"] = {**patch, "value": json.dumps(patch["value"])}
    if isinstance(env, list):
        made = [
            one for one in env if isinstance(one, Mapping) and isinstance(one.get("valueFrom"), Mapping) and "resource" in one["valueFrom"]
        ]
        found["env"] = [one for one in env if one not in made]
        if made:
            found["envOfResourcePlugins"] = made
    return found


def _described(made: Json, spec: Mapping[str, Any]) -> Json:
    if spec.get("description"):
        made["metadata"]["annotations"] = {"pointsman.io/description": str(spec["description"])}
    return made
