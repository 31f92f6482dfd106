"""Programmed of a Gateway, with a real Envoy that acknowledges and a client that does not; and the time that a change took."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest

from tests.clients import RawClient
from tests.e2e.envoy import Envoy, binary
from tests.e2e.test_refused_objects import GATEWAY, HTTP, World, running
from tests.ports import free_port
from tests.waiting import wait_until
from xds.kinds import LISTENER, Variant

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(binary() is None, reason="no Envoy binary is installed")]


@contextlib.asynccontextmanager
async def mute(address: str) -> AsyncIterator[RawClient]:
    """In step, and from here on without a word."""
    async with grpc.aio.insecure_channel(address) as channel:
        client = RawClient(channel, Variant.DELTA, LISTENER, "mute")
        await client.ask()
        await client.take()
        yield client
        client.call.cancel()


async def programmed(world: World) -> tuple[str, str]:
    (edge,) = [one for one in (await world.status())["objects"] if (one["kind"], one["metadata"]["name"]) == ("Gateway", "edge")]
    levels = (edge["status"], *edge["status"]["listeners"])
    (found,) = {(one["status"], one["reason"]) for level in levels for one in level["conditions"] if one["type"] == "Programmed"}
    return found


async def becomes(world: World, status: str, reason: str) -> None:
    async def so() -> bool:
        return await programmed(world) == (status, reason)

    await wait_until(so, what=f"Programmed {status} {reason}")


def move(world: World) -> None:
    world.port = free_port()
    world.folder.save("edge", GATEWAY.format(name="edge", port=world.port, more=HTTP))


async def test_gateway_is_programmed_when_every_connected_proxy_has_acknowledged_it(tmp_path: Path) -> None:
    async with running(tmp_path, sotw=False) as (world, envoy):
        await becomes(world, "True", "Programmed")
        await moved(world, envoy)
        await becomes(world, "True", "Programmed")
        async with mute(world.app.xds) as client:
            await moved(world, envoy)
            await client.next()
            assert await programmed(world) == ("False", "Pending"), "Envoy serves it, the other has not acknowledged it"
            await client.ack()
            await becomes(world, "True", "Programmed")
            await moved(world, envoy)
            assert await programmed(world) == ("False", "Pending")
        await becomes(world, "True", "Programmed")


async def moved(world: World, envoy: Envoy) -> None:
    move(world)
    await world.answers(envoy, "/cart", 200)


async def test_time_from_a_change_to_its_ack_is_in_the_metrics_by_kind(tmp_path: Path) -> None:
    async with running(tmp_path, sotw=True) as (world, envoy):
        assert "pointsman_change_ack_seconds_count{" not in world.app.metrics.text().decode(), "the first sync changes nothing"
        await moved(world, envoy)
        await wait_until(lambda: 'pointsman_change_ack_seconds_count{kind="Gateway"} 1.0' in world.app.metrics.text().decode())
        assert "pointsman_changes_unacked 0.0" in world.app.metrics.text().decode()
        async with mute(world.app.xds) as client:
            await moved(world, envoy)
            await client.next()
            await wait_until(lambda: "pointsman_changes_unacked 1.0" in world.app.metrics.text().decode())
            assert 'pointsman_change_ack_seconds_count{kind="Gateway"} 1.0' in world.app.metrics.text().decode()
        await wait_until(lambda: 'pointsman_change_ack_seconds_count{kind="Gateway"} 2.0' in world.app.metrics.text().decode())
