"""Entries of a delta response, read by the generated message."""

from __future__ import annotations

from protos.v3 import DeltaDiscoveryResponse, DiscoveryResponse, Resource
from xds import entries

URL = "type.googleapis.com/t"


def read(data: bytes) -> Resource:
    (one,) = DeltaDiscoveryResponse.FromString(data).resources
    return one


def test_entry_says_all_of_a_resource() -> None:
    one = read(entries.head("n", "v", entries.extras(("a", "b"), 300), entries.tail(URL, 4), 4) + b"body")
    assert (one.name, one.version, list(one.aliases), one.ttl.seconds) == ("n", "v", ["a", "b"], 300)
    assert (one.resource.type_url, one.resource.value) == (URL, b"body")


def test_end_of_an_entry_is_a_resource_of_the_other_variant() -> None:
    (one,) = DiscoveryResponse.FromString(entries.tail(URL, 4) + b"body").resources
    assert (one.type_url, one.value) == (URL, b"body")


def test_heartbeat_has_name_version_and_lifetime_and_no_resource() -> None:
    one = read(entries.alive("n", "v", 5))
    assert (one.name, one.version, one.ttl.seconds, one.HasField("resource")) == ("n", "v", 5, False)


def test_what_does_not_exist_is_an_alias_of_nothing() -> None:
    one = read(entries.nothing("r/host"))
    assert (one.name, list(one.aliases), one.version, one.HasField("resource")) == ("r/host", ["r/host"], "", False)


def test_plain_resource_has_no_extras() -> None:
    assert entries.extras((), 0) == b""
