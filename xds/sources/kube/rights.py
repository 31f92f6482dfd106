"""Rights that an API server says we lack: noted from its refusals, forgotten when a request that needs one succeeds. No I/O.

A refusal for want of a right says so in a form of its own; 403 is also what admission answers, for other reasons. Source:
k8s.io/apiserver, pkg/endpoints/handlers/responsewriters/errors.go, forbiddenMessage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from translator.ir.finding import Finding
from xds.sources.kube.wire import status

Right = tuple[str, str, str]  # API group, resource, verb
REFUSED = re.compile(r'cannot (\w+) resource "([^"]+)" in API group "([^"]*)"')
SHOWS = (404, 409, 422)  # rights are looked at first, so whoever gets to hear this has them
VERBS = {"POST": ("create",), "PUT": ("update",), "PATCH": ("patch",), "DELETE": ("delete",)}


class Rights:
    """`told` is called when `lacking` is another than before."""

    def __init__(self) -> None:
        self.lacking: set[Right] = set()
        self.told: Callable[[], None] = lambda: None

    def answered(self, method: str, path: str, code: int, body: bytes) -> None:
        """What came of a request."""
        if code == 403 and (right := _refused(body)):
            now = self.lacking | {right}
        elif self.lacking and (200 <= code < 300 or code in SHOWS):
            now = self.lacking - set(_shown(method, path, code))
        else:
            return
        if now != self.lacking:
            self.lacking = now
            self.told()

    def findings(self) -> list[Finding]:
        return [_finding(*one) for one in sorted(self.lacking)]


def _refused(body: bytes) -> Right | None:
    found = REFUSED.search(status(body).message)
    return (found[3], found[2], found[1]) if found else None


def _shown(method: str, path: str, code: int) -> Iterator[Right]:
    """Rights that we have if this succeeded. To apply is to patch, and where there was nothing yet, to create."""
    group, parts = _place(path)
    if not parts:
        return
    resource = "/".join([parts[0], *parts[2:3]])
    verbs = (("get",) if len(parts) > 1 else ("list",)) if method == "GET" else VERBS.get(method, ())
    yield from ((group, resource, verb) for verb in verbs)
    if method == "PATCH" and code == 201:
        yield group, resource, "create"


def _place(path: str) -> tuple[str, list[str]]:
    """The API group; and what stands below it and a namespace: resource, name, subresource."""
    root, *rest = path.strip("/").split("/")
    group, rest = (rest[0], rest[2:]) if root == "apis" else ("", rest[1:])
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        rest = rest[2:]
    return group, rest


def _finding(group: str, resource: str, verb: str) -> Finding:
    name = f"{resource}.{group}" if group else resource
    fix = f"allow {verb} of {name} to the service account; pointsman install applies the roles of this version"
    return Finding(code="PM0137", kind="", key=f"{verb} {name}", message=f"the API server does not let us {verb} {name}", fix=fix)
