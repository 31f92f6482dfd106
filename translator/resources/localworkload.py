"""LocalWorkload: a port of somebody's laptop that answers as a Service in a Sandbox. Our own kind; its CRD is generated from here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from translator.resources.backend import written
from translator.resources.meta import Object

NAME = Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
PORT = Field(ge=1, le=65535, description="The port of the Service.")
LOCAL = Field(ge=1, le=65535, description="Where the laptop listens for it.")
HOST = r"^([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$"


@dataclass(frozen=True, slots=True, config=written())
class SandboxRef:
    """A Sandbox of the same namespace. It says by a targetRef of kind LocalWorkload that this answers in it."""

    name: Annotated[str, NAME]


@dataclass(frozen=True, slots=True, config=written())
class LocalPort:
    """A port of the Service, and where the laptop listens for it."""

    container_port: Annotated[int, PORT]
    local_port: Annotated[int, LOCAL]
    name: Annotated[str, Field(max_length=63)] = ""


@dataclass(frozen=True, slots=True, config=written())
class LocalService:
    """What it answers as."""

    name: Annotated[str, NAME]
    ports: Annotated[tuple[LocalPort, ...], Field(max_length=1, description="For people; pointsman sandbox connect is told the port.")] = ()


@dataclass(frozen=True, slots=True, config=written())
class LocalConnection:
    """How requests come to it."""

    target: Annotated[str, Field(max_length=260, pattern=HOST, description="Where the gateway of tunnels takes requests, HOST:PORT.")]
    type: Annotated[Literal["Tunnel"], Field(description="Over a connection that the laptop has made.")] = "Tunnel"
    timeout: Annotated[
        str, Field(max_length=8, pattern="^[1-9][0-9]{0,4}[smh]?$", description="Not heard for so long, it is lost; as 30s or 2m.")
    ] = "30s"


@dataclass(frozen=True, slots=True, config=written())
class LocalWorkloadSpec:
    """Whose laptop is meant is said by the certificate with which it connects, for this Service of this Sandbox."""

    sandbox_ref: SandboxRef
    service: LocalService
    connection: LocalConnection


class LocalWorkload(Object, frozen=True, gc=False, kw_only=True):
    """A LocalWorkload as the store holds it."""

    spec: LocalWorkloadSpec
