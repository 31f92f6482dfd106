"""The services of Envoy's API as descriptors: loaded only for whoever asks this server by reflection what it can do."""

from __future__ import annotations

from importlib import import_module

from google.protobuf.descriptor_pool import Default, DescriptorPool

FILES = (
    "discovery.v3.ads",
    "listener.v3.lds",
    "route.v3.rds",
    "route.v3.srds",
    "cluster.v3.cds",
    "endpoint.v3.eds",
    "secret.v3.sds",
    "runtime.v3.rtds",
    "extension.v3.config_discovery",
    "status.v3.csds",
    "load_stats.v3.lrs",
)


def described() -> DescriptorPool:
    """Protobuf's pool of descriptors, with these in it."""
    for name in FILES:
        import_module(f"protos.envoy.service.{name}_pb2")
    return Default()
