"""A Sandbox as a document, from what was typed. Knows no place to put it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
API = "pointsman.io/v1alpha1"


class Misspelled(Exception):  # noqa: N818 - an answer to who typed it, not a failure of ours
    """What was typed says nothing."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """`services` are `checkout=checkout-alice`, with `:port` behind the target or `backend/` in front of either where it takes that."""

    name: str
    namespace: str = "default"
    services: tuple[str, ...] = ()
    key: str = ""
    ttl: str = ""
    labels: tuple[str, ...] = ()
    api: str = API


def sandbox(wish: Wish, now: str) -> Json:
    """`now` is when it is created, as RFC 3339 has it: in a folder nobody else says so."""
    spec: Json = {"routingKey": wish.key} if wish.key else {}
    if wish.ttl:
        spec["ttl"] = {"duration": wish.ttl}
    spec["services"] = [service(one) for one in wish.services]
    metadata: Json = {"name": wish.name, "namespace": wish.namespace, "creationTimestamp": now}
    if wish.labels:
        metadata["labels"] = dict(pairs(wish.labels))
    return {"apiVersion": wish.api, "kind": "Sandbox", "metadata": metadata, "spec": spec}


def service(text: str) -> Json:
    """`checkout=checkout-alice`, `checkout=checkout-alice:8080`, `checkout=backend/laptop`, `backend/legacy=backend/laptop`."""
    changed, sign, target = text.partition("=")
    (of, before, name), (kind, slash, rest) = changed.rpartition("/"), target.rpartition("/")
    to, colon, port = rest.partition(":")
    kinds = {of if before else "backend", kind if slash else "backend"}
    if not (name and sign and to) or kinds != {"backend"} or (colon and not port.isdecimal()):
        raise Misspelled(f"--service {text}: write SERVICE=TARGET or SERVICE=TARGET:PORT, and backend/NAME for what is a Backend")
    ref: Json = {"kind": "Backend", "name": to} if slash else {"name": to}
    return {"name": name, **({"kind": "Backend"} if before else {}), "targetRef": ref | ({"port": int(port)} if colon else {})}


def pairs(texts: Iterable[str]) -> list[tuple[str, str]]:
    """`team=web`."""
    found = [(name, value) for name, sign, value in (text.partition("=") for text in texts) if name and sign]
    if len(found) != len(list(texts)):
        raise Misspelled("--label: write NAME=VALUE")
    return found
