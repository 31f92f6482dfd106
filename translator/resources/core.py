"""Kubernetes core kinds that we read: Namespace, Service, EndpointSlice, Secret. Source: Kubernetes API v1, discovery.k8s.io/v1."""

from __future__ import annotations

from msgspec import field

from translator.resources.meta import Object, Value


class Namespace(Object, frozen=True, gc=False, kw_only=True):
    """Read for its labels alone: routes are admitted by them."""


class ConfigMap(Object, frozen=True, gc=False, kw_only=True):
    """Read for the certificates of authorities."""

    data: dict[str, str] = field(default_factory=dict)


class ServicePort(Value, frozen=True, gc=False, kw_only=True):
    port: int
    name: str = ""
    protocol: str = "TCP"
    app_protocol: str = ""
    target_port: int | str = 0  # 0: the same number as `port`


class ServiceSpec(Value, frozen=True, gc=False, kw_only=True):
    type: str = "ClusterIP"
    cluster_ip: str = field(default="", name="clusterIP")  # "None": headless
    external_name: str = ""
    external_ips: tuple[str, ...] = field(default=(), name="externalIPs")
    ip_families: tuple[str, ...] = ()  # IPv4, IPv6: of its own addresses and of those of its Pods
    selector: dict[str, str] = field(default_factory=dict)  # of its Pods: read for sidecars alone
    ports: tuple[ServicePort, ...] = ()


class Ingress(Value, frozen=True, gc=False, kw_only=True):
    """One way in from outside: an address or a name."""

    ip: str = ""
    hostname: str = ""


class LoadBalancerStatus(Value, frozen=True, gc=False, kw_only=True):
    ingress: tuple[Ingress, ...] = ()


class ServiceStatus(Value, frozen=True, gc=False, kw_only=True):
    load_balancer: LoadBalancerStatus = LoadBalancerStatus()


class Service(Object, frozen=True, gc=False, kw_only=True):
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()


class EndpointConditions(Value, frozen=True, gc=False):
    """None means unknown: of `ready` and `serving` that counts as true, of `terminating` as false."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Value, frozen=True, gc=False, kw_only=True):
    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    zone: str = ""
    hostname: str = ""


class EndpointPort(Value, frozen=True, gc=False, kw_only=True):
    name: str = ""
    port: int = 0
    protocol: str = "TCP"
    app_protocol: str = ""


class EndpointSlice(Object, frozen=True, gc=False, kw_only=True):
    address_type: str = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()


class Secret(Object, frozen=True, gc=False, kw_only=True):
    """Never printed: its repr shows the key alone."""

    type: str = "Opaque"
    data: dict[str, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Secret({self.key})"
