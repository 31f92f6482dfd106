"""Backend: an upstream for those who have no Service. Our own kind, `pointsman.io/v1alpha1`; its CRD is generated from here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

from translator.resources.meta import Object


def written(**schema: Any) -> ConfigDict:
    """How our kinds are written: fields in camelCase, and what the schema says beside the fields."""
    extra: Any = schema or None
    return ConfigDict(alias_generator=to_camel, validate_by_name=True, validate_by_alias=True, defer_build=True, json_schema_extra=extra)


def rule(text: str, message: str) -> dict[str, Any]:
    return {"x-kubernetes-validations": [{"rule": text, "message": message}]}


def together(*rules: Mapping[str, Any]) -> dict[str, Any]:
    """Several rules of one object."""
    return {"x-kubernetes-validations": [each for one in rules for each in one["x-kubernetes-validations"]]}


def exactly_one(*fields: str) -> dict[str, Any]:
    """A union as Kubernetes has them: a field for each form, and a rule."""
    present = ", ".join(f"has(self.{field})" for field in fields)
    return rule(f"[{present}].exists_one(given, given)", f"exactly one of {', '.join(fields)} must be given")


ADDRESS = Field(
    min_length=1, max_length=45, description="An IPv4 or IPv6 address.", json_schema_extra=rule("isIP(self)", "must be an IP address")
)
HOSTNAME = Field(
    min_length=1,
    max_length=253,
    pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    description="A DNS name in lower case, resolved by the proxy again and again.",
)
PORT = Field(ge=1, le=65535, description="The TCP port it listens on.")


@dataclass(frozen=True, slots=True, config=written())
class IPEndpoint:
    """An address and a port."""

    address: Annotated[str, ADDRESS]
    port: Annotated[int, PORT]


@dataclass(frozen=True, slots=True, config=written())
class FQDNEndpoint:
    """A name that Envoy itself resolves by DNS, and a port."""

    hostname: Annotated[str, HOSTNAME]
    port: Annotated[int, PORT]


@dataclass(frozen=True, slots=True, config=written())
class UnixEndpoint:
    """A unix domain socket on the machine of the proxy."""

    path: Annotated[str, Field(min_length=1, max_length=107, description="The path of the socket.")]


@dataclass(frozen=True, slots=True, config=written(**exactly_one("ip", "fqdn", "unix")))
class BackendEndpoint:
    """One place that serves this backend: exactly one of the forms."""

    ip: IPEndpoint | None = None
    fqdn: FQDNEndpoint | None = None
    unix: UnixEndpoint | None = None


ENDPOINTS = Field(min_length=1, max_length=256, description="The places that serve this backend, all alike.")
APP_PROTOCOL = Field(max_length=63, description="What the endpoints speak: kubernetes.io/h2c, kubernetes.io/ws; anything else is HTTP/1.1.")


@dataclass(frozen=True, slots=True, config=written())
class BackendSpec:
    """Where the backend is."""

    endpoints: Annotated[tuple[BackendEndpoint, ...], ENDPOINTS]
    app_protocol: Annotated[str, APP_PROTOCOL] = ""


class Backend(Object, frozen=True, gc=False, kw_only=True):
    """A Backend as the store holds it."""

    spec: BackendSpec
