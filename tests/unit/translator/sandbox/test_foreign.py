"""Claims about files of other projects: which they are, what they stand for, and that nothing of them is dropped in silence."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from translator.resources.sandbox import Sandbox
from translator.sandbox.foreign import rewritten
from xds.offline import door
from xds.sources.documents import read

DOOR = door()
CONFIG: dict[str, Any] = {
    "server": {"httpPort": 80},
    "routing": {
        "defaultTarget": "http://shop:9000",
        "rules": [
            {"routeKey": "alice", "targetService": "http://a:1", "pathPrefixes": ["/x"], "headerMatchers": {"V": "1"}},
            {"routeKey": "bob", "targetService": "http://b:2"},
            {"routeKey": "carol", "targetService": "http://a:1", "additionalHeaders": {"E": "c"}},
        ],
    },
}


def made(value: Any) -> dict[tuple[str, str], dict[str, Any]]:
    found = rewritten(value)
    assert found is not None
    assert len({path for path, _ in found}) == len(found), "each has a place of its own"
    return {(one["kind"], one["metadata"]["name"]): one for _, one in found}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"apiVersion": "v1", "kind": "Service"}, id="object"),
        pytest.param({"kind": "Service", "routing": {}}, id="object-without-a-version"),
        pytest.param({"name": "x", "spec": {"replicas": 1}}, id="somebody-else"),
        pytest.param({"name": "x", "spec": {"match": {}}, "more": 1}, id="more-than-a-name-and-a-spec"),
        pytest.param({"routing": {}, "other": 1}, id="other-configuration"),
        pytest.param({"routing": []}, id="no-mapping"),
        pytest.param([], id="list"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_is_none_of_these_is_left_as_it_is(value: Any) -> None:
    assert rewritten(value) is None


def test_time_to_live_in_seconds_is_a_duration() -> None:
    value = {"apiVersion": "sandbox.example.com/v1alpha1", "kind": "Sandbox", "metadata": {"name": "a"}, "spec": {"ttl": 3600}}
    assert made(value)["Sandbox", "a"]["spec"] == {"ttl": {"duration": "3600"}}
    assert rewritten({**value, "apiVersion": "pointsman.io/v1alpha1"}) is None


def test_time_after_which_a_laptop_is_lost_is_seconds_there() -> None:
    spec = {"sandboxRef": {"name": "a"}, "service": {"name": "s"}, "connection": {"target": "t:1", "timeout": 45}}
    value = {"apiVersion": "sandbox.example.com/v1alpha1", "kind": "LocalWorkload", "metadata": {"name": "a"}, "spec": spec}
    one = made(value)["LocalWorkload", "a"]
    assert one["spec"]["connection"]["timeout"] == "45"
    assert DOOR.admit(one).findings == ()


def test_group_of_the_origin_is_read_where_its_configuration_has_keys_read() -> None:
    def read(api: str = "sandbox.example.com/v1alpha1", **spec: Any) -> Any:
        found = rewritten({"apiVersion": api, "kind": "RouteGroup", "metadata": {"name": "a"}, "spec": spec})
        return found and found[0][1]

    one = read(defaultRoutingKey="k")
    assert one["spec"] == {"parentRefs": [{"name": "sandbox-router"}], "admission": {"mode": "All"}, "defaultRoutingKey": "k"}
    assert DOOR.admit(one).findings == ()
    for said in ({"parentRefs": [{"name": "edge"}]}, {"meshOutput": "Istio"}):
        assert read(**said)["spec"] == said, "who says where, is read there"
    assert read(admission={"mode": "None"})["spec"]["admission"] == {"mode": "None"}
    assert read("pointsman.io/v1alpha1", defaultRoutingKey="k") is None


def test_each_target_of_a_configuration_is_one_sandbox_and_rules_keep_their_order() -> None:
    found = made(CONFIG)
    routes = found["RouteGroup", "sandbox-router"]["spec"]["routes"]
    assert [(one["routingKey"], one["targetSandbox"]) for one in routes] == [
        ("alice", "sandbox-router-0"),
        ("bob", "sandbox-router-1"),
        ("carol", "sandbox-router-0"),
    ]
    assert (routes[0]["paths"], routes[0]["headers"], routes[2]["additionalHeaders"]) == ([{"prefix": "/x"}], {"V": "1"}, {"E": "c"})
    assert [one["port"] for one in found["Gateway", "sandbox-router"]["spec"]["listeners"]] == [80, 8081]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://shop:9000", {"fqdn": {"hostname": "shop", "port": 9000}}),
        ("shop:9000", {"fqdn": {"hostname": "shop", "port": 9000}}),
        ("https://shop/", {"fqdn": {"hostname": "shop", "port": 443}}),
        ("shop", {"fqdn": {"hostname": "shop", "port": 80}}),
        ("http://10.0.0.1:1/x", {"ip": {"address": "10.0.0.1", "port": 1}}),
        ("[::1]:1", {"ip": {"address": "::1", "port": 1}}),
    ],
)
def test_target_is_a_host_and_a_port_however_it_is_written(target: str, expected: dict[str, Any]) -> None:
    found = made({"routing": {"defaultTarget": target}})
    assert found["Backend", "sandbox-router"]["spec"]["endpoints"] == [expected]


def test_target_of_https_is_spoken_to_in_tls_and_must_prove_its_name() -> None:
    found = made({"routing": {"defaultTarget": "https://shop.example.com"}})
    policy = found["BackendTLSPolicy", "sandbox-router"]
    assert policy["spec"]["validation"] == {"hostname": "shop.example.com", "wellKnownCACertificates": "System"}
    assert DOOR.admit(policy).findings == ()
    assert ("BackendTLSPolicy", "sandbox-router") not in made({"routing": {"defaultTarget": "http://shop.example.com"}})


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("{server: {metricsPort: 9090}, routing: {defaultTarget: a}}", "Gateway", "metricsPort"),
        ("{server: 8080, routing: {defaultTarget: a}}", "Gateway", "server"),
        ("{routing: {defaultTarget: a, timeout: 30s}}", "RouteGroup", "timeout"),
        ("{routing: {defaultTarget: a, rules: [{routeKey: k, targetService: b, pathPrefix: /x}]}}", "RouteGroup", "pathPrefix"),
        ("{routing: {defaultTarget: a, rules: [checkout]}}", "RouteGroup", "routes"),
        ("{routing: {defaultTarget: a, rules: {k: b}}}", "RouteGroup", "routes"),
        ("{routing: {defaultTarget: 'http://a/base'}}", "Backend", "path"),
        ("{routing: {defaultTarget: 'http://a?x=1'}}", "Backend", "query"),
        ("{routing: {defaultTarget: 'http://me:secret@a'}}", "Backend", "user"),
    ],
)
def test_nothing_of_a_configuration_is_dropped_in_silence(text: str, kind: str, told: str) -> None:
    found = [one for one in DOOR.admit(made(yaml.safe_load(text))[kind, "sandbox-router"]).findings if told in one.message]
    assert found
    assert "secret" not in found[0].message


@pytest.mark.parametrize("target", [None, 7, "http://[", "shop:99999", "", "a b", "https://10.0.0.1", "ftp://shop"])
def test_target_that_is_none_is_told_at_the_door(target: Any) -> None:
    found = made({"routing": {"defaultTarget": target}})
    assert [one.severity for one in DOOR.admit(found["Backend", "sandbox-router"]).findings if one.severity == "error"]


def test_sandbox_that_changes_two_namespaces_is_one_in_each() -> None:
    forks = [{"forkOf": {"kind": "Deployment", "namespace": space, "name": name}} for space, name in (("a", "x"), ("b", "y"), ("a", "z"))]
    found = rewritten({"name": "alice", "spec": {"cluster": "c", "forks": forks}})
    assert found
    assert [(one["metadata"]["namespace"], [each["forkOf"]["name"] for each in one["spec"]["forks"]]) for _, one in found] == [
        ("a", ["x", "z"]),
        ("b", ["y"]),
    ]


def test_customizations_are_those_of_a_fork_and_what_is_neither_deployment_nor_rollout_is_a_service() -> None:
    custom = {"images": [{"image": "r/x:2"}], "env": [{"name": "A", "value": "1"}], "patch": {"type": "strategic", "value": "spec: {}"}}
    rollout = {"forkOf": {"kind": "Rollout", "name": "z"}}
    forks = [{"forkOf": {"kind": "Deployment", "name": "x"}, "customizations": custom}, {"forkOf": {"kind": "StatefulSet", "name": "y"}}]
    forks.append(rollout)
    ((_, one),) = rewritten({"name": "alice", "spec": {"cluster": "c", "forks": forks}}) or []
    assert one["spec"]["forks"] == [{"forkOf": {"kind": "Deployment", "name": "x"}, "customizations": custom}, rollout]
    assert one["spec"]["services"] == [{"name": "y", "targetRef": {"name": "y-alice"}}]
    assert DOOR.admit(one).findings == ()


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("json", "[]", "[]"),
        ("merge", {"spec": {"replicas": 2}}, '{"spec": {"replicas": 2}}'),
        ("json", [{"op": "remove", "path": "/spec"}], '[{"op": "remove", "path": "/spec"}]'),
    ],
)
def test_patch_of_any_type_is_read_as_text_or_as_what_it_says(kind: str, value: Any, text: str) -> None:
    from_fork = {"fork": {"forkOf": {"kind": "Deployment", "namespace": "a", "name": "y"}, "expression": "{{ .Service.Host }}"}}
    custom = {"patch": {"type": kind, "value": value}, "env": [{"name": "A", "valueFrom": from_fork}]}
    forks = [{"forkOf": {"namespace": "a", "name": "x"}, "customizations": custom}]
    ((_, one),) = rewritten({"name": "alice", "spec": {"cluster": "c", "forks": forks}}) or []
    found = DOOR.admit(one)
    assert isinstance(found.object, Sandbox)
    assert found.findings == ()
    (fork,) = found.object.spec.forks
    assert fork.customizations.patch
    assert (fork.customizations.patch.type, fork.customizations.patch.value) == (kind, text)


def test_laptop_of_a_sandbox_is_a_local_workload_of_that_name() -> None:
    local = [
        {"name": "mine", "from": {"kind": "Deployment", "namespace": "a", "name": "route"}, "mappings": [{"port": 80, "toLocal": "x:1"}]}
    ]
    ((path, one),) = rewritten({"name": "alice", "spec": {"cluster": "c", "local": local}}) or []
    assert (path, one["metadata"]["namespace"]) == (("spec", "local", 0), "a")
    found = DOOR.admit(one)
    assert isinstance(found.object, Sandbox)
    assert [(each.name, each.target_ref.kind, each.target_ref.name) for each in found.object.spec.services] == [
        ("route", "LocalWorkload", "mine")
    ]
    assert [each.path for each in found.findings] == [("spec", "services", 0, "mappings")], "the laptop is told its port when it connects"


def endpoints(*targets: str) -> list[dict[str, str]]:
    return [{"name": f"e{number}", "target": target} for number, target in enumerate(targets)]


def spaces(value: Any) -> dict[str, dict[str, Any]]:
    """RouteGroups by their namespaces."""
    found = [one for _, one in rewritten(value) or [] if one["kind"] == "RouteGroup"]
    assert not [told for one in found for told in DOOR.admit(one).findings]
    return {one["metadata"]["namespace"]: one for one in found}


@pytest.mark.parametrize(
    ("target", "namespace"),
    [
        ("http://web", "default"),
        ("http://web:80", "default"),
        ("http://web.shop", "shop"),
        ("http://web.shop:80/", "shop"),
        ("https://web.shop.svc:80", "shop"),
        ("grpc://web.shop.svc.cluster.local:80", "shop"),
        ("http://www.shop.example.com", "default"),
        ("http://10.0.0.1:80", "default"),
    ],
)
def test_route_group_stands_where_its_endpoints_lead(target: str, namespace: str) -> None:
    found = spaces(
        {"name": "team", "spec": {"cluster": "edge", "match": {"label": {"key": "a", "value": "b"}}, "endpoints": endpoints(target)}}
    )
    assert [*found] == [namespace]
    assert found[namespace]["spec"]["defaultRoutingKey"] == "team"
    assert found[namespace]["spec"]["parentRefs"][0].get("namespace", "default") == "default", "a cluster is one Gateway for all"


def test_route_group_that_leads_to_two_namespaces_is_one_in_each_with_its_own_endpoints() -> None:
    match = {"label": {"key": "a", "value": "b"}}
    targets = endpoints("http://web.shop", "http://api.pay", "http://cart.shop")
    found = spaces({"name": "team", "spec": {"cluster": "edge", "match": match, "endpoints": targets}})
    assert {space: [one["name"] for one in made["spec"]["endpoints"]] for space, made in found.items()} == {
        "shop": ["e0", "e2"],
        "pay": ["e1"],
    }
    assert all(made["spec"]["match"] == match for made in found.values())


def test_default_route_group_of_a_sandbox_is_one_in_each_namespace_that_it_is_about() -> None:
    forks = [{"forkOf": {"kind": "Deployment", "namespace": "pay", "name": "api"}}]
    default = {"endpoints": endpoints("http://web.shop.svc:80")}
    value = {"name": "alice", "spec": {"cluster": "edge", "forks": forks, "defaultRouteGroup": default}}
    found = spaces(value)
    assert {space: made["spec"]["endpoints"] for space, made in found.items()} == {
        "pay": [],
        "shop": [{"name": "e0", "target": "http://web.shop.svc:80", "routingKey": "alice"}],
    }
    assert not any("routes" in made["spec"] or "defaultRoutingKey" in made["spec"] for made in found.values()), "other keys are led as well"
    (sandbox,) = [one for _, one in rewritten(value) or [] if one["kind"] == "Sandbox"]
    assert DOOR.admit(sandbox).findings == ()


@pytest.mark.parametrize("default", [{}, {"endpoints": []}, {"endpoints": endpoints("http://a"), "more": 1}, {"endpoints": {}}, "x"])
def test_default_route_group_that_has_no_place_or_not_all_of_it_is_told(default: Any) -> None:
    value = {"name": "alice", "spec": {"cluster": "edge", "forks": [{"forkOf": {"name": "x"}}], "defaultRouteGroup": default}}
    (sandbox,) = [one for _, one in rewritten(value) or [] if one["kind"] == "Sandbox"]
    assert [one.path for one in DOOR.admit(sandbox).findings] == [("spec", "defaultRouteGroup")]


def test_forks_and_laptops_of_one_namespace_are_one_sandbox() -> None:
    spec = {
        "forks": [{"forkOf": {"name": "x"}}],
        "local": [{"name": "l", "from": {"name": "y"}}, {"name": "m", "from": {"namespace": "b"}}],
    }
    found = rewritten({"name": "alice", "spec": {"cluster": "c", **spec}}) or []
    assert [(path, one["metadata"]["namespace"]) for path, one in found] == [(("spec", "forks", 0), "default"), (("spec", "local", 1), "b")]
    assert (len(found[0][1]["spec"]["forks"]), len(found[0][1]["spec"]["services"])) == (1, 1)


def test_what_has_no_place_is_told_and_not_dropped_in_silence() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"resource": {"name": "db", "outputKey": "host"}}}]
    fork = {"forkOf": {"namespace": "a", "name": "x"}, "customizations": {"env": env}}
    ((_, one),) = rewritten({"name": "alice", "spec": {"cluster": "c", "forks": [fork], "resources": []}}) or []
    told = {one.path for one in DOOR.admit(one).findings}
    assert told == {("spec", "resourcePlugins"), ("spec", "forks", 0, "customizations", "envOfResourcePlugins")}
    routes = made({"routing": {"rules": [{"routeKey": "k", "targetService": "a", "timeout": 3}]}})["RouteGroup", "sandbox-router"]
    assert [one.path for one in DOOR.admit(routes).findings] == [("spec", "routes", 0, "timeout")]


def test_objects_of_a_file_stand_at_their_places_in_it() -> None:
    (piece,) = read(b"routing:\n  defaultTarget: a\n  rules:\n  - {routeKey: k, targetService: b}\n", "yaml")
    assert ("routing", "rules", 0) in {document.path for document in piece.documents}


WORDS = [
    "name",
    "spec",
    "routing",
    "rules",
    "server",
    "forks",
    "forkOf",
    "match",
    "endpoints",
    "local",
    "routeKey",
    "targetService",
    "ttl",
    "target",
]
WORDS += ["pathPrefixes", "defaultTarget", "apiVersion", "labels", "namespace"]
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(plain, plain)
def test_nothing_that_a_file_can_hold_is_a_crash(one: Any, other: Any) -> None:
    for value in (
        one,
        {"routing": one, "server": other},
        {"name": "x", "spec": {"forks": one, "ttl": other}},
        {"name": "x", "spec": {"match": one, "endpoints": other}},
        {"name": "x", "spec": {"defaultRouteGroup": {"endpoints": one}, "cluster": other}},
    ):
        for _, document in rewritten(value) or []:
            assert DOOR.admit(document)
