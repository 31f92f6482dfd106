"""Our server beside a cluster with nodes, giving each Gateway proxies of its own in Pods. For tests, as a `with`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.server import Server
from tests.kube.cluster.cluster import Cluster
from tests.ports import free_port
from tests.waiting import wait_until
from xds import roles
from xds.sources.kube.rights import Right

SOON = 90.0  # seconds; a quiet machine needs three
CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: pods}
spec: {controllerName: pointsman.io/gateway-controller}
"""


def permitted(cluster: Cluster, *without: Right) -> Path:
    """The kubeconfig of an account that may do what the shipped roles say, and no more; `without` some of it."""
    found = roles.roles("default")
    for role in found:
        if "rules" in role:
            rights = [right for right in _rights(role["rules"]) if right not in without]
            role["rules"] = roles.rules(rights)
    # Not checked against the schemas of all kinds, which an API server that has just started makes for half a minute on a busy machine
    cluster.kubectl("apply", "--validate=false", "-f", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": found}))
    return cluster.user("system:serviceaccount:default:pointsman")


def _rights(rules: list[dict[str, Any]]) -> list[Right]:
    return [(rule["apiGroups"][0], resource, verb) for rule in rules for resource in rule["resources"] for verb in rule["verbs"]]


@contextlib.asynccontextmanager
async def serving(cluster: Cluster, folder: Path, *options: str) -> AsyncIterator[Server]:
    """The server is a process of its own, which Pods find at the address of the first node."""
    kubeconfig = await asyncio.to_thread(permitted, cluster)
    reach = f"{cluster.address}:{free_port()}"
    made = [sys.executable, "-m", "xds", "certs", str(folder / "certs"), "--host", cluster.address, "--host", "127.0.0.1"]
    await asyncio.to_thread(subprocess.run, made, check=True, capture_output=True)
    tls = ["--tls", str(folder / "certs" / "server"), "--ca", str(folder / "certs")]
    planes = ["--data-planes", "pointsman", "--reach", reach, "--xds", reach]
    async with Server(None, folder / "server.log", "--kube", "--kubeconfig", str(kubeconfig), *tls, *planes, *options) as server:
        yield server


class Asked:
    """A namespace, by kubectl, and requests to what it serves."""

    def __init__(self, cluster: Cluster, namespace: str, session: aiohttp.ClientSession) -> None:
        self.cluster, self.namespace, self.session = cluster, namespace, session

    async def kubectl(self, *arguments: str, text: str | None = None, check: bool = True) -> str:
        done = await asyncio.to_thread(self.cluster.kubectl, "-n", self.namespace, *arguments, text=text, check=check)
        return done.stdout

    async def get(self, *what: str) -> dict[str, Any]:
        return json.loads(await self.kubectl("get", *what, "-o", "json"))  # type: ignore[no-any-return]

    async def programmed(self, gateway: str) -> str:
        """Its address, once it says that it is served."""
        found = ""

        async def holds() -> bool:
            nonlocal found
            status = (await self.get("gateway", gateway)).get("status", {})
            found = next((one["value"] for one in status.get("addresses", ())), "")
            return found != "" and any((one["type"], one["status"]) == ("Programmed", "True") for one in status["conditions"])

        await wait_until(holds, SOON, f"{gateway} to be programmed")
        return found

    async def answer(self, url: str, host: str = "") -> tuple[int, str]:
        """Nothing where nobody answers."""
        try:
            async with self.session.get(url, headers={"host": host} if host else None, timeout=aiohttp.ClientTimeout(total=3)) as answer:
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return 0, ""

    async def reached(self, url: str, host: str = "") -> int:
        """The first status. Programmed says that proxies serve; that every node knows the address is said by nobody."""

        async def somebody() -> int:
            return (await self.answer(url, host))[0]

        return await wait_until(somebody, SOON, f"somebody to answer {url}")
