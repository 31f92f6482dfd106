"""What a request of either variant asks of one type, told in one form. Knows the two messages; sends and decides nothing.

Resource locators, names with parameters beside them, are passed over: nothing here has variants to choose from. Only a
request that holds some is not one without names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from protos.v3 import DeltaDiscoveryRequest, DiscoveryRequest
from xds import subscription
from xds.kinds import Variant
from xds.names import spelled
from xds.subscription import Asked
from xds.watch import Watch

Request = DeltaDiscoveryRequest | DiscoveryRequest
MESSAGES: Mapping[Variant, type[Request]] = {Variant.DELTA: DeltaDiscoveryRequest, Variant.SOTW: DiscoveryRequest}


class Wish(NamedTuple):
    """`held`: what a client that comes back has, name → version; None if it is new or nobody knows. `returns`: it comes back."""

    asked: Asked
    held: Mapping[str, str] | None = None
    returns: bool = False


def wish(watch: Watch, request: Request) -> Wish | None:
    """None for a request that asks for nothing: a mere ACK, or one that was overtaken by a response."""
    if isinstance(request, DeltaDiscoveryRequest):
        return _delta(watch, request)
    return _sotw(watch, request)


def _delta(watch: Watch, request: DeltaDiscoveryRequest) -> Wish | None:
    first = watch.subscription is None
    subscribe, unsubscribe = spelled(request.resource_names_subscribe), spelled(request.resource_names_unsubscribe)
    if not (first or subscribe or unsubscribe):
        return None
    legacy = watch.kind.legacy_wildcard and not request.resource_locators_subscribe
    asked = subscription.delta(watch.subscription, subscribe, unsubscribe, legacy_wildcard=legacy)
    held = watch.table.in_step.held(request) if first else {}
    return Wish(asked, held or None, bool(held))


def _sotw(watch: Watch, request: DiscoveryRequest) -> Wish | None:
    """A client says its names again with every ACK, so a request from before the last response is not lost by ignoring it."""
    if request.response_nonce != watch.nonce and (request.response_nonce or watch.flight):
        return None
    legacy = watch.kind.legacy_wildcard and not request.resource_locators
    asked = subscription.sotw(watch.subscription, spelled(request.resource_names), legacy_wildcard=legacy)
    if asked.now == watch.subscription:
        return None
    returns = watch.subscription is None and bool(request.version_info)
    return Wish(asked, _held(watch, asked, request.version_info) if returns else None, returns)


def _held(watch: Watch, asked: Asked, version: str) -> Mapping[str, str] | None:
    """The version speaks of the whole set, so it says something only where the whole set is asked for."""
    if not watch.kind.whole:
        return {}
    whole = watch.table.known(version) if asked.everything and not asked.names else None
    if whole is None:
        return None
    watch.whole = whole
    return {name: one.version for name, one in whole.members.items()}
