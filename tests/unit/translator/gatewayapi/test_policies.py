"""Claims about BackendTLSPolicies as rules: what they make of backends, and what is wanted of a source."""

from __future__ import annotations

from typing import Any

from tests.golden.translation import HERE
from tests.objects import changes, objects
from translator.engine import Engine
from translator.ir.cluster import Use
from translator.ir.output import Group
from translator.ir.tables import CLUSTER, GROUP, OUT_STATUS, WANTED
from translator.program import engine as new_engine

POLICY = """
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: NAME}
spec:
  targetRefs: [{group: "", kind: Service, name: web}]
  validation: {hostname: web.example, caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{name: web, port: 80}]}]}
"""
USE = Use("Service", "default/web", 80)


def policy(name: str) -> list[Any]:
    return changes(objects(POLICY.replace("NAME", name)))


def world(*found: Any) -> Engine:
    engine = new_engine()
    base = [one for name in ("edge", "web", "ca") for one in changes(objects((HERE / "base" / f"{name}.yaml").read_text()))]
    engine.apply([(GROUP, "local", Group()), *base, *changes(objects(ROUTE)), *found])
    assert engine.failures == {}
    return engine


def gone(found: list[Any]) -> list[Any]:
    return [(table, key, None) for table, key, _ in found]


def test_config_map_is_wanted_once_however_many_policies_trust_it() -> None:
    engine = world(*policy("a"), *policy("b"))
    assert engine.rows(WANTED)["ConfigMap", "default/ca"] == [True]
    engine.apply([*gone(policy("a")), *gone(policy("b"))])
    assert ("ConfigMap", "default/ca") not in engine.rows(WANTED)


def test_backend_goes_back_to_plain_text_when_its_policy_is_deleted() -> None:
    engine = world(*policy("a"))
    assert [row.tls is None for row in engine.rows(CLUSTER)[USE]] == [False, True]
    engine.apply(gone(policy("a")))
    assert [row.tls for row in engine.rows(CLUSTER)[USE]] == [None]


def test_policy_whose_backend_no_route_uses_makes_nothing_and_names_no_gateway() -> None:
    engine = world(*policy("a"))
    engine.apply(gone(changes(objects(ROUTE))))
    assert USE not in engine.rows(CLUSTER)
    assert engine.rows(OUT_STATUS)["BackendTLSPolicy", "default/a"][0].ancestors == ()


def test_policy_is_told_at_the_gateway_through_which_its_backend_is_reached() -> None:
    (found,) = world(*policy("a")).rows(OUT_STATUS)["BackendTLSPolicy", "default/a"][0].ancestors
    assert (found.ancestor_ref.kind, found.ancestor_ref.name) == ("Gateway", "edge")
    assert all(one.status for one in found.conditions)
