"""The commands about sandboxes, and their options; what they do stands in files of their own, imported when they are called."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xds.cli.cluster_commands import Context, Kubeconfig, Named, cluster
from xds.cli.output import Output

if TYPE_CHECKING:
    from xds.cli.sandboxes import Place

app = typer.Typer(
    name="sandbox",
    help="Try one changed service inside a shared environment.  Start with:  pointsman sandbox create --help",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the Sandbox.")]
Files = Annotated[
    Path | None, typer.Option("--files", metavar="DIR", help="A folder that the server reads; without it the cluster of kubectl.")
]
Kube = Annotated[bool, typer.Option("--kube", help="A Kubernetes cluster, as without --files.")]
Admin = Annotated[
    str,
    typer.Option(metavar="ADDR", help="Of a server that counts requests. By default 127.0.0.1:19000, or those in the cluster."),
]
Namespace = Annotated[str, typer.Option("-n", "--namespace", help="Where the Sandbox is.")]


def _place(files: Path | None, kube: bool, namespace: str, kubeconfig: Path | None, context: str | None) -> Place:
    from xds.cli.output import Exit
    from xds.cli.sandboxes import Place

    if files and (kube or kubeconfig or context):
        raise Exit(2, "--files DIR or a cluster, not both")
    return Place(files, cluster(kubeconfig, context), namespace, api())


def api() -> str:
    """Group and version of Sandboxes, and of what belongs to them, where a cluster is asked."""
    return f"{_group.get()}/v1alpha1"


_group: ContextVar[str] = ContextVar("group", default="pointsman.io")


@app.callback()
def among(
    group: Annotated[
        str, typer.Option("--group", metavar="GROUP", envvar="POINTSMAN_SANDBOX_GROUP", help="Where a cluster has Sandboxes.")
    ] = "pointsman.io",
) -> None:
    """Try one changed service inside a shared environment.  Start with:  pointsman sandbox create --help"""
    _group.set(group)


@app.command()
def create(
    name: Name,
    service: Annotated[list[str] | None, typer.Option(metavar="SERVICE=TARGET", help="A changed Service, and what answers.")] = None,
    of: Annotated[str, typer.Option("--from", metavar="deploy/NAME", help="Make a fork of this Deployment, in a cluster.")] = "",
    fork: Annotated[
        str,
        typer.Option(metavar="deploy/NAME", help="Have the server (serve --forks) make it, and follow this Deployment or rollout/NAME."),
    ] = "",
    image: Annotated[list[str] | None, typer.Option(metavar="[CONTAINER=]IMAGE", help="What the fork runs.")] = None,
    env: Annotated[list[str] | None, typer.Option(metavar="[CONTAINER:]NAME=VALUE", help="What the fork is told.")] = None,
    key: Annotated[str, typer.Option(help="Its routing key; its name unless given.")] = "",
    ttl: Annotated[str, typer.Option(metavar="8h", help="After which time it is gone.")] = "",
    label: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="For RouteGroups that select by labels.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be made.")] = False,
    files: Files = None,
    kube: Kube = False,
    namespace: Namespace = "default",
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: Named = Output.TABLE,
) -> None:
    """A new one.  Example: pointsman sandbox create feature-42 --from deploy/checkout --image r/checkout:abc --ttl 8h"""
    from xds.cli.sandboxes import Forked, create
    from xds.sandboxes.written import Wish

    wish = Wish(name=name, namespace=namespace, services=tuple(service or ()), key=key, ttl=ttl, labels=tuple(label or ()), api=api())
    forked = Forked(of=of, declared=fork, images=tuple(image or ()), env=tuple(env or ()))
    create(_place(files, kube, namespace, kubeconfig, context), wish, forked, output, dry_run=dry_run)


@app.command("list")
def list_(
    files: Files = None, kube: Kube = False, namespace: Namespace = "default",
    kubeconfig: Kubeconfig = None, context: Context = None, output: Named = Output.TABLE,
) -> None:  # fmt: skip
    """All of them, and whether they are ready.  Example: pointsman sandbox list --files ./demo"""
    from xds.cli.sandboxes import list_

    list_(_place(files, kube, namespace, kubeconfig, context), output)


@app.command()
def url(
    name: Name, files: Files = None, kube: Kube = False, namespace: Namespace = "default",
    kubeconfig: Kubeconfig = None, context: Context = None, output: Named = Output.TABLE,
) -> None:  # fmt: skip
    """Links that have the key, and the header that sets it.  Example: pointsman sandbox url feature-42"""
    from xds.cli.sandboxes import url

    url(_place(files, kube, namespace, kubeconfig, context), name, output)


@app.command("map")
def map_(
    name: Name, files: Files = None, kube: Kube = False, namespace: Namespace = "default",
    admin: Admin = "",
    kubeconfig: Kubeconfig = None, context: Context = None, output: Named = Output.TABLE,
) -> None:  # fmt: skip
    """Which services are changed, and which the baseline answers.  Example: pointsman sandbox map feature-42"""
    from xds.cli.sandboxes import map_

    map_(_place(files, kube, namespace, kubeconfig, context), name, admin, output)


@app.command()
def delete(
    name: Name, files: Files = None, kube: Kube = False, namespace: Namespace = "default",
    kubeconfig: Kubeconfig = None, context: Context = None, output: Named = Output.TABLE,
) -> None:  # fmt: skip
    """Take it away, and what was made for it.  Example: pointsman sandbox delete feature-42"""
    from xds.cli.sandboxes import delete

    delete(_place(files, kube, namespace, kubeconfig, context), name, output)
