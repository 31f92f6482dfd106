"""A certificate that Envoy refused is told where it is referred to, and its listener serves what it had, or nothing."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.objects import changes, objects
from tests.property.pools import pair
from translator.ir import names
from translator.ir.output import Status, fingerprint
from translator.ir.quarantine import Poison, Quarantined
from translator.ir.tables import OUT_HELD, OUT_SECRET, OUT_STATUS, QUARANTINE
from translator.program import engine

WORLD = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: pointsman}}
spec: {{controllerName: pointsman.io/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge}}
spec:
  gatewayClassName: pointsman
  listeners:
  - {{name: plain, port: 80, protocol: HTTP}}
  - {{name: secured, port: 443, protocol: HTTPS, tls: {{certificateRefs: [{{name: cert}}]}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: cert}}
type: kubernetes.io/tls
data: {{tls.crt: {crt}, tls.key: {key}}}
"""
SECRET = names.secret("default/cert")


@pytest.mark.parametrize(("good", "programmed"), [(b"older", True), (b"", False)])
def test_refused_certificate_is_an_invalid_reference_and_its_listener_serves_an_older_one_if_there_is_one(
    good: bytes, programmed: bool
) -> None:
    of, one = engine(), pair()
    of.apply(changes(objects(WORLD.format(crt=b64encode(one["tls.crt"]).decode(), key=b64encode(one["tls.key"]).decode()))))
    packed = of.get(OUT_SECRET, ("local", SECRET))
    assert packed is not None
    poison = Poison(digest=fingerprint(packed.body), message="no such curve", good=good)
    of.apply([(QUARANTINE, (OUT_SECRET.name, SECRET), Quarantined((poison,)))])
    served = (True, "Programmed") if programmed else (False, "Invalid")
    assert conditions(of.get(OUT_STATUS, ("Gateway", "default/edge"))) == {
        "plain": {"ResolvedRefs": (True, "ResolvedRefs"), "Programmed": (True, "Programmed")},
        "secured": {
            "ResolvedRefs": (False, "InvalidCertificateRef"),
            "Programmed": served,
        },
    }
    assert of.get(OUT_HELD, (OUT_SECRET.name, SECRET, poison.digest))


def conditions(status: object) -> dict[str, dict[str, tuple[bool, str]]]:
    assert isinstance(status, Status)
    return {
        one.name: {each.type: (each.status, each.reason) for each in one.conditions if each.type in ("ResolvedRefs", "Programmed")}
        for one in status.listeners
    }
