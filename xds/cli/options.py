"""What `run` and `serve` are asked, and whether it makes sense together: found before anything is started."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from translator.ir.output import Group
from translator.resources.crd import GROUP
from translator.resources.fork import NAMES
from xds.bootstrap import split
from xds.cli.output import Exit
from xds.cli.showing import check_address
from xds.planes.settings import DataPlanes
from xds.security.access import Policy
from xds.security.credentials import CredentialsError, read
from xds.settings import Cluster

EVERYWHERE = "0.0.0.0"  # noqa: S104 - in Pods, whose network is their own


@dataclass(frozen=True, kw_only=True)
class Options:
    cluster: Cluster | None = None  # in place of a folder
    xds: str = ""  # empty: a unix socket that only our own Envoy knows
    admin: str
    pages: str = ""  # where health and metrics are for others
    bind: str
    port_offset: int
    allow_mass_deletion: bool = False
    reflection: bool = False
    tls: str = ""
    policy: Policy = field(default_factory=Policy)
    planes: DataPlanes | None = None
    mesh: bool = False
    forks: bool = False
    signadot: bool = False
    request_metrics: bool = False
    groups: tuple[str, ...] = (GROUP,)
    webhook: str = ""  # where an API server asks about new Pods
    samples: bool = False  # also start what the folder calls sample backends
    welcome: str = ""  # for people, once requests are answered


def cluster(files: Path | None, kubeconfig: Path | None, context: str | None, *, kube: bool) -> Cluster | None:
    """Which cluster is meant, or none: files. Exits where both are, or neither is."""
    if kube == (files is not None):
        raise Exit(2, "say where objects come from: --files DIR, or --kube")
    if not kube and (kubeconfig or context):
        raise Exit(2, "--kubeconfig and --context go with --kube")
    return Cluster(str(kubeconfig) if kubeconfig else None, context) if kube else None


def groups(given: list[str] | None) -> tuple[str, ...]:
    """Where Sandboxes are. Exits where one is no name of a group."""
    check_groups(found := tuple(given or (GROUP,)))
    return found


def planes(image: str, reach: str, ca: Path | None, replicas: int, *, counted: bool = False) -> DataPlanes:
    """Exits where something is missing for them."""
    if not reach:
        raise Exit(2, "--data-planes needs --reach HOST:PORT, where proxies find this server")
    try:
        split(reach)
    except ValueError as error:
        raise Exit(2, f"--reach: {error}") from None
    from xds.reports.writer import home

    return DataPlanes(image, reach, str(ca or ""), replicas, home(), counted)


def check(options: Options) -> None:
    """Of a server alone. Exits where it cannot be so."""
    _check_written(options)
    _check_webhook(options)
    if not options.planes:
        check_xds(options)
    elif options.cluster is None or options.policy.shared or bool(options.tls) != bool(options.planes.ca):
        raise Exit(2, "--data-planes goes with --kube, without --one-for-all, and with --tls and --ca, or with neither")
    elif options.tls:
        check_xds(options)


def _check_written(options: Options) -> None:
    if options.mesh and options.cluster is None:
        raise Exit(2, "--mesh goes with --kube; for files there is pointsman export istio|gateway-api DIR")
    if options.signadot and options.cluster is None:
        raise Exit(2, "--signadot goes with --kube: it reads what an operator has made")
    if options.forks and options.cluster is None:
        raise Exit(2, "--forks goes with --kube: forks are made of Deployments")


def check_groups(groups: tuple[str, ...]) -> None:
    if wrong := [one for one in groups if not re.fullmatch(NAMES, one)]:
        raise Exit(2, f"--sandbox-group {', '.join(wrong)}: a group is a name as previews.example.com")


def _check_webhook(options: Options) -> None:
    if not options.webhook:
        return
    if not options.planes:
        raise Exit(2, "--webhook goes with --data-planes: sidecars are of that image, and find the server where proxies find it")
    try:
        split(options.webhook)
    except ValueError as error:
        raise Exit(2, f"--webhook: {error}") from None


def check_xds(options: Options) -> None:
    """Over the network only with TLS, and with files that can be used."""
    if not options.tls:
        check_address(options.xds, "--xds", " or, for others, --tls DIR. pointsman certs DIR makes what has to be there")
        return
    try:
        split(options.xds) if not options.xds.startswith("unix:") else None
        read(Path(options.tls), datetime.now(UTC))
    except ValueError as error:
        raise Exit(2, f"--xds: {error}") from None
    except CredentialsError as error:
        raise Exit(2, f"--tls: {error}") from None


def check_pages(address: str) -> None:
    try:
        split(address) if address else None
    except ValueError as error:
        raise Exit(2, f"--metrics: {error}") from None


def group(options: Options) -> Group:
    if options.planes:
        return Group(bind=EVERYWHERE, pods=True, home=options.planes.home, counted=options.request_metrics)
    return Group(bind=options.bind, port_offset=options.port_offset, counted=options.request_metrics)
