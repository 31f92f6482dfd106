"""The laws of the translation where each Gateway, or a class, has proxies in Pods: what EnvoyProxies say comes and goes in any order.

The pools of test_translation.py know one group of proxies and nothing of how they are run.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.objects import changes, decoded
from tests.property.test_translation import everything, last
from translator.inputs import OBJECTS
from translator.ir.output import Group
from translator.ir.tables import GROUP, OUT_FINDINGS, OUT_PLANE, OUT_STATUS, UNFOLLOWED
from translator.program import engine as new_engine

CASES = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
RANDOM = random.Random(5)
Document = dict[str, Any]
PARAMETERS = {"group": "pointsman.io", "kind": "EnvoyProxy", "name": "p"}
LISTENER = {"name": "l", "port": 80, "protocol": "HTTP"}
PODS = Group(bind="0.0.0.0", pods=True, home="home")


def pick(*choices: Any) -> Any:
    return RANDOM.choice(choices)


def class_(name: str) -> Document:
    spec: Document = {"controllerName": pick(*["pointsman.io/gateway-controller"] * 5, "example.com/other")}
    if pick(True, True, False):
        spec["parametersRef"] = {
            "group": "pointsman.io",
            "kind": pick(*["EnvoyProxy"] * 5, "Pod"),
            "name": pick("p", "p", "q"),
            "namespace": "a",
        }
    return {"kind": "GatewayClass", "metadata": {"name": name}, "spec": spec}


def gateway() -> Document:
    listeners = [{"name": "l", "port": pick(80, 81, 53), "protocol": pick("HTTP", "HTTP", "TCP"), "hostname": ""}]
    spec: Document = {"gatewayClassName": pick("c", "c", "d"), "listeners": listeners}
    if pick(True, False):
        named = {"parametersRef": {"group": "pointsman.io", "kind": "EnvoyProxy", "name": pick("p", "q")}}
        spec["infrastructure"] = {"labels": pick({}, {"team": "x"}), "annotations": pick({}, {"told": "yes"}), **pick({}, named)}
    if pick(False, False, True):
        spec["addresses"] = [{"type": "IPAddress", "value": pick("", "172.18.0.9")}]
    return {
        "kind": "Gateway",
        "metadata": {"name": pick("g1", "g2"), "namespace": pick("a", "a", "b"), "generation": pick(1, 2)},
        "spec": spec,
    }


def envoy_proxy() -> Document:
    spec: Document = pick(
        {"replicas": pick(0, 2)}, {"workload": "DaemonSet"}, *[{"autoscaling": {"maxReplicas": pick(2, 9)}}] * 4, {"mergeGateways": True},
        {"mergeGateways": True, "addresses": "PerGateway"}, {"mergeGateways": True, "workload": "DaemonSet"}, {"concurrency": 2},
    )  # fmt: skip
    more = pick({}, {"service": {"type": pick("LoadBalancer", "NodePort", "ClusterIP")}}, {"pod": {"labels": {"x": "y"}}}, {"image": "i:1"})
    return {"kind": "EnvoyProxy", "metadata": {"name": pick("p", "q"), "namespace": pick("a", "a", "b")}, "spec": spec | more}


def service() -> Document:
    name, namespace = pick(("g1-c", "a"), ("g2-c", "a"), ("g1-d", "b"), ("c-shared", "home"))
    ingress = pick([], [{"ip": "172.18.0.9"}], [{"ip": "172.18.0.8"}], [{"hostname": "lb.example"}])
    way = {"type": pick("LoadBalancer", "LoadBalancer", "NodePort"), "clusterIP": "10.0.0.5", "ports": [{"port": 80}]}
    return {
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": way,
        "status": {"loadBalancer": {"ingress": ingress}},
    }


def endpoint_slice() -> Document:
    of, namespace = pick(("g1-c", "a"), ("g2-c", "a"), ("g1-d", "b"), ("c-shared", "home"))
    found = [{"addresses": ["10.1.0.1"], "conditions": {"ready": pick(True, False)}}]
    labels = {"kubernetes.io/service-name": of}
    return {"kind": "EndpointSlice", "metadata": {"name": of, "namespace": namespace, "labels": labels}, "endpoints": found, "ports": []}


MAKERS: dict[Callable[[], Document], int] = {
    lambda: class_(pick("c", "c", "d")): 12, gateway: 40, envoy_proxy: 40, service: 16, endpoint_slice: 10
}  # fmt: skip
POOL = [decoded(make()) for make, count in MAKERS.items() for _ in range(count)]
BASE = [
    decoded(
        {**class_("c"), "spec": {"controllerName": "pointsman.io/gateway-controller", "parametersRef": PARAMETERS | {"namespace": "a"}}}
    ),
    decoded({"kind": "Gateway", "metadata": {"name": "g1", "namespace": "a"}, "spec": {"gatewayClassName": "c", "listeners": [LISTENER]}}),
]
GROUPS = [(GROUP, name, PODS) for name in ("local", "a/g1", "a/g2", "b/g1", "b/g2", "class:c", "class:d")]

edits = st.tuples(st.integers(0, len(POOL) - 1), st.sampled_from([True, True, True, False]))  # False: delete what has that key
histories = st.lists(st.lists(edits, min_size=1, max_size=10), min_size=1, max_size=5)
REACHED: Counter[str] = Counter()


@CASES
@given(histories)
def incremental(history: list[list[tuple[int, bool]]]) -> None:
    engine = new_engine()
    done: list[Any] = [*GROUPS, *changes(BASE)]
    engine.apply(done)
    for batch in history:
        found = [(table, key, one if keep else None) for index, keep in batch for table, key, one in changes([POOL[index]])]
        engine.apply(found)
        done += found
    scratch = new_engine()
    scratch.apply(last(done))
    assert everything(engine) == everything(scratch)
    reached(engine)
    engine.apply([(table, key, None) for table in (*OBJECTS.values(), GROUP, UNFOLLOWED) for key in engine.rows(table)])
    assert engine.empty


def reached(engine: Any) -> None:
    planes = [row for (row,) in engine.rows(OUT_PLANE).values()]
    REACHED["a class that shares"] += any(one.group.startswith("class:") and not one.via for one in planes)
    REACHED["a Gateway with its own"] += any("/" in one.group and not one.via for one in planes)
    REACHED["a way of its own to what is shared"] += any(one.via for one in planes)
    REACHED["daemons"] += any(one.run.daemons for one in planes)
    REACHED["counted"] += any(one.run.scaling is not None for one in planes)
    statuses = [one for (one,) in engine.rows(OUT_STATUS).values()]
    REACHED["with an address"] += any(getattr(one, "addresses", ()) for one in statuses)
    REACHED.update({finding.code for (found,) in engine.rows(OUT_FINDINGS).values() for finding in found})


def test_incremental_equals_from_scratch_with_proxies_in_pods_and_nothing_is_left_of_them() -> None:
    REACHED.clear()
    incremental()
    wanted = {  # with room: what is drawn depends on which modules are loaded
        "a class that shares": 10, "a Gateway with its own": 50, "a way of its own to what is shared": 2, "daemons": 3, "counted": 3,
        "with an address": 5, "PM0308": 10,
    }  # fmt: skip
    assert {name: REACHED[name] for name, least in wanted.items() if REACHED[name] < least} == {}, dict(REACHED)
