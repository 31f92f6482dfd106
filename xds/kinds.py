"""The resource types that are served: their type URL, where the translator puts them, and what an empty subscription means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from translator.ir import tables

_PREFIX = "type.googleapis.com/envoy."


class Variant(Enum):
    """How a client asks and is answered: by changes, or by state of the world."""

    DELTA = "delta"
    SOTW = "sotw"


@dataclass(frozen=True, eq=False, slots=True)
class Kind:
    """One resource type.

    `shared`: all views of a proxy group see the same resources; else each view has its own.
    `legacy_wildcard`: a first request without names asks for everything (xDS protocol: LDS, CDS; Envoy's SRDS alike).
    `whole`: a SotW response carries all of them, and what it lacks is deleted (the same three, in the same places).
    """

    name: str
    type_url: str
    table: str
    shared: bool
    legacy_wildcard: bool

    @property
    def whole(self) -> bool:
        return self.legacy_wildcard

    def __repr__(self) -> str:
        return self.name


CLUSTER = Kind("CLUSTER", _PREFIX + "config.cluster.v3.Cluster", tables.OUT_CLUSTER.name, shared=True, legacy_wildcard=True)
ENDPOINT = Kind(
    "ENDPOINT", _PREFIX + "config.endpoint.v3.ClusterLoadAssignment", tables.OUT_ENDPOINTS.name, shared=True, legacy_wildcard=False
)
SECRET = Kind("SECRET", _PREFIX + "extensions.transport_sockets.tls.v3.Secret", tables.OUT_SECRET.name, shared=True, legacy_wildcard=False)
LISTENER = Kind("LISTENER", _PREFIX + "config.listener.v3.Listener", tables.OUT_LISTENER.name, shared=False, legacy_wildcard=True)
SCOPE = Kind("SCOPE", _PREFIX + "config.route.v3.ScopedRouteConfiguration", tables.OUT_SCOPE.name, shared=False, legacy_wildcard=True)
ROUTE = Kind("ROUTE", _PREFIX + "config.route.v3.RouteConfiguration", tables.OUT_ROUTES.name, shared=False, legacy_wildcard=False)

KINDS = (CLUSTER, ENDPOINT, SECRET, LISTENER, SCOPE, ROUTE)
BY_URL = {kind.type_url: kind for kind in KINDS}
BY_TABLE = {kind.table: kind for kind in KINDS}

FLAT = "~flat"  # what the name of a view ends with that is for Envoys without our native module


def group_of(view: str) -> str:
    return view.removesuffix(FLAT)
