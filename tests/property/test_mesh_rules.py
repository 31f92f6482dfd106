"""A mesh that goes by its own order of matches sends each request where the rules of its key say, or to the baseline and it is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from translator.ir.keys import KeyRule, Spelling
from translator.ir.mesh import Branch, MeshPort, MeshRoute, Way, answering
from translator.mesh import gamma, istio

Json = dict[str, Any]
Request = tuple[str, dict[str, str]]
PATHS = ("/a", "/a/b", "/ab", "/a/b/c", "/c")
KEYS = ({}, {"x-route-key": "k"}, {"baggage": "a=b, m=k"})
OTHERS = ({}, {"x": "1"}, {"y": "1"}, {"y": "12"}, {"x": "1", "y": "1"}, {"x": "1", "y": "12"})
ASKED = [(path, {**other, **key}) for path in ("/", "/a", "/ab", "/a/b", "/a/b/c", "/a/bc", "/c/d") for other in OTHERS for key in KEYS]

header = st.sampled_from([(), (("x", "1"),), (("y", "1"),), (("y", "12"),), (("x", "1"), ("y", "1"))])
rule = st.builds(
    KeyRule,
    prefixes=st.lists(st.sampled_from((*PATHS, "/a/")), max_size=2, unique=True).map(tuple),
    exact=st.lists(st.sampled_from(PATHS), max_size=1).map(tuple),
    headers=header,
    weight=st.sampled_from((100, 100, 100, 0)),
)
rules = st.lists(st.tuples(rule, st.booleans()), min_size=1, max_size=4)  # and whether its fork answers


def route(found: Iterable[tuple[KeyRule, bool]]) -> MeshRoute | None:
    spellings = (Spelling("x-route-key"), Spelling("baggage", "m"))
    branches = [
        Branch(key="k", spellings=spellings, target=f"fork-{place}", ways=(Way(80, 80, ready),), rule=one)
        for place, (one, ready) in enumerate(found)
    ]
    return answering(MeshRoute(service="shop/cart", ports=(MeshPort(80),), branches=tuple(branches)))


def meant(found: Iterable[tuple[KeyRule, bool]], request: Request) -> str:
    """What users are told of the rules of a key."""
    path, headers = request
    if "x-route-key" not in headers and "baggage" not in headers:
        return "cart"
    for place, (one, ready) in enumerate(found):
        below = any(path == each.rstrip("/") or path.startswith(each.rstrip("/") + "/") for each in one.prefixes)
        there = below or path in one.exact or not (one.prefixes or one.exact)
        if there and all(headers.get(name) == value for name, value in one.headers):
            return f"fork-{place}" if ready and one.weight else "cart"
    return "cart"


# Istio: the first route one of whose matches holds ---------------------------------------------------------------------


def by_istio(document: Json, request: Request) -> str:
    for one in document["spec"]["http"]:
        if any(_holds(match, request) for match in one.get("match") or [{}]):
            return str(one["route"][0]["destination"]["host"])
    return "nowhere"


def _holds(match: Json, request: Request) -> bool:
    path, headers = request
    return _string(match.get("uri"), path) and all(_string(wanted, headers.get(name)) for name, wanted in match.get("headers", {}).items())


def _string(wanted: Json | None, value: str | None) -> bool:
    if wanted is None:
        return True
    [(how, text)] = wanted.items()
    if how == "regex":  # of baggage, the only one that is made
        return value is not None and value.endswith("m=k")
    return value is not None and (value == text if how == "exact" else value.startswith(text))


uri = st.sampled_from([{}, {"uri": {"prefix": "/"}}, {"uri": {"prefix": "/a"}}, {"uri": {"exact": "/a/b"}}, {"uri": {"prefix": "/a/"}}])
asks = st.sampled_from([{}, {"headers": {"x": {"exact": "1"}}}, {"headers": {"y": {"prefix": "1"}}}, {"headers": {"y": {"exact": "12"}}}])
theirs = st.lists(
    st.builds(
        lambda paths, headers, host: {"match": [{**paths, **headers}], "route": [{"destination": {"host": host}}]},
        uri, asks, st.sampled_from(["cart", "cart", "other"]),
    ),
    min_size=1, max_size=3,
)  # fmt: skip


@settings(max_examples=60)
@given(rules)
def test_virtual_service_of_our_own(found: list[tuple[KeyRule, bool]]) -> None:
    if made := route(found):
        document = istio.own(made)
        assert [by_istio(document, one) for one in ASKED] == [meant(found, one) for one in ASKED]


@settings(max_examples=60)
@given(rules, theirs)
def test_virtual_service_of_a_user(found: list[tuple[KeyRule, bool]], http: list[Json]) -> None:
    document = {"metadata": {"name": "cart", "namespace": "shop"}, "spec": {"hosts": ["cart"], "http": http}}
    if not (made := route(found)):
        return
    merged = istio.merged(document, [made])
    for request in ASKED:
        before = by_istio(document, request)
        assert by_istio(merged, request) == (meant(found, request) if before == "cart" else before)
    assert istio.merged(merged, [])["spec"] == document["spec"]


# The Gateway API: the most special match, of several that are alike the first ------------------------------------------


def by_gamma(documents: list[Json], request: Request) -> str:
    path, headers = request
    found = [
        ((how == "Exact", len(at), len(match.get("headers", ()))), rule["backendRefs"][0]["name"])
        for document in documents
        for rule in document["spec"]["rules"]
        for match in rule.get("matches") or [{}]
        for how, at in [(match.get("path", {}).get("type", "PathPrefix"), match.get("path", {}).get("value", "/"))]
        if (path == at or (how == "PathPrefix" and path.startswith(at.rstrip("/") + "/"))) and _has(match, headers)
    ]
    return str(max(found, key=lambda one: one[0])[1]) if found else "nowhere"


def _has(match: Json, headers: dict[str, str]) -> bool:
    form = {"Exact": "exact", "RegularExpression": "regex"}
    return all(_string({form[one["type"]]: one["value"]}, headers.get(one["name"])) for one in match.get("headers", ()))


@settings(max_examples=120)
@given(rules)
def test_routes_of_the_gateway_api(found: list[tuple[KeyRule, bool]]) -> None:
    if not (made := route(found)):
        return
    documents = gamma.documents([made], [])
    if gamma.unsaid([made], []):
        assert {by_gamma(documents, one) for one in ASKED} == {"cart"}
    else:
        assert [by_gamma(documents, one) for one in ASKED] == [meant(found, one) for one in ASKED]
