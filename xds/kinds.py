"""The resource types that are served: their type URL, where the translator puts them, and what an empty subscription means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from translator.engine import AnyTable
from translator.ir import tables

_PREFIX = "type.googleapis.com/envoy."


class Variant(Enum):
    """How a client asks and is answered: by changes, or by state of the world."""

    DELTA = "delta"
    SOTW = "sotw"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Kind:
    """One resource type.

    `shared`: all views of a proxy group see the same resources; else each view has its own.
    `legacy_wildcard`: a first request without names asks for everything (xDS protocol: LDS, CDS; Envoy's SRDS and VHDS alike).
    `whole`: a SotW response carries all of them, and what it lacks is deleted (LDS, CDS, SRDS).
    `swaps`: one may take the place of another on the same address or domain, so both go in one response.
    `lasts`: who asked for it by name is not told when it goes, for the place where it is used has nothing else.
    """

    name: str
    type_url: str
    table: str
    shared: bool = False
    legacy_wildcard: bool = False
    whole: bool = False
    swaps: bool = False
    lasts: bool = False

    def __repr__(self) -> str:
        return self.name


def _kind(name: str, message: str, table: AnyTable, **switches: bool) -> Kind:
    return Kind(name=name, type_url=_PREFIX + message, table=table.name, **switches)


CLUSTER = _kind("CLUSTER", "config.cluster.v3.Cluster", tables.OUT_CLUSTER, shared=True, legacy_wildcard=True, whole=True)
ENDPOINT = _kind("ENDPOINT", "config.endpoint.v3.ClusterLoadAssignment", tables.OUT_ENDPOINTS, shared=True)
SECRET = _kind("SECRET", "extensions.transport_sockets.tls.v3.Secret", tables.OUT_SECRET, shared=True)
LISTENER = _kind("LISTENER", "config.listener.v3.Listener", tables.OUT_LISTENER, legacy_wildcard=True, whole=True, swaps=True)
SCOPE = _kind("SCOPE", "config.route.v3.ScopedRouteConfiguration", tables.OUT_SCOPE, legacy_wildcard=True, whole=True)
ROUTE = _kind("ROUTE", "config.route.v3.RouteConfiguration", tables.OUT_ROUTES)
VIRTUAL_HOST = _kind("VIRTUAL_HOST", "config.route.v3.VirtualHost", tables.OUT_VIRTUAL_HOST, legacy_wildcard=True, swaps=True)
RUNTIME = _kind("RUNTIME", "service.runtime.v3.Runtime", tables.OUT_RUNTIME, shared=True)
# Requests through a filter whose configuration went are answered 5xx (envoy#32823), so its last one stays.
EXTENSION = _kind("EXTENSION", "config.core.v3.TypedExtensionConfig", tables.OUT_EXTENSION, shared=True, lasts=True)

KINDS = (CLUSTER, ENDPOINT, SECRET, LISTENER, SCOPE, ROUTE, VIRTUAL_HOST, RUNTIME, EXTENSION)
BY_URL = {kind.type_url: kind for kind in KINDS}
BY_TABLE = {kind.table: kind for kind in KINDS}

FLAT = "~flat"  # what the name of a view ends with that is for Envoys without our native module


def group_of(view: str) -> str:
    return view.removesuffix(FLAT)
