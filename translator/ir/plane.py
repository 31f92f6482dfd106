"""The data plane of one Gateway as it is declared: what its proxies listen on, and what their objects are told."""

from __future__ import annotations

from hashlib import blake2b

from translator.ir.value import Row

LONGEST = 63
Pairs = tuple[tuple[str, str], ...]  # of a map, sorted by name


class PlanePort(Row, frozen=True, gc=False, order=True):
    """A port of the Service and of the proxies alike."""

    number: int
    transport: str  # tcp | udp


class Plane(Row, frozen=True, gc=False, kw_only=True):
    """Its proxies run in Pods. `addresses` are those that the Gateway asks for, none where any will do."""

    gateway: str  # key
    gateway_class: str
    ports: tuple[PlanePort, ...]
    addresses: tuple[str, ...] = ()
    labels: Pairs = ()
    annotations: Pairs = ()

    @property
    def namespace(self) -> str:
        return self.gateway.partition("/")[0]

    @property
    def name(self) -> str:
        """Of each of its objects: that of the Gateway and of its class (GEP-1762), at most 63 characters, as a label may have."""
        whole = f"{self.gateway.partition('/')[2]}-{self.gateway_class}"
        if len(whole) <= LONGEST:
            return whole
        return f"{whole[: LONGEST - 9].rstrip('-.')}-{blake2b(whole.encode(), digest_size=4).hexdigest()}"

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"
