"""Random objects of every kind from small pools, so that they meet: few names, few hosts, few ports.

Built once from a fixed seed; a case then only chooses among them, which is quick and shrinks well.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.objects import decoded
from translator.resources.meta import Object

RANDOM = random.Random(20)
HOSTS = ["x.com", "*.x.com", "foo.x.com", "*.foo.x.com", "bar.y.com"]
GROUP = "gateway.networking.k8s.io"
Document = dict[str, Any]


def pick(*choices: Any) -> Any:
    return RANDOM.choice(choices)


def some(make: Callable[[], Any], *counts: int) -> list[Any]:
    return [make() for _ in range(pick(*counts))]


def metadata(*names: str, namespaces: tuple[str, ...] = ("a", "a", "a", "b")) -> Document:
    found: Document = {
        "name": pick(*names),
        "generation": pick(1, 2),
        "creationTimestamp": pick("", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    }
    return found | ({"namespace": pick(*namespaces)} if namespaces else {})


def pair() -> dict[str, bytes]:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key()).serial_number(1)
        .not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(private, SHA256())
    )  # fmt: skip
    return {
        "tls.crt": certificate.public_bytes(Encoding.PEM),
        "tls.key": private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }


PAIRS = [pair(), pair(), pair(), {"tls.crt": b"no", "tls.key": b"no"}]


def gateway_class() -> Document:
    spec = {"controllerName": pick(*["pointsman.io/gateway-controller"] * 3, "example.com/other")}
    return {"kind": "GatewayClass", "metadata": metadata("c", namespaces=()), "spec": spec}


def listener(name: str) -> Document:
    port = pick(80, 80, 80, 443, 443, 443, 53, 53)
    usual = {443: ["HTTPS"] * 3 + ["TLS"], 53: ["UDP", "TCP"]}.get(port, ["HTTP"])
    protocol = pick(*usual * 5, "HTTPS", "HTTP", "TCP")
    hostname = "" if protocol in ("TCP", "UDP") else pick("", *HOSTS[:3])
    found: Document = {"name": name, "port": port, "protocol": protocol, "hostname": hostname}
    found["allowedRoutes"] = pick(
        {"namespaces": {"from": "All"}},
        {"namespaces": {"from": "All"}},
        {"namespaces": {"from": "Same"}},
        {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"t": "1"}}}},
        {"namespaces": {"from": "All"}, "kinds": [{"kind": pick("HTTPRoute", "TCPRoute")}]},
    )
    if found["protocol"] in ("HTTPS", "TLS"):
        found["tls"] = {
            "mode": pick("Terminate", "Passthrough") if found["protocol"] == "TLS" else "Terminate",
            "certificateRefs": some(
                lambda: {"name": "cert", "namespace": pick("", "", "a", "b"), "kind": pick(*["Secret"] * 6, "Pod")}, 0, 1, 1, 1, 1, 2
            ),
        }
    return found


def gateway() -> Document:
    names = RANDOM.sample(["l1", "l2", "l3"], pick(1, 2, 2, 3))
    spec: Document = {"gatewayClassName": pick(*["c"] * 7, "gone"), "listeners": [listener(name) for name in names]}
    if pick(*[False] * 5, True):
        spec["addresses"] = [{"type": pick("IPAddress", "IPAddress", "Hostname"), "value": pick("127.0.0.2", "", "x")}]
    spec["allowedListeners"] = pick(None, {"namespaces": {"from": pick("All", "Same", "None")}})
    spec["tls"] = pick(None, None, gateway_tls())
    spec["defaultScope"] = pick("", "", "All", "None")
    return {"kind": "Gateway", "metadata": metadata("g1", "g2"), "spec": spec}


def gateway_tls() -> Document:
    def authority() -> Document:
        return {"kind": pick(*["ConfigMap"] * 4, "Secret"), "name": pick("ca", "ca", "gone"), "namespace": pick("", "", "a", "b")}

    def validation() -> Document | None:
        refs = some(authority, 1, 1, 2)
        return pick(None, {"caCertificateRefs": refs, "mode": pick("AllowValidOnly", "AllowValidOnly", "AllowInsecureFallback")})

    shown = {"name": "cert", "namespace": pick("", "", "a", "b"), "kind": pick(*["Secret"] * 4, "Pod")}
    ports = some(lambda: {"port": 443, "tls": {"validation": validation()}}, 0, 1)
    frontend = {"default": {"validation": validation()}, "perPort": ports}
    return {"frontend": pick(None, frontend, frontend), "backend": {"clientCertificateRef": pick(None, shown)}}


def listener_set() -> Document:
    names = RANDOM.sample(["l1", "l2", "m1"], pick(1, 1, 2))
    spec = {"parentRef": {"name": pick("g1", "g1", "g2"), "namespace": pick("", "a")}, "listeners": [listener(name) for name in names]}
    return {"kind": "ListenerSet", "metadata": metadata("ls1", "ls2"), "spec": spec}


def backend_ref() -> Document:
    ref = pick(
        {"name": pick("s1", "s2"), "port": pick(80, 80, 81)},
        {"name": "b1", "kind": "Backend", "group": "pointsman.io"},
        {"name": "p", "kind": "Pod"},
    )
    return ref | {"namespace": pick("", "", "a", "b")}


def weighted() -> Document:
    return backend_ref() | {"weight": pick(0, 1, 1, 9), "filters": some(lambda: headers("Request"), 0, 0, 0, 1)}


def headers(on: str) -> Document:
    change = {"set": [{"name": "X-A", "value": pick("1", "2")}], "remove": some(lambda: "X-B", 0, 1)}
    return {"type": f"{on}HeaderModifier", ("requestHeaderModifier" if on == "Request" else "responseHeaderModifier"): change}


def path_change() -> Document | None:
    return pick(
        None,
        {"type": "ReplaceFullPath", "replaceFullPath": "/f"},
        {"type": "ReplacePrefixMatch", "replacePrefixMatch": pick("/", "/p", "/p/")},
    )


def route_filter() -> Document:
    return pick(
        headers("Request"),
        headers("Response"),
        {"type": "RequestRedirect", "requestRedirect": {"scheme": pick("", "https"), "path": path_change(), "port": pick(0, 8443)}},
        {"type": "URLRewrite", "urlRewrite": {"hostname": pick("", "z.com"), "path": path_change()}},
        {"type": "RequestMirror", "requestMirror": {"backendRef": backend_ref(), "percent": pick(None, 10)}},
        {"type": "CORS", "cors": {"allowOrigins": [pick("*", "https://x.com")]}},
        {"type": "ExtensionRef", "extensionRef": {"name": "x"}},
        external_auth("GRPC", "grpc"),
        external_auth("HTTP", "http"),
    )


def external_auth(protocol: str, field: str) -> Document:
    told = {"allowedHeaders": pick([], ["X-A"])} | ({"path": pick("", "/check")} if field == "http" else {})
    body = pick(None, {"maxSize": pick(0, 100)})
    return {"type": "ExternalAuth", "externalAuth": {"protocol": protocol, "backendRef": backend_ref(), field: told, "forwardBody": body}}


def persistence() -> Document:
    lasting = {"absoluteTimeout": "1h", "cookieConfig": {"lifetimeType": "Permanent"}}
    return pick({}, {"sessionName": pick("s", "t")}, {"type": "Header"}, lasting, {"absoluteTimeout": "1h"})


def default_scope() -> str:
    return str(pick("", "", "", "All", "None"))


def named(name: str) -> Document:
    return {"name": name, "value": pick("1", "2", "a(b"), "type": pick("Exact", "Exact", "RegularExpression")}


def match() -> Document:
    path = {"type": pick("Exact", "PathPrefix", "PathPrefix", "RegularExpression"), "value": pick("/", "/a", "/ab", "/a/", "/[")}
    return {
        "path": path,
        "method": pick("", "", "GET"),
        "headers": some(lambda: named("H"), 0, 0, 1),
        "queryParams": some(lambda: named("q"), 0, 0, 1),
    }


def route_rule() -> Document:
    found: Document = {"matches": some(match, 0, 1, 2), "filters": some(route_filter, 0, 0, 1), "backendRefs": some(weighted, 0, 1, 1, 2)}
    if pick(*[False] * 4, True):
        found["retry"] = pick(None, {"codes": [503], "attempts": 2})
        found["timeouts"] = {"request": pick("", "1s", "0s"), "backendRequest": pick("", "500ms")}
    found["sessionPersistence"] = pick(*[None] * 5, persistence())
    return found


def parent() -> Document:
    if pick(*[False] * 5, True):
        return {"kind": "ListenerSet", "name": pick("ls1", "ls2"), "namespace": pick("a", ""), "sectionName": pick("", "l1")}
    return {
        "name": pick("g1", "g1", "g1", "g2"),
        "namespace": pick("a", "a", "a", "", "b"),
        "sectionName": pick("", "", "", "l1", "l2"),
        "port": pick(0, 0, 0, 80),
    }


def http_route() -> Document:
    spec = {
        "parentRefs": some(parent, 1, 1, 1, 2),
        "hostnames": RANDOM.sample(HOSTS, pick(0, 0, 1, 1, 2)),
        "rules": some(route_rule, 1, 1, 2),
        "useDefaultGateways": default_scope(),
    }
    return {"kind": "HTTPRoute", "metadata": metadata("r1", "r2", "r3"), "spec": spec}


def method_match() -> Document:
    method = {"service": pick("", "a.B", "a.C"), "method": pick("", "D", "E"), "type": pick("Exact", "Exact", "RegularExpression")}
    return {"method": pick(None, method, method), "headers": some(lambda: named("H"), 0, 0, 1)}


def grpc_filter() -> Document:
    return pick(headers("Request"), headers("Response"), {"type": "ExtensionRef", "extensionRef": {"name": "x"}})


def grpc_route() -> Document:
    def rule() -> Document:
        found: Document = {"matches": some(method_match, 0, 1, 2), "filters": some(grpc_filter, 0, 0, 1)}
        return found | {"backendRefs": some(weighted, 0, 1, 1, 2), "sessionPersistence": pick(*[None] * 5, persistence())}

    spec = {"parentRefs": some(parent, 1, 1, 2), "hostnames": RANDOM.sample(HOSTS, pick(0, 1, 2)), "rules": some(rule, 1, 1, 2)}
    spec["useDefaultGateways"] = default_scope()
    return {"kind": "GRPCRoute", "metadata": metadata("r1", "r2"), "spec": spec}


def stream_route(kind: str) -> Callable[[], Document]:
    def made() -> Document:
        refs = some(lambda: backend_ref() | {"weight": pick(0, 1, 1, 9)}, 1, 1, 2)
        spec: Document = {"parentRefs": some(parent, 1, 1, 2), "rules": [{"backendRefs": refs}], "useDefaultGateways": default_scope()}
        if kind == "TLSRoute":
            spec["hostnames"] = RANDOM.sample(HOSTS, pick(1, 1, 2))
        return {"kind": kind, "metadata": metadata("r1", "r2"), "spec": spec}

    return made


def service() -> Document:
    ports = [
        {"name": f"p{port}", "port": port, "appProtocol": pick("", "", "kubernetes.io/h2c", "kubernetes.io/wss")}
        for port in pick([80], [80, 81])
    ]
    ports += pick([], [{"name": "p81", "port": 80, "protocol": "UDP"}])
    return {"kind": "Service", "metadata": metadata("s1", "s2"), "spec": {"type": pick(*["ClusterIP"] * 6, "ExternalName"), "ports": ports}}


def endpoint() -> Document:
    conditions = pick({}, {"ready": True}, {"ready": False}, {"ready": False, "serving": True, "terminating": True})
    return {"addresses": [pick("10.0.0.1", "10.0.0.2", "10.0.0.3")], "conditions": conditions}


def endpoint_slice() -> Document:
    meta = metadata("e1", "e2") | {"labels": pick({}, *[{"kubernetes.io/service-name": name} for name in ("s1", "s1", "s2")])}
    return {
        "kind": "EndpointSlice",
        "metadata": meta,
        "endpoints": some(endpoint, 0, 1, 2, 3),
        "ports": [{"name": pick("p80", "p81"), "port": pick(3000, 3001)}],
    }


def reference_grant() -> Document:
    spec = {
        "from": [
            {
                "group": GROUP,
                "kind": pick(*["HTTPRoute"] * 3, "GRPCRoute", "TCPRoute", "UDPRoute", "Gateway"),
                "namespace": pick("a", "b"),
            }
        ],
        "to": [
            pick(
                {"group": "", "kind": "Service"},
                {"group": "", "kind": "Service", "name": "s1"},
                {"group": "", "kind": "Secret"},
                {"group": "", "kind": "ConfigMap"},
                {"group": "pointsman.io", "kind": "Backend"},
            )
        ],
    }
    return {"kind": "ReferenceGrant", "metadata": metadata("gr1"), "spec": spec}


def secret() -> Document:
    return {"kind": "Secret", "metadata": metadata("cert"), "data": pick(*PAIRS)}


def namespace() -> Document:
    return {"kind": "Namespace", "metadata": metadata("a", "b", namespaces=()) | {"labels": pick({}, {"t": "1"}, {"t": "2"})}}


def backend() -> Document:
    one = pick(
        {"ip": {"address": "10.2.0.1", "port": 80}}, {"unix": {"path": "/run/b.sock"}}, {"fqdn": {"hostname": "b.example.com", "port": 80}}
    )
    return {"kind": "Backend", "metadata": metadata("b1"), "spec": {"endpoints": [one], "appProtocol": pick("", "kubernetes.io/h2c")}}


def backend_tls_policy() -> Document:
    target = pick({"kind": "Service", "name": pick("s1", "s2")}, {"kind": "Backend", "group": "pointsman.io", "name": "b1"})
    refs = some(lambda: {"kind": pick(*["ConfigMap"] * 4, "Secret"), "name": pick("ca", "ca", "gone")}, 0, 1, 1, 2)
    system = {"wellKnownCACertificates": "System"} if not refs and pick(True, False) else {}
    validation = {"hostname": pick("x.com", "y.com"), "caCertificateRefs": refs, **system}
    spec = {"targetRefs": [target | pick({}, {"sectionName": "p80"})], "validation": validation}
    return {"kind": "BackendTLSPolicy", "metadata": metadata("p1", "p2"), "spec": spec}


def backend_traffic_policy() -> Document:
    targets = [pick({"kind": "Service", "name": pick("s1", "s2")}, {"kind": "Backend", "group": "pointsman.io", "name": "b1"})]
    budget = {"budget": {"percent": pick(5, 50), "interval": pick("10s", "1m")}, "minRetryRate": {"count": pick(1, 10), "interval": "1s"}}
    spec = {"targetRefs": targets, "retryConstraint": pick(None, {}, budget), "sessionPersistence": pick(None, persistence())}
    return {"kind": "XBackendTrafficPolicy", "metadata": metadata("p1", "p2"), "spec": spec}


def config_map() -> Document:
    data = pick({"ca.crt": PAIRS[0]["tls.crt"].decode()}, {"ca.crt": PAIRS[1]["tls.crt"].decode()}, {"ca.crt": "no"}, {})
    return {"kind": "ConfigMap", "metadata": metadata("ca"), "data": data}


MAKERS: dict[Callable[[], Document], int] = {
    gateway_class: 3,
    gateway: 50,
    http_route: 130,
    listener_set: 30,
    grpc_route: 25,
    stream_route("TLSRoute"): 30,
    stream_route("TCPRoute"): 30,
    stream_route("UDPRoute"): 40,
    service: 25,
    endpoint_slice: 30,
    reference_grant: 15,
    secret: 16,
    namespace: 6,
    backend: 12,
    backend_tls_policy: 25,
    backend_traffic_policy: 25,
    config_map: 12,
}


def without_nones(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: without_nones(value) for key, value in document.items() if value is not None}
    return [without_nones(value) for value in document] if isinstance(document, list) else document


def made(document: Document) -> Object:
    if document["kind"] == "Secret":  # bytes as they are: base64 has no part in these laws
        bare = decoded(document | {"data": {}})
        return msgspec.structs.replace(bare, data=document["data"])
    return decoded(without_nones(document))


POOL: list[Object] = [made(make()) for make, count in MAKERS.items() for _ in range(count)]
