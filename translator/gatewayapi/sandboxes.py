"""RouteGroups at listeners: which of them they reach, and how keys are read there. Knows Gateways as values and no sandbox.

A namespace joins a listener by a RouteGroup of its own, and gives forks to its own Services only, so that nobody changes
where requests for another namespace go. Whose keys are believed is one decision for a listener: the RouteGroup in the
namespace of its Gateway takes it, or without one the oldest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import structs

from translator.gatewayapi.listeners import KINDS
from translator.gatewayapi.parents import listener_id, parent_id
from translator.gatewayapi.selectors import selects
from translator.gatewayapi.tables import Joined
from translator.ir import names
from translator.ir.cluster import Use
from translator.ir.finding import Finding, Path
from translator.ir.keys import HEADER, Reading, Spelling
from translator.resources.gateway import Gateway, Listener, RouteNamespaces
from translator.resources.listenerset import ListenerSet
from translator.resources.sandbox import USUAL, GatewayRef, KeyHeader, RouteGroup, settable

_ADMIT: dict[str, Literal["none", "all", "signed"]] = {"None": "none", "All": "all", "Signed": "signed"}


def listeners(parent: Gateway | ListenerSet | None, ref: GatewayRef, namespace: str, labels: Mapping[str, str]) -> tuple[str, list[str]]:
    """The listeners that a parentRef means, by id, or why there are none."""
    if parent is None:
        return "it does not exist", []
    meant = [one for one in parent.spec.listeners if ref.section_name in ("", one.name) and ref.port in (None, one.port)]
    if not meant:
        return f"no listener of the {ref.kind} matches its sectionName and port", []
    speaking = [one for one in meant if one.protocol in KINDS and KINDS[one.protocol] is KINDS["HTTP"]]
    if not speaking:
        return "no listener that it names speaks HTTP, so there are no keys to read", []
    admitting = [one for one in speaking if _admits(one, parent.namespace, namespace, labels)]
    reason = "" if admitting else f"no listener admits routes from namespace {namespace}"
    return reason, [listener_id(parent_id(ref.kind, parent.key), one.name) for one in admitting]


def _admits(listener: Listener, own: str, namespace: str, labels: Mapping[str, str]) -> bool:
    allowed: RouteNamespaces = listener.allowed_routes.namespaces
    match allowed.from_:
        case "All":
            return True
        case "Same":
            return namespace == own
        case _:
            return allowed.selector is not None and selects(allowed.selector, labels)


def reading(group: RouteGroup) -> Reading:
    spec = group.spec
    spelled = [KeyHeader(name=HEADER), KeyHeader(name=spec.routing_key_header), *(USUAL if spec.headers is None else spec.headers)]
    spellings = dict.fromkeys(Spelling(one.name.lower(), one.member if one.format != "Plain" else "") for one in spelled)
    return Reading(
        spellings=tuple(spellings),
        hosts=tuple(host.removeprefix("*") for host in spec.preview_hosts),
        wrong="reject" if spec.admission.wrong == "Reject" else "strip",
        admit=_ADMIT[spec.admission.mode],
        secrets=spec.admission.secrets,
        audience=spec.admission.audience,
        group=group.key,
        sources=spec.admission.sources,
        peers=spec.admission.certificates,
    )


def agree(one: RouteGroup, other: RouteGroup) -> bool:
    """Whether keys are read alike. Endpoints are heard of one namespace only, so those of another are not."""
    alike = reading(one) == structs.replace(reading(other), group=one.key)
    return one is other or (alike and (one.namespace == other.namespace or not any(map(one.key_of, one.spec.endpoints))))


def speaker(joined: Sequence[Joined], namespace: str) -> Joined:
    """Who decides how keys are read."""
    return next((one for one in joined if one.namespace == namespace), joined[0])


def first_of_namespaces(joined: Iterable[Joined]) -> dict[str, Joined]:
    """The RouteGroup of each namespace that counts at a listener: the oldest."""
    found: dict[str, Joined] = {}
    for one in joined:
        found.setdefault(one.namespace, one)
    return found


def forks(uses: Iterable[Use], keys: Mapping[str, str]) -> Iterator[tuple[Use, str]]:
    """The upstreams that may have forks, and the RouteGroup that leads to them."""
    for use in uses:
        if use.kind in ("Service", "Backend") and (group := keys.get(use.key.partition("/")[0])):
            yield use, group


def fork_names(uses: Iterable[Use], keys: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((names.cluster(use), names.forks(group, names.cluster(use))) for use, group in forks(uses, keys))


def not_joined(key: str, place: int, ref: GatewayRef, why: str) -> Finding:
    message = f'keys are not read at {ref.kind} "{ref.name}": {why}'
    path = ("spec", "parentRefs", place)
    fix = "name a Gateway and a listener that admit this namespace"
    return Finding(code="PM0701", kind="RouteGroup", key=key, message=message, path=path, fix=fix)


def outvoted(key: str, listener: str, other: str) -> Finding:
    message = f"how keys are read at listener {listener} is decided by RouteGroup {other}"
    fix = "give both the same headers, previewHosts and admission, and endpoints to the other alone"
    return Finding(code="PM0702", kind="RouteGroup", key=key, message=message, path=("spec",), fix=fix, severity="warning")


def verified(keys: Reading, *, required: bool) -> Reading:
    """Names in certificates count only where the listener has seen to it that they are true."""
    return keys if required or not keys.peers else structs.replace(keys, peers=())


def unverified(key: str, listener: str) -> Finding:
    message = f"listener {listener} does not demand certificates of clients that it can verify, so none admits a key there"
    path = ("spec", "admission", "certificates")
    fix = "have the Gateway validate client certificates (spec.tls.frontend), with mode AllowValidOnly"
    return Finding(code="PM0710", kind="RouteGroup", key=key, message=message, path=path, fix=fix, severity="warning")


def replaced(key: str, listener: str, other: str) -> Finding:
    message = f"its keys are not led at listener {listener}, where the older RouteGroup {other} is, which has listeners that it has not"
    fix = "give both the same parentRefs, or keep one of them"
    return Finding(code="PM0702", kind="RouteGroup", key=key, message=message, path=("spec", "parentRefs"), fix=fix)


def without_module(key: str, group: str) -> Finding:
    message = (
        f"a proxy of {group} does not announce the native module: its route tables have a route for each key, key by key more to "
        "send and to search, it reads X-Route-Key alone, believes every client, and has no fallback for a fork that refuses"
    )
    fix = "give it libpointsman.so, and announce it in its bootstrap"
    return Finding(code="PM0703", kind="RouteGroup", key=key, message=message, path=("spec", "parentRefs"), fix=fix, severity="warning")


def misspelled(group: RouteGroup) -> Iterator[Finding]:
    """What of it counts for nothing, whatever Gateways there are."""
    spec = group.spec
    admission = spec.admission
    known = admission.sources or admission.certificates or spec.preview_hosts or any(map(group.key_of, spec.endpoints))
    if spec.parent_refs and admission.mode == "None" and not known:
        yield nobody_believed(group.key)
    for place, one in enumerate(spec.endpoints):
        if not group.key_of(one):
            yield without_key(group.key, ("spec", "endpoints", place))
        elif not (one.target or group.host_of(one)):
            yield unserved_endpoint(group.key, ("spec", "endpoints", place, "hostname"))
    for place, route in enumerate(spec.routes):
        if not (route.routing_key or spec.default_routing_key):
            yield without_key(group.key, ("spec", "routes", place))
        for field, given in (("headers", route.headers), ("additionalHeaders", route.additional_headers)):
            for name in given:
                if not settable(name):
                    yield no_header(group.key, ("spec", "routes", place, field, name), name)


def without_key(key: str, path: Path) -> Finding:
    message = "it has no routingKey, and the RouteGroup no defaultRoutingKey, so it counts for nothing"
    return Finding(code="PM0708", kind="RouteGroup", key=key, message=message, path=path, fix="give it a routingKey", severity="warning")


def unserved_endpoint(key: str, path: Path) -> Finding:
    what = "an endpoint without a hostname has no requests"
    fix = "give it a hostname, and a target or a route that serves the hostname"
    return Finding(code="PM0713", kind="RouteGroup", key=key, message=what, path=path, fix=fix, severity="warning")


def no_header(key: str, path: Path, name: str) -> Finding:
    message = f'"{name}" is no header that a route can ask for or set, so the whole route counts for nothing'
    return Finding(code="PM0709", kind="RouteGroup", key=key, message=message, path=path, fix="use another header")


def nobody_believed(key: str) -> Finding:
    message = "keys are taken away from all requests, and there is no preview host: no Sandbox can be reached"
    path = ("spec", "admission", "mode")
    fix = "set it to All where every client may choose, or to Signed, or add previewHosts"
    return Finding(code="PM0704", kind="RouteGroup", key=key, message=message, path=path, fix=fix, severity="warning")
