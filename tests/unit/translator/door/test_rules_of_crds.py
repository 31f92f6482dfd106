"""Claims about the validation rules of the CRDs that we ship: each compiles, and they judge as their text says.

A case is an object that breaks one rule, and the nearest object that obeys it.
"""

# ruff: noqa: E501 - messages stand as the CRDs write them

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from translator.door import Door
from translator.door.cel import Cel
from translator.door.core import DEFINITIONS
from translator.door.schema import Node, compiled
from translator.ir.finding import Finding, field_path
from xds.crds import shipped

SHIPPED = tuple(shipped())
DOOR = Door(SHIPPED)
CEL = Cel()


def schemas() -> Iterator[tuple[str, Any]]:
    for definition in (*SHIPPED, *DEFINITIONS):
        for version in definition["spec"]["versions"]:
            yield f"{definition['spec']['names']['kind']}-{version['name']}", version["schema"]["openAPIV3Schema"]


def ruled(node: Node) -> Iterator[Node]:
    below = [*node.properties.values(), *(one for one in (node.values, node.items) if one)]
    return iter([*([node] if node.rules else []), *(found for one in below for found in ruled(one))])


@pytest.mark.parametrize(("name", "schema"), [pytest.param(*pair, id=pair[0]) for pair in schemas()])
def test_every_rule_of_every_kind_compiles_alone_and_together(name: str, schema: Any) -> None:
    for node in ruled(compiled(schema)):
        CEL.compiled(node.conjunction)
        for rule in node.rules:
            CEL.compiled(rule.text)


def test_kinds_have_as_many_rules_as_their_crds_write() -> None:
    counted = {name: sum(len(node.rules) for node in ruled(compiled(schema))) for name, schema in schemas()}
    assert counted["HTTPRoute-v1"] == counted["HTTPRoute-v1beta1"] > 90
    assert counted["GatewayClass-v1"] == 0  # its one rule compares with the object before, and there is none


def broken(document: dict[str, Any]) -> dict[str, str]:
    """Message → path of the rules that it breaks."""
    findings: tuple[Finding, ...] = DOOR.admit(document).findings
    assert all(finding.code == "PM0109" for finding in findings), findings
    return {finding.message.partition(" breaks a rule: ")[2]: field_path(finding.path) for finding in findings}


def gateway(*listeners: dict[str, Any], **spec: Any) -> dict[str, Any]:
    ports = [{"name": f"l{number}", "port": 80 + number, **one} for number, one in enumerate(listeners)]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "edge"},
        "spec": {"gatewayClassName": "x", "listeners": ports or [{"name": "web", "port": 80, "protocol": "HTTP"}], **spec},
    }


def route(*rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "cart"},
        "spec": {"rules": [*rules] or [{}], **spec},
    }


def path(value: str, kind: str = "PathPrefix") -> dict[str, Any]:
    return route({"matches": [{"path": {"type": kind, "value": value}}]})


def filters(*found: dict[str, Any], **rule: Any) -> dict[str, Any]:
    return route({"filters": [*found], **rule})


def backend(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "pointsman.io/v1alpha1", "kind": "Backend", "metadata": {"name": "legacy"}, "spec": spec}


def service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart"}, "spec": spec}


def endpoint_slice(family: str, *addresses: str) -> dict[str, Any]:
    endpoints = [{"addresses": [address]} for address in addresses]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "cart"},
        "addressType": family,
        "endpoints": endpoints,
    }


HTTP, HTTPS = {"protocol": "HTTP"}, {"protocol": "HTTPS"}
PAIR = {"certificateRefs": [{"name": "pair"}]}
PREFIX = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new"}
REDIRECT = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}}
REWRITE = {"type": "URLRewrite", "urlRewrite": {"hostname": "a.example"}}
ONE = [{"path": {"type": "PathPrefix", "value": "/old"}}]
EXACT = [{"path": {"type": "Exact", "value": "/old"}}]
SET = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x"]}}
REPLY = {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["x"]}}
MIRROR = {"backendRef": {"name": "copy", "port": 80}}
PARENT = {"name": "edge"}
PORT = {"port": 80}
REPLACED = "exactly one PathPrefix match must be specified"

