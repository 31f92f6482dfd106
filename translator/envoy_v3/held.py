"""What rules ask and say of what proxies refused. The decision itself is in quarantine.py, which knows no tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import structs

from protos.v3 import ClusterLoadAssignment, data
from translator.engine import AnyTable, Facts, Table, View, rule
from translator.envoy_v3.anatomy import ENDPOINTS
from translator.envoy_v3.quarantine import Verdict, judged, judged_routes, told
from translator.ir import names
from translator.ir.cluster import BackendTLS, Use
from translator.ir.finding import Finding, Path
from translator.ir.listener import Chain
from translator.ir.output import Packed
from translator.ir.quarantine import ROUTE, Poison, Quarantined
from translator.ir.route import Entry
from translator.ir.tables import CLUSTER, FAULTY, HELD, OUT_CLUSTER, OUT_ENDPOINTS, OUT_HELD, QUARANTINE, REFUSED

# Name, cluster, endpoints of one that is told them, and the TLS it speaks
UPSTREAM = Table[Use, tuple[str, Packed, Packed | None, BackendTLS | None]]("Upstream")


def refused_of(view: View, entry: Entry) -> Quarantined | None:
    """What proxies refused of the object that an entry is of."""
    return view.get(QUARANTINE, (ROUTE, names.owner(entry.name)))


def routes_served(view: View, poisons: Quarantined, framed: bytes) -> tuple[bytes, tuple[Poison, ...]]:
    """The routes of an entry, or what stands in for them. An older state is worth nothing where upstreams it names are gone."""
    verdict = judged_routes(poisons, framed)
    found = tuple(
        one if all(view.get(CLUSTER, use) is not None for use in one.uses) else structs.replace(one, good=b"") for one in verdict.found
    )
    return (found[0].good if found and not found[0].doubted else framed), found


def told_of_routes(entry: Entry, found: tuple[Poison, ...]) -> Facts:
    path: Path = (*entry.path, "matches", entry.precedence.match) if entry.path[1] == "rules" else entry.path
    for one in found:
        yield REFUSED(entry.origin, told(one, "this route", *entry.origin, path))
        yield HELD((ROUTE, names.owner(entry.name), one.digest), True)


def told_of_chains(rows: Sequence[Chain], verdict: Verdict) -> Iterator[Finding]:
    """To who asked for the filter chain that was refused, or for the port where all of it was."""
    for one in verdict.found:
        for row in rows:
            if not one.part or row.name == one.part:
                yield from (told(one, "this listener", kind, key, path) for kind, key, path in row.origins)


def told_of_ports(origins: Sequence[tuple[str, str, Path]], verdict: Verdict) -> Iterator[Finding]:
    """To who asked for a port of which all was refused."""
    return (told(one, "this listener", kind, key, path) for one in verdict.found for kind, key, path in origins)


def upstream_served(view: View, use: Use, name: str, cluster: bytes, members: bytes | None, tls: BackendTLS | None = None) -> Facts:
    """A cluster, and its endpoints if it is told them: as they are, or what stands in for what was refused.

    Where all endpoints were refused there are none: a cluster waits for some, and a request is answered 503.
    """
    made = judged(view.get(QUARANTINE, (OUT_CLUSTER.name, name)), cluster)
    for one in made.found:
        yield REFUSED((use.kind, use.key), told(one, "its cluster", use.kind, use.key))
    yield from held(OUT_CLUSTER, name, made)
    known = judged(view.get(QUARANTINE, (OUT_ENDPOINTS.name, name)), members, ENDPOINTS) if members is not None else None
    for one in known.found if known else ():
        yield FAULTY(use, (one.part, told(one, f"endpoint {one.part}" if one.part else "its endpoints", use.kind, use.key)))
    if known:
        yield from held(OUT_ENDPOINTS, name, known)
    if made.body:
        found = Packed(data(ClusterLoadAssignment(cluster_name=name)) if known.body is None else known.body) if known else None
        yield UPSTREAM(use, (name, Packed(made.body, (name,) if known else ()), found, tls))


def held(table: AnyTable, name: str, verdict: Verdict) -> Facts:
    for one in verdict.found:
        yield HELD((table.name, name, one.digest), True)


@rule(over=HELD, into=(OUT_HELD,))
def held_rule(_view: View, key: tuple[str, str, str]) -> Facts:
    """One row, however many groups are sent the same."""
    yield OUT_HELD(key, True)
