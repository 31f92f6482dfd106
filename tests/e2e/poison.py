"""Resources that Envoy 1.40 refuses, each in its own way, and good ones of the same types that can be told apart by a mark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from protos import v3
from tests.e2e.made import ADS, HCM, ROUTER, packed
from tests.property.pools import pair
from translator.ir.output import Packed

UNKNOWN = {"name": "none", "typed_config": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": "x"}}
GARBAGE = Packed(b"\xff\xff\xff\xff")


def cluster(name: str, mark: str, **more: Any) -> Packed:
    fields = {
        "name": name,
        "type": "EDS",
        "connect_timeout": "5s",
        "alt_stat_name": mark,
        "eds_cluster_config": {"eds_config": ADS},
        **more,
    }
    return packed(v3.Cluster(), fields, *([name] if fields["type"] == "EDS" else []))


def static(name: str, mark: str, address: str, **more: Any) -> Packed:
    hosts = {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint(address, 1)]}]}
    return cluster(name, mark, type="STATIC", load_assignment=hosts, eds_cluster_config=None, **more)


def endpoint(address: str, port: int, mark: str = "") -> dict[str, Any]:
    return {"endpoint": {"address": {"socket_address": {"address": address, "port_value": port}}, "hostname": mark}}


def members(name: str, mark: str, port: int, *more: dict[str, Any]) -> Packed:
    """A good endpoint with its mark, and others."""
    fields = {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint("127.0.0.1", port, mark), *more]}]}
    return packed(v3.ClusterLoadAssignment(), fields)


def listener(name: str, mark: str, port: int, routes: str, *, secret: str = "", **more: Any) -> Packed:
    rds = {"route_config_name": routes, "config_source": ADS}
    hcm = {"@type": HCM, "stat_prefix": mark, "http_filters": more.pop("http_filters", [ROUTER]), "rds": rds, **more.pop("hcm", {})}
    chain: dict[str, Any] = {"name": "only", "filters": [{"name": "hcm", "typed_config": hcm}]}
    if secret:
        tls = {"common_tls_context": {"tls_certificate_sds_secret_configs": [{"name": secret, "sds_config": ADS}]}}
        kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
        chain["transport_socket"] = {"name": "tls", "typed_config": {"@type": kind, **tls}}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return packed(v3.Listener(), {"name": name, "address": address, "filter_chains": [chain], **more})


def route(name: str, mark: str, target: str, **match: Any) -> dict[str, Any]:
    """Its answer bears the mark, whichever cluster answers."""
    added = {"header": {"key": "x-mark", "value": mark}}
    return {"name": name, "match": match or {"prefix": "/"}, "route": {"cluster": target}, "response_headers_to_add": [added]}


def table(name: str, mark: str, target: str, *more: dict[str, Any], hosts: tuple[dict[str, Any], ...] = ()) -> Packed:
    """One host for all, whose last route takes everything; more routes before it, more hosts after it."""
    every = {"name": "all", "domains": ["*"], "routes": [*more, route(f"route/{name}/all/0/0", mark, target)]}
    return packed(v3.RouteConfiguration(), {"name": name, "virtual_hosts": [every, *hosts]})


def secret(name: str, chain: bytes, key: bytes) -> Packed:
    made = v3.Secret(name=name)
    made.tls_certificate.certificate_chain.inline_bytes = chain
    made.tls_certificate.private_key.inline_bytes = key
    return Packed(v3.data(made))


@dataclass(frozen=True)
class Case:
    """`bad` makes it of a name, a port of its own, and one that a good listener has; `part` is who is named within it; `said`
    stands in its words.
    """

    name: str
    kind: str
    bad: Callable[[str, int, int], Packed]
    part: str = ""
    said: str = ""
    sotw: bool = True  # else Envoy takes it by state of the world, and there is nothing to trace

    @property
    def is_new(self) -> bool:
        """Whether it is one more, or takes the place of one that was accepted: who asks by name asks for no more of them."""
        return self.kind in ("cds", "lds")


def host(name: str, *domains: str) -> dict[str, Any]:
    return {"name": name, "domains": list(domains), "routes": [route(f"route/{name}/x/0/0", "x", "good-0")]}


def two_chains(name: str, port: int) -> Packed:
    """Plain text is served, TLS is not: its chain has a filter that does not exist."""
    made = v3.Listener.FromString(listener(name, "x", port, "r-0").body)
    made.filter_chains[0].filter_chain_match.transport_protocol = "raw_buffer"
    bad = v3.Listener.FromString(listener(name, "x", port, "r-0", http_filters=[UNKNOWN, ROUTER]).body).filter_chains[0]
    bad.name, bad.filter_chain_match.transport_protocol = "tls", "tls"
    made.filter_chains.append(bad)
    return Packed(v3.data(made))


def unaddressed(name: str, port: int) -> Packed:
    made = v3.Listener.FromString(listener(name, "x", port, "r-0").body)
    made.ClearField("address")
    return Packed(v3.data(made))


def filtered(name: str, port: int) -> Packed:
    return listener(name, "x", port, "r-0", http_filters=[UNKNOWN, ROUTER])


def twice(name: str) -> Packed:
    return table(name, "x", "good-0", hosts=(host("a", "a.example"), host("b", "a.example")))


def irregular(name: str) -> Packed:
    return table(name, "x", "good-0", route("route/ns/bad/0/0", "x", "good-0", safe_regex={"regex": "a(b"}))


GOOD, OTHER = pair(), pair()
CHAIN, KEY = "tls.crt", "tls.key"
CASES = [
    Case("cluster-breaks-a-rule", "cds", lambda name, *_: cluster(name, "x", connect_timeout="0s"), said="ConnectTimeout"),
    Case("cluster-is-no-message", "cds", lambda *_: GARBAGE),
    Case("cluster-is-static-with-a-hostname", "cds", lambda name, *_: static(name, "x", "host.example"), said="malformed IP"),
    Case("cluster-has-an-unknown-extension", "cds", lambda name, *_: cluster(name, "x", transport_socket=UNKNOWN), said="none"),
    Case("cluster-by-the-name-of-another", "cds", lambda *_: cluster("good-0", "x"), said="duplicate cluster good-0"),
    Case("listener-without-an-address", "lds", lambda name, port, _: unaddressed(name, port), said="(?i)address"),
    Case("listener-breaks-a-rule-inside", "lds", lambda name, port, _: listener(name, "", port, "r-0"), said="StatPrefix"),
    Case("listener-with-an-unknown-filter", "lds", lambda name, port, _: filtered(name, port), said="none"),
    Case("one-chain-of-two", "lds", lambda name, port, _: two_chains(name, port), part="tls", said="none"),
    Case("listener-on-a-taken-address", "lds", lambda name, _, taken: listener(name, "x", taken, "r-0"), said="duplicate address"),
    Case("listener-is-no-message", "lds", lambda *_: GARBAGE),
    Case("listener-by-the-name-of-another", "lds", lambda _, port, __: listener("l-0", "x", port, "r-0"), said="l-0"),
    Case(
        "host-without-domains", "rds", lambda name, *_: table(name, "x", "good-0", hosts=(host("bare"),)), part="bare", said="(?i)domains"
    ),
    Case("domain-twice", "rds", lambda name, *_: twice(name), part="b", said="a.example"),
    Case("regex-not-of-re2", "rds", lambda name, *_: irregular(name), part="route/ns/bad/0/0", said=r"missing \)"),
    Case("table-is-no-message", "rds", lambda *_: GARBAGE),
    Case("table-by-the-name-of-another", "rds", lambda *_: table("r-0", "x", "good-0"), said="(?i)resource|expecting", sotw=False),
    Case(
        "port-out-of-range", "eds", lambda name, port, _: members(name, "x", port, endpoint("127.0.0.2", 70_000)),
        part="127.0.0.2:70000", said="(?i)port",
    ),
    Case(
        "malformed-address", "eds", lambda name, port, _: members(name, "x", port, endpoint("999.0.0.1", 80)),
        part="999.0.0.1:80", said="malformed IP",
    ),
    Case("endpoints-are-no-message", "eds", lambda *_: GARBAGE),
    Case(
        "endpoints-by-the-name-of-another", "eds", lambda _, port, __: members("good-0", "x", port),
        said="(?i)resource|expecting", sotw=False,
    ),
    Case("key-of-another-certificate", "sds", lambda name, *_: secret(name, GOOD[CHAIN], OTHER[KEY]), said="(?i)key"),
    Case("certificate-is-no-pem", "sds", lambda name, *_: secret(name, b"canary", b"canary"), said="(?i)cert"),
    Case("secret-is-no-message", "sds", lambda *_: GARBAGE),
    Case(
        "secret-by-the-name-of-another", "sds", lambda *_: secret("s-0", GOOD[CHAIN], GOOD[KEY]),
        said="(?i)resource|expecting", sotw=False,
    ),
]  # fmt: skip
