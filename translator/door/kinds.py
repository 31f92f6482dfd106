"""Which kinds there are, in which versions, and how one is decoded. Each is compiled when it is first met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

import msgspec
from pydantic import TypeAdapter

from translator.door import core
from translator.door.schema import Node, compiled
from translator.door.suggest import suggestion
from translator.door.validate import Validator
from translator.resources.backend import Backend, BackendSpec
from translator.resources.backendtlspolicy import BackendTLSPolicy
from translator.resources.backendtrafficpolicy import XBackendTrafficPolicy
from translator.resources.core import ConfigMap, EndpointSlice, Namespace, Secret, Service
from translator.resources.crd import ELSEWHERE, EXAMPLE
from translator.resources.envoyproxy import EnvoyProxy, EnvoyProxySpec
from translator.resources.gateway import Gateway, GatewayClass, ReferenceGrant
from translator.resources.grpcroute import GRPCRoute
from translator.resources.httproute import HTTPRoute
from translator.resources.listenerset import ListenerSet
from translator.resources.localworkload import LocalWorkload, LocalWorkloadSpec
from translator.resources.meta import Metadata, Object
from translator.resources.sandbox import RouteGroup, RouteGroupSpec, Sandbox, SandboxSpec
from translator.resources.streamroute import TCPRoute, TLSRoute, UDPRoute

STRUCTS: dict[str, type[Object]] = {
    struct.__name__: struct
    for struct in (
        GatewayClass,
        Gateway,
        ListenerSet,
        HTTPRoute,
        GRPCRoute,
        TLSRoute,
        TCPRoute,
        UDPRoute,
        ReferenceGrant,
        Namespace,
        Service,
        EndpointSlice,
        Secret,
        ConfigMap,
        BackendTLSPolicy,
        XBackendTrafficPolicy,
    )
}
Decode = Callable[[Mapping[str, Any], Mapping[str, Any]], Object]
HEAD = ("apiVersion", "kind", "metadata")  # checked elsewhere, and never dropped


class Version:
    """One served version of a kind: its schema in the two forms that are needed."""

    def __init__(self, schema: Mapping[str, Any], *, status: bool, secret: bool) -> None:
        self._schema, self._secret = schema, secret
        self.drops_status = status  # with the subresource, a status in the object itself counts for nothing

    @cached_property
    def _body(self) -> Mapping[str, Any]:
        left = {*HEAD, "status"} if self.drops_status else {*HEAD}
        properties = {name: below for name, below in self._schema["properties"].items() if name not in left}
        return {**self._schema, "properties": properties}

    @cached_property
    def node(self) -> Node:
        return compiled(self._body)

    @cached_property
    def validator(self) -> Validator:
        required = [name for name in self._body.get("required", ()) if name not in HEAD]
        return Validator({**self._body, "required": required}, secret=self._secret)


class Kind:
    """A kind as its definition describes it."""

    def __init__(self, definition: Mapping[str, Any], *, own: bool, groups: Iterable[str] = ()) -> None:
        spec = definition["spec"]
        self.name: str = spec["names"]["kind"]
        self.group: str = spec["group"]
        self._groups = dict.fromkeys([self.group, *((EXAMPLE, *groups) if self.name in ELSEWHERE else ())])
        self.namespaced = spec["scope"] == "Namespaced"
        self.short_names = self.name in core.SHORT_NAMES
        self.generation = 1 if own else 0  # an API server counts the generations of custom resources, and of few others
        self.versions = {
            version["name"]: Version(
                version["schema"]["openAPIV3Schema"], status="status" in version.get("subresources", {}), secret=self.name in core.SECRETS
            )
            for version in spec["versions"]
            if version["served"]
        }

    @property
    def api_versions(self) -> list[str]:
        return [f"{group}/{version}" if group else version for group in self._groups for version in self.versions]

    @cached_property
    def decode(self) -> Decode:
        """(metadata, the rest) → the object. msgspec.ValidationError and ValueError where it does not fit after all."""
        if self.name in STRUCTS:
            struct = STRUCTS[self.name]
            return lambda metadata, rest: msgspec.convert({**rest, "metadata": metadata}, struct)
        return OWN[self.name]()


def _own(kind: Callable[..., Object], spec: type) -> Callable[[], Decode]:
    def made() -> Decode:
        adapter: TypeAdapter[Any] = TypeAdapter(spec)
        return lambda metadata, rest: kind(metadata=msgspec.convert(metadata, Metadata), spec=adapter.validate_python(rest["spec"]))

    return made


OWN: dict[str, Callable[[], Decode]] = {
    "Backend": _own(Backend, BackendSpec),
    "Sandbox": _own(Sandbox, SandboxSpec),
    "RouteGroup": _own(RouteGroup, RouteGroupSpec),
    "LocalWorkload": _own(LocalWorkload, LocalWorkloadSpec),
    "EnvoyProxy": _own(EnvoyProxy, EnvoyProxySpec),
}


class Kinds:
    """All kinds that can be met, by name."""

    def __init__(self, definitions: Iterable[Mapping[str, Any]], groups: Iterable[str] = ()) -> None:
        groups = tuple(groups)
        kinds = [Kind(one, own=False) for one in core.DEFINITIONS] + [Kind(one, own=True, groups=groups) for one in definitions]
        self._kinds = {kind.name: kind for kind in kinds}

    def get(self, name: str) -> Kind | None:
        return self._kinds.get(name)

    def near(self, name: str) -> str:
        return suggestion(name, [*self._kinds, *core.UNSERVED, *core.UNREAD])
