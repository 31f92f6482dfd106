"""Commands for a laptop that stands in for a Service, and their options. `connect` and `claim` belong to `sandbox`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from xds.cli.cluster_commands import Context, Kubeconfig, cluster
from xds.cli.output import Output
from xds.cli.sandbox_commands import api


def connect(
    sandbox: Annotated[str, typer.Argument(metavar="SANDBOX", help="Whose requests come here.")],
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="The Service that this machine answers for.")],
    port: Annotated[int, typer.Argument(min=1, max=65535, metavar="PORT", help="Where it listens on 127.0.0.1.")],
    reach: Annotated[list[str], typer.Option(metavar="HOST:PORT", help="Where tunnels end; again for each place. See pointsman tunnels.")],
    tls: Annotated[Path, typer.Option(metavar="DIR", help="tls.crt, tls.key and ca.crt, as pointsman sandbox claim writes them.")],
    namespace: Annotated[str, typer.Option("-n", "--namespace", help="Of the Sandbox.")] = "default",
    server_name: Annotated[
        str, typer.Option(metavar="NAME", help="What the certificates there must say; else the first host of --reach.")
    ] = "",
    grpc: Annotated[bool, typer.Option("--grpc", help="The port speaks HTTP/2 without TLS.")] = False,
    kube: Annotated[bool, typer.Option("--kube", help="Tell the cluster that it is connected, for its status.")] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """A port of this machine becomes the fork (experimental).

    Example: pointsman sandbox connect alice cart 3000 --reach tunnels.example.com:9000 --tls ./claim
    """
    from xds.cli.connecting import Wanted, connect

    told = cluster(kubeconfig, context) if kube or kubeconfig or context else None
    connect(Wanted(sandbox, service, port, namespace, tuple(reach), tls, server_name, grpc, told, api()))


def claim(
    which: Annotated[str, typer.Argument(metavar="NAMESPACE/SANDBOX/SERVICE", help="What its owner may answer for.")],
    to: Annotated[Path, typer.Argument(metavar="DIR", help="Where it is written.")],
    ca: Annotated[Path, typer.Option(metavar="DIR", help="ca.crt and ca.key, as pointsman certs makes them.")],
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it is good.")] = 7,
) -> None:
    """Make a certificate that lets a laptop answer for one Service of one Sandbox.

    Example: pointsman sandbox claim shop/alice/cart ./claim --ca ./certs
    """
    from xds.cli.connecting import claim

    claim(which, ca, to, days)


def tunnels(
    tls: Annotated[str, typer.Option(metavar="DIR", help="tls.crt, tls.key and ca.crt of the gateway, where its Envoy finds them.")],
    at: Annotated[str, typer.Option(metavar="ADDR", help="Where laptops dial.")] = "0.0.0.0:9000",
    requests: Annotated[str, typer.Option(metavar="ADDR", help="Where proxies send requests for them.")] = "0.0.0.0:8080",
    admin: Annotated[str, typer.Option(metavar="ADDR", help="Admin port of that Envoy, on loopback.")] = "127.0.0.1:19001",
    output: Annotated[Output, typer.Option("-o", "--output", help="How to answer.")] = Output.YAML,
) -> None:
    """Print the bootstrap of the Envoy where tunnels of laptops end (experimental).

    Example: pointsman tunnels --tls /etc/tunnels > tunnels.yaml && envoy -c tunnels.yaml
    """
    from xds.cli.connecting import tunnels
    from xds.cli.showing import check_address
    from xds.laptops.tunnel import Gateway

    check_address(admin, "--admin")
    tunnels(Gateway(tunnels=at, requests=requests, tls=tls, admin=admin), output)


def add(app: typer.Typer, sandbox: typer.Typer) -> None:
    app.command()(tunnels)
    sandbox.command()(connect)
    sandbox.command()(claim)
