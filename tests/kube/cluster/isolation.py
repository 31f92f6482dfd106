"""A network and mounts of our own, for this process and all that it starts: with its last process everything of them is gone.

The network has the addresses of a node and of its Pods, and no way out of it. Needs root, `ip`, and `nft` for kube-proxy.
Source: unshare(2), network_namespaces(7).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

NODES = ("10.244.0.1", "10.244.0.2")  # their addresses
PODS = "10.244.0.0/16"
SERVICES = "10.96.0.0/16"
BALANCERS = "172.18.0.0/24"  # given to Services of type LoadBalancer
PROGRAMS = {"ip": "iproute2", "nft": "nftables", "nsenter": "util-linux", "setpriv": "util-linux", "unshare": "util-linux"}
NEW_NETWORK, NEW_MOUNTS = 0x40000000, 0x00020000
_entered = False


class NoIsolationError(Exception):
    """There can be no nodes here; the reason in one line."""


def check() -> None:
    """NoIsolationError where `enter` would fail."""
    if os.geteuid() != 0:
        raise NoIsolationError("nodes of the test cluster need root, for networks of their own")
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            raise NoIsolationError(f"nodes of the test cluster need {program}, of the package {package}")


def enter() -> None:
    """Once for a process, before it has other threads: they would stay outside. NoIsolationError where it cannot be."""
    global _entered  # noqa: PLW0603 - so it is with the process
    if _entered:
        return
    check()
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_NETWORK | NEW_MOUNTS):
        raise NoIsolationError(f"no network of our own: {os.strerror(ctypes.get_errno())}")
    _run("mount", "--make-rprivate", "/")
    _run("mount", "-t", "sysfs", "sysfs", "/sys")  # that of this network
    Path("/run/netns").mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
    lines = ["link set lo up", *(f"addr add {address}/32 dev lo" for address in NODES)]
    # addresses of Services need some route, for kube-proxy to rewrite what is sent there
    lines += ["link add nodes type bridge", "link set nodes up", f"route add default dev nodes src {NODES[0]}"]
    _run("ip", "-batch", "-", text="\n".join(lines) + "\n")
    for setting in ("ip_forward", "conf/all/proxy_arp"):
        Path("/proc/sys/net/ipv4", setting).write_text("1")
    _entered = True


def _run(*command: str, text: str | None = None) -> None:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoIsolationError(f"{' '.join(command)}: {done.stderr.strip()}")
