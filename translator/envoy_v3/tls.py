"""TLS that Envoy speaks to backends. Knows no tables; certificates are only names here."""

from __future__ import annotations

from typing import Any

from protos.v3 import (
    CertificateValidationContext,
    Cluster,
    CommonTlsContext,
    SdsSecretConfig,
    SubjectAltNameMatcher,
    TlsParameters,
    UpstreamTlsContext,
    data,
    pack,
)
from translator.envoy_v3.sources import ADS
from translator.ir.cluster import BackendTLS

SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # Debian and its kin, Alpine, and the images that Envoy is shipped in
_TYPES = {"dns": SubjectAltNameMatcher.DNS, "uri": SubjectAltNameMatcher.URI}


def with_certificate(cluster: bytes, name: str) -> bytes:
    """A cluster that speaks TLS, which shows backends the certificate of this name."""
    message = Cluster.FromString(cluster)
    context = UpstreamTlsContext.FromString(message.transport_socket.typed_config.value)
    context.common_tls_context.tls_certificate_sds_secret_configs.append(SdsSecretConfig(name=name, sds_config=ADS))
    message.transport_socket.typed_config.CopyFrom(pack(context))
    return data(message)


def upstream_tls(row: BackendTLS, http2: bool) -> UpstreamTlsContext:
    """TLS 1.2 is the least, as at the edge."""
    names = [SubjectAltNameMatcher(san_type=_TYPES[kind], matcher={"exact": name}) for kind, name in row.names]
    checked = CertificateValidationContext(match_typed_subject_alt_names=names)
    trusted: dict[str, Any]
    if row.authority:
        named = SdsSecretConfig(name=row.authority, sds_config=ADS)
        trusted = {"combined_validation_context": {"default_validation_context": checked, "validation_context_sds_secret_config": named}}
    else:
        checked.trusted_ca.filename = SYSTEM_AUTHORITIES
        trusted = {"validation_context": checked}
    parameters = TlsParameters(tls_minimum_protocol_version=TlsParameters.TLSv1_2)
    common = CommonTlsContext(tls_params=parameters, alpn_protocols=["h2"] if http2 else [], **trusted)
    return UpstreamTlsContext(sni=row.sni, common_tls_context=common)
