"""Which rules Envoy 1.40 has for a field. Knows descriptors, and where the published ones are not those of that release.

The descriptors we generate from are older than the Envoy we pin. Where both know a field and differ about its rules, the
pinned Envoy is right; a test reads the descriptors inside its binary and holds this table to them, complete and without excess.
"""

from __future__ import annotations

from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor, OneofDescriptor

from protos.v3 import FieldRules, KnownRegex, validate

_HEADER: dict[str, Any] = {"well_known_regex": KnownRegex.HTTP_HEADER_NAME, "strict": False}
_NONE = FieldRules()

AMENDED: dict[str, FieldRules] = {
    "envoy.config.cluster.v3.Cluster.health_checks": FieldRules(repeated={"max_items": 8}),
    "envoy.config.route.v3.RouteConfiguration.vhost_header": FieldRules(string=_HEADER),
    "envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig.common_config": _NONE,
    "envoy.extensions.access_loggers.stats.v3.Config.stat_prefix": _NONE,
    "envoy.extensions.dynamic_modules.v3.DynamicModuleConfig.name": _NONE,
    "envoy.extensions.filters.http.gcp_authn.v3.Audience.url": _NONE,
    "envoy.extensions.filters.http.gcp_authn.v3.TokenHeader.name": FieldRules(string=_HEADER | {"ignore_empty": True}),
    "envoy.extensions.filters.http.ip_tagging.v3.IPTagging.ip_tags": _NONE,
    "envoy.extensions.filters.http.jwt_authn.v3.JwtClaimToHeader.claim_name": _NONE,
    "envoy.extensions.filters.http.oauth2.v3.OAuth2Credentials.token_secret": _NONE,
    "envoy.extensions.http.early_header_mutation.dynamic_modules.v3.DynamicModuleEarlyHeaderMutation.dynamic_module_config": FieldRules(
        message={"required": True}
    ),
    "envoy.extensions.http.injected_credentials.oauth2.v3.OAuth2.ClientCredentials.client_secret": _NONE,
    "envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig.max_heap_size_bytes": _NONE,
    "envoy.type.v3.TokenBucket.max_tokens": FieldRules(uint32={"gte": 0}),
}


def rules_of(field: FieldDescriptor) -> FieldRules:
    """The rules on a field; empty where there are none."""
    amended = AMENDED.get(field.full_name)
    return amended if amended is not None else cast("FieldRules", _option(field, validate.rules))


def is_required(oneof: OneofDescriptor) -> bool:
    return bool(_option(oneof, validate.required))


def is_exempt(descriptor: Descriptor) -> bool:
    """No rule of such a message is asked, nor any below."""
    return bool(_option(descriptor, validate.disabled) or _option(descriptor, validate.ignored))


def _option(descriptor: Descriptor | FieldDescriptor | OneofDescriptor, extension: Any) -> Any:
    """An extension of protoc-gen-validate as it stands on a descriptor; its default where it does not."""
    return descriptor.GetOptions().Extensions[extension]
