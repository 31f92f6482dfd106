"""Keys go to proxies that present them now, and to nobody else."""

from __future__ import annotations

from typing import Any

from protos.v3 import Secret
from tests.unit.translator.envoy_v3.test_quarantine import part, poison, refused
from tests.unit.translator.envoy_v3.world import World, served
from translator.envoy_v3.anatomy import CHAINS
from translator.ir.listener import Chain, Port
from translator.ir.output import Group
from translator.ir.tables import CERTIFICATE, GROUP, OUT_LISTENER, OUT_SECRET, SECRET_USE

EDGE = Port("infra/edge", "", 443)
NAME, LISTENER = "secret/shop/tls", "infra/edge/443"


def chain(name: str, *secrets: str) -> Chain:
    return Chain(name=name, table=f"{LISTENER}/{name}", server_names=(f"{name}.example",), secrets=secrets)


def world(*more: Any) -> World:
    """A Gateway that presents a Secret at one of its two chains, and another one that does not."""
    ports = [served(chain("a", NAME), chain("b", "secret/shop/other"), port=EDGE), served(port=Port("infra/inner", "", 80))]
    return World(*ports, (SECRET_USE, ("infra/edge", "shop/tls"), LISTENER), (CERTIFICATE, "shop/tls", (b"chain", b"key")), *more)


def holders(it: World) -> set[str]:
    return {group for (table, (group, name)) in it.resources if table is OUT_SECRET and name == NAME}


def test_secret_holds_chain_and_key() -> None:
    message = Secret.FromString(world().body(OUT_SECRET, NAME, "infra/edge"))
    assert (message.tls_certificate.certificate_chain.inline_bytes, message.tls_certificate.private_key.inline_bytes) == (b"chain", b"key")


def test_secret_goes_to_the_group_that_presents_it_and_to_no_other() -> None:
    assert holders(world()) == {"infra/edge"}


def test_new_certificate_changes_its_secret_and_no_listener() -> None:
    assert world().change((CERTIFICATE, "shop/tls", (b"two", b"k"))).keys() == {(OUT_SECRET, ("infra/edge", NAME))}


def test_secret_without_its_certificate_is_not_sent() -> None:
    it = world()
    it.change((CERTIFICATE, "shop/tls", None))
    assert holders(it) == set()


def test_secret_that_nothing_refers_to_any_more_is_taken_away() -> None:
    """As when a ReferenceGrant is revoked: at once, before anybody has changed a listener."""
    it = world()
    it.change((SECRET_USE, ("infra/edge", "shop/tls"), None))
    assert holders(it) == set()


def test_secret_stays_with_who_presents_it_elsewhere() -> None:
    port = Port("infra/edge", "", 8443)
    it = world((SECRET_USE, ("infra/edge", "shop/tls"), LISTENER), served(chain("a", NAME), port=port))
    it.change((SECRET_USE, ("infra/edge", "shop/tls"), "infra/edge/8443"))
    body = it.body(OUT_LISTENER, LISTENER, "infra/edge")
    it.change(refused(OUT_LISTENER.name, LISTENER, poison(body)))
    assert it.names(OUT_LISTENER, "infra/edge") == {"infra/edge/8443"}
    assert holders(it) == {"infra/edge"}


def test_secret_of_a_listener_that_envoy_would_refuse_stays_here() -> None:
    it = world((GROUP, "infra/edge", Group(bind="")))
    assert not it.names(OUT_LISTENER, "infra/edge")
    assert holders(it) == set()
    it.change((GROUP, "infra/edge", Group(bind="127.0.0.1")))
    assert holders(it) == {"infra/edge"}


def test_secret_of_a_chain_that_was_refused_stays_here() -> None:
    it = world()
    body = it.body(OUT_LISTENER, LISTENER, "infra/edge")
    it.change(refused(OUT_LISTENER.name, LISTENER, poison(part(CHAINS, body, "a"), "a")))
    assert it.names(OUT_LISTENER, "infra/edge") == {LISTENER}
    assert holders(it) == set()


def test_secret_is_the_same_for_envoys_with_and_without_the_native_module() -> None:
    it = world((GROUP, "infra/edge", Group(flat=True)))
    assert it.names(OUT_LISTENER, "infra/edge~flat") == {LISTENER}
    assert holders(it) == {"infra/edge"}
