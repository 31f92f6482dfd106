"""A Gateway is programmed when its proxies have acknowledged it, where the process says that it knows."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.objects import changes, decoded, objects, secret_data
from translator.engine import Engine
from translator.ir.output import Awaited, Group, Status
from translator.ir.tables import ACKED, GROUP, OUT_AWAITED, OUT_FINDINGS, OUT_STATUS, UNFOLLOWED
from translator.program import engine

GOLDEN = Path(__file__).parents[3] / "golden" / "base"
CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
"""
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge, generation: {generation}, labels: {{a: "{label}"}}}}
spec:
  gatewayClassName: pointsman
  listeners:
  - {{name: one, port: {port}, protocol: HTTP}}
  - {{name: same, port: {port}, protocol: HTTP, hostname: a.example}}
  - {{name: odd, port: 9000, protocol: SCTP}}
"""
SECURE = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, generation: 2}
spec:
  gatewayClassName: pointsman
  allowedListeners: {namespaces: {from: Same}}
  listeners:
  - {name: one, port: 80, protocol: HTTP}
  - {name: tls, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: pair}]}}
"""
SET = """
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: more}
spec:
  parentRef: {name: edge}
  listeners: [{name: late, port: 8082, protocol: HTTP}]
"""
WORDS = yaml.safe_load((GOLDEN / "pair.yaml").read_text())["stringData"]
PAIR = {
    "kind": "Secret",
    "metadata": {"name": "pair"},
    "data": secret_data(**{one.replace(".", "_"): WORDS[one].encode() for one in WORDS}),
}
EDGE, MORE = ("Gateway", "default/edge"), ("ListenerSet", "default/more")


def gateway(port: int = 80, generation: int = 1, label: str = "") -> str:
    return GATEWAY.format(port=port, generation=generation, label=label)


def world(*, awaits: bool = True) -> Engine:
    of = engine()
    of.apply([(GROUP, "local", Group(awaits=awaits)), *changes(objects(CLASS + "---" + gateway()))])
    return of


def apply(of: Engine, text: str) -> None:
    of.apply(changes(objects(text)))


def awaited(of: Engine) -> Awaited | None:
    return of.get(OUT_AWAITED, EDGE)


def acknowledge(of: Engine, *but: str) -> None:
    """All that is awaited, but for listeners of these names."""
    rows = {key: rows[0] for key, rows in of.rows(OUT_AWAITED).items() if key[1].rpartition("/")[2] not in but}
    of.apply([(ACKED, key, row.revision) for key, row in rows.items()])


def programmed(of: Engine, key: tuple[str, str] = EDGE) -> dict[str, tuple[bool, str]]:
    """Of the Gateway, by an empty name, and of its listeners."""
    status = of.get(OUT_STATUS, key)
    assert isinstance(status, Status)
    levels = {"": status.conditions} | {one.name: one.conditions for one in status.listeners}
    return {name: (one.status, one.reason) for name, those in levels.items() for one in those if one.type == "Programmed"}


def test_what_must_be_acknowledged_is_told_by_group_and_listener() -> None:
    row = awaited(world())
    assert row is not None
    assert (row.group, row.listeners) == ("local", ("local/80", "local/9000"))


def test_gateway_and_listeners_are_pending_until_it_is_acknowledged() -> None:
    of = world()
    assert programmed(of) == {"": (False, "Pending"), "one": (False, "Pending"), "same": (False, "Pending"), "odd": (False, "Invalid")}
    acknowledge(of)
    assert programmed(of) == {
        "": (True, "Programmed"),
        "one": (True, "Programmed"),
        "same": (True, "Programmed"),
        "odd": (False, "Invalid"),
    }


def test_change_of_the_spec_is_pending_again_and_a_label_is_not() -> None:
    of = world()
    acknowledge(of)
    apply(of, gateway(label="x"))
    assert programmed(of)["one"] == (True, "Programmed")
    apply(of, gateway(port=81, generation=2))
    assert programmed(of)["one"] == (False, "Pending")
    acknowledge(of)
    assert programmed(of)["one"] == (True, "Programmed")
    apply(of, gateway(port=80, generation=3))
    assert programmed(of)["one"] == (False, "Pending")


