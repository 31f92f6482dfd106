"""What a sidecar reads when it starts. Secret is none of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

from translator.injection.workload import HOME
from translator.ir import inbound
from xds.bootstrap import Bootstrap, Client, bootstrap, secrets, split
from xds.planes.settings import DataPlanes

ADMIN = "127.0.0.1:19001"
Started = Callable[[str], dict[str, str]]  # key of a Service → name → text


def started(planes: DataPlanes) -> Started:
    """What the sidecars of a Service start with where the proxies of Gateways are these."""
    return partial(files, reach=planes.reach, counted=planes.counted)


def files(service: str, reach: str, *, counted: bool = False) -> dict[str, str]:
    """Name → text: whom to ask (`reach` is HOST:PORT from within a Pod), and where its certificate is. Where it is `counted`, it also
    sends what it counts of requests.
    """
    who, group = Client(HOME, split(reach)[0]), inbound.group(service)
    config = bootstrap(
        Bootstrap(
            xds=reach, node=group, group=group, admin=ADMIN, modules=("shard",), client=who, load_reports=counted, request_metrics=counted
        )
    )  # fmt: skip
    return {name: json.dumps(content, indent=1) + "\n" for name, content in {"bootstrap.json": config, **secrets(who)}.items()}
