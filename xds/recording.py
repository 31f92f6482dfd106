"""What streams tell, as metrics and lines of the log. Decides nothing."""

from __future__ import annotations

from xds.events import Acked, Connected, Disconnected, Event, GateExpired, Nacked, Refused, Sent, Withheld
from xds.telemetry import Log, Logger, Metrics

FEW = 10  # names in one line of the log


def record(event: Event, metrics: Metrics, log: Logger) -> None:
    node = event.proxy.node
    match event:
        case Sent():
            metrics.pushes.sent[event.type_url] += 1
            metrics.pushes.bytes[event.type_url] += event.bytes
        case Acked():
            metrics.pushes.acked(event.type_url, event.seconds)
        case Connected():
            metrics.proxies.labels(event.proxy.group).inc()
            log.info(Log.CONNECTED, node=node, agent=event.proxy.agent, view=event.proxy.view)
        case Disconnected():
            metrics.proxies.labels(event.proxy.group).dec()
            log.info(Log.DISCONNECTED, node=node)
        case Nacked():
            metrics.nacked.labels(event.type_url).inc()
            log.error(Log.NACKED, node=node, type=event.type_url, names=event.names, message=event.message)
        case Refused():
            metrics.refused.labels(event.type_url).inc()
            log.error(
                Log.REFUSED, node=node, type=event.type_url, name=event.name, part=event.part, version=event.version,
                message=event.message, doubted=event.doubted,
            )  # fmt: skip
        case Withheld():
            metrics.withheld.labels(event.type_url).inc(len(event.names))
            log.warning(Log.WITHHELD, node=node, type=event.type_url, names=event.names[:FEW], number=len(event.names))
        case GateExpired():
            metrics.expired.labels(event.type_url).inc()
            log.warning(Log.GATE_EXPIRED, node=node, type=event.type_url, waited=event.waited)
        case _:
            pass
