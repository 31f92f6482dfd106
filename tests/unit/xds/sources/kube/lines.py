"""What an API server would send, made by hand for tests of the book-keeping: objects, events, pages, errors."""

from __future__ import annotations

from typing import Any

import msgspec

from xds import crds
from xds.sources.kube.kinds import Watched, watched
from xds.sources.kube.reflector import Reflector, Request, Wait

KINDS: dict[str, Watched] = {kind.name: kind for kind in watched(crds.shipped())}
ROUTE, NAMESPACE, SECRET = KINDS["HTTPRoute"], KINDS["Namespace"], KINDS["Secret"]


def reflector(kind: Watched = ROUTE, hold: float = 300.0) -> Reflector:
    return Reflector(kind, lambda: 0.5, hold=hold)


def document(name: str, version: int = 1, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "default", "resourceVersion": str(version)}, **more}


def route(name: str, version: int = 1, host: str = "a.example") -> dict[str, Any]:
    return document(name, version, spec={"hostnames": [host]})


def line(what: str, body: Any) -> bytes:
    return msgspec.json.encode({"type": what, "object": body}) + b"\n"


def bookmark(version: int, *, ends_list: bool = False) -> bytes:
    annotations = {"k8s.io/initial-events-end": "true"} if ends_list else {}
    return line("BOOKMARK", {"metadata": {"resourceVersion": str(version), "annotations": annotations}})


def error(code: int, message: str = "no") -> bytes:
    return line("ERROR", status(code, message))


def status(code: int, message: str = "no", **more: Any) -> dict[str, Any]:
    return {"kind": "Status", "code": code, "reason": "Because", "message": message, **more}


def body(value: Any) -> bytes:
    return msgspec.json.encode(value)


def page(version: int, *items: dict[str, Any], next_: str = "") -> bytes:
    return body({"metadata": {"resourceVersion": str(version), "continue": next_}, "items": list(items)})


def asked(one: Reflector, now: float = 0.0) -> Request:
    request = one.request(now)
    assert isinstance(request, Request), request
    return request


def waits(one: Reflector, now: float = 0.0) -> float | None:
    wait = one.request(now)
    assert isinstance(wait, Wait), wait
    return wait.until


def listed(one: Reflector, *documents: dict[str, Any], version: int = 10, now: float = 0.0) -> None:
    """A whole streaming list, which the reflector must want."""
    assert "sendInitialEvents" in asked(one, now).query
    one.accepted(now)
    one.feed(b"".join(line("ADDED", each) for each in documents) + bookmark(version, ends_list=True), now)


def told(one: Reflector, now: float = 0.0) -> dict[str, bool]:
    """Keys of what changed, and whether each is there."""
    return {change.key: change.object is not None for change in one.take(now)}
