"""The tables where fronts and Envoy's side meet, and those that leave. Declarations only.

Keys of Envoy's side begin with the proxy group, or with the view of it: a group's name, or that with `~flat` for Envoys
without our native module.
"""

from __future__ import annotations

from translator.engine import Table
from translator.ir.cluster import Authority, Cluster, Endpoints, Fork, Split, Use
from translator.ir.copy import Copies
from translator.ir.finding import Finding
from translator.ir.inbound import Inbound, Pods
from translator.ir.keys import KeyHost, KeyRules, KeyWay
from translator.ir.life import Life
from translator.ir.listener import Chain, Datagrams, Port
from translator.ir.mesh import MeshRoute
from translator.ir.output import Awaited, Group, Packed, Status
from translator.ir.plane import Plane
from translator.ir.quarantine import Quarantined
from translator.ir.route import Entry, Keyed, Place, Yielding

# Input, set by the process: how a group of proxies is run
GROUP = Table[str, Group]("Group")

# Input: what proxies refused, by output table and name, or by ROUTE and owner
QUARANTINE = Table[tuple[str, str], Quarantined]("Quarantine")

# Input: (kind, key) of an object → the revision of it that every connected proxy has acknowledged
ACKED = Table[tuple[str, str], str]("Acked")

# Input: (kind, key) of an object whose time is over → the mark of the life that has ended
EXPIRED = Table[tuple[str, str], str]("Expired")

# Input: there where objects come from a cluster, under "": why a kind is not followed, as a reason and a sentence; empty where all are
UNFOLLOWED = Table[str, tuple[str, str]]("Unfollowed")

# Input: there while forks that Sandboxes declare are made, under ""; and key of a Sandbox → why one of its forks is not
COPYING = Table[str, bool]("Copying")
UNCOPIED = Table[str, str]("Uncopied")

# Fronts → Envoy
CHAIN = Table[Port, Chain]("Chain", order=lambda chain: chain.name)  # what a port listens for
DATAGRAMS = Table[Port, Datagrams]("Datagrams")  # where the datagrams of a port go
INBOUND = Table[str, Inbound]("Inbound")  # group of sidecars → what it does with what is meant for its workload
ENTRIES = Table[str, tuple[Entry, ...]]("Entries")  # route (`HTTPRoute/shop/cart`) → its entries, wherever it is attached
PLACED = Table[str, Place]("Placed")  # route → virtual hosts where its entries stand
KEYED = Table[str, Keyed]("Keyed")  # route → virtual hosts where its entries stand, with the forks of their upstreams
YIELDING = Table[Place, Yielding]("Yielding", order=lambda one: one.precedence)  # virtual hosts → entries asked last there
FORKABLE = Table[tuple[str, str], tuple[str, Use]]("Forkable")  # (RouteGroup, Service) → (group, upstream) that a keyed route sends to
FORK = Table[Use, Fork]("Fork")  # an upstream by another name
FORK_KEY = Table[str, KeyWay]("ForkKey", order=lambda way: way)  # what the names of forks begin with → where its keys lead
KEY_RULES = Table[tuple[str, str], KeyRules]("KeyRules", order=lambda rules: rules.fork)  # (group, RouteGroup and key)
KEY_HOST = Table[tuple[str, str], KeyHost]("KeyHost", order=lambda one: one)  # (group, RouteGroup and key) → hosts that give this key
FOLLOWS = Table[str, str]("Follows")  # RouteGroup → older ones of its namespace whose forks are those of its keys, too
ENDED = Table[str, bool]("Ended")  # RouteGroups whose time is over
HOST = Table[Place, str]("Host")  # virtual hosts that exist even without a route, and who wants them
STRAY = Table[Place, str]("Stray")  # virtual hosts of other listeners: what comes here for them took the wrong connection
CLUSTER_USE = Table[tuple[str, Use], str]("ClusterUse")  # (group, upstream) → the routes that use it
CLUSTER = Table[Use, Cluster]("Cluster", order=lambda row: row.tls is None and not row.sealed and row.budget is None)
ENDPOINTS = Table[Use, Endpoints]("Endpoints")
SPLIT = Table[Use, Split]("Split")  # instead of CLUSTER and ENDPOINTS
SECRET_USE = Table[tuple[str, str], str]("SecretUse")  # (group, key of a Secret) → the listeners of Envoy that use it, by name
AUTHORITY = Table[str, Authority]("Authority")  # by name
AUTHORITY_USE = Table[tuple[str, str], str]("AuthorityUse")  # (group, name) → who uses it
CLIENT_CERTIFICATE = Table[str, str]("ClientCertificate")  # group → SDS secret that is shown to backends with TLS
CERTIFICATE = Table[str, tuple[bytes, bytes]]("Certificate")  # key of a Secret → chain and private key, checked

