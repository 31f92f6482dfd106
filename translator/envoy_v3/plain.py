"""Entries and endpoints that Envoy can find nothing wrong with, as bytes without a message: nearly all there are.

What is written here is what protobuf would write for `route.fill_match`, `route.fill_action` and `cluster.assignment`, which
property tests hold; whatever is not plain goes there. Fields are named by their numbers in the API of Envoy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from protos.v3 import SocketAddress, data, framed
from translator.envoy_v3.checks import CONTROL, IPV4, TOKEN
from translator.envoy_v3.route import joined
from translator.ir.cluster import Endpoint
from translator.ir.route import Answer, Entry, Forward, Match, Share, TextMatch

PATH, HEADERS, PATH_SEPARATED_PREFIX = 2, 6, 14  # of RouteMatch
NAME, STRING_MATCH = 1, 13  # of HeaderMatcher
EXACT = 1  # of StringMatcher
ROUTE = 2  # of Route
CLUSTER, TIMEOUT = 1, 8  # of RouteAction
CLUSTER_NAME, ENDPOINTS = 1, 2  # of ClusterLoadAssignment
_PREFIX = re.compile("/[^?#]*[^?#/]/*")  # RouteMatch.path_separated_prefix, once its trailing slashes are cut
_ROOT = framed(1, b"/")  # RouteMatch.prefix: the other has no name for it
_NO_TIMEOUT = framed(TIMEOUT, b"")


def plain_route(entry: Entry) -> bytes | None:
    """The route of an entry, framed for its virtual host; None where a message must be made and looked at."""
    if entry.filters:
        return None
    action, match = plain_action(entry.action), plain_match(entry.match)
    return None if action is None or match is None else joined(entry.name, match, action)


def plain_match(wanted: Match) -> bytes | None:
    """A RouteMatch of an exact path or prefix with exact headers; None for any other, and for what holds odd characters."""
    path, value = wanted.path, wanted.path.value
    if wanted.query or CONTROL.search(value) or not all(map(_is_plain, wanted.headers)):
        return None
    if path.kind == "exact":
        body = framed(PATH, value.encode())
        after = b""
    elif path.kind == "prefix" and _PREFIX.fullmatch(value):
        body, after = b"", framed(PATH_SEPARATED_PREFIX, value.rstrip("/").encode())
    elif path.kind == "prefix" and value == "/":
        body, after = _ROOT, b""
    else:
        return None
    if wanted.method:
        body += _header(":method", wanted.method)
    for one in wanted.headers:
        body += _header(one.name, one.value)
    return body + after


def plain_action(wanted: Forward | Answer) -> bytes | None:
    """Of a Route without filters, what hands all to one cluster without a time limit; None for any other."""
    if not isinstance(wanted, Forward) or len(wanted.shares) != 1:
        return None
    cluster = wanted.shares[0].cluster
    if not cluster or wanted != Forward(shares=(Share(cluster=cluster),)):  # whatever else it may come to say
        return None
    return framed(ROUTE, framed(CLUSTER, cluster.encode()) + _NO_TIMEOUT)


def _is_plain(header: TextMatch) -> bool:
    return header.kind == "exact" and TOKEN.fullmatch(header.name) is not None and not CONTROL.search(header.value)


def _header(name: str, value: str) -> bytes:
    return framed(HEADERS, framed(NAME, name.encode()) + framed(STRING_MATCH, framed(EXACT, value.encode())))


def plain_assignment(name: str, endpoints: Iterable[Endpoint]) -> bytes | None:
    """A ClusterLoadAssignment of healthy IPv4 addresses with equal shares; None for any other."""
    members = []
    for one in endpoints:
        if one.weight != 1 or one.health != "healthy" or not 0 < one.port < 65536 or not IPV4.fullmatch(one.address):
            return None
        members.append(_member(one.address.encode(), one.port))
    body = framed(CLUSTER_NAME, name.encode())
    return body + framed(ENDPOINTS, b"".join(members)) if members else body


def _member(address: bytes, port: int) -> bytes:
    """An LbEndpoint among LocalityLbEndpoints, its Endpoint, its Address and the SocketAddress in it: all are short."""
    socket = b"\x12%c%b%b" % (len(address), address, _port(port))
    size = len(socket)
    return b"\x12%c\x0a%c\x0a%c\x0a%c%b" % (size + 6, size + 4, size + 2, size, socket)


@lru_cache(maxsize=1024)
def _port(number: int) -> bytes:
    return data(SocketAddress(port_value=number))
