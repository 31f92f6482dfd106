"""The services of this server as descriptors: loaded only for whoever asks this server by reflection what it can do."""

from __future__ import annotations

from importlib import import_module

from google.protobuf.descriptor_pool import Default, DescriptorPool

FILES = (
    "envoy.service.discovery.v3.ads",
    "envoy.service.listener.v3.lds",
    "envoy.service.route.v3.rds",
    "envoy.service.route.v3.srds",
    "envoy.service.cluster.v3.cds",
    "envoy.service.endpoint.v3.eds",
    "envoy.service.secret.v3.sds",
    "envoy.service.runtime.v3.rtds",
    "envoy.service.extension.v3.config_discovery",
    "envoy.service.status.v3.csds",
    "envoy.service.load_stats.v3.lrs",
    "opentelemetry.proto.collector.metrics.v1.metrics_service",
)


def described() -> DescriptorPool:
    """Protobuf's pool of descriptors, with these in it."""
    for name in FILES:
        import_module(f"protos.{name}_pb2")
    return Default()
