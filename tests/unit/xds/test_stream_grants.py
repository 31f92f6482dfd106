"""What an identity changes on a stream: node, group, names. The rest of the protocol is tests/streams."""

from __future__ import annotations

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node
from tests.certificates import EDGE
from translator.ir.output import Packed
from translator.ir.tables import OUT_CLUSTER, OUT_SECRET
from xds.events import Step, Withheld
from xds.kinds import CLUSTER, SECRET, Kind, Variant
from xds.security.access import ANYBODY, Grant, Limits
from xds.snapshot import LOOKED_FOR, Snapshots
from xds.stream import AGENT, Stream, agent


def snapshots() -> Snapshots:
    found = Snapshots()
    found.apply(
        {
            (OUT_CLUSTER, ("infra/edge", "mine")): Packed(b"1"),
            (OUT_CLUSTER, ("shop/inner", "theirs")): Packed(b"2"),
            (OUT_SECRET, ("infra/edge", "mine")): Packed(b"3"),
            (OUT_SECRET, ("shop/inner", "theirs")): Packed(b"4"),
        }
    )
    found.synced = True
    return found


def asked(stream: Stream, kind: Kind, *names: str, node: str = "infra/edge/pod", cluster: str = "") -> Step:
    request = DeltaDiscoveryRequest(node=Node(id=node, cluster=cluster), type_url=kind.type_url, resource_names_subscribe=names)
    return stream.receive(request.SerializeToString(), 0.0)


def answered(step: Step) -> tuple[set[str], set[str]]:
    """Names sent and names said to be absent."""
    responses = [DeltaDiscoveryResponse.FromString(one) for one in step.responses]
    return {r.name for one in responses for r in one.resources}, {name for one in responses for name in one.removed_resources}


def edge(limits: Limits | None = None) -> Stream:
    return Stream(snapshots(), Variant.DELTA, "", Grant(EDGE, limits=limits))


def test_identity_is_given_the_resources_of_its_gateway_whatever_group_it_names() -> None:
    for cluster in ("", "local", "infra/edge", "shop/inner", "nowhere"):
        assert answered(asked(edge(), CLUSTER, cluster=cluster)) == ({"mine"}, set())


def test_name_of_another_is_answered_like_one_that_does_not_exist() -> None:
    for kind in (CLUSTER, SECRET):
        assert answered(asked(edge(), kind, "mine", "theirs", "nowhere")) == ({"mine"}, {"theirs", "nowhere"})
        assert answered(asked(edge(), kind, "theirs")) == (set(), {"theirs"})
        assert answered(asked(edge(), kind, "nowhere")) == (set(), {"nowhere"})


def test_name_of_another_is_told_to_the_operator_and_to_nobody_else() -> None:
    step = asked(edge(), SECRET, "mine", "theirs", "nowhere")
    [withheld] = [event for event in step.events if isinstance(event, Withheld)]
    assert (withheld.type_url, withheld.names) == (SECRET.type_url, ("theirs",))


def test_operator_is_told_of_some_where_very_many_are_asked_for() -> None:
    """Each name that is not the client's own is looked for in every group: a hundred are enough."""
    step = asked(edge(), SECRET, "theirs", *(f"a{number}" for number in range(500)))
    assert len([event for event in step.events if isinstance(event, Withheld)]) <= 1
    it = snapshots()
    assert it.elsewhere("infra/edge", SECRET, [*(f"a{number}" for number in range(LOOKED_FOR - 1)), "theirs"]) == ("theirs",)
    assert it.elsewhere("infra/edge", SECRET, [*(f"a{number}" for number in range(LOOKED_FOR)), "theirs"]) == ()


def test_wildcard_shows_secrets_of_the_own_group_only() -> None:
    assert answered(asked(edge(), SECRET, "*")) == ({"mine"}, set())


def test_node_of_another_gateway_is_refused() -> None:
    step = asked(edge(), CLUSTER, node="shop/inner/pod")
    assert step.close
    assert step.close.code == "PERMISSION_DENIED"
    assert step.responses == ()


def test_more_names_than_an_identity_may_ask_for_end_the_stream() -> None:
    step = asked(edge(Limits(names=3)), CLUSTER, *"abcd")
    assert step.close
    assert step.close.code == "RESOURCE_EXHAUSTED"
    assert step.responses == ()
    assert asked(edge(Limits(names=3)), CLUSTER, *"abc").close is None


def test_without_an_identity_there_is_no_limit_and_nothing_is_withheld() -> None:
    step = asked(Stream(snapshots(), Variant.DELTA, "", ANYBODY), CLUSTER, *map(str, range(1000)), node="anything")
    assert step.close is None
    assert not [event for event in step.events if isinstance(event, Withheld)]


def test_what_a_client_says_of_its_program_can_be_shown() -> None:
    node = Node(id="n", user_agent_name="envoy\x1b[2J" + "x" * 1000, user_agent_version="1\n2")
    assert agent(node) == "envoy[2J" + "x" * (AGENT - 9) + " 12"
