"""Network namespaces that are joined by one more, which routes: as Pods are to one another. Needs root; removed at the end.

Sockets are made in a namespace by a thread that enters it, so that servers and clients of a test all live in its own process.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NEWNET = 0x40000000
NET, NET_SIX = "10.98", "fd98:0:0"
SIX = Path("/proc/sys/net/ipv6")  # missing where the kernel was built or started without it


def missing() -> str:
    """Why there can be none here, or nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "nft"):
        try:
            subprocess.run([program, "-V"], capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return f"network namespaces need the program {program}"
    tried = f"pm{os.getpid()}t"
    done = subprocess.run(["ip", "netns", "add", tried], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "del", tried], capture_output=True, check=False)
    return done.stderr.strip()


@dataclass
class Namespaces:
    """`of` are those of a test by their short names; each has the addresses `10.98.N.2` and `fd98:0:0:N::2`, and the same name is in
    no other test. `router` is the one that joins them, by the devices r1, r2 and so on.
    """

    of: dict[str, str] = field(default_factory=dict)  # short name → name
    addresses: dict[str, str] = field(default_factory=dict)
    sixes: dict[str, str] = field(default_factory=dict)  # empty where the kernel has no IPv6

    def inside(self, name: str) -> tuple[str, ...]:
        """What a command begins with that runs there."""
        return ("ip", "netns", "exec", self.of[name])

    def run(self, name: str, *command: str, given: str = "") -> str:
        return subprocess.run([*self.inside(name), *command], input=given, capture_output=True, text=True, check=True).stdout

    def socket(self, name: str, address: str = "") -> socket.socket:
        """A TCP socket that lives there, of the family of the address."""
        made: list[socket.socket] = []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        thread = threading.Thread(target=lambda: made.append(_entered(self.of[name], family)))
        thread.start()
        thread.join()
        return made[0]

    async def connect(self, name: str, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        one = self.socket(name, address)
        one.setblocking(False)
        try:
            async with asyncio.timeout(5):
                await asyncio.get_running_loop().sock_connect(one, (address, port))
        except BaseException:
            one.close()
            raise
        return await asyncio.open_connection(sock=one)

    @asynccontextmanager
    async def serving(
        self, name: str, port: int, answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    ) -> AsyncIterator[None]:  # fmt: skip
        """In both families, where there are two."""
        one = self.socket(name, "::" if self.sixes else "")
        if self.sixes:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("::" if self.sixes else "0.0.0.0", port))
        server = await asyncio.start_server(answer, sock=one)
        try:
            yield
        finally:
            server.close()


def _entered(namespace: str, family: int) -> socket.socket:
    """Only this thread moves, and it ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/var/run/netns", namespace).open("rb") as place:
        assert libc.setns(place.fileno(), NEWNET) == 0, os.strerror(ctypes.get_errno())
    return socket.socket(family, socket.SOCK_STREAM)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, check=True)


@contextmanager
def namespaces(*names: str) -> Iterator[Namespaces]:
    router = f"pm{os.getpid()}r"
    found = Namespaces({"router": router})
    made = [router]
    try:
        _ip("netns", "add", router)
        _ip("netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for number, name in enumerate(names, 1):
            full, net = f"pm{os.getpid()}{name}", f"{NET}.{number}"
            _ip("netns", "add", full)
            made.append(full)
            _ip("link", "add", "eth0", "netns", full, "type", "veth", "peer", "name", f"r{number}", "netns", router)
            _ip("-n", full, "addr", "add", f"{net}.2/24", "dev", "eth0")
            _ip("-n", router, "addr", "add", f"{net}.1/24", "dev", f"r{number}")
            for place, device in ((full, "lo"), (full, "eth0"), (router, f"r{number}")):
                _ip("-n", place, "link", "set", device, "up")
            _ip("-n", full, "route", "add", "default", "via", f"{net}.1")
            found.of[name], found.addresses[name] = full, f"{net}.2"
            if SIX.exists():
                found.sixes[name] = _six(router, full, number)
        yield found
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _six(router: str, full: str, number: int) -> str:
    """Also where new namespaces are told to have none of it."""
    net = f"{NET_SIX}:{number}:"
    for place, device, address in ((full, "eth0", f"{net}:2"), (router, f"r{number}", f"{net}:1")):
        _ip("netns", "exec", place, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0", "net.ipv6.conf.all.forwarding=1")
        _ip("-n", place, "addr", "add", f"{address}/64", "dev", device, "nodad")
    _ip("-n", full, "-6", "route", "add", "default", "via", f"{net}:1")
    return f"{net}:2"
