"""Certificates of clients, both ways, with one real Envoy: what clients show to a listener, and what Envoy shows to backends."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests import certificates
from tests.e2e.authorizing import Said, http
from tests.e2e.backends import WITH_MODULES
from tests.e2e.envoy import Envoy, bootstrap
from tests.e2e.folder import Folder
from tests.e2e.server import Server
from tests.ports import free_port
from tests.waiting import wait_until
from xds.security.issuing import Pair

pytestmark = pytest.mark.e2e

SOON = 60.0  # seconds; a quiet machine needs one

OBJECTS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: pointsman}}
spec: {{controllerName: pointsman.io/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge}}
spec:
  gatewayClassName: pointsman
  tls:
    backend: {{clientCertificateRef: {{name: shown}}}}
    frontend:
      default: {{validation: {{caCertificateRefs: [{{group: "", kind: ConfigMap, name: ca}}]}}}}
      perPort:
      - port: {lax}
        tls: {{validation: {{mode: AllowInsecureFallback, caCertificateRefs: [{{group: "", kind: ConfigMap, name: ca}}]}}}}
  listeners:
  - {{name: strict, port: {strict}, protocol: HTTPS, tls: {{certificateRefs: [{{name: served}}]}}}}
  - {{name: lax, port: {lax}, protocol: HTTPS, tls: {{certificateRefs: [{{name: served}}]}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: secret}}
spec:
  targetRefs: [{{group: pointsman.io, kind: Backend, name: secret}}]
  validation: {{hostname: localhost, caCertificateRefs: [{{group: "", kind: ConfigMap, name: ca}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: web}}
spec: {{parentRefs: [{{name: edge}}], rules: [{{backendRefs: [{{group: pointsman.io, kind: Backend, name: secret}}]}}]}}
"""


@dataclass
class World:
    folder: Folder
    at: Path
    strict: int
    lax: int

    async def asked(self, port: int, shown: Pair | None = None) -> str:
        """What the backend says, or nothing where Envoy takes no part in the handshake."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if shown:
            folder = certificates.write(self.at / "client", shown)
            context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
        connector = aiohttp.TCPConnector(ssl=context, force_close=True)
        try:
            async with aiohttp.ClientSession(connector=connector) as session, session.get(f"https://localhost:{port}/") as said:
                return await said.text() if said.status == 200 else str(said.status)
        except aiohttp.ClientError:
            return ""


def secret(folder: Folder, name: str, pair: Pair) -> None:
    data = "".join(f"  {key}: {b64encode(value).decode()}\n" for key, value in {"tls.crt": pair.pem, "tls.key": pair.key}.items())
    folder.save(name, f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}}}\ntype: kubernetes.io/tls\ndata:\n{data}")


def demanding(at: Path) -> ssl.SSLContext:
    """A backend that serves those alone who show a certificate of our CA."""
    folder = certificates.write(at / "backend", certificates.serving())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.crt"))
    context.load_cert_chain(folder / "tls.crt", folder / "tls.key")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@asynccontextmanager
async def world(at: Path) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        found = World(Folder(at / "config"), at, free_port(), free_port())
        found.folder.backend(
            "secret", await stack.enter_async_context(http(lambda _: Said(200, {"Connection": "close"}, "in"), demanding(at)))
        )
        authority = "".join(f"    {line}\n" for line in certificates.ca().pem.decode().splitlines())
        found.folder.save("ca", f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ca}}\ndata:\n  ca.crt: |\n{authority}")
        secret(found.folder, "served", certificates.serving())
        secret(found.folder, "shown", certificates.of(certificates.EDGE))
        found.folder.save("objects", OBJECTS.format(strict=found.strict, lax=found.lax))
        server = await stack.enter_async_context(Server(found.folder.path, at / "server.log"))
        envoy = await stack.enter_async_context(Envoy(bootstrap(server.xds), at, env=WITH_MODULES))
        await envoy.ready(SOON)
        yield found


async def test_clients_show_what_a_listener_wants_and_backends_are_shown_what_they_want(tmp_path: Path) -> None:
    good, foreign = certificates.of(certificates.OTHER), certificates.of(certificates.OTHER, by="two")

    async with world(tmp_path) as at:

        async def says(port: int, shown: Pair | None, wanted: str) -> bool:
            return await at.asked(port, shown) == wanted

        await wait_until(lambda: says(at.strict, good, "in"), SOON, "the first answer")
        assert await at.asked(at.strict) == ""
        assert await at.asked(at.strict, foreign) == ""
        assert [await at.asked(at.lax, shown) for shown in (None, good, foreign)] == ["in", "in", "in"]
        secret(at.folder, "shown", certificates.of(certificates.EDGE, by="two"))  # one that the backend does not believe
        await wait_until(lambda: says(at.strict, good, "503"), SOON, "the backend to refuse the other certificate")
        secret(at.folder, "shown", certificates.of(certificates.EDGE))
        await wait_until(lambda: says(at.strict, good, "in"), SOON, "the backend to be content again")
