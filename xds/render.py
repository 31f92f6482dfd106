"""Envoy resources for people to read: as plain values, with their version and the objects they come from. Secrets are redacted."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.json_format import MessageToDict

from protos.v3 import Cluster, ClusterLoadAssignment, Listener, Message, RouteConfiguration, ScopedRouteConfiguration, Secret
from translator.engine import AnyTable, Engine
from translator.inputs import OBJECTS
from translator.ir import tables
from translator.ir.output import Packed, fingerprint

SECTIONS: dict[str, tuple[AnyTable, type[Message]]] = {
    "listeners": (tables.OUT_LISTENER, Listener),
    "routes": (tables.OUT_ROUTES, RouteConfiguration),
    "scopedRoutes": (tables.OUT_SCOPE, ScopedRouteConfiguration),
    "clusters": (tables.OUT_CLUSTER, Cluster),
    "endpoints": (tables.OUT_ENDPOINTS, ClusterLoadAssignment),
    "secrets": (tables.OUT_SECRET, Secret),
}

Item = tuple[str, AnyTable, tuple[str, str]]  # section, table, (view, name)


def items(engine: Engine, group: str, view: str) -> list[Item]:
    """Every resource that a proxy of this group is shown in this view, by section and name."""
    return [
        (section, table, key)
        for section, (table, _) in SECTIONS.items()
        for key in sorted(engine.rows(table))
        if key[0] == (view if table in (tables.OUT_LISTENER, tables.OUT_ROUTES, tables.OUT_SCOPE) else group)
    ]


def item(engine: Engine, section: str, table: AnyTable, key: tuple[str, str]) -> dict[str, Any] | None:
    """`{name, version, resource, from}`, or None where the resource has gone."""
    packed: Packed | None = engine.get(table, key)
    if packed is None:
        return None
    return {
        "name": key[1],
        "version": fingerprint(packed.body),
        "resource": plain(SECTIONS[section][1], packed.body),
        "from": sorted({f"{table.name} {name}" for table, name in engine.sources(table, key) if table.name in OBJECTS}),
    }


def everything(engine: Engine, group: str, view: str) -> dict[str, list[dict[str, Any]]]:
    """All sections at once; for those who have the engine to themselves."""
    found: dict[str, list[dict[str, Any]]] = {section: [] for section in SECTIONS}
    for section, table, key in items(engine, group, view):
        if one := item(engine, section, table, key):
            found[section].append(one)
    return found


def plain(kind: type[Message], body: bytes) -> dict[str, Any]:
    """The message as JSON has it, in the field names of Envoy's documentation."""
    message = kind.FromString(body)
    if isinstance(message, Secret):
        return {"name": message.name, "redacted": list(_fingerprints(message))}
    found: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    return found


def _fingerprints(secret: Secret) -> Iterator[dict[str, str]]:
    """What may be told of a secret: a hash, and when its certificates end."""
    chain, key = secret.tls_certificate.certificate_chain.inline_bytes, secret.tls_certificate.private_key.inline_bytes
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError:
        certificates = []
    for certificate in certificates:
        yield {
            "certificate_sha256": sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
            "not_after": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    if key:
        yield {"private_key_sha256": sha256(key).hexdigest()}
