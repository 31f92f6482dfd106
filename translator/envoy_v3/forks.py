"""Routes whose upstreams may have forks, made of routes that have none. Knows no tables.

With the native module a route names a specifier, which looks for the fork's cluster at each request (envoy/modules/fork.c): what
forks there are is not said in it. Without, each key has a route of its own in front.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from protos.v3 import (
    DynamicModuleClusterSpecifier,
    DynamicModuleConfig,
    HeaderMatcher,
    Route,
    RouteAction,
    StringMatcher,
    StringValue,
    VirtualHost,
    pack,
)
from translator.envoy_v3.hcm import MODULE
from translator.envoy_v3.keys import ERROR
from translator.envoy_v3.route import packed
from translator.ir import names
from translator.ir.keys import HEADER

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


def with_keys(framed: bytes, prefixes: Prefixes, keys: Mapping[str, Sequence[str]]) -> bytes:
    """The same for an Envoy without the module: a route in front of each for each key that has a fork. `keys` by prefix."""
    routes = VirtualHost.FromString(framed).routes
    return b"".join(packed(each) for one in routes for each in (*_of_keys(one, prefixes, keys), one))


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
    """A fork that refuses the connection has failed nobody: the request is tried again, and then goes to the baseline."""
    lines = [f"header={HEADER}"]
    for weight, cluster in bases:
        lines += [f"base={weight} {cluster}", *([f"fork={prefixes[cluster]}"] if cluster in prefixes else [])]
    extension = DynamicModuleClusterSpecifier(
        dynamic_module_config=DynamicModuleConfig(name=MODULE, do_not_close=True),
        specifier_name="fork",
        specifier_config=pack(StringValue(value="\n".join(lines) + "\n")),
    )
    action.ClearField("weighted_clusters")
    action.inline_cluster_specifier_plugin.extension.name = "fork"
    action.inline_cluster_specifier_plugin.extension.typed_config.CopyFrom(pack(extension))
    if not action.retry_policy.retry_on:
        action.retry_policy.retry_on = "connect-failure,refused-stream"
        action.retry_policy.num_retries.value = 1
    action.retry_policy.refresh_cluster_on_retry = True


def _of_keys(one: Route, prefixes: Prefixes, keys: Mapping[str, Sequence[str]]) -> Iterator[Route]:
    clusters = [cluster for _, cluster in _bases(one) if cluster in prefixes]
    for key in dict.fromkeys(key for cluster in clusters for key in keys[prefixes[cluster]]):
        fork = next(prefixes[cluster] + key for cluster in clusters if key in keys[prefixes[cluster]])
        each = Route()
        each.CopyFrom(one)
        each.match.headers.add(name=HEADER).string_match.CopyFrom(StringMatcher(exact=key))
        each.route.cluster = fork
        yield each
