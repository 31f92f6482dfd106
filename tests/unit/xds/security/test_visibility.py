"""What an identity is shown of a whole server with two Gateways: what its own listeners, routes and clusters need, and no more."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node
from tests.certificates import EDGE, OTHER, channel_credentials, of, serving, write
from tests.property.pools import pair
from xds.app import App
from xds.kinds import CLUSTER, ENDPOINT, LISTENER, SECRET, Kind
from xds.security.access import Identity, Policy
from xds.services import DELTA_ADS
from xds.settings import Settings
from xds.telemetry import logger

CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
"""
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  gatewayClassName: pointsman
  listeners:
  - {{name: https, port: {port}, protocol: HTTPS, tls: {{certificateRefs: [{{name: cert, namespace: keys-of-{name}}}]}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  parentRefs: [{{name: {name}}}]
  rules: [{{backendRefs: [{{group: pointsman.io, kind: Backend, name: {name}}}]}}]
---
apiVersion: pointsman.io/v1alpha1
kind: Backend
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{endpoints: [{{ip: {{address: 127.0.0.1, port: 1}}}}]}}
---
apiVersion: v1
kind: Secret
metadata: {{name: cert, namespace: keys-of-{name}}}
type: kubernetes.io/tls
data: {{{pair}}}
"""
GRANT = """
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {{name: {name}, namespace: keys-of-{name}}}
spec: {{from: [{{group: gateway.networking.k8s.io, kind: Gateway, namespace: {namespace}}}], to: [{{group: "", kind: Secret}}]}}
"""


PORTS = {EDGE: 8443, OTHER: 8444}


class Rig:
    def __init__(self, at: Path, policy: Policy) -> None:
        self.files = at / "files"
        self.files.mkdir()
        (self.files / "class.yaml").write_text(CLASS)
        data = ", ".join(f"{name}: {b64encode(value).decode()}" for name, value in pair().items())
        for one, port in PORTS.items():
            words = {"name": one.gateway, "namespace": one.namespace, "port": port, "pair": data}
            (self.files / f"{one.gateway}.yaml").write_text(GATEWAY.format(**words))
            (self.files / f"{one.gateway}-grant.yaml").write_text(GRANT.format(**words))
        settings = Settings(files=str(self.files), xds="127.0.0.1:0", tls=str(write(at / "tls", serving())), policy=policy)
        self.app = App(settings, logger("none"))

    def proxy(self, identity: Identity) -> Proxy:
        return Proxy(self.app.xds, identity)


class Proxy:
    """A delta client that holds what it is given, and accepts all of it."""

    def __init__(self, address: str, identity: Identity) -> None:
        self._channel = grpc.aio.secure_channel(address, channel_credentials(of(identity)))
        self.call = self._channel.stream_stream(DELTA_ADS.path)()
        self.node = Node(id=identity.key, cluster="local", metadata={"pointsman.io/modules": ["shard"]})
        self.held: set[str] = set()
        self.absent: set[str] = set()

    async def ask(self, kind: Kind, *names: str) -> None:
        request = DeltaDiscoveryRequest(node=self.node, type_url=kind.type_url, resource_names_subscribe=names)
        await self.call.write(request.SerializeToString())

    async def take(self) -> DeltaDiscoveryResponse:
        response = DeltaDiscoveryResponse.FromString(await asyncio.wait_for(self.call.read(), 20))
        await self.call.write(DeltaDiscoveryRequest(type_url=response.type_url, response_nonce=response.nonce).SerializeToString())
        self.held |= {one.name for one in response.resources}
        self.held -= {*response.removed_resources}
        self.absent |= {*response.removed_resources}
        return response

    async def close(self) -> None:
        self.call.cancel()
        await self._channel.close()


@pytest.fixture
async def rig(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path, Policy(shared=getattr(request, "param", "") == "shared"))
    await rig.app.start()
    async with asyncio.timeout(30):
        await rig.app.synced.wait()
    yield rig
    await rig.app.stop()


def things(identity: Identity) -> tuple[set[str], str]:
    """What a Gateway needs of clusters, endpoints and listeners, and its secret."""
    return {f"backend/{identity.key}", f"{identity.key}/{PORTS[identity]}"}, f"secret/keys-of-{identity.gateway}/cert"


@pytest.mark.parametrize(("mine", "theirs"), [(EDGE, OTHER), (OTHER, EDGE)])
async def test_proxy_is_shown_what_its_gateway_needs_and_of_another_not_even_that_it_exists(
    rig: Rig, mine: Identity, theirs: Identity
) -> None:
    proxy, (needed, secret), (foreign, their_secret) = rig.proxy(mine), things(mine), things(theirs)
    for kind in (CLUSTER, ENDPOINT, LISTENER):
        await proxy.ask(kind, "*", *foreign, "nowhere")
        await proxy.take()
    await proxy.ask(SECRET, secret, their_secret, "secret/nowhere")
    await proxy.take()
    assert proxy.held == needed | {secret}
    assert proxy.absent == foreign | {their_secret, "nowhere", "secret/nowhere"}
    assert rig.app.metrics.registry.get_sample_value("pointsman_xds_withheld_total", {"type": SECRET.type_url}) == 1.0
    await proxy.close()


async def test_secret_is_taken_away_when_its_grant_is(rig: Rig) -> None:
    proxy, (_, secret) = rig.proxy(EDGE), things(EDGE)
    await proxy.ask(SECRET, secret)
    await proxy.take()
    assert proxy.held == {secret}
    (rig.files / "edge-grant.yaml").unlink()
    assert [*(await proxy.take()).removed_resources] == [secret]
    await proxy.close()


@pytest.mark.parametrize("rig", ["shared"], indirect=True)
async def test_proxies_of_one_group_for_all_are_shown_all_gateways(rig: Rig) -> None:
    proxy = rig.proxy(EDGE)
    await proxy.ask(SECRET, "*")
    await proxy.take()
    assert proxy.held == {things(EDGE)[1], things(OTHER)[1]}
    await proxy.close()
