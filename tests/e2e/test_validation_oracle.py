"""Claims about validation rules, with Envoy as the judge: what it refuses for a broken rule we refuse, and the other way round."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from protos.v3 import Bootstrap, Cluster, HttpConnectionManager, Listener, Route, data
from tests.e2e import sound
from tests.e2e.mutations import damage
from tests.envoy_validate import refusal_of
from translator.envoy_v3.validation import violations

pytestmark = pytest.mark.e2e

RULE_BROKEN = ("Proto constraint validation failed", "Invalid duration")  # how Envoy names a broken rule, and nothing else
MUTATIONS = int(os.environ.get("POINTSMAN_MUTATIONS", "80"))  # more on demand: 0.1 s each
SEED = int(os.environ.get("POINTSMAN_SEED", "1"))


def names_a_rule(text: str) -> bool:
    return any(words in text for words in RULE_BROKEN)


@dataclass
class Parts:
    """The sound configuration, in parts to be broken."""

    manager: HttpConnectionManager = field(default_factory=sound.manager)
    cluster: Cluster = field(default_factory=sound.cluster)
    listener: Listener | None = None

    def route(self, name: str) -> Route:
        return next(route for route in self.manager.route_config.virtual_hosts[0].routes if route.name == name)

    def whole(self) -> Bootstrap:
        return sound.bootstrap(self.listener or sound.listener(self.manager), self.cluster)


def no_domains(parts: Parts) -> None:
    del parts.manager.route_config.virtual_hosts[0].domains[:]


def newline_in_domain(parts: Parts) -> None:
    parts.manager.route_config.virtual_hosts[0].domains.append("a\nb")


def no_match(parts: Parts) -> None:
    parts.route("answer").ClearField("match")


def no_action(parts: Parts) -> None:
    parts.route("answer").ClearField("direct_response")


def status_600(parts: Parts) -> None:
    parts.route("answer").direct_response.status = 600


def prefix_with_slash(parts: Parts) -> None:
    parts.route("weighted").match.path_separated_prefix = "/cart/"


def empty_header_name(parts: Parts) -> None:
    parts.route("weighted").match.headers[0].name = ""


def header_name_with_newline(parts: Parts) -> None:
    parts.route("weighted").request_headers_to_add[0].header.key = "a\nb"


def too_many_headers(parts: Parts) -> None:
    parts.route("weighted").request_headers_to_add.extend([parts.route("weighted").request_headers_to_add[0]] * 1000)


def unknown_redirect(parts: Parts) -> None:
    parts.route("away").redirect.response_code = 99  # type: ignore[assignment]


def no_wait_between_tries(parts: Parts) -> None:
    parts.route("weighted").route.retry_policy.retry_back_off.base_interval.nanos = 0


def backwards_in_time(parts: Parts) -> None:
    parts.route("weighted").route.timeout.seconds = -1


def longer_than_a_duration(parts: Parts) -> None:
    parts.cluster.connect_timeout.seconds = 9_223_372_036


def no_streams(parts: Parts) -> None:
    parts.manager.http2_protocol_options.max_concurrent_streams.value = 0


def port_65536(parts: Parts) -> None:
    parts.cluster.load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value = 65_536


def weight_0(parts: Parts) -> None:
    parts.cluster.load_assignment.endpoints[0].lb_endpoints[0].load_balancing_weight.value = 0


def no_upstream_protocol(parts: Parts) -> None:
    parts.cluster.typed_extension_protocol_options[sound.HTTP_OPTIONS].value = b""


def no_statistics_prefix(parts: Parts) -> None:
    parts.manager.stat_prefix = ""


def no_filter_name(parts: Parts) -> None:
    parts.manager.http_filters[0].name = ""


BREAKS: dict[Callable[[Parts], None], str] = {
    no_domains: "repeated.min_items",
    newline_in_domain: "string.well_known_regex",
    no_match: "message.required",
    no_action: "oneof.required",
    status_600: "uint32.lt",
    prefix_with_slash: "string.pattern",
    empty_header_name: "string.min_len",
    header_name_with_newline: "string.well_known_regex",
    too_many_headers: "repeated.max_items",
    unknown_redirect: "enum.defined_only",
    no_wait_between_tries: "duration.gt",
    backwards_in_time: "duration.range",
    longer_than_a_duration: "duration.range",
    no_streams: "uint32.gte",
    port_65536: "uint32.lte",
    weight_0: "uint32.gte",
    no_upstream_protocol: "oneof.required",
    no_statistics_prefix: "string.min_len",
    no_filter_name: "string.min_len",
}


def test_sound_configuration_is_accepted_by_envoy_and_by_us(tmp_path: Path) -> None:
    whole = Parts().whole()
    assert (refusal_of(data(whole), tmp_path, "pb"), violations(whole)) == ("", ())


@pytest.mark.parametrize(("break_it", "rule"), BREAKS.items(), ids=[break_it.__name__ for break_it in BREAKS])
def test_broken_rule_is_refused_by_envoy_and_by_us(break_it: Callable[[Parts], None], rule: str, tmp_path: Path) -> None:
    parts = Parts()
    break_it(parts)
    assert [violation.rule for violation in violations(parts.whole())] == [rule]
    assert names_a_rule(refusal_of(data(parts.whole()), tmp_path, "pb"))


def mutated(chance: random.Random) -> tuple[Bootstrap, str]:
    parts = Parts()
    target = chance.choice(["manager", "routes", "cluster", "listener"])
    if target == "listener":
        parts.listener = sound.listener(parts.manager)
    damaged = parts.manager.route_config if target == "routes" else getattr(parts, target)
    how = f"{damage(chance, damaged)}, {damage(chance, damaged)}"
    return parts.whole(), how


def test_random_damage_is_judged_by_us_as_by_envoy(tmp_path: Path) -> None:
    """Envoy may refuse for other reasons what breaks no rule; but a rule that it finds broken, we must have found."""
    chance, judged, missed, invented = random.Random(SEED), Counter[str](), [], []
    for _ in range(MUTATIONS):
        whole, how = mutated(chance)
        text, ours = refusal_of(data(whole), tmp_path, "pb"), violations(whole)
        judged["broken" if names_a_rule(text) else "refused" if text else "accepted"] += 1
        if names_a_rule(text) and not ours:
            missed.append((how, text[-300:]))
        if ours and not text:
            invented.append((how, ours))
    assert (missed, invented) == ([], [])
    assert min(judged["broken"], judged["accepted"]) >= MUTATIONS // 8, judged
