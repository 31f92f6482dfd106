"""Data planes that are run in Pods: what is declared of one, and what its Service says of it. Knows no view and no manifest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from msgspec import structs

from translator.gatewayapi.conditions import PROGRAMMED, fails
from translator.gatewayapi.listeners import KINDS, transport
from translator.ir.output import Address, Condition
from translator.ir.plane import Pairs, Plane, PlanePort, Run
from translator.resources.core import EndpointSlice, Service
from translator.resources.gateway import Gateway, Listener

DEFAULT = Run()


def plane(gateway: Gateway, added: Iterable[Listener] = (), run: Run = DEFAULT, *, kept: bool = False) -> Plane | None:
    """Of a Gateway whose proxies run in Pods, with the listeners that ListenerSets have added to it; None while there is
    nothing to listen on, for a Service must have a port.
    """
    ports = ports_of((*gateway.spec.listeners, *added))
    if not ports:
        return None
    told = gateway.spec.infrastructure
    return Plane(
        group=gateway.key,
        gateway_class=gateway.spec.gateway_class_name,
        ports=ports,
        addresses=wanted(gateway),
        labels=_pairs(told.labels if told else {}),
        annotations=_pairs(told.annotations if told else {}),
        run=run,
        kept=kept,
    )


def ports_of(listeners: Iterable[Listener]) -> tuple[PlanePort, ...]:
    return tuple(sorted({PlanePort(one.port, transport(one.protocol)) for one in listeners if one.protocol in KINDS}))


def together(parts: Sequence[Plane]) -> Plane:
    """What all Gateways of a group want of it. How it is run they are told by the same class."""
    return structs.replace(parts[0], ports=tuple(sorted({port for one in parts for port in one.ports})))


def wanted(gateway: Gateway) -> tuple[str, ...]:
    """The addresses that it asks for, without those left open."""
    return tuple(dict.fromkeys(one.value for one in gateway.spec.addresses if one.value))


def _pairs(found: dict[str, str]) -> Pairs:
    return tuple(sorted(found.items()))


def addresses(service: Service | None, wanted: Sequence[str]) -> tuple[Address, ...]:
    """Where the Service is reached from outside; of those that the Gateway asked for, where it did."""
    if service is None:
        return ()
    given = [
        Address(type="IPAddress" if one.ip else "Hostname", value=one.ip or one.hostname) for one in service.status.load_balancer.ingress
    ]
    balanced = service.spec.type == "LoadBalancer"
    outside = [Address(type="IPAddress", value=one) for one in service.spec.external_ips if not balanced]
    if service.spec.type in ("ClusterIP", "NodePort") and service.spec.cluster_ip and not wanted:
        outside.append(Address(type="IPAddress", value=service.spec.cluster_ip))
    found = tuple(dict.fromkeys(one for one in (*given, *outside) if one.value))
    return tuple(one for one in found if _same(one.value, wanted)) if wanted else found


def _same(value: str, wanted: Sequence[str]) -> bool:
    try:
        return ip_address(value) in map(ip_address, wanted)
    except ValueError:
        return value in wanted


def lacking(found: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Those that are asked for and not there."""
    return [one for one in wanted if not any(_same(value, [one]) for value in found)] if wanted else []


def obstacle(found: Sequence[Address], wanted: Sequence[str], slices: Iterable[EndpointSlice]) -> Condition | None:
    """Why a data plane does not serve yet, or None."""
    if missing := lacking([one.value for one in found], wanted):
        return fails(PROGRAMMED, "AddressNotUsable", f"no proxy is reached at {', '.join(missing)}")
    if not found:
        return fails(PROGRAMMED, "AddressNotAssigned", "the Service of its proxies has no address yet")
    if not any(one.conditions.ready is not False for each in slices for one in each.endpoints):
        return fails(PROGRAMMED, "NoResources", "no proxy of it is ready yet")
    return None
