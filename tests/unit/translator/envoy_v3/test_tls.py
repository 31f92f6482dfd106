"""Claims about TLS that is spoken to backends, by decoding the bytes."""

from __future__ import annotations

from protos.v3 import Cluster, Secret, UpstreamTlsContext
from translator.envoy_v3.cluster import cluster
from translator.envoy_v3.secret import authority
from translator.envoy_v3.tls import SYSTEM_AUTHORITIES, upstream_tls
from translator.envoy_v3.validation import violations
from translator.ir import cluster as ir
from translator.ir.cluster import BackendTLS

NAMED = BackendTLS(sni="a.example", names=(("dns", "a.example"), ("uri", "spiffe://a")), authority="authority/x")


def test_named_authority_is_a_secret_and_names_are_checked() -> None:
    context = upstream_tls(NAMED, http2=False)
    combined = context.common_tls_context.combined_validation_context
    assert combined.validation_context_sds_secret_config.name == "authority/x"
    assert [one.matcher.exact for one in combined.default_validation_context.match_typed_subject_alt_names] == ["a.example", "spiffe://a"]
    assert context.sni == "a.example"
    assert violations(context) == ()


def test_without_a_bundle_the_authorities_of_the_system_are_trusted() -> None:
    context = upstream_tls(BackendTLS(sni="a.example", names=(("dns", "a.example"),)), http2=False)
    assert context.common_tls_context.validation_context.trusted_ca.filename == SYSTEM_AUTHORITIES


def test_http2_is_offered_where_it_is_spoken() -> None:
    assert list(upstream_tls(NAMED, http2=True).common_tls_context.alpn_protocols) == ["h2"]
    assert list(upstream_tls(NAMED, http2=False).common_tls_context.alpn_protocols) == []


def test_cluster_speaks_tls_where_it_is_demanded() -> None:
    message = Cluster.FromString(cluster(ir.Cluster(name="c", tls=NAMED)))
    assert UpstreamTlsContext.FromString(message.transport_socket.typed_config.value).sni == "a.example"
    assert not Cluster.FromString(cluster(ir.Cluster(name="c"))).HasField("transport_socket")


def test_authority_is_a_validation_context() -> None:
    assert Secret.FromString(authority("n", b"pem")).validation_context.trusted_ca.inline_bytes == b"pem"
