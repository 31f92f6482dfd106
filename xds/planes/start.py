"""What the proxies of a data plane read when they start: whom to ask, and where their certificate is. Secret is none of it."""

from __future__ import annotations

import json

from translator.ir.plane import Plane
from translator.planes.pods import HOME, READY_PORT
from xds.bootstrap import Bootstrap, Client, bootstrap, secrets

ADMIN = "127.0.0.1:19001"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - the probes of a kubelet come from outside of the Pod


def files(plane: Plane, xds: str, server: str, *, counted: bool = False) -> dict[str, str]:
    """Name → text. `xds` is where the server is found from within a Pod, `server` what its certificate says. Where requests are
    `counted`, it also tells the load of each cluster.
    """
    client = Client(HOME, server)
    config = bootstrap(
        Bootstrap(
            xds=xds, node=plane.group, group=plane.group, admin=ADMIN, modules=("shard",), client=client,
            readiness=f"{EVERYWHERE}:{READY_PORT}", load_reports=counted, request_metrics=counted,
        )
    )  # fmt: skip
    return {name: json.dumps(content, indent=1) + "\n" for name, content in {"bootstrap.json": config, **secrets(client)}.items()}
