"""Gateways: whose they are, which listeners get which ports, what they present, and how routes see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import structs

from translator.engine import Facts, View, rule
from translator.gatewayapi.addresses import bind_addresses, usable
from translator.gatewayapi.allotment import Wish, allotted
from translator.gatewayapi.certificates import pair_problem
from translator.gatewayapi.clientcerts import client_check, shown_to_backends
from translator.gatewayapi.conditions import ACCEPTED, CONFLICTED, CONTROLLER, RESOLVED_REFS, Problem
from translator.gatewayapi.listeners import (
    KINDS,
    contest,
    listener_state,
    spec_problems,
    supported_kinds,
    terminates,
    transport,
)
from translator.gatewayapi.parents import SET, allows, is_default, listener_id, namespace_of, object_of, parent_id
from translator.gatewayapi.references import Referent
from translator.gatewayapi.rules import clientcerts
from translator.gatewayapi.rules.asking import labels_of, may_refer
from translator.gatewayapi.rules.clientcerts import trusted
from translator.gatewayapi.sandboxes import agree, first_of_namespaces, outvoted, reading, replaced, speaker, unverified, verified
from translator.gatewayapi.tables import (
    AUTHORITY_REF,
    CERTIFICATE_REF,
    CERTIFICATE_STATE,
    CLAIM,
    DECLARED,
    DEFAULTS,
    FOUND,
    JOINED,
    LISTENER_STATE,
    NARROW,
    OURS,
    OWNER,
    PARAMETERS,
    PRESENTING,
    SERVED,
    SERVING,
    SET_ON,
    SET_STATE,
    TARGET,
    VERDICT,
    WISH,
    Claim,
    ClientCheck,
    Declared,
    Joined,
    Presents,
    Served,
    SetState,
    Target,
    Verdict,
)
from translator.inputs import GATEWAY, GATEWAY_CLASS, LISTENER_SET, ROUTE_GROUP, SECRET
from translator.ir import names
from translator.ir.cluster import Authority
from translator.ir.finding import Finding, Path
from translator.ir.keys import Reading
from translator.ir.listener import Clients, Port
from translator.ir.route import Place
from translator.ir.tables import AUTHORITY, AUTHORITY_USE, BOUND_AT, CERTIFICATE, FOLLOWS, GROUP, HOST, SECRET_USE, WANTED
from translator.resources.gateway import Gateway, GatewayAddress, Listener
from translator.resources.meta import LocalReference


@rule(over=GATEWAY, into=(OURS, DEFAULTS, SERVING, PRESENTING, DECLARED, CLAIM, CERTIFICATE_REF, AUTHORITY_REF, FOUND))
def gateway(view: View, key: str) -> Facts:
    """A Gateway of a class of ours: each listener declared, and claimed at each of its ports."""
    one = view.one(GATEWAY, key)
    asked = view.get(PARAMETERS, key)
    if asked is None:
        if view.get(GATEWAY_CLASS, one.spec.gateway_class_name) is None:
            yield FOUND(("Gateway", key), _no_class(key, one.spec.gateway_class_name))
        return
    yield OURS(key, asked.group)
    yield SERVING(key, asked.group)
    if is_default(one):
        yield DEFAULTS(one.spec.default_scope, key)
    if not asked.serves:
        return
    for place, address in enumerate(one.spec.addresses):
        if not usable(address):
            yield FOUND(("Gateway", key), _no_address(key, place, address))
    shown = shown_to_backends(one)
    yield PRESENTING(asked.group, Presents(key, shown))
    if shown and (shown.group, shown.kind) == ("", "Secret"):
        yield CERTIFICATE_REF(shown.key, key)
    yield from declared(view, one, key, one.spec.listeners)


def served_at(view: View, gateway: Gateway) -> tuple[str, Sequence[str]]:
    """The group of proxies that serves a Gateway, and the addresses that these bind."""
    asked, addresses = view.one(PARAMETERS, gateway.key), bind_addresses(gateway.spec.addresses)
    row = view.get(GROUP, asked.group)
    if row and row.pods:
        addresses = addresses and (("",) if asked.reached else ())  # those of the Gateway are its Service's
    return asked.group, addresses


def declared(view: View, gateway: Gateway, parent: str, listeners: Sequence[Listener], added_when: str = "") -> Facts:
    """Each listener declared, and claimed at each address of the Gateway. `added_when` is the age of a ListenerSet."""
    group, addresses = served_at(view, gateway)
    way = gateway.key if view.one(PARAMETERS, gateway.key).ways else ""
    created, added = gateway.metadata.creation_timestamp, int(parent != gateway.key)
    for index, one in enumerate(listeners):
        ports = tuple(Port(group, address, one.port, transport(one.protocol), way) for address in addresses)
        clients = client_check(gateway, one.port) if one.protocol == "HTTPS" else None
        yield DECLARED(listener_id(parent, one.name), Declared(parent, index, one, ports, clients))
        for to in clients.refs if clients else ():
            if (to.group, to.kind) == ("", "ConfigMap"):
                yield AUTHORITY_REF(to.key, listener_id(parent, one.name))
        if one.protocol in KINDS:
            hostname = one.hostname.lower()
            claim = Claim(created, gateway.key, added, added_when, parent, index, one.name, one.protocol, hostname)
            for port in ports:
                yield CLAIM(port, claim)
        for secret in certificate_keys(parent, one):
            yield CERTIFICATE_REF(secret.key, listener_id(parent, one.name))


@rule(over=LISTENER_SET, into=(SERVING, SET_STATE, SET_ON, DECLARED, CLAIM, CERTIFICATE_REF, AUTHORITY_REF, FOUND))
def listener_set(view: View, key: str) -> Facts:
    """A ListenerSet adds its listeners to those of its Gateway, if that allows it (GEP-1713)."""
    one = view.one(LISTENER_SET, key)
    ref = one.spec.parent_ref
    name = f"{ref.namespace or one.namespace}/{ref.name}"
    gateway = view.get(GATEWAY, name)
    asked = view.get(PARAMETERS, name)
    if gateway is None or asked is None or not asked.serves:
        if gateway is None:
            yield FOUND((SET, key), _no_gateway(key, name))
        return
    if not allows(gateway, one.namespace, labels_of(view, one.namespace)):
        message = f"Gateway {name} allows no ListenerSet of namespace {one.namespace}"
        yield SET_STATE(key, SetState(name, message))
        path = ("spec", "parentRef")
        fix = "widen the Gateway's allowedListeners"
        yield FOUND((SET, key), Finding(code="PM0309", kind=SET, key=key, message=message, path=path, fix=fix))
        return
    parent = parent_id(SET, key)
    yield SET_STATE(key, SetState(name, ""))
    yield SET_ON(name, key)
    yield SERVING(parent, asked.group)
    yield from declared(view, gateway, parent, one.spec.listeners, one.metadata.creation_timestamp)


def _no_gateway(key: str, name: str) -> Finding:
    path = ("spec", "parentRef", "name")
    return Finding(code="PM0401", kind=SET, key=key, message=f"Gateway {name} does not exist", path=path, severity="warning")


def _no_class(key: str, name: str) -> Finding:
    message = f'GatewayClass "{name}" does not exist'
    fix = f"create a GatewayClass of this name with controllerName {CONTROLLER}"
    path = ("spec", "gatewayClassName")
    return Finding(code="PM0301", kind="Gateway", key=key, message=message, path=path, fix=fix)


def _no_address(key: str, place: int, address: GatewayAddress) -> Finding:
    message = f'address "{address.value}" of type {address.type} cannot be bound, so nothing of this Gateway is served'
    path = ("spec", "addresses", place)
    return Finding(code="PM0306", kind="Gateway", key=key, message=message, path=path, fix="use an IP address that the proxies have")


def certificate_keys(parent: str, listener: Listener) -> Iterator[Referent]:
    """The Secrets a listener names, in its order; what is not a core Secret is left out."""
    for ref in listener.tls.certificate_refs if listener.tls else ():
        if (ref.group, ref.kind or "Secret") == ("", "Secret"):
            yield _secret(parent, ref)


def _secret(parent: str, ref: LocalReference) -> Referent:
    namespace = ref.namespace or namespace_of(parent)
    return Referent(ref.group, ref.kind or "Secret", f"{namespace}/{ref.name}")


@rule(over=CLAIM, into=(VERDICT, OWNER, NARROW, WISH))
def ports(view: View, key: Port) -> Facts:
    """Who gets a port, among all listeners of all Gateways that claim it."""
    claims = view.list(CLAIM, key)
    verdicts = contest(claims)
    for claim in claims:
        name = listener_id(claim.parent, claim.name)
        verdict = verdicts[name]
        yield VERDICT(name, verdict)
        if not verdict.reason:
            yield OWNER((key, claim.hostname), name)
    if any(claim.hostname and not verdicts[listener_id(claim.parent, claim.name)].reason for claim in claims):
        yield NARROW(key, True)
    if key.gateway:
        yield WISH(key.group, Wish(claims[0].created, key))


@rule(over=WISH, into=(BOUND_AT,))
def places(view: View, group: str) -> Facts:
    for port, number in allotted(view.list(WISH, group)).items():
        yield BOUND_AT(port, number)


@rule(over=CERTIFICATE_REF, into=(WANTED, CERTIFICATE, CERTIFICATE_STATE))
def certificate(view: View, key: str) -> Facts:
    """A Secret that some listener names, looked into once."""
    yield WANTED(("Secret", key), True)
    secret = view.get(SECRET, key)
    problem = "it does not exist" if secret is None else pair_problem(secret)
    yield CERTIFICATE_STATE(key, problem)
    if secret and not problem:
        yield CERTIFICATE(key, (secret.data["tls.crt"], secret.data["tls.key"]))


@rule(over=DECLARED, into=(LISTENER_STATE, TARGET, SERVED, SECRET_USE, AUTHORITY, AUTHORITY_USE, HOST, FOUND))
def listener(view: View, key: str) -> Facts:
    """What becomes of one listener: its state, how routes see it, and what it serves."""
    one = view.one(DECLARED, key)
    spec, parent = one.spec, one.parent
    verdict = next((each for each in view.list(VERDICT, key) if each.reason), None) or view.get(VERDICT, key) or Verdict()
    secrets, wrong = certificates(view, one)
    bundle, untrusted = trusted(view, one.clients) if one.clients else (b"", [])
    problems = [*spec_problems(parent, one.index, spec), *contest_problems(one, verdict), *offset_problems(view, one), *wrong, *untrusted]
    accepted = all(problem.condition not in (ACCEPTED, CONFLICTED) for problem in problems)
    serves = accepted and bool(one.ports) and (bool(secrets) or not terminates(spec)) and bool(supported_kinds(spec))
    state = listener_state(one.index, spec, accepted, serves, verdict.overlaps, problems)
    yield LISTENER_STATE(parent, structs.replace(state, secrets=tuple(secrets)) if secrets else state)
    for problem in problems:
        yield FOUND((problem.finding.kind, problem.finding.key), problem.finding)
    tables = tuple((port, table_of(port, spec)) for port in one.ports) if accepted else ()
    joined = view.list(JOINED, key)
    groups = first_of_namespaces(joined)
    target = Target(
        key,
        spec.name,
        spec.port,
        accepted,
        spec.hostname.lower(),
        spec.allowed_routes.namespaces,
        supported_kinds(spec),
        tables,
        tuple((namespace, one.group) for namespace, one in groups.items()),
    )
    for section in (spec.name, ""):
        yield TARGET((parent, section), target)
    if serves:
        keys, told = reading_at(view, key, joined, one.clients) if joined else (None, [])
        for finding in told:
            yield FOUND((finding.kind, finding.key), finding)
        yield from served(key, one, tables, tuple(secrets), keys)
    if serves and one.clients:
        yield AUTHORITY(one.clients.name, Authority(bundle, ("Gateway", one.clients.gateway)))


def reading_at(view: View, listener: str, joined: Sequence[Joined], clients: ClientCheck | None) -> tuple[Reading, list[Finding]]:
    """How keys are read at a listener, and the RouteGroups that would have it otherwise."""
    chosen, firsts = speaker(joined, namespace_of(listener)), first_of_namespaces(joined)
    heard = view.one(ROUTE_GROUP, chosen.group)
    alone = [one for one in joined if firsts[one.namespace] is not one and firsts[one.namespace].group not in view.list(FOLLOWS, one.group)]
    late = [replaced(one.group, listener, firsts[one.namespace].group) for one in alone]
    differing = [one for one in joined if one not in alone and not agree(view.one(ROUTE_GROUP, one.group), heard)]
    found, required = reading(heard), clients is not None and clients.required
    if found.peers and not required:
        late.append(unverified(chosen.group, listener))
    return verified(found, required=required), [*late, *(outvoted(one.group, listener, chosen.group) for one in differing)]


def served(key: str, one: Declared, tables: tuple[tuple[Port, str], ...], secrets: tuple[str, ...], keys: Reading | None) -> Facts:
    """A filter chain at each port, and the host that is this listener's own even while no route stands there."""
    spec, presented = one.spec, tuple(names.secret(secret) for secret in secrets)
    clients = Clients(authority=one.clients.name, required=one.clients.required) if one.clients else None
    for port, table in tables:
        yield SERVED(port, Served(spec.protocol, spec.hostname.lower(), presented, table, one.parent, one.index, key, keys, clients))
        if clients:
            yield AUTHORITY_USE((port.group, clients.authority), names.listener(port))
        for secret in secrets:
            yield SECRET_USE((port.group, secret), names.listener(port))
        if spec.hostname and table:
            yield HOST(Place(table, spec.hostname.lower()), key)


