"""Parents of routes: Gateways and ListenerSets, and the ids by which tables know them and their listeners.

A Gateway's id is its key, `infra/edge`; a ListenerSet's has its kind in front, `ListenerSet/infra/more`.
"""

from __future__ import annotations

from collections.abc import Mapping

from translator.gatewayapi.selectors import selects
from translator.resources.gateway import Gateway

SET = "ListenerSet"


def parent_id(kind: str, key: str) -> str:
    return f"{SET}/{key}" if kind == SET else key


def object_of(parent: str) -> tuple[str, str]:
    """Kind and key."""
    return (SET, parent.removeprefix(f"{SET}/")) if parent.startswith(f"{SET}/") else ("Gateway", parent)


def namespace_of(parent: str) -> str:
    return object_of(parent)[1].partition("/")[0]


def listener_id(parent: str, name: str) -> str:
    return f"{parent}/{name}"


def is_default(gateway: Gateway) -> bool:
    """Whether routes that name no Gateway may be its routes (GEP-3793); `None` is a scope that has no routes."""
    return gateway.spec.default_scope not in ("", "None")


def allows(gateway: Gateway, namespace: str, labels: Mapping[str, str]) -> bool:
    """Whether ListenerSets of this namespace may add listeners (`AllowedListeners`): none unless the Gateway says so."""
    allowed = gateway.spec.allowed_listeners
    if allowed is None:
        return False
    match allowed.namespaces.from_:
        case "All":
            return True
        case "Same":
            return namespace == gateway.namespace
        case "Selector":
            return allowed.namespaces.selector is not None and selects(allowed.namespaces.selector, labels)
        case _:
            return False
