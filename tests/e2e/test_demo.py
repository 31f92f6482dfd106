"""`pointsman demo --run` as a new user starts it: real processes, a real Envoy, files edited by hand, signals."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ports import free_port
from xds.demo.writing import write

pytestmark = pytest.mark.e2e
DEADLINE = 60.0  # seconds; a quiet machine needs two


class Demo:
    """A running demo: its folder, its port, and the lines that it printed."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder, self.port, self.admin = folder / "demo", port or free_port(), f"127.0.0.1:{free_port()}"
        self.lines: list[str] = []
        self._write()
        self._printed = threading.Condition()
        arguments = ["demo", str(self.folder), "--run", "--port", str(self.port), "--admin", self.admin]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "xds", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _write(self) -> None:
        """As the command does it, but with ports that no other test is given meanwhile."""
        write(self.folder)
        self.edit("backends.yaml", lambda text: re.sub(r"port: \d+", lambda _: f"port: {free_port()}", text))

    def _read(self) -> None:
        for line in self.process.stdout or ():
            with self._printed:
                self.lines.append(line.rstrip("\n"))
                self._printed.notify_all()

    def line(self, pattern: str) -> str:
        """The first line that matches, awaited."""
        with self._printed:
            found = self._printed.wait_for(lambda: next((one for one in self.lines if re.search(pattern, one)), None), DEADLINE)
        assert found, f"no line like {pattern!r} in:\n" + "\n".join(self.lines)
        return found

    def get(self, path: str, **headers: str) -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:  # noqa: S310 - our own URL
            return str(answer.read().decode())

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        path = self.folder / name
        path.write_text(change(path.read_text()))

    def envoys(self) -> list[int]:
        """Processes whose parent is the demo."""
        return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit() and parent(int(one.name)) == self.process.pid]

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        if self.process.stdout:
            self.process.stdout.close()


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0


def gone(pid: int) -> bool:
    """Ended; what its parent has yet to ask about, as in a container without an init, counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_gone(pids: list[int]) -> None:
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        with os.fdopen(handle) as file:
            select.select([file], [], [], DEADLINE)
    assert all(map(gone, pids))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path)
    try:
        running.line(r"^✓ .*http://127\.0\.0\.1:")
        yield running
    finally:
        running.close()


def test_the_urls_of_the_table_answer_as_it_says(demo: Demo) -> None:
    demo.line(r"curl -H 'X-Route-Key: alice'")
    answers = [demo.get("/shop/cart") for _ in range(60)]
    assert set(answers) <= {"shop /shop/cart\n", "shop-next /shop/cart\n"}
    assert answers.count("shop /shop/cart\n") > 30
    assert demo.get("/") == "shop /\n"
    assert demo.get("/", **{"X-Route-Key": "alice"}) == "alice / X-Route-Key=alice\n"
    assert demo.get("/", **{"X-Route-Key": "bob"}) == "shop / X-Route-Key=bob\n"
    demo.line(r"curl -H 'X-Route-Key: next'")
    for path in ("/", "/shop"):
        assert demo.get(path, **{"X-Route-Key": "next"}) == f"shop-next {path} X-Route-Key=next\n"


def test_a_saved_file_is_served_and_told_in_one_line(demo: Demo) -> None:
    demo.edit("shop.yaml", lambda text: text.replace("weight: 90", "weight: 0"))
    line = demo.line(r"^~ HTTPRoute default/shop")
    assert "weight 90 → 0" in line
    assert re.search(r"1 route config, [\d,]+ B, ACK \d+ ms$", line)
    assert {demo.get("/shop") for _ in range(20)} == {"shop-next /shop\n"}


def test_a_broken_save_is_told_by_its_place_and_changes_nothing_until_it_is_mended(demo: Demo) -> None:
    demo.edit("alice.yaml", lambda text: text + "broken: [\n")
    line = demo.line(r"^✗ .*alice\.yaml:\d+:\d+ PM0101")
    assert re.search(r"\(still serving \d\d:\d\d:\d\d\)$", line)
    assert demo.get("/", **{"X-Route-Key": "alice"}) == "alice / X-Route-Key=alice\n"
    demo.edit("shop.yaml", lambda text: text.replace("value: /shop", "value: /market"))
    demo.line(r"^~ HTTPRoute default/shop")
    assert demo.get("/shop") == "shop /shop\n"
    demo.edit("alice.yaml", lambda text: text.replace("broken: [\n", "").replace("value: alice", "value: carol"))
    demo.line(r"alice\.yaml:\d+:\d+ PM0101 cleared$")
    demo.line(r"^~ HTTPRoute default/alice")
    assert demo.get("/", **{"X-Route-Key": "carol"}) == "alice / X-Route-Key=carol\n"


def test_the_admin_port_answers_status_and_proxies(demo: Demo) -> None:
    def pointsman(*arguments: str) -> str:
        command = [sys.executable, "-m", "xds", *arguments, "--admin", demo.admin]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=DEADLINE).stdout

    assert re.search(r"HTTPRoute +default/shop +Gateway/edge +True +True", pointsman("status"))
    assert re.search(r"pointsman-run +local +config\.listener\.v3\.Listener +SYNCED", pointsman("proxies"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_within_three_seconds_and_leaves_no_process(demo: Demo, number: signal.Signals) -> None:
    envoys = demo.envoys()
    assert envoys
    before = time.monotonic()
    demo.process.send_signal(number)
    assert demo.process.wait(DEADLINE) == 0
    assert time.monotonic() - before < 3
    wait_gone(envoys)


def test_a_kill_without_warning_leaves_no_envoy(demo: Demo) -> None:
    envoys = demo.envoys()
    assert envoys
    demo.process.kill()
    wait_gone(envoys)


def test_an_envoy_that_dies_ends_the_command_with_a_reason(demo: Demo) -> None:
    [envoy] = demo.envoys()
    os.kill(envoy, signal.SIGKILL)
    demo.line(r"pointsman: Envoy ended with SIGKILL")
    assert demo.process.wait(DEADLINE) == 1


def test_a_port_that_another_program_has_is_told(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        running = Demo(tmp_path, other.getsockname()[1])
        try:
            running.line(r"^✗ Envoy refused local/8080: .*Address already in use")
        finally:
            running.close()
