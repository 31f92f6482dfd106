"""Claims about routes as a client sees them, asked of a real Envoy: where redirects lead, and which paths match."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator

import pytest
from google.protobuf.json_format import Parse

from protos.v3 import Bootstrap
from tests.e2e.running import envoy
from tests.unit.translator.envoy_v3.world import TABLE, World, at, entry, routed, served
from translator.envoy_v3.standalone import bootstrap
from translator.ir.route import Answer, Entry, Headers, Match, PathChange, Redirect, TextMatch

pytestmark = pytest.mark.e2e

Asked = Callable[..., http.client.HTTPResponse]


LONG = f"/{'segment.' * 100}"  # as an expression it would be larger than Envoy takes


def redirect(n: int, prefix: str, **row: object) -> Entry:
    return entry(n, at("prefix", prefix), filters=(Redirect(**row),))  # type: ignore[arg-type]


ENTRIES = [
    redirect(0, "/tls", scheme="https"),
    redirect(1, "/odd", scheme="https", port=80),
    redirect(2, "/host", hostname="b.example"),
    redirect(3, "/port", port=80),
    redirect(4, "/foo", hostname="b.example", path=PathChange("prefix", "/xyz/")),
    redirect(5, "/gone", hostname="b.example", path=PathChange("prefix", "")),
    redirect(6, "/full", hostname="b.example", path=PathChange("full", "/one"), status=301),
    redirect(11, LONG, hostname="b.example", path=PathChange("prefix", "/")),
    entry(7, at("exact", "/exact"), Answer(201)),
    entry(8, at("prefix", "/segment"), Answer(202), (Headers(on="response", set=(("x-said", "100% %REQ(host)%"),)),)),
    entry(9, at("regex", "/r[0-9]+"), Answer(203)),
    entry(10, Match(method="PUT", headers=(TextMatch("exact", "x", "1"),), query=(TextMatch("exact", "q", "2"),)), Answer(205)),
]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Asks the one RouteConfiguration of a listener on port 8080, wherever Envoy listens for the test."""
    root = routed([redirect(0, "/", path=PathChange("prefix", "/new"))], "root.example", key="root")
    world = World(served(), *routed(ENTRIES, "a.example", "*"), *root)
    assert not world.refused()
    listeners = Parse(bootstrap(world.resources, "local"), Bootstrap()).static_resources.listeners
    name = f"routes/{TABLE}/1/0"
    with envoy([one for one in listeners if one.name == name], tmp_path_factory.mktemp("envoy")) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.ports[name], timeout=10)

        def answered(path: str, host: str = "a.example", method: str = "GET", **headers: str) -> http.client.HTTPResponse:
            connection.request(method, path, headers={"host": host, **headers})
            response = connection.getresponse()
            response.read()
            return response

        yield answered
        connection.close()


@pytest.mark.parametrize(
    ("host", "path", "location"),
    [
        ("a.example", "/tls/x?q=1", "https://a.example/tls/x?q=1"),
        ("a.example:8080", "/tls", "https://a.example/tls"),
        ("A.example:8080", "/tls", "https://a.example/tls"),
        ("wild.example", "/tls", "https://wild.example/tls"),
        ("wild.example:8080", "/tls", "https://wild.example:443/tls"),
        ("[::1]:8080", "/tls", "https://[::1]:443/tls"),
        ("a.example", "/odd", "https://a.example:80/odd"),
        ("a.example", "/host", "http://b.example:8080/host"),
        ("a.example:8080", "/port", "http://a.example/port"),
        ("wild.example:8080", "/port", "http://wild.example:80/port"),
        ("a.example", "/foo/bar?q=1", "http://b.example:8080/xyz/bar?q=1"),
        ("a.example", "/foo", "http://b.example:8080/xyz"),
        ("a.example", "/gone/bar", "http://b.example:8080/bar"),
        ("a.example", "/gone", "http://b.example:8080/"),
        ("a.example", "/gone?q=1", "http://b.example:8080/?q=1"),
        ("a.example", f"{LONG}/c", "http://b.example:8080/c"),
        ("a.example", f"{LONG}/", "http://b.example:8080/"),
        ("a.example", LONG, "http://b.example:8080/"),
        ("a.example", "/full/x?q=1", "http://b.example:8080/one?q=1"),
        ("root.example", "/c", "http://root.example:8080/new/c"),
    ],
)
def test_redirect_leads_where_the_gateway_api_says(ask: Asked, host: str, path: str, location: str) -> None:
    assert ask(path, host).headers["location"] == location


@pytest.mark.parametrize(
    ("path", "status"),
    [("/exact", 201), ("/exact/", 404), ("/segment", 202), ("/segment/x", 202), ("/segmented", 404), ("/r12", 203), ("/r12/x", 404),
     ("//segment//x", 202), ("/x/../segment", 202), ("/segment%2Fx", 400), ("/full", 301), ("/r", 404), ("/goner", 404)],
)  # fmt: skip
def test_path_is_matched_after_it_is_made_plain(ask: Asked, path: str, status: int) -> None:
    assert ask(path).status == status


def test_all_parts_of_a_match_must_hold(ask: Asked) -> None:
    assert ask("/?q=2", method="PUT", x="1").status == 205
    assert ask("/?q=2", method="PUT", x="2").status == 404
    assert ask("/?q=3", method="PUT", x="1").status == 404
    assert ask("/?q=2", x="1").status == 404


def test_value_of_a_header_is_text_to_envoy(ask: Asked) -> None:
    assert ask("/segment").headers["x-said"] == "100% %REQ(host)%"


def test_answers_do_not_advertise_envoy(ask: Asked) -> None:
    names = [name.lower() for name in ask("/segment").headers]
    assert "server" not in names
    assert not [name for name in names if name.startswith("x-envoy")]


def test_header_with_an_underscore_is_refused(ask: Asked) -> None:
    assert ask("/segment", x_y="1").status == 400
