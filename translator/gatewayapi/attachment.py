"""Which routes attach to which listeners, and under which hosts. Knows hostnames and admission; knows nothing of Envoy.

Sources: Gateway API v1.6.1, `ParentReference`, `AllowedRoutes`, `Listener.hostname`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from translator.gatewayapi.conditions import ACCEPTED, Problem
from translator.gatewayapi.hostnames import shared
from translator.gatewayapi.parents import namespace_of
from translator.gatewayapi.references import GATEWAY_GROUP
from translator.gatewayapi.selectors import selects
from translator.gatewayapi.tables import Target
from translator.ir.finding import Finding, Path
from translator.ir.output import ParentRef
from translator.resources.httproute import ParentReference

Reached = tuple[Target, list[str]]  # a listener, and the hosts it shares with the route


def admits(target: Target, kind: str, namespace: str, labels: Mapping[str, str]) -> bool:
    """Whether a listener lets routes of this kind from this namespace attach."""
    if all((each.group, each.kind) != (GATEWAY_GROUP, kind) for each in target.kinds):
        return False
    match target.namespaces.from_:
        case "All":
            return True
        case "Same":
            return namespace == namespace_of(target.id)
        case "Selector":
            return target.namespaces.selector is not None and selects(target.namespaces.selector, labels)
        case _:  # `None` of ListenerSets, and whatever a later API adds: nobody
            return False


def attach(
    kind: str, namespace: str, hostnames: Sequence[str], port: int, targets: Iterable[Target], labels: Mapping[str, str]
) -> tuple[str, str, list[Reached]]:
    """What comes of one parentRef: reason and message where nothing is reached, and the listeners reached."""
    at_port = [target for target in targets if port in (0, target.port)]
    if not at_port:
        return "NoMatchingParent", "no listener of it matches its sectionName and port", []
    admitting = [target for target in at_port if admits(target, kind, namespace, labels)]
    if not admitting:
        return "NotAllowedByListeners", f"no listener admits {kind}s from namespace {namespace}", []
    reached = [(target, hosts) for target in admitting if (hosts := shared(target.hostname, hostnames))]
    if not reached:
        return "NoMatchingListenerHostname", "none of its hostnames is one of a listener's", []
    return "", "", reached


def parent_ref(ref: ParentReference) -> ParentRef:
    """The reference as it stands in the object, with the defaults an API server fills in."""
    return ParentRef(
        group=ref.group,
        kind=ref.kind,
        namespace=ref.namespace or None,
        name=ref.name,
        section_name=ref.section_name or None,
        port=ref.port or None,
    )


def refused(kind: str, key: str, path: Path, ref: ParentReference, reason: str, message: str) -> Problem:
    """A parentRef that reaches nothing."""
    text = f'is not attached to {ref.kind} "{ref.name}": {message}'
    return Problem(ACCEPTED, reason, Finding(code="PM0402", kind=kind, key=key, message=text, path=path, fix=FIXES[reason]))


FIXES = {
    "NoMatchingParent": "name a section and port that the parent has",
    "NotAllowedByListeners": "widen the listener's allowedRoutes or choose another listener",
    "NoMatchingListenerHostname": "use a hostname that the listener covers",
}
