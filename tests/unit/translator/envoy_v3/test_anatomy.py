"""Resources taken apart and joined: the same bytes, with other parts, with fewer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protos.v3 import ClusterLoadAssignment, Listener, RouteConfiguration, data, unframed
from translator.envoy_v3.anatomy import CHAINS, ENDPOINTS, ROUTES, cut, joined


def table(hosts: dict[str, dict[str, str]]) -> bytes:
    made = RouteConfiguration(name="t", ignore_port_in_host_matching=True)
    for host, routes in hosts.items():
        one = made.virtual_hosts.add(name=host, domains=[host])
        for route, path in routes.items():
            one.routes.add(name=route, match={"path": path}, direct_response={"status": 200})
    return data(made)


def assignment(*ports: int) -> bytes:
    made = ClusterLoadAssignment(cluster_name="c")
    group = made.endpoints.add()
    for port in ports:
        group.lb_endpoints.add(endpoint={"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}})
    return data(made)


def listener(**chains: str) -> bytes:
    made = Listener(name="l", address={"socket_address": {"address": "127.0.0.1", "port_value": 1}})
    for name, prefix in chains.items():
        made.filter_chains.add(name=name, filter_chain_match={"server_names": [prefix]})
    return data(made)


OLD = {"a": {"r": "/1", "s": "/1"}, "b": {"t": "/1"}}
NEW = {"a": {"r": "/2", "s": "/1", "u": "/2"}, "c": {"v": "/2"}}


def names(body: bytes) -> dict[str, dict[str, str]]:
    made = RouteConfiguration.FromString(body)
    return {host.name: {route.name: route.match.path for route in host.routes} for host in made.virtual_hosts}


@pytest.mark.parametrize(
    ("form", "body"),
    [(ROUTES, table(OLD)), (ROUTES, table({})), (ENDPOINTS, assignment(1, 2, 3)), (ENDPOINTS, assignment())],
)
def test_all_parts_joined_are_the_same_bytes(form: object, body: bytes) -> None:
    whole = cut(form, body)  # type: ignore[arg-type]
    assert joined(whole, whole.digests(), None) == body


def test_listener_keeps_its_fields_and_the_chains_that_are_allowed() -> None:
    whole = cut(CHAINS, listener(a="1", b="2"))
    allowed = {part.digest for part in whole.parts() if part.name == "b"}
    made = Listener.FromString(joined(whole, allowed, None))
    assert (made.name, made.address.socket_address.port_value, [chain.name for chain in made.filter_chains]) == ("l", 1, ["b"])


def test_part_that_is_not_allowed_is_as_it_was_or_not_there() -> None:
    old, new = cut(ROUTES, table(OLD)), cut(ROUTES, table(NEW))
    assert names(joined(new, old.digests(), old)) == {"a": {"r": "/1", "s": "/1"}}
    heads = {group.head.digest for group in new.groups()}
    assert names(joined(new, heads, None)) == {"a": {}, "c": {}}
    assert names(joined(new, new.digests(), old)) == NEW


def test_parts_say_their_names() -> None:
    assert [part.name for part in cut(ROUTES, table(OLD)).parts()] == ["a", "r", "s", "b", "t"]
    assert [part.name for part in cut(ENDPOINTS, assignment(80, 70_000)).parts()] == ["127.0.0.1:80", "127.0.0.1:70000"]
    assert [part.name for part in cut(CHAINS, listener(https="x")).parts()] == ["https"]


def test_socket_is_named_by_its_path() -> None:
    made = ClusterLoadAssignment(cluster_name="c")
    made.endpoints.add().lb_endpoints.add(endpoint={"address": {"pipe": {"path": "/run/x"}}})
    assert [part.name for part in cut(ENDPOINTS, data(made)).parts()] == ["/run/x"]


def test_part_that_is_no_message_has_a_name_as_well() -> None:
    body = b"\x12\x04\x1a\x02\xff\xff"  # a virtual host with a route of two bytes that say nothing
    (part,) = (part for part in cut(ROUTES, body).parts() if part.body == b"\xff\xff")
    assert part.name == part.digest


@pytest.mark.parametrize("body", [b"\x12\x05ab", b"\xff", b"\x0f", b"\x09\x00", b"\x80" * 12])
def test_what_is_no_message_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"a field ends|a number without|wire type"):
        cut(ROUTES, body)


@given(st.binary(max_size=60))
def test_fields_joined_are_the_message(body: bytes) -> None:
    try:
        fields = list(unframed(body))
    except ValueError:
        return
    assert b"".join(whole for _, whole, _ in fields) == body
