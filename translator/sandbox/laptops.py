"""Laptops as upstreams: the way to each leads through the gateway where its tunnel ends, and a header says for whom a request is.

One that says that it is connected, and then nothing for 30 seconds or as long as it says, is lost and gets nothing. One that has never
said so may be there all the same: the gateway tells each request where nobody is, and that goes to the baseline.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from translator.engine import Facts, View, rule
from translator.inputs import LOCAL_WORKLOAD, SANDBOX
from translator.ir import local, names
from translator.ir.cluster import SPOKEN, Cluster, Endpoint, Endpoints, Use
from translator.ir.life import Life
from translator.ir.output import Condition, Connection, Status
from translator.ir.tables import CLUSTER, ENDPOINTS, EXPIRED, OUT_LIFE, OUT_STATUS
from translator.resources.localworkload import LocalWorkload
from translator.resources.sandbox import Sandbox
from translator.sandbox.lifetime import seconds_of


@rule(over=LOCAL_WORKLOAD, into=(OUT_LIFE,))
def heartbeat(view: View, key: str) -> Facts:
    """Each beat begins its time anew."""
    one = view.one(LOCAL_WORKLOAD, key)
    if mark := beat(one):
        yield OUT_LIFE(("LocalWorkload", key), Life(seconds_of(one.spec.connection.timeout), "", mark))


@rule(over=LOCAL_WORKLOAD, into=(CLUSTER, ENDPOINTS))
def laptop(view: View, key: str) -> Facts:
    one = view.one(LOCAL_WORKLOAD, key)
    if lost(one, view.get(EXPIRED, ("LocalWorkload", key))):
        return
    end = gateway(one)
    sets = ((local.HEADER, local.claim(one.namespace, one.spec.sandbox_ref.name, one.spec.service.name)),)
    for speaks in SPOKEN:
        use = Use("LocalWorkload", key, 0, speaks)
        plain = Cluster(name=names.cluster(use), protocol="h2c" if speaks else "http1", sets=sets)
        if _is_address(end.address):
            yield CLUSTER(use, plain)
            yield ENDPOINTS(use, Endpoints(endpoints=(end,)))
        else:
            yield CLUSTER(use, Cluster(name=plain.name, protocol=plain.protocol, sets=sets, discovery="dns", endpoints=(end,)))


@rule(over=LOCAL_WORKLOAD, into=(OUT_STATUS,))
def laptop_status(view: View, key: str) -> Facts:
    one = view.one(LOCAL_WORKLOAD, key)
    sandbox = view.get(SANDBOX, f"{one.namespace}/{one.spec.sandbox_ref.name}")
    phase, condition = state(one, sandbox, view.get(EXPIRED, ("LocalWorkload", key)))
    status = Status(
        generation=one.metadata.generation,
        phase=phase,
        conditions=(condition,),
        routing_key=sandbox.routing_key if sandbox and condition.reason != "NotNamed" else "",
        connection=connection(one),
    )
    yield OUT_STATUS(("LocalWorkload", key), status)


def connection(one: LocalWorkload) -> Connection | None:
    """What it says of its own connection; of one that says no times, nothing."""
    said, since = beat(one), one.metadata.annotations.get(local.SINCE, "")
    if not (_is_time(said) and _is_time(since)):
        return None
    claim = local.claim(one.namespace, one.spec.sandbox_ref.name, one.spec.service.name)
    return Connection(tunnel_id=claim, connected_at=since, last_heartbeat=said)


def state(one: LocalWorkload, sandbox: Sandbox | None, ended: str | None) -> tuple[str, Condition]:
    """Its phase, and why."""
    if not named(one, sandbox):
        why = f"Sandbox {one.spec.sandbox_ref.name} names it for no Service {one.spec.service.name}"
        return "Failed", Condition(type="Connected", status=False, reason="NotNamed", message=why)
    if not beat(one):
        why = "nobody has said yet that it is connected"
        return "Pending", Condition(type="Connected", status=False, reason="NeverHeard", message=why)
    if lost(one, ended):
        why = f"nothing was heard of it for {seconds_of(one.spec.connection.timeout)} seconds, so the baseline answers"
        return "Disconnected", Condition(type="Connected", status=False, reason="Lost", message=why)
    return "Connected", Condition(type="Connected", status=True, reason="Heard")


def beat(one: LocalWorkload) -> str:
    """What it said last of being connected, or nothing."""
    return one.metadata.annotations.get(local.BEAT, "")


def named(one: LocalWorkload, sandbox: Sandbox | None) -> bool:
    return sandbox is not None and any(
        service.name == one.spec.service.name and (service.target_ref.kind, service.target_ref.name) == ("LocalWorkload", one.metadata.name)
        for service in sandbox.spec.services
    )


def lost(one: LocalWorkload, ended: str | None) -> bool:
    """`ended` is the beat after which nothing came in time."""
    return bool(beat(one)) and beat(one) == ended


def gateway(one: LocalWorkload) -> Endpoint:
    host, _, port = one.spec.connection.target.rpartition(":")
    return Endpoint(host.strip("[]"), int(port))


def _is_time(text: str) -> bool:
    """As an API server has it."""
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", text) is not None


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


RULES = (heartbeat, laptop, laptop_status)
