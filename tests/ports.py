"""Ports that a test may give to a server: nobody else's, also where several test processes run side by side.

Port 0 is better where the server can tell which port it got. Where it is told the port, the kernel's own choice will not do:
from its range any connection on the machine may be given the same port before the server binds it.
"""

from __future__ import annotations

import fcntl
import random
import socket
import tempfile
from pathlib import Path
from typing import TextIO

BELOW_EPHEMERAL = range(15_000, 32_000)  # Linux gives outgoing connections ports from 32768 on
_claims: list[TextIO] = []  # held until this process ends


def free_port() -> int:
    """A port of loopback on which nobody listens, by TCP or UDP, and which no other test process is given meanwhile."""
    folder = Path(tempfile.gettempdir()) / "pointsman-test-ports"
    folder.mkdir(mode=0o777, exist_ok=True)
    for port in random.sample(BELOW_EPHEMERAL, 1_000):
        claim = (folder / str(port)).open("a")
        if _locked(claim) and _unused(port):
            _claims.append(claim)
            return port
        claim.close()
    raise AssertionError("no port is free")


def _locked(claim: TextIO) -> bool:
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _unused(port: int) -> bool:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        try:
            tcp.bind(("127.0.0.1", port))
            udp.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
