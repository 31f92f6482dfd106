"""Which keys leave this process, and to whom: those that a listener presents which is served now, to the proxies that are
given that listener. One that is referred to, but that no listener of Envoy needs, stays here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from protos.v3 import DownstreamTlsContext, Listener, Secret
from translator.engine import Facts, Table, View, rule
from translator.envoy_v3.checks import broken
from translator.envoy_v3.held import held
from translator.envoy_v3.quarantine import judged, told
from translator.envoy_v3.secret import secret
from translator.ir import names
from translator.ir.listener import Chain, Port
from translator.ir.output import Packed
from translator.ir.tables import CERTIFICATE, HELD, OUT_SECRET, QUARANTINE, REFUSED, SECRET_USE

LEFT_OUT = Table[tuple[str, str], str]("LeftOut")  # (group, name of a secret) → listeners that would present it, and do not


def left_out(port: Port, chains: Iterable[Chain], served: bytes | None) -> Facts:
    """To be said of a listener as it is served (None: it is not), with what stands in for parts that were refused.

    What is not presented is told, and not what is: else every object that a listener comes from would be one that its secrets
    come from.
    """
    shown = set(_named(Listener.FromString(served))) if served else ()
    for name in dict.fromkeys(one for chain in chains for one in chain.secrets):
        if name not in shown:
            yield LEFT_OUT((port.group, name), names.listener(port))


def _named(listener: Listener) -> Iterator[str]:
    for chain in listener.filter_chains:
        if chain.HasField("transport_socket"):
            context = DownstreamTlsContext.FromString(chain.transport_socket.typed_config.value)
            yield from (one.name for one in context.common_tls_context.tls_certificate_sds_secret_configs)


@rule(over=SECRET_USE, into=(OUT_SECRET, REFUSED, HELD))
def envoy_secret(view: View, key: tuple[str, str]) -> Facts:
    (group, of), name = key, names.secret(key[1])
    pair, spared = view.get(CERTIFICATE, of), view.list(LEFT_OUT, (group, name))
    if pair is None or (spared and all(one in spared for one in view.list(SECRET_USE, key))):
        return
    body = secret(name, *pair)
    wrong = broken(Secret.FromString(body), "Secret", of)
    verdict = judged(view.get(QUARANTINE, (OUT_SECRET.name, name)), body)
    if not wrong and verdict.body:
        yield OUT_SECRET((group, name), Packed(verdict.body))
    for finding in (*wrong, *(told(one, "this certificate", "Secret", of) for one in verdict.found)):
        yield REFUSED(("Secret", of), finding)
    yield from held(OUT_SECRET, name, verdict)
