"""A client that comes back in step is recognized as a whole; one that is not is answered as if nobody had looked."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER
from xds.kinds import CLUSTER
from xds.returning import InStep
from xds.snapshot import Snapshots
from xds.stream import Stream

VERSIONS = {f"default/svc-{number}/80": f"{number:016x}" for number in range(50)}


def request(versions: dict[str, str], **fields: object) -> DeltaDiscoveryRequest:
    """As a client of another language writes it: the entries of a map are in no order."""
    entries = list(versions.items())
    random.Random(len(entries)).shuffle(entries)
    said = DeltaDiscoveryRequest(type_url=CLUSTER.type_url, node=Node(id="n"), initial_resource_versions=dict(entries), **fields)
    return DeltaDiscoveryRequest.FromString(said.SerializeToString())


def test_versions_of_a_client_in_step_are_not_read_one_by_one() -> None:
    assert InStep(VERSIONS).held(request(VERSIONS, resource_names_subscribe=["*", "a"])) is VERSIONS


def test_one_that_comes_with_nothing_holds_nothing_even_if_there_is_nothing() -> None:
    assert InStep({}).held(request({}, resource_names_subscribe=["*"])) == {}


@given(st.dictionaries(st.sampled_from([*VERSIONS, "strange"]), st.sampled_from(["", "0" * 16, f"{7:016x}"])), st.booleans())
def test_what_a_client_holds_is_what_it_says(changes: dict[str, str], fewer: bool) -> None:
    said = {name: version for name, version in (VERSIONS | changes).items() if not fewer or name not in changes}
    assert InStep(VERSIONS).held(request(said)) == said


def test_every_state_of_the_type_has_its_own_comparison() -> None:
    """What was in step a moment ago is sent what changed since."""
    snapshots = Snapshots()
    snapshots.synced = True
    snapshots.apply({(OUT_CLUSTER, ("local", name)): Packed(b"1") for name in "abc"})
    held = dict(snapshots.of("local", CLUSTER).in_step.versions)

    def answer() -> list[str]:
        step = Stream(snapshots).receive(request(held).SerializeToString(), 0.0)
        return [one.name for data in step.responses for one in DeltaDiscoveryResponse.FromString(data).resources]

    assert answer() == []
    snapshots.apply({(OUT_CLUSTER, ("local", "b")): Packed(b"2")})
    assert answer() == ["b"]
