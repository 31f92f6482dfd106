"""A sidecar is served by who it is: what its Service's sidecars have, by the certificate that is made for them, and nothing in the
name of another. Over real TLS, from what the translator makes of a namespace with sidecars.
"""

from __future__ import annotations

import asyncio
import contextlib
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import grpc.aio
import pytest

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node
from tests.certificates import EDGE, TRUST, ca, channel_credentials, now, of, serving, write
from tests.unit.translator.sandbox.test_sidecars import group, sandbox, service, told
from translator.ir.tables import RESOURCES
from xds.events import Event
from xds.kinds import CLUSTER, LISTENER, Kind
from xds.planes.identity import Issuer
from xds.security.access import Refusal
from xds.security.credentials import Credentials
from xds.security.issuing import Pair, load
from xds.server import Server
from xds.services import DELTA_ADS
from xds.snapshot import Snapshots

CART, FORK = "sidecar/default/cart", "sidecar/default/cart-alice"


class Rig:
    """Serves a namespace with two Services, one of which forks the other."""

    def __init__(self, at: Path) -> None:
        self.refused: list[Refusal] = []
        core, snapshots = told(service(), service("cart-alice"), group(), sandbox()), Snapshots()
        snapshots.apply({(table, key): row for table in RESOURCES for key, (row,) in core.rows(table).items()})
        snapshots.synced = True
        (at / "ca.crt").write_bytes(ca().pem)
        (at / "ca.key").write_bytes(ca().key)
        self._issuer, self.address = Issuer(at, TRUST), ""
        self.server = Server(
            snapshots, list[Event]().append,
            credentials=Credentials(write(at / "tls", serving()), now), turned_away=lambda why, *_: self.refused.append(why),
        )  # fmt: skip

    def sidecar(self, service: str) -> Pair:
        """As it finds itself in its Secret."""
        data = self._issuer.of_sidecars(service, None, now())
        assert data
        return load(b64decode(data["tls.crt"]), b64decode(data["tls.key"]))

    async def names(self, pair: Pair, node: str, kind: Kind, *wanted: str, cluster: str = "") -> set[str] | grpc.StatusCode:
        """What a client is given that calls itself this, or how it is turned away."""
        async with grpc.aio.secure_channel(self.address, channel_credentials(pair)) as channel:
            call = channel.stream_stream(DELTA_ADS.path)()
            request = DeltaDiscoveryRequest(node=Node(id=node, cluster=cluster), type_url=kind.type_url, resource_names_subscribe=wanted)
            await call.write(request.SerializeToString())
            try:
                found = await asyncio.wait_for(call.read(), 30)
            except grpc.aio.AioRpcError as error:
                return error.code()
            call.cancel()
            return {one.name for one in DeltaDiscoveryResponse.FromString(found).resources}


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    one = Rig(tmp_path)
    async with contextlib.AsyncExitStack() as stack:
        one.address = await one.server.start("127.0.0.1:0")
        stack.push_async_callback(one.server.stop, 0)
        yield one


async def test_sidecar_is_given_what_is_for_its_service(rig: Rig) -> None:
    mine = rig.sidecar("default/cart")
    assert await rig.names(mine, f"{CART}/pod-1", LISTENER, cluster=CART) == {"inbound/default/cart"}
    assert await rig.names(mine, f"{CART}/pod-1", CLUSTER, cluster=CART) == {"local", "beside/default/cart/80/alice"}


async def test_who_has_the_certificate_of_another_service_is_refused_in_its_name(rig: Rig) -> None:
    theirs = rig.sidecar("default/cart-alice")
    assert await rig.names(theirs, f"{CART}/pod-1", LISTENER, cluster=CART) is grpc.StatusCode.PERMISSION_DENIED
    assert [why.reason for why in rig.refused] == ["node"]


@pytest.mark.parametrize("wanted", [(), ("inbound/default/cart",), ("*", "inbound/default/cart")])
async def test_in_its_own_name_it_is_shown_nothing_of_another_whatever_it_asks_for(rig: Rig, wanted: tuple[str, ...]) -> None:
    theirs = rig.sidecar("default/cart-alice")
    found = await rig.names(theirs, f"{FORK}/pod-1", LISTENER, *wanted, cluster=CART)
    assert isinstance(found, set)
    assert found <= {"inbound/default/cart-alice"}


@pytest.mark.parametrize("service", ["other/cart", "default/cart-", "default/car"])
async def test_name_that_is_alike_is_that_of_another(rig: Rig, service: str) -> None:
    assert await rig.names(rig.sidecar(service), f"{CART}/pod-1", LISTENER) is grpc.StatusCode.PERMISSION_DENIED


async def test_proxies_of_a_gateway_are_no_sidecars_and_sidecars_none_of_theirs(rig: Rig) -> None:
    assert await rig.names(of(EDGE), f"{CART}/pod-1", LISTENER, cluster=CART) is grpc.StatusCode.PERMISSION_DENIED
    assert await rig.names(of(EDGE), f"{EDGE.key}/pod-1", LISTENER, "inbound/default/cart", cluster=CART) == set()
    assert await rig.names(rig.sidecar("infra/edge"), f"{EDGE.key}/pod-1", LISTENER) is grpc.StatusCode.PERMISSION_DENIED
