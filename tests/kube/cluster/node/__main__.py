"""All nodes of a test cluster, in one process. Started by the cluster, as the first process of a PID namespace."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import yaml

from tests.kube.cluster.isolation import NODES
from tests.kube.cluster.node import endpoint
from tests.kube.cluster.node.api import Api
from tests.kube.cluster.node.images import REPOSITORY, own, read
from tests.kube.cluster.node.node import Contents, Node, Nodes
from tests.kube.cluster.node.services import Names, Services


async def main(arguments: argparse.Namespace, server: SplitResult) -> None:
    api, contents, folder = Api(arguments.kubeconfig), Contents(), Path(arguments.folder)
    images = [*(read(Path(arguments.images)) if arguments.images else ()), *own()]
    shown = list(dict.fromkeys([str(REPOSITORY), sys.prefix, sys.base_prefix, *arguments.show]))
    shown = [one for one in shown if not any(one != other and one.startswith(f"{other}/") for other in (*shown, "/usr"))]
    places = {
        "folder": folder, "logs": Path(arguments.logs), "shown": shown, "longest_grace": arguments.longest_grace,
        "server": (server.hostname or "", str(server.port)),
    }  # fmt: skip
    places["logs"].mkdir(parents=True, exist_ok=True)
    nodes = [Node(f"node-{number}", address, api, contents, images, **places) for number, address in enumerate(NODES, 1)]
    services = Services(api)
    loop = asyncio.get_running_loop()
    for node in nodes:
        await loop.create_datagram_endpoint(lambda: Names(services), local_addr=(node.address, 53))
    logs = (endpoint.serve(node, arguments.certificate, arguments.key) for node in nodes)
    await Nodes(api, nodes, contents).run(services.follow(), *logs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("kubeconfig", "folder", "logs", "certificate", "key"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--images", default="", help="a file of more images")
    parser.add_argument("--show", action="append", default=[], help="a folder of the machine that containers see")
    parser.add_argument("--longest-grace", type=float, default=30.0, help="seconds that a container may take to end, at most")
    given = parser.parse_args()
    found = yaml.safe_load(Path(given.kubeconfig).read_text())["clusters"][0]["cluster"]["server"]
    asyncio.run(main(given, urlsplit(found)))
