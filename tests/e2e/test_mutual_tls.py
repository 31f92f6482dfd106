"""Certificates on both sides, from the commands that users type: real Envoy, and no request lost while all of them change."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from tests.certificates import TRUST, now
from tests.e2e.backends import WITH_MODULES, backends
from tests.e2e.envoy import Envoy, binary
from tests.e2e.folder import Folder, rule
from tests.e2e.load import Load, Target
from tests.e2e.server import Server
from tests.ports import free_port
from tests.waiting import wait_until
from xds.bootstrap import Bootstrap, Client, bootstrap
from xds.cli.certificates import Wanted
from xds.cli.certificates import certs as issue
from xds.cli.output import Output
from xds.security.access import Identity
from xds.security.issuing import Pair, client, load

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(binary() is None, reason="no Envoy binary is installed")]
RATE = 100
UNFIT = ("expired", "foreign", "doubting")
PAIR = {"tls_crt": "tls.crt", "tls_key": "tls.key"}


async def pointsman(*arguments: object) -> str:
    command = [sys.executable, "-m", "xds", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=WITH_MODULES
    )
    out, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    return out.decode()


@dataclass
class World:
    certs: Path
    folder: Folder
    server: Server
    envoy: Envoy
    log: Path
    http: int

    async def serves(self, path: str, name: str = "b") -> None:
        """Make a route, and wait until Envoy has it: so it is connected. Behind it stands `/`, which answers with a."""
        self.folder.route(path[1:], rule(path, (name, 1)))
        await wait_until(lambda: self._answers(path, name), 20, f"{path} to answer {name}")

    async def _answers(self, path: str, name: str) -> bool:
        return await self.envoy.fetch(self.http, path, host="shop.example.com") == (200, name)

    def logged(self, event: str) -> int:
        return self.log.read_text().count(event)

    async def rotated(self, *options: str) -> None:
        """Change the certificates, and wait until the server has those on disk."""
        before = self.logged("certificates.taken")
        await pointsman("certs", self.certs, *options)
        await wait_until(lambda: self.logged("certificates.taken") > before, 20, f"the server to take {options}")


@asynccontextmanager
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        folder, certs, http = Folder(tmp_path / "config"), tmp_path / "certs", free_port()
        folder.base(http, free_port())
        await backends(stack, folder)
        folder.route("still", rule("/", ("a", 1)))
        await pointsman("certs", certs, "--gateway", "default/edge", "--gateway", "default/other")
        log = tmp_path / "server.log"
        server = await stack.enter_async_context(Server(folder.path, log, "--tls", str(certs / "server")))
        printed = await pointsman("bootstrap", "--tls", certs / "gateways/default/edge", "--xds", server.xds, "-o", "json")
        config = json.loads(printed)
        config["admin"]["address"]["socket_address"]["port_value"] = 0
        envoy = await stack.enter_async_context(Envoy(config, tmp_path, env=WITH_MODULES))
        await envoy.ready()
        found = World(certs, folder, server, envoy, log, http)
        await found.serves("/first")
        yield found


async def test_everything_rotates_under_load_and_no_request_fails(tmp_path: Path) -> None:
    async with world(tmp_path) as at, Load([Target(at.http, "/still")], rate=RATE) as load:
        await at.rotated("--new-ca")
        await at.rotated("--renew")
        await at.serves("/renewed")

        await at.rotated("--drop-old-ca")
        await wait_until(lambda: at.logged("reason=untrusted"), 20, "the stream of the old CA to be ended")
        await at.serves("/dropped")

        [proxy] = await at.server.get("/proxies")
        assert (proxy["group"], proxy["node"].startswith("default/edge/")) == ("default/edge", True)
        assert not load.failed
        assert load.answers["a"] > RATE
    assert not re.search(r"BEGIN [A-Z ]*PRIVATE KEY", at.log.read_text() + at.envoy.log.read_text())


async def test_certificate_that_does_not_fit_gets_nothing_until_a_better_one_is_there(tmp_path: Path) -> None:
    """Three Envoys: with a certificate that has expired, with one of a CA that nobody trusts, and one that does not trust the server."""
    folder, ours, theirs = Folder(tmp_path / "config"), tmp_path / "ours", tmp_path / "theirs"
    folder.base(free_port(), free_port())
    for root in (ours, theirs):
        issue(root, Wanted(tuple(f"default/{name}" for name in UNFIT), (), "envoy", TRUST, 1), Output.JSON)
    expired, foreign, doubting = (ours / f"gateways/default/{name}" for name in UNFIT)
    ended = client(authority_in(ours), Identity(TRUST, "default", "envoy", "expired"), now() - timedelta(days=2), 1)
    place(expired, tls_crt=ended.pem, tls_key=ended.key)
    place(foreign, **{name: (theirs / "gateways/default/foreign" / file).read_bytes() for name, file in PAIR.items()})
    place(doubting, ca_crt=(theirs / "ca.crt").read_bytes())
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server(folder.path, tmp_path / "server.log", "--tls", str(ours / "server")))
        envoys = {}
        for at in (expired, foreign, doubting):
            (tmp_path / at.name).mkdir()
            node = f"default/{at.name}"
            config = bootstrap(Bootstrap(xds=server.xds, node=node, group=node, admin="127.0.0.1:0", client=Client(str(at), "127.0.0.1")))
            envoys[at.name] = await stack.enter_async_context(Envoy(config, tmp_path / at.name, env=WITH_MODULES))
        for name, envoy in envoys.items():
            await wait_until(lambda envoy=envoy: tried_twice(envoy), 20, f"{name} to come, be refused and come again")
            assert await envoy.stat("cluster_manager.cds.update_success") == 0, name
        assert await server.get("/proxies") == []

        issue(ours, Wanted((), (), "envoy", TRUST, 1, renew=True), Output.JSON)
        await wait_until(lambda: groups(server, {f"default/{name}" for name in UNFIT}), 20, "all to be let in")


async def tried_twice(envoy: Envoy) -> bool:
    return await envoy.stat("cluster.pointsman.upstream_cx_total") >= 2


async def groups(server: Server, wanted: set[str]) -> bool:
    return {one["group"] for one in await server.get("/proxies")} == wanted


def authority_in(root: Path) -> Pair:
    return load((root / "ca.crt").read_bytes(), (root / "ca.key").read_bytes())


def place(folder: Path, **contents: bytes) -> None:
    """`tls_crt=…` becomes tls.crt."""
    for name, content in contents.items():
        (folder / f"{name}~").write_bytes(content)
        (folder / f"{name}~").replace(folder / name.replace("_", "."))


async def test_handshake_below_tls_1_3_is_refused(tmp_path: Path) -> None:
    folder, certs = Folder(tmp_path / "config"), tmp_path / "certs"
    folder.base(free_port(), free_port())
    await pointsman("certs", certs)
    async with Server(folder.path, tmp_path / "log", "--tls", str(certs / "server")) as server:
        host, _, port = server.xds.rpartition(":")
        answers = [
            await asyncio.to_thread(first_record, host, int(port), version) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
        ]
    handshake = b"\x16"
    assert [answer[:1] == handshake for answer in answers] == [False, True], answers


def first_record(host: str, port: int, version: ssl.TLSVersion) -> bytes:
    """What the server says to a ClientHello of this version and no other: a record of type 22 where it goes on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["h2"])
    context.minimum_version = context.maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    with socket.create_connection((host, port), timeout=20) as connection:
        connection.sendall(outgoing.read())
        return connection.recv(1)
