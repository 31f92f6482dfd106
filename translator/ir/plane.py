"""A data plane in Pods as it is declared: what its proxies listen on, how they are run, and what their objects are told."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Literal

from translator.ir.value import Row

LONGEST = 63
CLASS = "class:"  # what the name of a group begins with that serves all Gateways of a class; no namespace is called that
WAYS = "pointsman.io/addresses-per-gateway"  # label of what shared proxies have where each Gateway has a Service of its own
Pairs = tuple[tuple[str, str], ...]  # of a map, sorted by name
Amounts = tuple[tuple[str, int | str], ...]
Json = dict[str, Any]


class PlanePort(Row, frozen=True, gc=False, order=True):
    """A port of the Service and of the proxies alike, unless these have it at another: `bound`."""

    number: int
    transport: Literal["tcp", "udp"]
    bound: int = 0


class Scaling(Row, frozen=True, gc=False):
    """How many proxies there are is for a HorizontalPodAutoscaler to say. `cpu` is in percent of what a proxy asks for."""

    least: int
    most: int
    cpu: int


class Way(Row, frozen=True, gc=False, kw_only=True):
    """What the Service is told beside its ports. Empty words are not said."""

    type: str = "LoadBalancer"
    annotations: Pairs = ()
    traffic_policy: str = ""
    balancer_class: str = ""
    sources: tuple[str, ...] = ()


class PodTerms(Row, frozen=True, gc=False, kw_only=True):
    """What each Pod is told. What is JSON here is as a PodSpec has it."""

    labels: Pairs = ()
    annotations: Pairs = ()
    node_selector: Pairs = ()
    tolerations: tuple[Json, ...] = ()
    affinity: Json | None = None
    spread: tuple[Json, ...] = ()  # without the labels of the Pods, which are added
    priority_class: str = ""
    pull_secrets: tuple[str, ...] = ()
    requests: Amounts = (("cpu", "100m"), ("memory", "128Mi"))
    limits: Amounts = ()


class Run(Row, frozen=True, gc=False, kw_only=True):
    """How proxies are run. What is None or empty is for the server to choose."""

    daemons: bool = False  # one on each node
    replicas: int | None = None
    scaling: Scaling | None = None
    min_available: int | None = None
    max_unavailable: int | None = None
    way: Way = Way()
    pod: PodTerms = PodTerms()
    image: str = ""
    log_level: str = "warning"
    concurrency: int | None = None
    extra_args: tuple[str, ...] = ()


class Plane(Row, frozen=True, gc=False, kw_only=True):
    """Its proxies run in Pods. `addresses` are those that its Gateway asks for, none where any will do.

    `kept`: what is wanted of it is not known, so that what there is stays as it is, and nothing is made. `ways`: it is shared, and
    each of its Gateways has a Service of its own, which is a plane of its own, `via` the shared one.
    """

    group: str  # the key of its Gateway, or `class:NAME`
    gateway_class: str
    ports: tuple[PlanePort, ...]
    home: str = ""  # of one for a class: the namespace of its objects
    addresses: tuple[str, ...] = ()
    labels: Pairs = ()
    annotations: Pairs = ()
    run: Run = Run()
    kept: bool = False
    ways: bool = False
    via: str = ""

    @property
    def shared(self) -> bool:
        """Whether it serves all Gateways of its class."""
        return self.group.startswith(CLASS)

    @property
    def gateway(self) -> str:
        """The name of its Gateway, in its own namespace; none where it is shared."""
        return "" if self.shared else self.group.partition("/")[2]

    @property
    def namespace(self) -> str:
        return self.home if self.shared or self.via else self.group.partition("/")[0]

    @property
    def name(self) -> str:
        """Of each of its objects: that of the Gateway and of its class (GEP-1762), at most 63 characters, as a label may have."""
        whole = f"{self.gateway_class}-shared" if self.shared else f"{self.gateway}-{self.gateway_class}"
        if self.via:
            whole = f"{self.group.replace('/', '-')}-{self.gateway_class}-{_short(self.group)}"  # a-b/c and a/b-c are two
        if len(whole) <= LONGEST:
            return whole
        return f"{whole[: LONGEST - 9].rstrip('-.')}-{_short(whole)}"

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"


def _short(text: str) -> str:
    return blake2b(text.encode(), digest_size=4).hexdigest()