def table_of(port: Port, spec: Listener) -> str:
    """Plain HTTP listeners of a port share a route table; each TLS server name has one of its own. Streams have none."""
    if spec.protocol == "HTTPS":
        return names.tls_table(port, spec.hostname.lower())
    return names.plain_table(port) if spec.protocol == "HTTP" else ""


def _finding(one: Declared, code: str, message: str, path: Path, fix: str = "") -> Finding:
    kind, key = object_of(one.parent)
    return Finding(code=code, kind=kind, key=key, message=message, path=path, fix=fix)


def contest_problems(one: Declared, verdict: Verdict) -> Iterator[Problem]:
    if verdict.reason:
        code = "PM0302" if verdict.condition == CONFLICTED else "PM0305"
        message = f'listener "{one.spec.name}" is not served: {verdict.message}'
        path = ("spec", "listeners", one.index)
        fix = "give it another port, protocol or hostname"
        yield Problem(
            verdict.condition,
            verdict.reason,
            _finding(one, code, message, path, fix),
        )


def offset_problems(view: View, one: Declared) -> Iterator[Problem]:
    """A port that no proxy can bind, once the offset of the group is added to it, or for which shared ones have no room."""
    if any(port.gateway and view.get(BOUND_AT, port) is None for port in one.ports):
        message = f'listener "{one.spec.name}" is not served: the proxies of the class have no port left'
        yield Problem(ACCEPTED, "PortUnavailable", _finding(one, "PM0305", message, ("spec", "listeners", one.index, "port")))
    for name in dict.fromkeys(port.group for port in one.ports):
        group = view.get(GROUP, name)
        moved = one.spec.port + (group.port_offset if group else 0)
        if not 0 < moved < 65536:
            message = f'listener "{one.spec.name}" is not served: with the offset of the proxies its port {one.spec.port} would be {moved}'
            path = ("spec", "listeners", one.index, "port")
            fix = "use another port or another offset"
            yield Problem(
                ACCEPTED,
                "PortUnavailable",
                _finding(one, "PM0307", message, path, fix),
            )