# Envoy → fronts: what Envoy would refuse was left out, and its object is told
REFUSED = Table[tuple[str, str], Finding]("Refused")  # (kind, key) of the object

FAULTY = Table[Use, tuple[str, Finding]]("Faulty")  # an endpoint that a proxy refused, or "" for all, and what to say of it

HELD = Table[tuple[str, str, str], bool]("Holding")  # (what, name, digest) of a poison that is in what would be sent now

# Outputs
OUT_LISTENER = Table[tuple[str, str], Packed]("envoy.Listener")  # (view, name)
OUT_ROUTES = Table[tuple[str, str], Packed]("envoy.RouteConfiguration")  # (view, name)
OUT_SCOPE = Table[tuple[str, str], Packed]("envoy.ScopedRouteConfiguration")  # (view, name)
OUT_CLUSTER = Table[tuple[str, str], Packed]("envoy.Cluster")  # (group, name)
OUT_ENDPOINTS = Table[tuple[str, str], Packed]("envoy.ClusterLoadAssignment")  # (group, name)
OUT_SECRET = Table[tuple[str, str], Packed]("envoy.Secret")  # (group, name)
OUT_STATUS = Table[tuple[str, str], Status]("Status")  # (kind, key)
OUT_FINDINGS = Table[tuple[str, str], tuple[Finding, ...]]("Findings")  # (kind, key)
OUT_AWAITED = Table[tuple[str, str], Awaited]("Awaited")  # (kind, key)
WANTED = Table[tuple[str, str], bool]("Wanted")  # (kind, key): a source may hold back what nobody refers to

OUT_LIFE = Table[tuple[str, str], Life]("Life")  # (kind, key) of an object that is to end by itself

BOUND_AT = Table[Port, int]("BoundAt")  # a port with a gateway → the port of the Pod
OUT_PLANE = Table[str, Plane]("Plane")  # a group of proxies that runs in Pods

OUT_MESH = Table[tuple[str, str], MeshRoute]("Mesh")  # (output of the RouteGroup, key of a Service)

OUT_COPIES = Table[str, Copies]("Copies")  # Sandbox → the forks that it declares

OUT_SIDECARS = Table[str, Pods]("Sidecars")  # key of a Service → the Pods that its sidecars are put beside

OUT_HELD = Table[tuple[str, str, str], bool]("Held")  # the same, once

# Types that Envoy knows how to ask for and that no front fills: what is put there is served like the rest
OUT_VIRTUAL_HOST = Table[tuple[str, str], Packed]("envoy.VirtualHost")  # (view, name)
OUT_RUNTIME = Table[tuple[str, str], Packed]("envoy.Runtime")  # (group, name)
OUT_EXTENSION = Table[tuple[str, str], Packed]("envoy.TypedExtensionConfig")  # (group, name)

RESOURCES = (OUT_CLUSTER, OUT_ENDPOINTS, OUT_SECRET, OUT_LISTENER, OUT_SCOPE, OUT_ROUTES)
SERVED = (*RESOURCES, OUT_VIRTUAL_HOST, OUT_RUNTIME, OUT_EXTENSION)
OUTPUTS = (*RESOURCES, OUT_STATUS, OUT_AWAITED, OUT_FINDINGS, OUT_HELD, OUT_PLANE, OUT_MESH, OUT_COPIES, OUT_SIDECARS, WANTED, OUT_LIFE)
