"""What Envoy would refuse, found before it is sent: one bad route makes Envoy throw away its whole RouteConfiguration.

Knows rows of the IR and Envoy's limits; no tables. Paths of findings lead into the object that the row comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

import re2

from protos.v3 import Message, Route, RouteMatch
from translator import filters
from translator.envoy_v3.validation import violations
from translator.ir.cluster import Cluster, Endpoint, Use
from translator.ir.finding import Finding, Path
from translator.ir.route import Entry, ExternalAuth, Filter, Forward, Headers, Redirect, Rewrite, Session

# Envoy's default of the runtime key `re2.max_program_size.error_level`; 1.40 holds to it, tried
MAX_PROGRAM_SIZE = 100
MAX_PIPE = 107  # bytes of a socket's path: sun_path holds 108 with its end
_OPTIONS = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1  # as Envoy compiles: over bytes, so that sizes agree
_OPTIONS.log_errors = False
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_OCTET = "(?:[1-9]?[0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
IPV4 = re.compile(rf"(?:{_OCTET}\.){{3}}{_OCTET}")
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 5.6.2

Problem = tuple[str, Path, str]  # code, where below the rule or match, message


def entry_findings(entry: Entry) -> Iterator[Finding]:
    """Nothing, or why this entry must be left out."""
    rule = entry.path
    match: Path = (*rule, "matches", entry.precedence.match)
    kind, key = entry.origin
    for base, problems in ((match, match_problems(entry)), (rule, action_problems(entry))):
        for code, path, message in problems:
            yield Finding(code=code, kind=kind, key=key, message=message, path=(*base, *path))


def rule_findings(entry: Entry, message: Route | RouteMatch) -> list[Finding]:
    return broken(message, *entry.origin, entry.path)


def broken(message: Message, kind: str, key: str, path: Path = ()) -> list[Finding]:
    """The rules of Envoy's API that a message breaks. Their paths are Envoy's, so `path` leads to what it is made of."""
    texts = [f"Envoy refuses {one.path}: {one.rule}" for one in violations(message)]
    return [Finding(code="PM0601", kind=kind, key=key, message=text, path=path) for text in texts]


def match_problems(entry: Entry) -> Iterator[Problem]:
    wanted = entry.match
    parts: list[tuple[Path, str, str, str]] = [(("path", "value"), wanted.path.kind, "", wanted.path.value)]
    parts += [(("headers", n, "value"), one.kind, one.name, one.value) for n, one in enumerate(wanted.headers)]
    parts += [(("queryParams", n, "value"), one.kind, "", one.value) for n, one in enumerate(wanted.query)]
    for path, kind, name, value in parts:
        if kind == "regex" and (fault := regex_fault(value)):
            yield "PM0602", path, fault
        if CONTROL.search(value):
            yield "PM0601", path, "the value holds a control character"
        if name and not TOKEN.fullmatch(name):
            yield "PM0601", (*path[:-1], "name"), f"{name!r} is no name of a header"


def action_problems(entry: Entry) -> Iterator[Problem]:
    for row in entry.filters:
        for message in filter_faults(row):
            yield "PM0601", ("filters",), message
    if isinstance(entry.action, Forward):
        for n, share in enumerate(entry.action.shares):
            for row in share.filters:
                for message in filter_faults(row):
                    yield "PM0601", ("backendRefs", n, "filters"), message


def filter_faults(row: Filter) -> Iterator[str]:
    match row:
        case Headers():
            for name in (*(name for name, _ in (*row.set, *row.add)), *row.remove):
                if not TOKEN.fullmatch(name) or name.lower() == "host":
                    yield f"the header {name!r} cannot be changed: Envoy allows tokens other than Host"
            yield from _control_faults(value for _, value in (*row.set, *row.add))
        case ExternalAuth():
            for name in (*row.headers, *row.returned):
                if not TOKEN.fullmatch(name):
                    yield f"{name!r} is no name of a header"
            yield from _control_faults((row.path,))
        case Session():
            if not TOKEN.fullmatch(row.name):
                yield f"{row.name!r} is no name of a {row.place}"
        case Redirect() | Rewrite():
            yield from _control_faults((row.hostname, row.path.value if row.path else ""))
        case _:
            return


def share_findings(entry: Entry) -> Iterator[Finding]:
    """Filters of a share that Envoy cannot do: the share answers 500, the rest of the route works."""
    if isinstance(entry.action, Forward):
        for n, share in enumerate(entry.action.shares):
            for m, row in enumerate(share.filters):
                if filters.cannot_share(row):
                    path: Path = (*entry.path, "backendRefs", n, "filters", m)
                    message = f"a {type(row).__name__.lower()} filter cannot act on one backend only; its share answers 500"
                    yield Finding(code="PM0604", kind=entry.origin[0], key=entry.origin[1], message=message, path=path)


def endpoint_faults(use: Use, cluster: Cluster, endpoints: Iterable[Endpoint]) -> dict[Endpoint, Finding]:
    """The endpoints that Envoy would refuse, and why: one of them costs all others of the response.

    All rules of its API about endpoints are here, in the terms of the row, and a test holds the messages to them: walking
    through each message costs more than making it, and endpoints change more often than all else.
    """
    named = cluster.discovery == "dns"
    return {one: _told(use, f"{one.address}: {fault}") for one in endpoints if (fault := endpoint_fault(one, named=named))}


def _told(use: Use, message: str) -> Finding:
    return Finding(code="PM0603", kind=use.kind, key=use.key, message=message)


def endpoint_fault(one: Endpoint, *, named: bool) -> str:
    if CONTROL.search(one.address):
        return "the address holds a control character"
    if not 0 <= one.weight < 2**32:
        return f"{one.weight} is no weight"
    if one.port == 0 and not named:
        return "" if 0 < len(one.address.encode()) <= MAX_PIPE else f"the path of a socket has 1 to {MAX_PIPE} bytes"
    if not 0 < one.port < 65536:
        return f"{one.port} is no port"
    if named:
        return "" if one.address else "a name is needed"
    return "" if _is_address(one.address) else "this is no IP address"


def regex_fault(pattern: str) -> str:
    """Why Envoy would refuse this regex, or nothing."""
    try:
        size = re2.compile(pattern.encode(), _OPTIONS).programsize
    except re2.error as error:
        return f"not a regular expression of RE2: {_said(error)}"
    except UnicodeEncodeError:
        return "not text"
    return f"the expression is too large: {size} instructions, Envoy takes {MAX_PROGRAM_SIZE}" if size > MAX_PROGRAM_SIZE else ""


def _said(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def _control_faults(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        if CONTROL.search(value):
            yield f"{value!r} holds a control character"


def _is_address(text: str) -> bool:
    """By a regex first: it knows nearly all of them, ten times as fast."""
    if IPV4.fullmatch(text):
        return True
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False
