"""Claims about where rules are looked for: nested messages, lists, maps, oneofs, wrappers and the inside of an Any."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct

from protos.envoy.config.core.v3.base_pb2 import HeaderValue, KeyValue, KeyValueAppend, Metadata
from protos.envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from protos.envoy.config.core.v3.health_check_pb2 import HealthCheck
from protos.v3 import (
    Any,
    Cluster,
    ClusterLoadAssignment,
    DownstreamTlsContext,
    DynamicModuleConfig,
    DynamicModuleEarlyHeaderMutation,
    Filter,
    FilterChain,
    HttpConnectionManager,
    HttpFilter,
    Listener,
    Message,
    Route,
    RouteConfiguration,
    RouteMatch,
    Router,
    VirtualHost,
    data,
    pack,
)
from protos.xds.type.matcher.v3.matcher_pb2 import Matcher
from translator.envoy_v3.validation import Violation, violations
from translator.envoy_v3.validation.messages import _no_check, check_of


def broken(message: Message) -> list[tuple[str, str]]:
    return sorted((violation.path, violation.rule) for violation in violations(message))


def sound_route(**more: object) -> Route:
    return Route(match=RouteMatch(prefix="/"), route={"cluster": "c"}, **more)


def test_path_leads_through_messages_and_lists_to_the_field() -> None:
    hosts = [
        VirtualHost(name="a", domains=["a"]),
        VirtualHost(name="b", domains=["b"], routes=[sound_route(), Route(match={"prefix": "/"})]),
    ]
    assert broken(RouteConfiguration(virtual_hosts=hosts)) == [("virtual_hosts[1].routes[1].action", "oneof.required")]


def test_all_broken_rules_are_named_not_the_first() -> None:
    assert broken(RouteConfiguration(virtual_hosts=[VirtualHost(routes=[Route()])])) == [
        ("virtual_hosts[0].domains", "repeated.min_items"),
        ("virtual_hosts[0].name", "string.min_len"),
        ("virtual_hosts[0].routes[0].action", "oneof.required"),
        ("virtual_hosts[0].routes[0].match", "message.required"),
    ]


def test_field_that_breaks_two_rules_is_named_twice() -> None:
    check = HealthCheck(timeout={"seconds": 400_000_000_000}, interval={"seconds": -1}, tcp_health_check={})
    assert {path for path, rule in broken(check) if rule == "duration.range"} == {"timeout", "interval"}
    assert ("interval", "duration.gt") in broken(check)


def test_zero_of_an_absent_number_is_a_value_but_an_absent_wrapper_is_none() -> None:
    assert broken(Cluster.RingHashLbConfig()) == []
    assert broken(Cluster.RingHashLbConfig(minimum_ring_size={"value": 8_388_609})) == [("minimum_ring_size", "uint64.lte")]
    assert broken(HeaderValue()) == [("key", "string.min_len")]


def test_message_within_a_oneof_is_required_only_where_it_is_chosen() -> None:
    assert broken(RouteMatch(prefix="/")) == []
    assert broken(RouteMatch(safe_regex={})) == [("safe_regex.regex", "string.min_len")]
    assert broken(RouteMatch(connect_matcher={})) == []


def test_chosen_zero_of_a_oneof_is_looked_at() -> None:
    """Presence is known inside a oneof: a path_separated_prefix that is set and empty breaks its pattern."""
    assert broken(RouteMatch(path_separated_prefix="")) == [("path_separated_prefix", "string.pattern")]


def test_rules_inside_an_any_are_asked_at_the_path_of_the_any() -> None:
    manager = HttpConnectionManager(stat_prefix="", route_config={}, http_filters=[HttpFilter(name="", typed_config=pack(Router()))])
    listener = Listener(filter_chains=[FilterChain(filters=[Filter(name="hcm", typed_config=pack(manager))])])
    assert broken(listener) == [
        ("filter_chains[0].filters[0].typed_config.http_filters[0].name", "string.min_len"),
        ("filter_chains[0].filters[0].typed_config.stat_prefix", "string.min_len"),
    ]


def test_rules_inside_an_any_inside_an_any_are_asked_too() -> None:
    inner = TypedExtensionConfig(name="", typed_config=pack(Router()))
    outer = TypedExtensionConfig(name="o", typed_config=pack(TypedExtensionConfig(name="i", typed_config=pack(inner))))
    assert broken(outer) == [("typed_config.typed_config.name", "string.min_len")]


def test_any_in_the_values_of_a_map_is_opened() -> None:
    route = sound_route(typed_per_filter_config={"f": pack(TypedExtensionConfig(name="x"))})
    assert broken(route) == [("typed_per_filter_config[f].typed_config", "any.required")]


def test_any_of_a_type_that_nobody_generated_is_left_alone() -> None:
    assert broken(TypedExtensionConfig(name="x", typed_config=Any(type_url="type.googleapis.com/no.such.Type", value=b"\xff"))) == []


def test_any_without_a_type_is_left_to_whoever_wants_one() -> None:
    assert broken(Filter(name="f", typed_config=Any())) == []


@pytest.mark.parametrize("host", ["type.googleapis.com", "example.com/a"])
def test_any_is_opened_by_the_name_after_the_last_slash(host: str) -> None:
    name = f"{host}/{TypedExtensionConfig.DESCRIPTOR.full_name}"
    assert ("typed_config.name", "string.min_len") in broken(TypedExtensionConfig(name="x", typed_config=Any(type_url=name)))


def test_bytes_of_an_any_that_are_no_message_are_a_violation() -> None:
    packed = Any(type_url=pack(HttpConnectionManager()).type_url, value=b"\x0a\xff")
    assert broken(Filter(name="f", typed_config=packed)) == [("typed_config", "any.decodes")]


def test_key_of_a_map_is_asked_and_so_are_messages_in_its_values() -> None:
    assert broken(Metadata(filter_metadata={"": Struct(), "a": Struct()})) == [("filter_metadata[]", "string.min_len")]
    found = broken(Matcher.MatcherTree.MatchMap(map={"a": Matcher.OnMatch()}))
    assert found == [("map[a].on_match", "oneof.required")]


def test_type_that_contains_itself_is_followed_to_the_bottom() -> None:
    deep = Matcher.OnMatch(matcher=Matcher(on_no_match=Matcher.OnMatch(matcher=Matcher(on_no_match=Matcher.OnMatch()))))
    assert broken(deep) == [("matcher.on_no_match.matcher.on_no_match.on_match", "oneof.required")]


def test_message_whose_rules_are_skipped_is_not_looked_into() -> None:
    assert broken(KeyValue(key="")) == [("key", "string.min_len")]
    assert broken(KeyValueAppend(entry=KeyValue(key=""))) == []


@pytest.mark.parametrize("kind", [Empty, Struct, FileDescriptorProto])
def test_type_from_which_no_rule_can_be_reached_is_not_looked_at(kind: type[Message]) -> None:
    assert check_of(kind.DESCRIPTOR) is _no_check


def test_rule_that_only_the_pinned_envoy_has_is_asked() -> None:
    assert broken(RouteConfiguration(vhost_header="a\nb")) == [("vhost_header", "string.well_known_regex")]
    assert broken(DynamicModuleEarlyHeaderMutation()) == [("dynamic_module_config", "message.required")]


def test_rule_that_the_pinned_envoy_no_longer_has_is_not_asked() -> None:
    assert broken(DynamicModuleConfig(name="")) == []


def test_violations_are_values_in_an_order() -> None:
    assert Violation("a", "b") == Violation("a", "b")
    assert sorted([Violation("b", "a"), Violation("a", "b")]) == [Violation("a", "b"), Violation("b", "a")]


def test_messages_as_pointsman_makes_them_break_nothing() -> None:
    assignment = ClusterLoadAssignment(cluster_name="c")
    address = assignment.endpoints.add().lb_endpoints.add().endpoint.address.socket_address
    address.address, address.port_value = "10.0.0.1", 8080
    secret = {"name": "secret/a/b", "sds_config": {"ads": {}, "resource_api_version": 2}}
    context = DownstreamTlsContext(common_tls_context={"tls_certificate_sds_secret_configs": [secret]})
    cluster = Cluster(name="c", type=Cluster.EDS, connect_timeout={"seconds": 5}, eds_cluster_config={"eds_config": {"ads": {}}})
    assert [broken(message) for message in (assignment, context, cluster, sound_route(name="r"))] == [[], [], [], []]


def test_message_is_not_changed_by_being_asked() -> None:
    route = sound_route()
    before = data(route)
    violations(route)
    assert data(route) == before
