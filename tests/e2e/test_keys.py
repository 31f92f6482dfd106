"""No byte of a key leaves by a way that is not SDS: a server that is asked, refused, misled and killed, and all that it says."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from base64 import b64encode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import grpc.aio
import pytest

from protos.v3 import ClientStatusRequest, DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node
from tests.e2e.envoy import binary
from tests.e2e.test_mutual_tls import World, place, pointsman, world
from tests.property.pools import pair
from tests.waiting import wait_until
from xds.companions import CLIENT_STATUS
from xds.kinds import SECRET
from xds.services import DELTA_ADS

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(binary() is None, reason="no Envoy binary is installed")]
NAME = "secret/default/cert"
PAGES = ("/status", "/config?group=default/edge", "/config?group=default/edge&view=flat", "/config", "/proxies", "/loads", "/metrics")
BROKEN = "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\ntype: kubernetes.io/tls\ndata: {{tls.crt: {crt}, tls.key: {key}}}\n"


def pieces(keys: Iterable[bytes]) -> set[bytes]:
    """What of a key could be found: each line of it, and that once more in base64, as Secrets have it, wherever it begins."""
    found: set[bytes] = set()
    for key in keys:
        lines = [line for line in key.splitlines() if b"-----" not in line and len(line) > 20]
        assert lines, key
        found |= {line[:20] for line in lines} | {b64encode(line[start:])[:20] for line in lines for start in range(3)}
    return found


async def channel(at: World) -> grpc.aio.Channel:
    folder = at.certs / "gateways/default/edge"
    crt, key, roots = ((folder / name).read_bytes() for name in ("tls.crt", "tls.key", "ca.crt"))
    return grpc.aio.secure_channel(at.server.xds, grpc.ssl_channel_credentials(roots, key, crt))


async def refuse(calls: grpc.aio.Channel, words: str) -> bytes:
    """Ask for the Secret, get it, and refuse it in the words that Envoy would find: with the whole message. Gives what was sent."""
    call = calls.stream_stream(DELTA_ADS.path)()
    node = Node(id="default/edge/hostile", metadata={"pointsman.io/modules": ["shard"]})
    await call.write(DeltaDiscoveryRequest(node=node, type_url=SECRET.type_url, resource_names_subscribe=[NAME]).SerializeToString())
    response = DeltaDiscoveryResponse.FromString(await asyncio.wait_for(call.read(), 20))
    [sent] = response.resources
    assert sent.name == NAME
    answer = DeltaDiscoveryRequest(type_url=SECRET.type_url, response_nonce=response.nonce)
    answer.error_detail.message = f'Proto constraint validation failed: name: "{NAME}" tls_certificate {{ {words} }}'
    await call.write(answer.SerializeToString())
    return sent.resource.value


async def page(at: World, path: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(f"http://{at.server.admin}{path}") as response:
        assert response.status == 200, path
        return await response.read()


async def told(at: World, calls: grpc.aio.Channel) -> dict[str, bytes]:
    """All that can be read of this server without being Envoy."""
    found = {path: await page(at, path) for path in PAGES}
    found["status"] = (await pointsman("status", "-o", "yaml", "--admin", at.server.admin)).encode()
    found["csds"] = await calls.unary_unary(f"/{CLIENT_STATUS}/FetchClientStatus")(ClientStatusRequest().SerializeToString())
    assert NAME.encode() in found["csds"]
    assert b"redacted" in found["/config?group=default/edge"]
    return found


async def test_keys_are_in_nothing_that_the_server_says(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        served, stray, own = pair(), pair(), (at.certs / "server/tls.key").read_bytes()
        at.folder.save("cert", BROKEN.format(name="cert", **encoded(served)))
        at.folder.save("stray", BROKEN.format(name="stray", **encoded({"tls.crt": served["tls.crt"], "tls.key": stray["tls.key"]})))
        at.folder.save("torn", BROKEN.format(name="torn", crt="AAAA", key=b64encode(stray["tls.key"]).decode()[:-3]))
        canaries = pieces([served["tls.key"], stray["tls.key"], own, (at.certs / "ca.key").read_bytes()])
        await wait_until(lambda: at.logged("PM0111"), 20, "the torn Secret to be found")
        calls = await channel(at)
        async with calls:
            key = served["tls.key"].decode()
            sent = await refuse(calls, f"private_key {{ inline_bytes: {key!r} }}")
            assert any(piece in sent for piece in canaries), "what is looked for would be found"
            await refuse(calls, f"no: {key}")
            await wait_until(lambda: at.logged("proxy.nacked") >= 2, 20, "the refusals to be told")

            place(at.certs / "server", tls_key=stray["tls.key"])
            await wait_until(lambda: at.logged("certificates.kept"), 20, "the wrong key to be found")
            found = await told(at, calls)
        assert at.server.process
        assert largest_core(at.server.process.pid) == "0"
        os.kill(at.server.process.pid, signal.SIGABRT)
        await at.server.process.wait()
        found["log"] = at.log.read_bytes()
        found["check"] = await checked(at)
    leaks = {(where, piece) for where, text in found.items() for piece in canaries if piece in text}
    assert leaks == set()


def encoded(data: dict[str, bytes]) -> dict[str, Any]:
    return {"crt": b64encode(data["tls.crt"]).decode(), "key": b64encode(data["tls.key"]).decode()}


def largest_core(process: int) -> str:
    [line] = [line for line in Path(f"/proc/{process}/limits").read_text().splitlines() if line.startswith("Max core file size")]
    return line.split()[4]


async def checked(at: World) -> bytes:
    """What the commands say of the same files."""
    texts = []
    for command in ("check", "render"):
        words = [sys.executable, "-m", "xds", command, str(at.folder.path)]
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        texts.append((await process.communicate())[0])
    return b"".join(texts)
