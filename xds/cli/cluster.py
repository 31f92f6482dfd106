"""A cluster asked by a command: reached as kubectl reaches it, with an exit code and a sentence where it is not."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from translator.ir.output import Group
from xds.cli.output import Exit
from xds.groups import Groups
from xds.installation.api import RefusedError
from xds.installation.manifests import kinds
from xds.offline import HiddenError, Loaded, once
from xds.sources.interface import NoClusterError
from xds.sources.kube.access import loader
from xds.sources.kube.forward import ForwardError
from xds.sources.kube.source import Kube, words
from xds.sources.kube.transport import Broken, Transport

T = TypeVar("T")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - in Pods, whose network is their own


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
    except HiddenError as error:
        raise Exit(3, f"{error}. To mend it: use an account that may read all of it, or ask the server: pointsman doctor") from None
    except ForwardError as error:
        raise Exit(3, str(error)) from None
    except NoClusterError as error:
        raise Exit(3, f"{str(error).rstrip('.')}. Name a cluster by --kubeconfig, --context or KUBECONFIG") from None
    except (*Broken, ValueError) as error:
        raise Exit(3, f"the API server cannot be reached: {words(error)}. Look at `kubectl cluster-info`") from None


def read(cluster: Cluster, group: Group, groups: tuple[str, ...]) -> Loaded:
    """All of a cluster, as the installed server has it: for each Gateway proxies of its own. `groups` are those of Sandboxes."""
    run = replace(group, bind=EVERYWHERE, pods=True)

    async def ask(transport: Transport) -> Loaded:
        await transport.call("GET", "/version")  # whether anybody is there at all
        source = Kube(transport, kinds(groups), time.monotonic, random.random, hold=0.0)
        return await once(source, Groups(run, each=True), time.time)

    return on_cluster(cluster, ask)
