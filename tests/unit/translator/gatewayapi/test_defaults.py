"""Claims about default Gateways: whose routes come to them, and what happens when there is another or none."""

from __future__ import annotations

from tests.objects import changes, objects
from translator.engine import Engine
from translator.gatewayapi.tables import ROUTE_ON
from translator.ir.output import Group
from translator.ir.tables import GROUP, OUT_STATUS
from translator.program import engine as new_engine

CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: c}
spec: {controllerName: pointsman.io/gateway-controller}
"""
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: NAME}
spec: {gatewayClassName: CLASS, defaultScope: SCOPE, listeners: [{name: web, port: PORT, protocol: HTTP}]}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec: {useDefaultGateways: SCOPE, rules: [{}]}
"""


def gateway(name: str, scope: str, port: int = 80, of: str = "c") -> str:
    return GATEWAY.replace("NAME", name).replace("SCOPE", scope).replace("PORT", str(port)).replace("CLASS", of)


def world(*texts: str) -> Engine:
    engine = new_engine()
    engine.apply([(GROUP, "local", Group()), *(one for text in (CLASS, *texts) for one in changes(objects(text)))])
    assert engine.failures == {}
    return engine


def parents(engine: Engine) -> list[str]:
    found = engine.rows(OUT_STATUS).get(("HTTPRoute", "default/r"))
    return [one.parent_ref.name for one in found[0].parents] if found else []


def test_route_that_wants_them_is_that_of_every_default_gateway_and_of_no_other() -> None:
    engine = world(
        gateway("a", "All"),
        gateway("b", "All", 81),
        gateway("c", "None", 82),
        gateway("d", "All", 83, of="other"),
        ROUTE.replace("SCOPE", "All"),
    )
    assert parents(engine) == ["a", "b"]
    assert engine.rows(ROUTE_ON).keys() == {"default/a/web", "default/b/web"}


def test_route_that_wants_none_has_none() -> None:
    assert parents(world(gateway("a", "All"), ROUTE.replace("SCOPE", "None"))) == []
    assert parents(world(gateway("a", "All"), ROUTE.replace("useDefaultGateways: SCOPE, ", ""))) == []


def test_route_follows_when_another_gateway_becomes_the_default() -> None:
    engine = world(gateway("a", "All"), ROUTE.replace("SCOPE", "All"))
    engine.apply([one for text in (gateway("a", "None"), gateway("b", "All", 81)) for one in changes(objects(text))])
    assert parents(engine) == ["b"]
    assert "DefaultGateway" not in [one.type for one in engine.rows(OUT_STATUS)["Gateway", "default/a"][0].conditions]
    assert "DefaultGateway" in [one.type for one in engine.rows(OUT_STATUS)["Gateway", "default/b"][0].conditions]
