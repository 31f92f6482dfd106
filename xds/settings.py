"""What a server is told once, when it starts, and what whoever starts it wants to hear. Data only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from translator.ir.output import Group
from translator.resources.crd import GROUP
from xds.events import Refused
from xds.journal import Line
from xds.planes.settings import DataPlanes
from xds.security.access import Policy
from xds.sources.folder import Located


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which API server: a kubeconfig and a context of it. None means what kubectl would take, or what a Pod is given."""

    kubeconfig: str | None = None
    context: str | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Read once from the command line, then passed down."""

    files: str = ""
    cluster: Cluster | None = None  # in place of files
    xds: str = "127.0.0.1:18000"
    admin: str = "127.0.0.1:19000"
    tls: str = ""  # a folder with tls.crt, tls.key and ca.crt; empty: plain text, on loopback and unix sockets only
    policy: Policy = field(default_factory=Policy)
    group: Group = field(default_factory=Group)
    allow_mass_deletion: bool = False
    planes: DataPlanes | None = None  # with a cluster: proxies of its own for each Gateway
    mesh: bool = False  # with a cluster: write what RouteGroups have for meshes
    groups: tuple[str, ...] = (GROUP,)  # of Sandboxes, RouteGroups and LocalWorkloads: where two have one of a name, the first counts
    signadot: bool = False  # with a cluster: also read what Signadot's operator routes
    forks: bool = False  # with a cluster: make the forks that Sandboxes declare
    webhook: str = ""  # with data planes: where an API server asks about new Pods
    reflection: bool = False  # whether gRPC clients may ask which services there are


@dataclass
class Listener:
    """What a command wants to be told while the server runs. Everything is optional."""

    line: Callable[[Line], None] = lambda _: None
    found: Callable[[Located], None] = lambda _: None
    cleared: Callable[[Located], None] = lambda _: None
    refused: Callable[[Refused], None] = lambda _: None
