"""Backend: an upstream for those who have no Service. Our own kind, `pointsman.io/v1alpha1`; the CRD is generated from here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from translator.resources.meta import Object


@dataclass(frozen=True, slots=True)
class IPEndpoint:
    """An address and a port."""

    address: Annotated[str, Field(min_length=1, max_length=45)]
    port: Annotated[int, Field(ge=1, le=65535)]


@dataclass(frozen=True, slots=True)
class FQDNEndpoint:
    """A name that Envoy itself resolves by DNS, and a port."""

    hostname: Annotated[str, Field(min_length=1, max_length=253)]
    port: Annotated[int, Field(ge=1, le=65535)]


@dataclass(frozen=True, slots=True)
class UnixEndpoint:
    """A unix domain socket on the machine of the proxy."""

    path: Annotated[str, Field(min_length=1, max_length=107)]


@dataclass(frozen=True, slots=True)
class BackendEndpoint:
    """One place that serves this backend: exactly one of the forms."""

    ip: IPEndpoint | None = None
    fqdn: FQDNEndpoint | None = None
    unix: UnixEndpoint | None = None


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """Where the backend is."""

    endpoints: Annotated[tuple[BackendEndpoint, ...], Field(min_length=1, max_length=256)]
    app_protocol: str = ""  # kubernetes.io/h2c | kubernetes.io/ws; anything else is HTTP/1.1


class Backend(Object, frozen=True, gc=False, kw_only=True):
    """A Backend as the store holds it."""

    spec: BackendSpec
