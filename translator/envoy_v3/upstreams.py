"""Rules for upstreams and who they trust: packed once, copied into each group that uses them. As in rules.py: ask, call, yield."""

from __future__ import annotations

from msgspec import structs

from protos.v3 import Cluster as EnvoyCluster
from protos.v3 import data
from translator.engine import Facts, View, rule
from translator.envoy_v3.checks import broken, endpoint_faults
from translator.envoy_v3.cluster import assignment, cluster, split_assignment, split_cluster
from translator.envoy_v3.held import UPSTREAM, held, upstream_served
from translator.envoy_v3.plain import plain_assignment
from translator.envoy_v3.presenting import envoy_secret
from translator.envoy_v3.quarantine import judged, told
from translator.envoy_v3.secret import authority
from translator.envoy_v3.tls import with_certificate
from translator.ir import names
from translator.ir.cluster import Cluster, Endpoints, Split, Use
from translator.ir.output import Packed
from translator.ir.tables import (
    AUTHORITY,
    AUTHORITY_USE,
    CLIENT_CERTIFICATE,
    CLUSTER,
    CLUSTER_USE,
    ENDPOINTS,
    FAULTY,
    FORK,
    HELD,
    OUT_CLUSTER,
    OUT_ENDPOINTS,
    OUT_SECRET,
    QUARANTINE,
    REFUSED,
    SPLIT,
)  # fmt: skip


@rule(over=CLUSTER, into=(UPSTREAM, REFUSED, FAULTY, HELD))
def upstream(view: View, use: Use) -> Facts:
    """A cluster and its endpoints, packed once for all groups.

    One without endpoints has an empty assignment: Envoy waits for one before it uses the cluster.
    """
    yield from served(view, use, view.one(CLUSTER, use), view.get(ENDPOINTS, use))


@rule(over=FORK, into=(UPSTREAM, REFUSED, FAULTY, HELD))
def fork(view: View, made: Use) -> Facts:
    """Another cluster with the same endpoints. Its own name is what a key leads to."""
    one = view.one(FORK, made)
    if row := view.get(CLUSTER, one.to):
        protocol = "same" if made.speaks == "same" else row.protocol
        named = structs.replace(row, name=names.cluster(made), protocol=protocol, sets=(*row.sets, *one.sets))
        yield from served(view, made, named, view.get(ENDPOINTS, one.to))


def served(view: View, use: Use, row: Cluster, endpoints: Endpoints | None) -> Facts:
    known = endpoints if row.discovery == "eds" and not row.sealed else None
    found = known.endpoints if known else row.endpoints
    members = plain_assignment(row.name, found) if row.discovery == "eds" else None
    faults = endpoint_faults(use, row, found) if members is None else {}
    sound = tuple(one for one in found if one not in faults) if faults else found
    body = cluster(row if row.discovery == "eds" else structs.replace(row, endpoints=sound))
    varies = (
        row.discovery == "dns" or row.tls or row.sets or row.budget or not row.name
    )  # of others only the name does, and a test holds the rest to the rules
    wrong = broken(EnvoyCluster.FromString(body), use.kind, use.key) if varies else []
    for finding in (*faults.values(), *wrong):
        yield REFUSED((use.kind, use.key), finding)
    if wrong:
        return
    if members is None and row.discovery == "eds":
        members = data(assignment(row.name, sound))
    yield from upstream_served(view, use, row.name, body, members, row.tls)


@rule(over=SPLIT, into=(UPSTREAM, REFUSED, FAULTY, HELD))
def split_upstream(view: View, use: Use) -> Facts:
    """The same for one that is made of others. Faults of its endpoints are told to who made it."""
    row = view.one(SPLIT, use)
    faults = endpoint_faults(use, Cluster(name=row.name), dict.fromkeys(one for _, members in row.parts for one in members))
    parts = tuple((weight, tuple(one for one in members if one not in faults)) for weight, members in row.parts)
    yield from upstream_served(view, use, row.name, split_cluster(row), data(split_assignment(Split(name=row.name, parts=parts))))
    for finding in faults.values():
        yield REFUSED((use.kind, use.key), finding)


@rule(over=CLUSTER_USE, into=(OUT_CLUSTER, OUT_ENDPOINTS, AUTHORITY_USE, REFUSED, HELD))
def in_group(view: View, key: tuple[str, Use]) -> Facts:
    """Each group has its own copy, made of the same bytes; with a certificate to show they are others, and may be refused as such."""
    group, use = key
    made = view.get(UPSTREAM, use)
    if made is None:
        return
    name, body, members, tls = made
    if tls and (shown := view.get(CLIENT_CERTIFICATE, group)):
        verdict = judged(view.get(QUARANTINE, (OUT_CLUSTER.name, name)), with_certificate(body.body, shown))
        for one in verdict.found:
            yield REFUSED((use.kind, use.key), told(one, "its cluster", use.kind, use.key))
        yield from held(OUT_CLUSTER, name, verdict)
        if not verdict.body:
            return
        body = Packed(verdict.body, body.needs)
    yield OUT_CLUSTER((group, name), body)
    if tls and tls.authority:
        yield AUTHORITY_USE((group, tls.authority), name)
    if members is not None:
        yield OUT_ENDPOINTS((group, name), members)


@rule(over=AUTHORITY_USE, into=(OUT_SECRET, REFUSED, HELD))
def envoy_authority(view: View, key: tuple[str, str]) -> Facts:
    name = key[1]
    if row := view.get(AUTHORITY, name):
        verdict = judged(view.get(QUARANTINE, (OUT_SECRET.name, name)), authority(name, row.certificates))
        if verdict.body:
            yield OUT_SECRET(key, Packed(verdict.body))
        for one in verdict.found:
            yield REFUSED(row.origin, told(one, "its certificate authorities", *row.origin))
        yield from held(OUT_SECRET, name, verdict)


RULES = (upstream, fork, split_upstream, in_group, envoy_secret, envoy_authority)
