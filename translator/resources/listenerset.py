"""ListenerSet as users write it. Source: Gateway API v1.6.1, `apis/v1/listenerset_types.go` (GEP-1713)."""

from __future__ import annotations

from translator.resources.gateway import Listener
from translator.resources.meta import LocalReference, Object, Value


class ListenerSetSpec(Value, frozen=True, gc=False, kw_only=True):
    """Its listeners are those of a Gateway in all but name."""

    parent_ref: LocalReference
    listeners: tuple[Listener, ...] = ()


class ListenerSet(Object, frozen=True, gc=False, kw_only=True):
    spec: ListenerSetSpec
