"""A Gateway is programmed when its proxies have acknowledged it, where the process says that it knows."""

from __future__ import annotations

from tests.objects import changes, objects
from translator.engine import Engine
from translator.ir.output import Awaited, Group, Status
from translator.ir.tables import ACKED, GROUP, OUT_AWAITED, OUT_FINDINGS, OUT_STATUS
from translator.program import engine

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
EDGE = ("Gateway", "default/edge")


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


def acknowledge(of: Engine) -> None:
    row = awaited(of)
    assert row is not None
    of.apply([(ACKED, EDGE, row.revision)])


def programmed(of: Engine) -> dict[str, tuple[bool, str]]:
    """Of the Gateway, by an empty name, and of its listeners."""
    status = of.get(OUT_STATUS, EDGE)
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
