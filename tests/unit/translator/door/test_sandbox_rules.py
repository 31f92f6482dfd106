"""Each rule of the CRDs of Sandboxes refuses what it is there for, with its words. `tests/kube` asks a real API server the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from translator.door import Door
from translator.resources.crd import ELSEWHERE, GROUP, definitions
from xds.crds import shipped

DOOR = Door(shipped())
Json = dict[str, Any]
ONE: Json = {"name": "cart", "targetRef": {"name": "cart-alice"}}
DEPLOYMENT = {"kind": "Deployment", "name": "cart"}
PARENTS = [{"name": "edge"}]
ROUTE = {"targetSandbox": "alice", "routingKey": "alice"}
LABEL = {"label": {"key": "team", "value": "web"}}


def named(kind: str, **spec: Any) -> Json:
    return {"apiVersion": f"{GROUP}/v1alpha1", "kind": kind, "metadata": {"name": "refused"}, "spec": spec}


def sandbox(*services: Json, **spec: Any) -> Json:
    return named("Sandbox", services=[*services], **spec)


def group(**spec: Any) -> Json:
    return named("RouteGroup", **{"parentRefs": PARENTS, **spec})


def forked(env: Json) -> Json:
    return sandbox(forks=[{"forkOf": DEPLOYMENT, "customizations": {"env": [{"name": "LOG", **env}]}}])


REFUSED: dict[str, Json] = {
    "containers are for a targetRef of kind Deployment": sandbox({**ONE, "containers": [{"image": "r/cart:abc"}]}),
    "a Backend has no Deployment": sandbox({"name": "cart", "kind": "Backend", "targetRef": DEPLOYMENT}),
    "each service may be named once": sandbox(ONE, ONE),
    "each Deployment may be named once": sandbox(forks=[{"forkOf": DEPLOYMENT}, {"forkOf": DEPLOYMENT}]),
    "services or forks is needed: nothing is changed": sandbox(),
    "a list needs a member": group(headers=[{"name": "baggage", "format": "Baggage"}]),
    "one of prefix and exact, and not both": group(routes=[{**ROUTE, "paths": [{"prefix": "/a", "exact": "/b"}]}]),
    "one of label, any and all": group(match={**LABEL, "all": [LABEL]}),
    "a name is for a header or a cookie, and these need one": group(routes=[{**ROUTE, "weight": 5, "sticky": {"type": "Header"}}]),
    "audience is for mode Signed": group(admission={"mode": "All", "audience": "shop"}),
    "one of value and valueFrom, and not both": forked({"value": "a", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
    "exactly one of configMapKeyRef, secretKeyRef, fieldRef, fork must be given": forked({"valueFrom": {}}),
    "secrets are for mode Signed, which needs one": group(admission={"mode": "Signed"}),
    "must be a range such as 10.0.0.0/8": group(admission={"sources": ["10.0.0.1"]}),
    "parentRefs or meshOutput is needed: keys are read nowhere": group(parentRefs=[]),
}


def rules(schema: Any) -> Iterator[str]:
    """The words of each rule in it."""
    below = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    if isinstance(schema, dict):
        yield from (one["message"] for one in schema.get("x-kubernetes-validations", ()))
    for one in below:
        yield from rules(one)


@pytest.mark.parametrize("words", REFUSED)
def test_rule_refuses_with_its_words(words: str) -> None:
    admission = DOOR.admit(REFUSED[words])
    assert admission.object is None
    (finding,) = admission.findings
    assert (finding.code, finding.severity) == ("PM0109", "error")
    assert words in finding.message


def test_every_rule_has_an_object_that_it_refuses() -> None:
    kinds = [one for one in definitions().values() if one["spec"]["names"]["kind"] in ELSEWHERE]
    assert {words for one in kinds for words in rules(one)} == REFUSED.keys()


def test_fields_of_these_objects_are_no_fault_by_themselves() -> None:
    for one in (
        sandbox({"name": "cart", "targetRef": DEPLOYMENT, "containers": [{"image": "r/cart:abc"}]}, {**ONE, "kind": "Backend"}),
        sandbox(forks=[{"forkOf": DEPLOYMENT}]),
        group(headers=[{"name": "baggage", "format": "Baggage", "member": "m"}], match={"all": [LABEL]}),
        group(routes=[{**ROUTE, "paths": [{"prefix": "/a"}, {"exact": "/b"}]}], admission={"mode": "Signed", "secrets": ["s"]}),
        group(parentRefs=[], meshOutput="Istio", admission={"sources": ["10.0.0.0/8"]}),
    ):
        assert DOOR.admit(one).findings == ()
