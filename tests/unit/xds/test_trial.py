"""What is sent again after a refusal, and who is blamed: by resource, then by part."""

from __future__ import annotations

import pytest

from protos.v3 import Cluster, RouteConfiguration, Secret, TlsCertificate, data
from translator.ir.output import Packed
from translator.ir.tables import SERVED
from xds.kinds import CLUSTER, ROUTE, SECRET, VIRTUAL_HOST, Kind, Variant
from xds.snapshot import Resources, Snapshots
from xds.trial import Trial


def table(kind: Kind, **bodies: bytes) -> Resources:
    snapshots = Snapshots()
    out = next(one for one in SERVED if one.name == kind.table)
    snapshots.apply({(out, ("local", name)): Packed(body) for name, body in bodies.items()})
    return snapshots.of("local", kind)


def clusters(*names: str) -> Resources:
    return table(CLUSTER, **{name: data(Cluster(name=name)) for name in names})


def certificate(name: str) -> bytes:
    return data(Secret(name=name, tls_certificate=TlsCertificate(certificate_chain={"inline_bytes": b"chain"})))


def blamed(trial: Trial) -> list[tuple[str, str, str]]:
    return [(one.name, one.fault.part.name if one.fault.part else "", one.fault.message) for one in trial.verdicts()]


def wanted(_: str) -> bool:
    return True


def test_one_alone_is_the_cause() -> None:
    trial = Trial(clusters("a"))
    trial.refused(["a"], (), "no")
    assert blamed(trial) == [("a", "", "no")]
    assert not trial
    assert trial.alone


def test_halves_are_tried_and_the_rest_is_held() -> None:
    trial = Trial(clusters("a", "b"))
    trial.refused(["a", "b"], ("c",), "no")
    assert (trial.gone, trial.alone) == (("c",), False)
    first = trial.next(wanted)
    assert first is not None
    assert (first.names, first.instead) == (("a",), ())
    trial.accept()
    assert trial.gone == ()
    second = trial.next(wanted)
    assert second is not None
    assert second.names == ("b",)
    trial.refuse("still no")
    assert blamed(trial) == [("b", "", "still no")]
    assert trial.next(wanted) is None


def test_what_changed_since_is_tried_no_more() -> None:
    resources = clusters("a", "b")
    trial = Trial(resources)
    trial.refused(["a", "b"], (), "no")
    resources.put("a", Packed(data(Cluster(name="a", alt_stat_name="new"))), 2)
    attempt = trial.next(wanted)
    assert attempt is not None
    assert attempt.names == ("b",)


def test_resource_that_bears_the_name_of_another_is_the_cause_of_what_both_are_refused_for() -> None:
    """Sent by itself it would be accepted, and take the place of the other."""
    trial = Trial(table(CLUSTER, a=data(Cluster(name="a")), b=data(Cluster(name="b")), c=data(Cluster(name="a"))))
    trial.refused(["a", "b", "c"], (), "duplicate cluster a found")
    assert blamed(trial) == [("c", "", "duplicate cluster a found")]
    attempt = trial.next(wanted)
    assert attempt is not None
    assert attempt.names == ("a", "b"), "the others are sent again, all at once"
    trial.accept()
    assert trial.next(wanted) is None


def test_virtual_host_is_not_known_by_the_name_within() -> None:
    trial = Trial(table(VIRTUAL_HOST, **{"t/a": data(Cluster(name="a")), "t/b": data(Cluster(name="b"))}))
    trial.refused(["t/a", "t/b"], (), "no")
    assert blamed(trial) == []


@pytest.mark.parametrize("body", [b"", b"\xff", data(RouteConfiguration(name="t"))], ids=["empty", "no message", "without parts"])
def test_what_has_no_parts_is_blamed_as_a_whole(body: bytes) -> None:
    trial = Trial(table(ROUTE, t=body))
    trial.refused(["t"], (), "no")
    assert blamed(trial) == [("t", "", "no")]


def test_routes_are_tried_one_by_one_beside_what_was_accepted() -> None:
    made = RouteConfiguration(name="t")
    host = made.virtual_hosts.add(name="h", domains=["h"])
    host.routes.add(name="old", match={"prefix": "/old"})
    resources = table(ROUTE, t=data(made))
    resources.prove(resources.parts(Variant.DELTA, ("t",), ())[0])
    host.routes.add(name="bad", match={"prefix": "/bad"})
    resources.put("t", Packed(data(made)), 2)
    trial = Trial(resources)
    trial.refused(["t"], (), "no")
    attempt = trial.next(wanted)
    assert attempt is not None
    assert [route.name for route in RouteConfiguration.FromString(attempt.instead[0].body).virtual_hosts[0].routes] == ["old"]
    trial.accept()
    assert blamed(trial) == [("t", "bad", "no")]
    assert not trial


def test_secrets_are_tried_in_bytes_that_were_not_sent_before() -> None:
    """Envoy accepts without a look what it has seen before, even if it refused that."""
    resources = table(SECRET, s=certificate("s"), t=certificate("t"))
    trial, seen = Trial(resources), {one.body for one in resources.live.values()}
    trial.refused(["s", "t"], (), "no")
    while attempt := trial.next(wanted):
        for one in attempt.instead:
            assert one.body not in seen
            seen.add(one.body)
        trial.refuse("no")
    assert sorted(blamed(trial)) == [("s", "", "no"), ("t", "", "no")]
