"""Routes whose upstreams may have forks, made of routes that have none. Knows no tables.

With the native module a route names a specifier, which looks for the fork's cluster at each request (envoy/modules/fork.c): what
forks there are is not said in it. Without, each key has routes of its own in front.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import re2

from protos.v3 import (
    DynamicModuleClusterSpecifier,
    DynamicModuleConfig,
    HeaderMatcher,
    RegexMatcher,
    Route,
    RouteAction,
    StringMatcher,
    StringValue,
    VirtualHost,
    WeightedCluster,
    pack,
)
from translator.envoy_v3.hcm import MODULE
from translator.envoy_v3.keys import ERROR
from translator.envoy_v3.route import packed
from translator.ir import names
from translator.ir.keys import HEADER, KeyRule, KeyWay, Sticky
from translator.ir.local import ABSENT

Prefixes = Mapping[str, str]  # cluster → what the names of its forks begin with

REFUSAL = packed(
    Route(
        name="route-key-error",
        match={"prefix": "/", "headers": [HeaderMatcher(name=ERROR, present_match=True)]},
        direct_response={"status": 400, "body": {"inline_string": "no routing key, or more than one\n"}},
    )
)
"""The first route of a virtual host: early header mutations cannot answer by themselves."""


def forked(framed: bytes, prefixes: Prefixes) -> bytes:
    """Routes, framed for a virtual host, each of which sends a request with a key to a fork if there is one."""
    routes = VirtualHost.FromString(framed).routes
    for one in routes:
        if (bases := _bases(one)) and any(cluster in prefixes for _, cluster in bases):
            _specify(one.route, bases, prefixes)
    return b"".join(map(packed, routes))


def with_keys(framed: bytes, prefixes: Prefixes, ways: Mapping[str, Sequence[KeyWay]]) -> bytes:
    """The same for an Envoy without the module: routes in front of each, for each way that keys have. `ways` by prefix."""
    routes = VirtualHost.FromString(framed).routes
    return b"".join(packed(each) for one in routes for each in (*_of_keys(one, prefixes, ways), one))


def specified(action: RouteAction, bases: Sequence[tuple[int, str]], prefixes: Prefixes) -> RouteAction:
    """An action that was made for it."""
    _specify(action, bases, prefixes)
    return action


def plain(route: Route) -> None:
    """Takes the specifier out, where a route is looked at without the module."""
    if route.route.HasField("inline_cluster_specifier_plugin"):
        route.route.cluster = names.UNRESOLVED


def _bases(one: Route) -> list[tuple[int, str]]:
    """Where the route sends to, by weight. Nothing where a part of it changes headers: a specifier cannot."""
    if one.route.cluster:
        return [(1, one.route.cluster)]
    parts = one.route.weighted_clusters.clusters
    simple = all({field.name for field, _ in part.ListFields()} <= {"name", "weight"} for part in parts)
    return [(part.weight.value, part.name) for part in parts] if simple and len(parts) <= 16 else []


def _specify(action: RouteAction, bases: Sequence[tuple[int, str]], prefixes: Prefixes) -> None:
    """A fork that refuses the connection, or is a laptop that is not connected, has failed nobody: the request is tried again, and
    then goes to the baseline.
    """
    lines = [f"header={HEADER}"]
    for weight, cluster in bases:
        lines += [f"base={weight} {cluster}", *([f"fork={prefixes[cluster]}"] if cluster in prefixes else [])]
    action.ClearField("weighted_clusters")
    specifier(action, "fork", lines)
    if not action.retry_policy.retry_on:
        action.retry_policy.retry_on = "connect-failure,refused-stream"
        action.retry_policy.num_retries.value = 1
    action.retry_policy.retry_on += ",retriable-headers"
    action.retry_policy.retriable_headers.add(name=ABSENT, present_match=True)
    action.retry_policy.refresh_cluster_on_retry = True


def specifier(action: RouteAction, role: str, lines: Sequence[str]) -> None:
    """The native module chooses the cluster of each request, by what these lines say."""
    extension = DynamicModuleClusterSpecifier(
        dynamic_module_config=DynamicModuleConfig(name=MODULE, do_not_close=True),
        specifier_name=role,
        specifier_config=pack(StringValue(value="\n".join(lines) + "\n")),
    )
    action.inline_cluster_specifier_plugin.extension.name = role
    action.inline_cluster_specifier_plugin.extension.typed_config.CopyFrom(pack(extension))


def _of_keys(one: Route, prefixes: Prefixes, ways: Mapping[str, Sequence[KeyWay]]) -> Iterator[Route]:
    bases = _bases(one)
    found = [way for _, cluster in bases if cluster in prefixes for way in ways[prefixes[cluster]]]
    taken: set[str] = set()  # keys of which nothing is left
    for way in found:
        if way.key not in taken:
            yield _of_way(one, bases, way)
        if way.rule.takes_all:
            taken.add(way.key)


def _of_way(one: Route, bases: Sequence[tuple[int, str]], way: KeyWay) -> Route:
    each = Route()
    each.CopyFrom(one)
    fill_rule(each, way.key, way.rule)
    if not way.cluster:
        return each
    if way.rule.weight == 100:
        each.route.cluster = way.cluster
    else:
        each.route.weighted_clusters.CopyFrom(_weighted(bases, way))
        _stick(each.route, way.rule.sticky)
    return each


def _weighted(bases: Sequence[tuple[int, str]], way: KeyWay) -> WeightedCluster:
    """The share of the fork, and of what is left the shares of the baseline."""
    share, whole = way.rule.weight, sum(weight for weight, _ in bases)
    parts = [(share * whole, way.cluster), *(((100 - share) * weight, cluster) for weight, cluster in bases)]
    return WeightedCluster(clusters=[{"name": cluster, "weight": {"value": weight}} for weight, cluster in parts])


def _stick(action: RouteAction, by: Sticky) -> None:
    """By a hash of Envoy's own, so another number than the module's. The fork stands first, so a share that grows lets none go."""
    match by.by:
        case "header":
            action.hash_policy.add().header.header_name = by.name
        case "cookie":
            action.hash_policy.add().cookie.name = by.name
        case "source":
            action.hash_policy.add().connection_properties.source_ip = True
        case "":
            return
    action.weighted_clusters.use_hash_policy.value = True


def fill_rule(into: Route, key: str, rule: KeyRule) -> None:
    """The route matches fewer requests: those of this key that fit the rule."""
    for name, value in ((HEADER, key), *rule.headers):
        into.match.headers.add(name=name).string_match.CopyFrom(StringMatcher(exact=value))
    if rule.prefixes or rule.exact:
        wanted = [*(f"{re2.escape(one.rstrip('/'))}(?:/.*)?" for one in rule.prefixes), *map(re2.escape, rule.exact)]
        pattern = f"(?s)(?:{'|'.join(wanted)})(?:\\?.*)?"
        into.match.headers.add(name=":path").string_match.safe_regex.CopyFrom(RegexMatcher(regex=pattern))