CASES = [
    # Gateway
    ("tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']", gateway({**HTTP, "tls": PAIR}), gateway({**HTTPS, "tls": PAIR})),
    (
        "tls mode must be Terminate for protocol HTTPS",
        gateway({**HTTPS, "tls": {"mode": "Passthrough"}}),
        gateway({"protocol": "TLS", "tls": {"mode": "Passthrough"}}),
    ),
    ("tls mode must be set for protocol TLS", gateway({"protocol": "TLS"}), gateway({"protocol": "TLS", "tls": {"mode": "Passthrough"}})),
    (
        "certificateRefs or options must be specified when mode is Terminate",
        gateway({**HTTPS, "tls": {"mode": "Terminate", "certificateRefs": []}}),
        gateway({**HTTPS, "tls": {"mode": "Terminate", "certificateRefs": [], "options": {"example.com/a": "b"}}}),
    ),
    (
        "hostname must not be specified for protocols ['TCP', 'UDP']",
        gateway({"protocol": "TCP", "hostname": "a.example"}),
        gateway({**HTTP, "hostname": "a.example"}),
    ),
    (
        "Combination of port, protocol and hostname must be unique for each listener",
        gateway({**HTTP, "port": 80}, {**HTTP, "port": 80}),
        gateway({**HTTP, "port": 80}, {**HTTP, "port": 80, "hostname": "a.example"}),
    ),
    (
        "IPAddress values must be unique",
        gateway(addresses=[{"value": "10.0.0.1"}, {"value": "10.0.0.1"}]),
        gateway(addresses=[{"value": "10.0.0.1"}, {"value": "10.0.0.2"}]),
    ),
    (
        "Hostname values must be unique",
        gateway(addresses=[{"type": "Hostname", "value": "a"}, {"type": "Hostname", "value": "a"}]),
        gateway(addresses=[{"type": "Hostname", "value": "a"}, {"type": "Hostname", "value": "b"}]),
    ),
    (
        "Annotation keys must be in the form of an optional DNS subdomain prefix followed by a required name segment of up to 63 characters.",
        gateway(infrastructure={"annotations": {"-": "x"}}),
        gateway(infrastructure={"annotations": {"a.example/b": "x"}}),
    ),
    # HTTPRoute: parents and rules
    (
        "sectionName or port must be specified when parentRefs includes 2 or more references to the same parent",
        route(parentRefs=[PARENT, {**PARENT, "sectionName": "a"}]),
        route(parentRefs=[{**PARENT, "sectionName": "b"}, {**PARENT, "sectionName": "a"}]),
    ),
    (
        "sectionName or port must be unique when parentRefs includes 2 or more references to the same parent",
        route(parentRefs=[{**PARENT, "namespace": "a"}, {**PARENT, "namespace": "a"}]),
        route(parentRefs=[{**PARENT, "namespace": "a"}, {**PARENT, "namespace": "b"}]),
    ),
    ("Rule name must be unique within the route", route({"name": "a"}, {"name": "a"}), route({"name": "a"}, {"name": "b"}, {}, {})),
    (
        "While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128",
        route(*[{"matches": [{"path": {"value": f"/{n}"}} for n in range(43)]} for _ in range(3)]),
        route(*[{"matches": [{"path": {"value": f"/{n}"}} for n in range(64)]} for _ in range(2)]),
    ),
    (
        "RequestRedirect filter must not be used together with backendRefs",
        filters(REDIRECT, backendRefs=[{"name": "a", **PORT}]),
        filters(REWRITE, backendRefs=[{"name": "a", **PORT}]),
    ),
    (
        f"When using RequestRedirect filter with path.replacePrefixMatch, {REPLACED}",
        filters({"type": "RequestRedirect", "requestRedirect": {"path": PREFIX}}, matches=EXACT),
        filters({"type": "RequestRedirect", "requestRedirect": {"path": PREFIX}}, matches=ONE),
    ),
    (
        f"When using URLRewrite filter with path.replacePrefixMatch, {REPLACED}",
        filters({"type": "URLRewrite", "urlRewrite": {"path": PREFIX}}, matches=[*ONE, *ONE]),
        filters({"type": "URLRewrite", "urlRewrite": {"path": PREFIX}}, matches=ONE),
    ),
    (
        f"Within backendRefs, When using URLRewrite filter with path.replacePrefixMatch, {REPLACED}",
        route(
            {"matches": EXACT, "backendRefs": [{"name": "a", **PORT, "filters": [{"type": "URLRewrite", "urlRewrite": {"path": PREFIX}}]}]}
        ),
        route(
            {"matches": ONE, "backendRefs": [{"name": "a", **PORT, "filters": [{"type": "URLRewrite", "urlRewrite": {"path": PREFIX}}]}]}
        ),
    ),
    (
        "Must have port for Service reference",
        route({"backendRefs": [{"name": "a"}]}),
        route({"backendRefs": [{"name": "a", "kind": "Backend", "group": "pointsman.io"}]}),
    ),
    (
        "backendRequest timeout cannot be longer than request timeout",
        route({"timeouts": {"request": "1s", "backendRequest": "1500ms"}}),
        route({"timeouts": {"request": "0s", "backendRequest": "1500ms"}}),
    ),
    # HTTPRoute: filters
    (
        "May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both",
        filters(REDIRECT, REWRITE),
        filters(REWRITE),
    ),
    ("RequestHeaderModifier filter cannot be repeated", filters(SET, SET), filters(SET, REPLY)),
    ("ResponseHeaderModifier filter cannot be repeated", filters(REPLY, REPLY), filters(REPLY, SET)),
    ("URLRewrite filter cannot be repeated", filters(REWRITE, REWRITE), filters(REWRITE, SET)),
    (
        "filter.requestHeaderModifier must be nil if the filter.type is not RequestHeaderModifier",
        filters({**REPLY, "requestHeaderModifier": {"remove": ["x"]}}),
        filters(REPLY),
    ),
    (
        "filter.requestHeaderModifier must be specified for RequestHeaderModifier filter.type",
        filters({"type": "RequestHeaderModifier"}),
        filters(SET),
    ),
    ("filter.urlRewrite must be specified for URLRewrite filter.type", filters({"type": "URLRewrite"}), filters(REWRITE)),
    ("filter.requestRedirect must be specified for RequestRedirect filter.type", filters({"type": "RequestRedirect"}), filters(REDIRECT)),
    (
        "Only one of percent or fraction may be specified in HTTPRequestMirrorFilter",
        filters({"type": "RequestMirror", "requestMirror": {**MIRROR, "percent": 1, "fraction": {"numerator": 1}}}),
        filters({"type": "RequestMirror", "requestMirror": {**MIRROR, "percent": 1}}),
    ),
    (
        "numerator must be less than or equal to denominator",
        filters({"type": "RequestMirror", "requestMirror": {**MIRROR, "fraction": {"numerator": 101}}}),
        filters({"type": "RequestMirror", "requestMirror": {**MIRROR, "fraction": {"numerator": 100}}}),
    ),
    (
        "replaceFullPath must be specified when type is set to 'ReplaceFullPath'",
        filters({"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath"}}}),
        filters({"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplaceFullPath", "replaceFullPath": ""}}}),
    ),
    # HTTPRoute: paths
    (
        "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
        path("a"),
        path("a", "RegularExpression"),
    ),
    ("must not contain '//' when type one of ['Exact', 'PathPrefix']", path("/a//b"), path("/a/b")),
    ("must not contain '/./' when type one of ['Exact', 'PathPrefix']", path("/a/./b", "Exact"), path("/a/.b/", "Exact")),
    ("must not contain '/../' when type one of ['Exact', 'PathPrefix']", path("/a/../b"), path("/a/..b/")),
    ("must not contain '%2f' when type one of ['Exact', 'PathPrefix']", path("/a%2fb"), path("/a%2eb")),
    ("must not contain '#' when type one of ['Exact', 'PathPrefix']", path("/a#b"), path("/a@b")),
    ("must not end with '/..' when type one of ['Exact', 'PathPrefix']", path("/a/.."), path("/a..")),
    ("must not end with '/.' when type one of ['Exact', 'PathPrefix']", path("/a/."), path("/a.")),
    (
        "must only contain valid characters (matching ^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$) for types ['Exact', 'PathPrefix']",
        path("/a b"),
        path("/a%20b"),
    ),
    # Our own kind
    (
        "exactly one of ip, fqdn, unix must be given",
        backend(endpoints=[{"unix": {"path": "/s"}, "ip": {"address": "::1", "port": 1}}]),
        backend(endpoints=[{"unix": {"path": "/s"}}, {"ip": {"address": "::1", "port": 1}}]),
    ),
    (
        "must be an IP address",
        backend(endpoints=[{"ip": {"address": "1.2.3", "port": 1}}]),
        backend(endpoints=[{"ip": {"address": "1.2.3.4", "port": 1}}]),
    ),
    # Kinds without a CRD
    ("ports are required", service(), service(clusterIP="None")),
    ("externalName is required by this type", service(type="ExternalName"), service(type="ExternalName", externalName="a.example")),
    (
        "where there are several ports, each has a name of its own",
        service(ports=[{"port": 1, "name": "a"}, {"port": 2}]),
        service(ports=[{"port": 1, "name": "a"}, {"port": 2, "name": "b"}]),
    ),
    (
        "addresses must be IP addresses of the family that addressType names",
        endpoint_slice("IPv4", "10.0.0.1", "::1"),
        endpoint_slice("FQDN", "a.example"),
    ),
]


@pytest.mark.parametrize(("message", "breaking", "obeying"), CASES, ids=[str(number) for number in range(len(CASES))])
def test_object_that_breaks_a_rule_is_told_so_and_its_neighbour_is_not(message: str, breaking: Any, obeying: Any) -> None:
    assert message in broken(breaking)
    assert broken(obeying) == {}
    assert DOOR.admit(obeying).object is not None


def test_rule_names_the_item_that_breaks_it() -> None:
    found = broken(route({}, {"matches": [{}, {"path": {"value": "/a#b"}}]}))
    assert set(found.values()) == {"spec.rules[1].matches[1].path"}


def test_enough_rules_have_a_case() -> None:
    assert len({message for message, _, _ in CASES}) >= 40
