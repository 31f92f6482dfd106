"""Sample backends answer where their objects say, and say why where they cannot."""

from __future__ import annotations

import socket

import pytest
from aiohttp import ClientSession

from tests.ports import free_port
from translator.resources.backend import Backend, BackendEndpoint, BackendSpec, IPEndpoint
from translator.resources.meta import Metadata
from xds.cli.output import Exit
from xds.cli.running import _samples
from xds.demo.backends import LABEL, Samples


def backend(port: int, sample: str = "true") -> Backend:
    endpoint = BackendEndpoint(ip=IPEndpoint(address="127.0.0.1", port=port))
    return Backend(metadata=Metadata(namespace="default", name="shop", labels={LABEL: sample}), spec=BackendSpec(endpoints=(endpoint,)))


async def test_a_sample_says_its_name_the_path_and_the_key() -> None:
    port = free_port()
    async with Samples([backend(port)]), ClientSession() as client:
        async with client.get(f"http://127.0.0.1:{port}/a/b") as answer:
            assert await answer.text() == "shop /a/b\n"
        async with client.get(f"http://127.0.0.1:{port}/", headers={"X-Route-Key": "alice"}) as answer:
            assert await answer.text() == "shop / X-Route-Key=alice\n"


async def test_a_port_that_is_taken_is_told_with_the_object_that_wants_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Exit, match=rf"127\.0\.0\.1:{port} of Backend default/shop is in use: give it another port") as told:
            async with _samples([backend(port)]):
                raise AssertionError("started")
        assert told.value.code == 3


async def test_a_backend_without_the_label_is_somebody_elses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        async with Samples([backend(other.getsockname()[1], sample="no")]):
            pass
