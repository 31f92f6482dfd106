"""Rules of keys mean the same to the native module as to a proxy without it, which the translator tells them as matchers of routes.

Half of it is what `rules.c` does with the lines that `keyrules.py` writes, half what Envoy would do with the matchers of `forks.py`. A
header that comes twice is left out: Envoy's matchers take any of the lines, the module none.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import re2

from protos.v3 import Route
from tests.unit.modules.conftest import Headers, Planting, Program
from translator.envoy_v3.forks import fill_rule
from translator.envoy_v3.keyrules import number_of_value, rule_lines
from translator.ir.keys import KeyRule, Sticky

CONFIG = b"header=x-route-key\nbase=1 base\nfork=f/\n"
PATHS = ["/", "/a", "/a/", "/a/b", "/a.b", "/a+b", "/ab", "/a//b", "/%61", "/A", "/a;x", "/a\\b", "/(a)", "/é", "/a b"]
ENDS = ["", "/", "?", "?q=/a", "/?x", "?/a/b", "b", "/c/d", "#a"]
COOKIES = [b"", b"c=1", b"d=1; c=2;c=3", b"c=;c=4", b"c", b" c=5 ; d", b"C=6;=7", b"c=8=9"]
VALUES = ["", "1", "a b", "a,b", "é", "[1]"]
PER_RULES = 60  # requests


def random_rule(chance: random.Random) -> KeyRule:
    some: Callable[[int], tuple[str, ...]] = lambda most: tuple(chance.sample(PATHS, chance.randrange(most)))  # noqa: E731
    headers = tuple((f"v{number}", chance.choice(VALUES[1:])) for number in range(chance.choice([0, 0, 1, 2])))
    sticky = chance.choice([Sticky(), Sticky("header", "v0"), Sticky("cookie", "c"), Sticky("source")])
    return KeyRule(prefixes=some(3), exact=some(3), headers=headers, weight=chance.choice([0, 30, 99, 100]), sticky=sticky)


def random_request(chance: random.Random, places: int) -> Headers:
    path = chance.choice(PATHS) + chance.choice(ENDS)
    headers = [(f"v{number}".encode(), chance.choice(VALUES).encode()) for number in range(2) if chance.random() < 0.7]
    headers += [(b"cookie", chance.choice(COOKIES)) for _ in range(chance.choice([0, 1, 2]))]
    headers += [(b"source address", b"10.0.0.%d:%d" % (chance.randrange(9), chance.randrange(9)))] if chance.random() < 0.9 else []
    forks = [(b"healthy", b"1=f/a/%d" % place) for place in range(places)]
    return [(b"x-route-key", b"a"), (b":path", path.encode()), *headers, *forks, (b"random", b"%d" % chance.randrange(200))]


def expected(rules: list[KeyRule], headers: Headers) -> bytes:
    given = dict(headers)
    for place, rule in enumerate(rules):
        if fits(rule, {name.decode(): value.decode() for name, value in given.items()}):
            value = sticky_value(rule.sticky, headers)
            number = number_of_value("a", value) if value else int(given[b"random"]) % 100
            return b"f/a/%d" % place if number < rule.weight else b"base"
    return b"base"


def sticky_value(by: Sticky, headers: Headers) -> bytes:
    """What the share goes by; nothing where it is not there."""
    match by.by:
        case "header":
            found = [value for name, value in headers if name == by.name.encode()]
            return found[0] if len(found) == 1 else b""
        case "cookie":
            items = [item.strip(b" \t") for name, value in headers if name == b"cookie" for item in value.split(b";")]
            return next((item.partition(b"=")[2] for item in items if item.startswith(by.name.encode() + b"=")), b"")
        case "source":
            return dict(headers).get(b"source address", b"").rpartition(b":")[0]
        case "":
            return b""


def fits(rule: KeyRule, given: dict[str, str]) -> bool:
    """As Envoy matches the route that the translator makes of it."""
    route = Route()
    fill_rule(route, "a", rule)
    for one in route.match.headers:
        value, wanted = given.get(one.name), one.string_match
        pattern = wanted.safe_regex.regex
        if value is None or not (re2.fullmatch(pattern, value) if pattern else value == wanted.exact):
            return False
    return True


def differing(program: Program, seed: int, count: int) -> list[tuple[list[KeyRule], Headers]]:
    """Rules and requests on which the two say otherwise."""
    chance, found = random.Random(seed), []
    for _ in range(count):
        rules = [random_rule(chance) for _ in range(chance.randrange(1, 5))]
        requests = [random_request(chance, len(rules)) for _ in range(PER_RULES)]
        text = "".join(f"{line}\n" for line in ("fork=f/a", *(line for rule in rules for line in rule_lines(rule))))
        chosen = program.chosen(requests, CONFIG, [text.encode()])
        found += [(rules, one) for one, cluster in zip(requests, chosen, strict=True) if cluster != expected(rules, one)]
    return found


def test_module_and_translator_agree_on_which_requests_fit_a_rule(program: Program) -> None:
    assert differing(program, seed=7, count=60) == []


def test_planted_difference_is_found(planted: Planting) -> None:
    assert differing(planted("rules.c", "path.length == prefix.length || path.ptr[prefix.length] == '/'", "true"), seed=7, count=10)
