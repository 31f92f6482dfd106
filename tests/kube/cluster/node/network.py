"""A network for each Pod: one address, and a pair of links to the node, through which all of its traffic goes."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from ipaddress import ip_network

from tests.kube.cluster.isolation import PODS

FIRST = 16  # addresses before are of nodes


@dataclass(frozen=True)
class Network:
    """`number` tells it from all others."""

    number: int
    node: str  # address

    @property
    def name(self) -> str:
        return f"pod{self.number}"

    @property
    def address(self) -> str:
        return str(ip_network(PODS)[FIRST + self.number])

    async def make(self, *, low_ports: bool) -> None:
        """`low_ports`: whoever is not root may listen on them, too."""
        link = f"v{self.number}"
        await run("ip", "netns", "add", self.name)
        outside = f"link add {link} type veth peer name eth0 netns {self.name}\nlink set {link} up\n"
        outside += f"route add {self.address}/32 dev {link} src {self.node}\n"
        inside = f"link set lo up\naddr add {self.address}/32 dev eth0\nlink set eth0 up\n"
        inside += f"route add {self.node} dev eth0 scope link\nroute add default via {self.node} dev eth0\n"
        await run("ip", "-batch", "-", text=outside)
        await run("ip", "-n", self.name, "-batch", "-", text=inside)
        if low_ports:
            await run("ip", "netns", "exec", self.name, "sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start")

    async def remove(self) -> None:
        for command in (("ip", "netns", "del", self.name), ("ip", "link", "del", f"v{self.number}")):
            with contextlib.suppress(OSError):  # the links go with the network, sooner or later
                await run(*command)


async def run(*command: str, text: str = "") -> None:
    """OSError where it fails."""
    pipe = asyncio.subprocess.PIPE
    started = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    _, errors = await started.communicate(text.encode())
    if started.returncode:
        raise OSError(f"{' '.join(command)}: {errors.decode().strip()}")
