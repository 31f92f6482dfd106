"""What comes late, or never: a fresh Envoy waits for its routes, a missing secret holds one listener, a lifetime runs out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from protos import v3
from tests.e2e.envoy import binary, bootstrap
from tests.e2e.made import ADS, HCM, ROUTER, changes, cluster, endpoints, listener, packed, routes
from tests.e2e.test_envoy_takes_resources import certificate
from tests.e2e.test_other_types import flag, runtime
from tests.e2e.test_stream import VARIANTS, Rig, backend, gone
from tests.ports import free_port
from tests.waiting import wait_until
from translator.ir.output import Packed
from xds.events import Sent
from xds.kinds import SECRET

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(binary() is None, reason="no Envoy binary is installed")]
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"


def secret() -> Packed:
    chain, key = certificate("a.test")
    made = v3.Secret(name="s")
    made.tls_certificate.certificate_chain.inline_bytes, made.tls_certificate.private_key.inline_bytes = chain, key
    return Packed(v3.data(made))


def encrypted(port: int) -> Packed:
    context = {"common_tls_context": {"tls_certificate_sds_secret_configs": [{"name": "s", "sds_config": ADS}]}}
    hcm = {"@type": HCM, "stat_prefix": "tls", "rds": {"route_config_name": "r", "config_source": ADS}, "http_filters": [ROUTER]}
    chain = {
        "filters": [{"name": "hcm", "typed_config": hcm}],
        "transport_socket": {"name": "tls", "typed_config": {"@type": TLS, **context}},
    }
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return packed(v3.Listener(), {"name": "tls", "address": address, "filter_chains": [chain]})


async def asked(url: str) -> int:
    """The status of an answer; 0 where nobody listens."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url, ssl=False) as answer:
            return answer.status
    except aiohttp.ClientConnectionError:
        return 0


@VARIANTS
async def test_first_answer_of_a_fresh_envoy_is_the_right_one(tmp_path: Path, sotw: bool) -> None:
    """It does not listen before it has the routes of its listener, and their clusters with their endpoints."""
    port = free_port()
    async with backend("up") as up:
        first = changes(
            cds={"a": cluster("a")},
            eds={"a": endpoints("a", up)},
            rds={"r": routes("r", cluster="a")},
            lds={"l": listener("l", port, "r")},
        )
        answer = asyncio.create_task(wait_until(lambda: asked(f"http://127.0.0.1:{port}/"), 30))
        async with Rig(first, tmp_path, sotw=sotw):
            assert await answer == 200


@VARIANTS
async def test_missing_secret_holds_only_its_listener_and_a_new_one_travels_alone(tmp_path: Path, sotw: bool) -> None:
    """Delta tells that it is missing, and the listener is there and closes connections; by state of the world it waits."""
    plain, tls = free_port(), free_port()
    first = changes(rds={"r": routes("r", answer="one")}, lds={"l": listener("l", plain, "r")})
    async with Rig(first, tmp_path, sotw=sotw) as rig:
        rig.snapshots.apply(changes(lds={"tls": encrypted(tls)}))
        rig.server.publish()
        waits = ("listener_manager.total_listeners_warming", 1) if sotw else ("listener_manager.total_listeners_active", 2)
        await wait_until(lambda: gone(rig.envoy, *waits), what="the listener to be there")
        rig.snapshots.apply(changes(rds={"r": routes("r", answer="two")}))
        rig.server.publish()
        await wait_until(lambda: answers(rig, plain, "two"), what="the other listener to go on")
        assert await asked(f"https://127.0.0.1:{tls}/") == 0

        for _ in range(2):
            before = len(rig.of(Sent))
            await rig.change(changes(sds={"s": secret()}))
            assert [event.type_url for event in rig.of(Sent)[before:]] == [SECRET.type_url]
            await wait_until(lambda: asked(f"https://127.0.0.1:{tls}/"), what="the listener to listen")


async def answers(rig: Rig, port: int, text: str) -> bool:
    return await rig.envoy.fetch(port) == (200, text)


class Layered(Rig):
    def config(self, address: str) -> dict[str, Any]:
        layers = [{"name": "flags", "rtds_layer": {"name": "flags", "rtds_config": ADS}}]
        return bootstrap(address) | {"layered_runtime": {"layers": layers}}


async def test_heartbeats_keep_a_resource_alive_and_without_them_it_goes(tmp_path: Path) -> None:
    async with Layered(changes(rtds={"flags": runtime("on", ttl=2)}), tmp_path) as rig:
        await wait_until(lambda: len([event for event in rig.of(Sent) if not event.names]) >= 4, what="four heartbeats")
        assert await flag(rig.envoy) == "on"
        for watch in (watch for one in rig.server._connections for watch in one.stream.watches.values()):
            watch.beats_at = float("inf")  # as if the server stood still
        await wait_until(lambda: flag_is(rig, ""), what="the layer to go")


async def flag_is(rig: Rig, value: str) -> bool:
    return await flag(rig.envoy) == value
