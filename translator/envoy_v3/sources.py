"""Where Envoy finds what a resource names: in the same ADS stream."""

from __future__ import annotations

from typing import Any

from protos.v3 import AggregatedConfigSource, ConfigSource

ADS = ConfigSource(ads=AggregatedConfigSource(), resource_api_version="V3")
BUFFER: dict[str, Any] = {"value": 32 * 1024}  # bytes a connection may hold back, either side. Envoy: "Configuring Envoy as an edge proxy"
WINDOWS: dict[str, Any] = {
    "initial_stream_window_size": {"value": 64 * 1024},
    "initial_connection_window_size": {"value": 1024 * 1024},
}  # same page
