"""A cluster asked by a command: reached as kubectl reaches it, with an exit code and a sentence where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from xds.cli.output import Exit
from xds.installation.api import RefusedError
from xds.sources.interface import NoClusterError
from xds.sources.kube.access import loader
from xds.sources.kube.source import words
from xds.sources.kube.transport import Broken, Transport

T = TypeVar("T")


@dataclass(frozen=True)
class Cluster:
    """Which one: as for kubectl."""

    kubeconfig: str | None = None
    context: str | None = None


def on_cluster(cluster: Cluster, ask: Callable[[Transport], Awaitable[T]]) -> T:
    """Ask, and close. Exit code 3 where nobody answers, or what was asked for is not permitted."""

    async def asked() -> T:
        transport = Transport(loader(cluster.kubeconfig, cluster.context))
        try:
            return await ask(transport)
        finally:
            await transport.close()

    try:
        return asyncio.run(asked())
    except RefusedError as error:
        fix = "use an account that may, or ask an administrator" if error.status == 403 else "see what the API server says"
        raise Exit(3, f"{error}. To mend it: {fix}") from None
    except NoClusterError as error:
        raise Exit(3, f"{error}. Name a cluster by --kubeconfig, --context or KUBECONFIG") from None
    except (*Broken, ValueError) as error:
        raise Exit(3, f"the API server cannot be reached: {words(error)}. Look at `kubectl cluster-info`") from None
