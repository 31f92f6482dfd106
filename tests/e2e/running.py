"""A real Envoy with a static bootstrap. Knows how to start, ask and end it; knows nothing of what it is configured to do."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from protos.v3 import Bootstrap, Listener, data
from tests.envoy_validate import binary

MODULES = Path(__file__).parents[2] / "envoy" / "modules"
START_LIMIT = 60  # seconds; a quiet machine needs one


@dataclass(frozen=True)
class Envoy:
    admin: str
    ports: dict[str, int]  # name of listener → where it really listens


def _listening(log: Iterator[bytes], seen: list[bytes], ready: threading.Event) -> None:
    """Reads what Envoy logs until it ends, so that its pipe is never full; says when it serves, or never will."""
    for line in log:
        seen.append(line)
        if b"starting workers" in line:
            ready.set()
    ready.set()


@contextmanager
def envoy(listeners: list[Listener], at: Path) -> Iterator[Envoy]:
    """Serving on loopback until the block ends. Listeners with port 0 get free ones; `at` is a folder of its own."""
    bootstrap = Bootstrap()
    bootstrap.admin.address.socket_address.address = "127.0.0.1"
    bootstrap.admin.address.socket_address.port_value = 0
    bootstrap.static_resources.listeners.extend(listeners)
    (at / "bootstrap.pb").write_bytes(data(bootstrap))
    command = [binary(), "-c", at / "bootstrap.pb", "--admin-address-path", at / "admin", "--disable-hot-restart", "--concurrency", "1"]
    environment = {"ENVOY_DYNAMIC_MODULES_SEARCH_PATH": str(MODULES)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)
    seen: list[bytes] = []
    ready = threading.Event()
    assert process.stderr is not None
    reader = threading.Thread(target=_listening, args=(process.stderr, seen, ready))
    reader.start()
    try:
        serving = ready.wait(START_LIMIT) and process.poll() is None
        assert serving, b"".join(seen).decode()
        admin = (at / "admin").read_text()
        yield Envoy(admin, _ports(admin))
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stderr.close()


def _ports(admin: str) -> dict[str, int]:
    with urllib.request.urlopen(f"http://{admin}/listeners?format=json", timeout=10) as answer:
        listed = json.load(answer)["listener_statuses"]
    return {each["name"]: each["local_address"]["socket_address"]["port_value"] for each in listed}
