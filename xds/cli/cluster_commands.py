"""The commands about a cluster, and their options; what they do stands in files of their own, imported when they are called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from xds.cli.output import Exit, Output

if TYPE_CHECKING:
    from xds.cli.cluster import Cluster

Named = Annotated[Output, typer.Option("-o", "--output", help="How to answer.")]
Kube = Annotated[bool, typer.Option("--kube", help="A cluster instead.")]
Groups = Annotated[
    list[str] | None, typer.Option("--sandbox-group", metavar="GROUP", help="Where Sandboxes are; of several the first counts.")
]
Kubeconfig = Annotated[Path | None, typer.Option(metavar="FILE", help="As for kubectl; else KUBECONFIG, or what a Pod is given.")]
Context = Annotated[str | None, typer.Option(metavar="NAME", help="A context of the kubeconfig.")]
Timeout = Annotated[float, typer.Option(min=0, help="Seconds to wait; 0: not at all.")]


def cluster(kubeconfig: Path | None, context: str | None) -> Cluster:
    from xds.cli.cluster import Cluster

    return Cluster(str(kubeconfig) if kubeconfig else None, context)


def where(directory: Path | None, *, kube: bool, kubeconfig: Path | None, context: str | None) -> Path | Cluster:
    """Files, or a cluster. Exits where it is not said which, or both are."""
    if kube == (directory is not None):
        raise Exit(2, "say what to read: DIR, or --kube")
    if directory is not None:
        _only_with_kube(kubeconfig, context)
        return directory
    return cluster(kubeconfig, context)


def server(admin: str, *, kube: bool, kubeconfig: Path | None, context: str | None) -> str | Cluster:
    """A server by its admin port, or those of a cluster."""
    if kube:
        return cluster(kubeconfig, context)
    _only_with_kube(kubeconfig, context)
    return admin


def _only_with_kube(kubeconfig: Path | None, context: str | None) -> None:
    if kubeconfig or context:
        raise Exit(2, "--kubeconfig and --context go with --kube")


def install(
    image: Annotated[str, typer.Option(metavar="IMAGE", help="Of the server and of proxies, as nodes can pull it.")] = "pointsman:0.1.0",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; -o yaml prints what would be applied.")] = False,
    keep: Annotated[bool, typer.Option("--keep-crds", help="Definitions that are there stay as they are.")] = False,
    webhook: Annotated[bool, typer.Option("--webhook", help="Pods that ask for it get a sidecar: label pointsman.io/inject=true.")] = False,
    mesh: Annotated[bool, typer.Option("--mesh", help="The server writes objects of meshes.")] = False,
    forks: Annotated[bool, typer.Option("--forks", help="The server makes forks: who writes Sandboxes may then run Pods.")] = False,
    signadot: Annotated[bool, typer.Option("--signadot", help="The server reads routes of Signadot's operator.")] = False,
    group: Annotated[
        list[str] | None,
        typer.Option("--sandbox-group", metavar="GROUP", help="Where Sandboxes are, in place of pointsman.io. May be repeated."),
    ] = None,
    timeout: Timeout = 120,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: Named = Output.TABLE,
) -> None:
    """Put the server into a cluster, until a Gateway would work.  Example: pointsman install --dry-run"""
    from xds.cli.installing import Wish, install, plan
    from xds.cli.options import check_groups

    check_groups(groups := tuple(group or ()))
    asked = {"webhook": webhook, "mesh": mesh, "forks": forks, "signadot": signadot}
    wish = Wish(image, keep, tuple(name for name, wanted in asked.items() if wanted), groups, timeout)
    (plan if dry_run else install)(cluster(kubeconfig, context), wish, output)


def uninstall(
    yes: Annotated[bool, typer.Option("--yes", help="Also where Gateways lose their proxies.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed.")] = False,
    definitions: Annotated[bool, typer.Option("--crds", help="Definitions too, where no object is of them.")] = False,
    objects: Annotated[bool, typer.Option("--objects", help="With --crds: the objects too, whoever wrote them.")] = False,
    timeout: Timeout = 120,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: Named = Output.TABLE,
) -> None:
    """Take the server and all proxies out of a cluster; what people wrote stays.  Example: pointsman uninstall --yes"""
    from xds.cli.installing import Unwish, uninstall

    uninstall(cluster(kubeconfig, context), Unwish(yes, dry_run, definitions, objects, timeout), output)


def doctor(kubeconfig: Kubeconfig = None, context: Context = None, output: Named = Output.TABLE) -> None:
    """What is wrong with the server in a cluster, the worst first, each with what mends it.  Example: pointsman doctor"""
    from xds.cli.installing import doctor

    doctor(cluster(kubeconfig, context), output)
