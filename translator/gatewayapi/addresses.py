"""Addresses of Gateways: which of them proxies can bind."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from translator.resources.gateway import GatewayAddress


def usable(address: GatewayAddress) -> bool:
    """Only IP addresses can be bound; one without a value is for us to choose (GEP-735)."""
    return address.type == "IPAddress" and (not address.value or _is_ip(address.value))


def bind_addresses(addresses: Sequence[GatewayAddress]) -> tuple[str, ...]:
    """What the listeners bind, without duplicates; empty text is the address of the proxy group.

    Nothing if one of them cannot be bound: the Gateway is not accepted then (`UnsupportedAddress`), and none of it is served.
    """
    if not addresses:
        return ("",)
    return tuple(dict.fromkeys(address.value for address in addresses)) if all(map(usable, addresses)) else ()


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