def test_each_listener_waits_for_its_own() -> None:
    of = world()
    acknowledge(of, "same")
    assert programmed(of) == {"": (True, "Programmed"), "one": (True, "Programmed"), "same": (False, "Pending"), "odd": (False, "Invalid")}


def test_listener_that_comes_later_waits_and_holds_up_no_other() -> None:
    """Its certificate was missing: the Gateway says what it said, so only what is new is awaited."""
    of = world()
    apply(of, SECURE)
    acknowledge(of)
    assert programmed(of)["tls"] == (False, "Invalid")
    of.apply(changes([decoded(PAIR)]))
    assert programmed(of) == {"": (True, "Programmed"), "one": (True, "Programmed"), "tls": (False, "Pending")}
    acknowledge(of)
    assert programmed(of)["tls"] == (True, "Programmed")


def test_gateway_waits_for_listeners_of_its_sets() -> None:
    of = world()
    apply(of, SECURE)
    acknowledge(of)
    apply(of, SET)
    row = awaited(of)
    assert row is not None
    assert "local/8082" in row.listeners
    assert programmed(of)[""] == programmed(of, MORE)[""] == (False, "Pending")
    assert programmed(of)["one"] == (True, "Programmed")
    acknowledge(of, "late")
    assert programmed(of)[""] == (True, "Programmed"), "as one of its listeners is"
    assert programmed(of, MORE) == {"": (False, "Pending"), "late": (False, "Pending")}
    acknowledge(of)
    assert programmed(of, MORE) == {"": (True, "Programmed"), "late": (True, "Programmed")}


def test_set_that_waits_is_accepted() -> None:
    of = world()
    apply(of, SECURE)
    apply(of, SET)
    status = of.get(OUT_STATUS, MORE)
    assert isinstance(status, Status)
    assert ("Accepted", True) in {(one.type, one.status) for one in status.conditions}


def test_pending_is_no_fault_and_everything_else_is_said_at_once() -> None:
    of = world()
    pending, findings = of.get(OUT_STATUS, EDGE), of.rows(OUT_FINDINGS)
    acknowledge(of)
    after = of.get(OUT_STATUS, EDGE)
    assert isinstance(pending, Status)
    assert isinstance(after, Status)
    assert of.rows(OUT_FINDINGS) == findings
    assert [one for one in pending.conditions if one.type != "Programmed"] == [one for one in after.conditions if one.type != "Programmed"]
    assert pending.generation == after.generation == 1


def test_where_nobody_knows_what_proxies_have_it_is_programmed_when_it_is_translated() -> None:
    of = world(awaits=False)
    assert awaited(of) is None
    assert programmed(of)["one"] == (True, "Programmed")


def test_nothing_is_awaited_of_a_gateway_that_goes() -> None:
    of = world()
    (change,) = changes(objects(gateway()))
    of.apply([(change[0], change[1], None)])
    assert awaited(of) is None


def test_class_says_which_kinds_of_a_cluster_are_not_followed_and_nothing_of_files() -> None:
    def said() -> dict[str, tuple[bool, str, str]]:
        status = one.get(OUT_STATUS, ("GatewayClass", "pointsman"))
        assert status is not None
        return {each.type: (each.status, each.reason, each.message) for each in status.conditions}

    one = engine()
    one.apply(changes(objects(CLASS)))
    assert list(said()) == ["Accepted"]
    one.apply([(UNFOLLOWED, "", ("KindForbidden", "secrets is forbidden"))])
    assert said()["pointsman.io/KindsFollowed"] == (False, "KindForbidden", "secrets is forbidden")
    assert said()["Accepted"][0], "what is followed is served"
    one.apply([(UNFOLLOWED, "", ("", ""))])
    assert said()["pointsman.io/KindsFollowed"] == (True, "AllFollowed", "")
    one.apply([(UNFOLLOWED, "", None)])
    assert list(said()) == ["Accepted"]
