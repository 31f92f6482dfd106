"""Certificates of clients: authorities that something trusts, those of a listener, and what proxies show to backends."""

from __future__ import annotations

from translator.engine import Facts, View, rule
from translator.gatewayapi.backendtls import authority_state
from translator.gatewayapi.clientcerts import authority_problem, nobody_trusted, shown_problem
from translator.gatewayapi.conditions import Problem
from translator.gatewayapi.references import Referent
from translator.gatewayapi.rules.asking import may_refer
from translator.gatewayapi.tables import (
    AUTHORITY_REF,
    AUTHORITY_STATE,
    CERTIFICATE_STATE,
    FOUND,
    PRESENT_STATE,
    PRESENTING,
    ClientCheck,
)  # fmt: skip
from translator.inputs import CONFIG_MAP
from translator.ir import names
from translator.ir.tables import CLIENT_CERTIFICATE, SECRET_USE, WANTED


@rule(over=AUTHORITY_REF, into=(WANTED, AUTHORITY_STATE))
def authority(view: View, key: str) -> Facts:
    """A ConfigMap that something trusts, looked into once."""
    yield WANTED(("ConfigMap", key), True)
    yield AUTHORITY_STATE(key, authority_state(view.get(CONFIG_MAP, key)))


def trusted(view: View, check: ClientCheck) -> tuple[bytes, list[Problem]]:
    """The certificates of all authorities that are good, and what is wrong with the others."""
    bundle, problems = b"", []
    for place, to in enumerate(check.refs):
        state = view.get(AUTHORITY_STATE, to.key)
        if (to.group, to.kind) != ("", "ConfigMap"):
            problems.append(authority_problem(check, place, "InvalidCACertificateKind", f"{to.kind} is no kind of authority here"))
        elif not may_refer(view, "Gateway", check.gateway.partition("/")[0], to):
            problems.append(authority_problem(check, place, "RefNotPermitted", f"no ReferenceGrant permits ConfigMap {to.key}"))
        elif state is None or state.problem:
            why = state.problem if state else "it does not exist"
            problems.append(authority_problem(check, place, "InvalidCACertificateRef", f"ConfigMap {to.key}: {why}"))
        else:
            bundle += state.certificates
    return bundle, problems if bundle else [*problems, nobody_trusted(check)]


@rule(over=PRESENTING, into=(PRESENT_STATE, CLIENT_CERTIFICATE, SECRET_USE, FOUND))
def client_certificate(view: View, group: str) -> Facts:
    """Gateways that share proxies share their clusters too, so they show one certificate or none."""
    rows = view.list(PRESENTING, group)
    alike = len({row.secret for row in rows}) == 1
    for row in rows:
        if row.secret is None:
            continue
        wrong = _unusable(view, row.gateway, row.secret)
        if wrong is None and not alike:
            why = "other Gateways have the same proxies, and show another one or none"
            wrong = shown_problem(row.gateway, "InvalidClientCertificateRef", why)
        yield PRESENT_STATE(row.gateway, wrong)
        if wrong:
            yield FOUND(("Gateway", row.gateway), wrong.finding)
        else:
            yield CLIENT_CERTIFICATE(group, names.secret(row.secret.key))
            yield SECRET_USE((group, row.secret.key), "backends")


def _unusable(view: View, gateway: str, secret: Referent) -> Problem | None:
    if (secret.group, secret.kind) != ("", "Secret"):
        return shown_problem(gateway, "InvalidClientCertificateRef", f"{secret.kind} is not a kind of certificate")
    if not may_refer(view, "Gateway", gateway.partition("/")[0], secret):
        return shown_problem(gateway, "RefNotPermitted", f"no ReferenceGrant permits Secret {secret.key}")
    if wrong := view.get(CERTIFICATE_STATE, secret.key):
        return shown_problem(gateway, "InvalidClientCertificateRef", f"Secret {secret.key}: {wrong}")
    return None


RULES = (authority, client_certificate)
