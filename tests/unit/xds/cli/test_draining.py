"""`pointsman drain`: Envoy is told, and waited for as long as requests are on their way."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from xds.cli import draining
from xds.cli.commands import run


class Admin(ThreadingHTTPServer):
    """The admin port of an Envoy that has so many requests open each time it is asked."""

    daemon_threads = True
    address_family = 2

    def __init__(self, active: list[int]) -> None:
        self.active, self.asked = active, list[str]()
        super().__init__(("127.0.0.1", 0), Handler)

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.server_address[1]


class Handler(BaseHTTPRequestHandler):
    server: Admin

    def do_GET(self) -> None:
        count = self.server.active.pop(0) if self.server.active else 0
        stats = [{"name": "http.edge.downstream_rq_active", "value": count}, {"name": "http.admin.downstream_rq_active", "value": 1}, {}]
        self._answer(json.dumps({"stats": stats}).encode())

    def do_POST(self) -> None:
        self._answer(b"OK")

    def _answer(self, body: bytes) -> None:
        self.server.asked.append(f"{self.command} {self.path.partition('?')[0]}")
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *told: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Admin]:
    monkeypatch.setattr(draining, "LOOK", 0.0)
    made = Admin([])
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def drained(admin: Admin, *options: str) -> int:
    return run(["drain", "--admin", f"127.0.0.1:{admin.server_address[1]}", *options])


def test_it_waits_until_no_request_is_on_its_way(admin: Admin) -> None:
    admin.active = [2, 1, 0, 5]
    assert drained(admin, "--least", "0") == 0
    assert admin.asked == ["POST /healthcheck/fail", "GET /stats", "GET /stats", "GET /stats"]


def test_it_waits_no_longer_than_it_may(admin: Admin) -> None:
    admin.active = [1] * 10_000
    assert drained(admin, "--least", "0", "--most", "0") == 0
    assert admin.asked == ["POST /healthcheck/fail"]


def test_without_an_envoy_it_says_so(admin: Admin, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drain", "--admin", "127.0.0.1:1"]) == 3
    assert "no Envoy answers" in capsys.readouterr().err
