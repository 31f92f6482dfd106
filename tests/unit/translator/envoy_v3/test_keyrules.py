"""Claims about what the native module is told of keys: a resource for each, and nothing else changed."""

from __future__ import annotations

from protos.v3 import DynamicModuleClusterSpecifier, RouteConfiguration, ScopedRouteConfiguration, StringValue
from tests.unit.translator.envoy_v3.test_keyed import FORKS, keyed
from tests.unit.translator.envoy_v3.world import World
from translator.ir.keys import KeyHost, KeyRule, KeyRules
from translator.ir.tables import KEY_HOST, KEY_RULES, OUT_ROUTES, OUT_SCOPE

KEY = ("local", "shop/g/alice")
RULES = KeyRules(f"{FORKS}alice", (KeyRule(prefixes=("/a", "/b"), headers=(("v", "2"),), weight=30), KeyRule(exact=("/x",))))


def told(world: World, name: str) -> list[str]:
    (route,) = RouteConfiguration.FromString(world.body(OUT_ROUTES, name)).virtual_hosts[0].routes
    extension = DynamicModuleClusterSpecifier.FromString(route.route.inline_cluster_specifier_plugin.extension.typed_config.value)
    assert extension.specifier_name == "rules"
    return StringValue.FromString(extension.specifier_config.value).value.splitlines()


def test_rules_of_a_key_are_one_resource_of_their_own() -> None:
    world = World(*keyed())
    changed = world.change((KEY_RULES, KEY, RULES), (KEY_HOST, KEY, KeyHost("shop/g", "a.example", "alice")))
    assert set(changed) == {(OUT_ROUTES, ("local", "keys/shop/g/alice")), (OUT_SCOPE, ("local", "keys/shop/g/alice"))}
    assert told(world, "keys/shop/g/alice") == [
        f"fork={FORKS}alice",
        "rule=30",
        "path=/a",
        "path=/b",
        "header=v 2",
        "rule=100",
        "exact=/x",
        "host=shop/g a.example alice",
    ]


def test_scope_of_rules_is_none_that_a_request_can_have() -> None:
    world = World(*keyed(), (KEY_RULES, KEY, RULES))
    scope = ScopedRouteConfiguration.FromString(world.body(OUT_SCOPE, "keys/shop/g/alice"))
    assert scope.route_configuration_name == "keys/shop/g/alice"
    assert [one.string_key for one in scope.key.fragments] == ["keys/shop/g/alice"]


def test_what_two_routes_ask_for_is_said_once() -> None:
    world = World(*keyed(), (KEY_RULES, KEY, RULES))
    world.change((KEY_RULES, KEY, RULES))
    assert told(world, "keys/shop/g/alice").count(f"fork={FORKS}alice") == 1


def test_rules_that_are_gone_leave_nothing() -> None:
    world = World(*keyed(), (KEY_RULES, KEY, RULES))
    world.change((KEY_RULES, KEY, None))
    assert "keys/shop/g/alice" not in world.names(OUT_ROUTES) | world.names(OUT_SCOPE)
