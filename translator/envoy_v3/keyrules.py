"""What the native module must know of keys beside what is in clusters: rules and hosts. Packed as a RouteConfiguration for each key.

No request is routed by it: its one route names the specifier `rules` (envoy/modules/rules.c), which keeps what it is told for the
others to look up. So rules of one more key are one more resource, and no route and no listener changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from protos.v3 import Route
from translator.engine import Facts, Table, View, rule
from translator.envoy_v3.between import PART
from translator.envoy_v3.domain import scope, virtual_host
from translator.envoy_v3.forks import specifier
from translator.envoy_v3.route import packed
from translator.envoy_v3.sharding import fnv1a
from translator.ir import names
from translator.ir.keys import KeyHost, KeyRule, KeyRules
from translator.ir.output import Packed
from translator.ir.tables import KEY_HOST, KEY_RULES, OUT_SCOPE

TOLD = Table[tuple[str, str], str]("KeysTold")  # (group, RouteGroup and key) → whether there are rules, or hosts


@rule(over=KEY_RULES, into=(TOLD,))
def ruled(_view: View, key: tuple[str, str]) -> Facts:
    yield TOLD(key, "rules")


@rule(over=KEY_HOST, into=(TOLD,))
def hosted(_view: View, key: tuple[str, str]) -> Facts:
    yield TOLD(key, "hosts")


@rule(over=TOLD, into=(PART, OUT_SCOPE))
def carrier(view: View, key: tuple[str, str]) -> Facts:
    """A scope that no request has, so that Envoy asks for the RouteConfiguration."""
    group, which = key
    name = names.key_rules(which)
    route = Route(name=name, match={"prefix": "/"})
    specifier(route.route, "rules", [*_lines(dict.fromkeys(view.list(KEY_RULES, key))), *_hosts(dict.fromkeys(view.list(KEY_HOST, key)))])
    yield PART((group, name), virtual_host("*", [packed(route)]))
    yield OUT_SCOPE((group, name), Packed(scope(name, name), (name,)))


def _lines(all_of: Iterable[KeyRules]) -> Iterator[str]:
    for one in all_of:
        yield f"fork={one.fork}"
        for each in one.rules:
            yield from rule_lines(each)


def rule_lines(one: KeyRule) -> Sequence[str]:
    paths = [*(f"path={prefix}" for prefix in one.prefixes), *(f"exact={path}" for path in one.exact)]
    sticky = [f"sticky={f'{one.sticky.by} {one.sticky.name}'.rstrip()}"] if one.sticky.by else []
    return [f"rule={one.weight}", *sticky, *paths, *(f"header={name} {value}" for name, value in one.headers)]


def number_of_value(key: str, value: bytes) -> int:
    """From 0 to 99: a sticky share of this key takes those values whose number is below it.

    FNV-1a of `<key>/<value>`, its bits mixed as MurmurHash3 ends: what rules.c computes. The key is part of it, so that it is not the
    same users who try everything first; no name of a Service is, so that all Services of a preview hold a user for the same.
    """
    digest = fnv1a(f"{key}/".encode() + value)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        digest = (digest ^ digest >> 33) * factor & 0xFFFFFFFFFFFFFFFF
    return (digest ^ digest >> 33) % 100


def _hosts(all_of: Iterable[KeyHost]) -> Iterator[str]:
    for one in all_of:
        yield f"host={one.group} {one.host} {one.key}"


RULES = (ruled, hosted, carrier)