def certificates(view: View, one: Declared) -> tuple[list[str], list[Problem]]:
    """Keys of the Secrets that can be presented, and what is wrong with the others. One bad pair does not stop the good."""
    if not terminates(one.spec):
        return [], []
    refs = one.spec.tls.certificate_refs if one.spec.tls else ()
    good: list[str] = []
    problems = [] if refs else [_certificate_problem(one, ("tls",), "InvalidCertificateRef", "PM0501", "it names no certificate")]
    for place, ref in enumerate(refs):
        referent = _secret(one.parent, ref)
        path = ("tls", "certificateRefs", place)
        if (referent.group, referent.kind) != ("", "Secret"):
            problems.append(
                _certificate_problem(one, path, "InvalidCertificateRef", "PM0502", f"{referent.kind} is not a kind of certificate")
            )
        elif not may_refer(view, object_of(one.parent)[0], namespace_of(one.parent), referent):
            problems.append(
                _certificate_problem(one, path, "RefNotPermitted", "PM0503", f"no ReferenceGrant permits Secret {referent.key}")
            )
        elif wrong := view.get(CERTIFICATE_STATE, referent.key):
            problems.append(_certificate_problem(one, path, "InvalidCertificateRef", "PM0504", f"Secret {referent.key}: {wrong}"))
        else:
            good.append(referent.key)
    return good, problems


def _certificate_problem(one: Declared, path: tuple[str | int, ...], reason: str, code: str, why: str) -> Problem:
    message = f'listener "{one.spec.name}" lacks a certificate: {why}'
    where = ("spec", "listeners", one.index, *path)
    return Problem(RESOLVED_REFS, reason, _finding(one, code, message, where))


RULES = (gateway, listener_set, ports, places, certificate, *clientcerts.RULES)
LISTENERS = (listener,)  # once RouteGroups are known
