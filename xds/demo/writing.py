"""Writes the starting point. The ports of the sample backends are moved to free ones where somebody else has theirs."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
GATEWAY_PORT = 8080  # as gateway.yaml has it; another one is an offset to it, so that the file stays as it is
_BACKEND_PORTS = (9101, 9102, 9103)


def write(directory: Path) -> list[Path]:
    """The files that were written; none where the folder holds something already: it is the user's then. OSError."""
    if directory.is_dir() and any(directory.iterdir()):
        return []
    directory.mkdir(parents=True, exist_ok=True)
    return [_write(source, directory / source.name) for source in sorted(TEMPLATES.glob("*.yaml"))]


def _write(source: Path, target: Path) -> Path:
    text = source.read_text()
    if source.stem == "backends":
        for wanted, free in zip(_BACKEND_PORTS, free_ports(_BACKEND_PORTS), strict=True):
            text = text.replace(f"port: {wanted}}}", f"port: {free}}}")
    target.write_text(text)
    return target


def free_ports(wanted: tuple[int, ...]) -> list[int]:
    """Those ports of loopback where they are free, and others where they are not."""
    with ExitStack() as held:
        return [held.enter_context(_bound(port)).getsockname()[1] for port in wanted]


def _bound(port: int) -> socket.socket:
    for candidate in (port, 0):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", candidate))
        except OSError:
            one.close()
        else:
            return one
    raise OSError("no free port on 127.0.0.1")
