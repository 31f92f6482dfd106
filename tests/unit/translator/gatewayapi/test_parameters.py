"""What a class and a Gateway say of their proxies: merged, checked, told, and what becomes of proxies when it means nothing."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from protos.v3 import Listener, RouteConfiguration
from tests.objects import changes, objects
from translator.engine import Engine
from translator.gatewayapi.features import FEATURES, OF_OWN_PROXIES, OF_OWN_SERVICE
from translator.gatewayapi.parameters import contradiction, merged, run
from translator.inputs import ENVOY_PROXY, GATEWAY, GATEWAY_CLASS
from translator.ir.output import Address, Group, Status
from translator.ir.plane import Plane, PlanePort, PodTerms, Run, Scaling, Way
from translator.ir.tables import GROUP, OUT_FINDINGS, OUT_LISTENER, OUT_PLANE, OUT_ROUTES, OUT_STATUS
from translator.program import engine
from translator.resources.envoyproxy import EnvoyProxySpec

PODS = Group(bind="0.0.0.0", pods=True, home="pointsman-system")
CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: pods}
spec:
  controllerName: pointsman.io/gateway-controller
  parametersRef: {group: pointsman.io, kind: EnvoyProxy, name: all, namespace: pointsman-system}
"""
PLAIN = CLASS[: CLASS.index("  parametersRef")]
ALL = """
apiVersion: pointsman.io/v1alpha1
kind: EnvoyProxy
metadata: {name: all, namespace: pointsman-system}
spec: {replicas: 3, service: {type: ClusterIP, annotations: {a: b}}}
"""
MERGING = ALL.replace("replicas: 3", "mergeGateways: true")
OWN = """
apiVersion: pointsman.io/v1alpha1
kind: EnvoyProxy
metadata: {name: own, namespace: NAMESPACE}
spec: {logLevel: debug, service: {type: NodePort}}
"""
GATEWAY_OF = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: NAME, namespace: infra, creationTimestamp: "2026-01-01T00:00:0AGEZ"}
spec:
  gatewayClassName: pods
  listeners: [{name: http, port: PORT, protocol: HTTP}]
"""
REFERS = "  infrastructure: {parametersRef: {group: pointsman.io, kind: EnvoyProxy, name: own}}"
SHARED_SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: pods-shared, namespace: pointsman-system}
spec: {type: LoadBalancer, ports: [{port: 80}]}
status: {loadBalancer: {ingress: [{ip: 172.18.0.2}]}}
"""
OWN_SERVICE = SHARED_SERVICE.replace("pods-shared, namespace: pointsman-system", "edge-pods, namespace: infra")
SLICE = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: x, namespace: pointsman-system, labels: {kubernetes.io/service-name: pods-shared}}
addressType: IPv4
endpoints: [{addresses: [10.244.0.17], conditions: {ready: true}}]
ports: [{name: tcp-80, port: 80}]
"""


def gateway(name: str = "edge", port: int = 80, more: str = "", age: int = 1) -> str:
    return GATEWAY_OF.replace("NAME", name).replace("PORT", str(port)).replace("AGE", str(age)) + more


def world(*texts: str, group: Group = PODS) -> Engine:
    made = engine()
    groups = [(GROUP, name, group) for name in ("class:pods", "infra/edge", "infra/inner")]
    made.apply([(GROUP, "local", Group()), *groups, *changes([one for text in texts for one in objects(text)])])
    assert made.failures == {}
    return made


def status(of: Engine, kind: str = "Gateway", key: str = "infra/edge") -> Status:
    found = of.get(OUT_STATUS, (kind, key))
    assert found
    return found


def condition(of: Engine, kind: str, key: str, name: str) -> tuple[bool, str]:
    return next((one.status, one.reason) for one in status(of, kind, key).conditions if one.type == name)


def codes(of: Engine) -> set[tuple[str, str, str]]:
    return {(*key, finding.code) for key, rows in of.rows(OUT_FINDINGS).items() for finding in rows[0]}


def plane(of: Engine, group: str = "infra/edge") -> Plane:
    found = of.get(OUT_PLANE, group)
    assert found
    return found


# What is said ----------------------------------------------------------------------------------------------------------


def spec(**said: Any) -> EnvoyProxySpec:
    return TypeAdapter(EnvoyProxySpec).validate_python(said)


def test_gateway_goes_before_its_class_field_by_field() -> None:
    of_class = spec(replicas=3, image="a", service={"type": "ClusterIP", "annotations": {"a": "b"}})
    of_gateway = spec(image="b", service={"annotations": {"c": "d"}})
    assert merged(of_class, of_gateway) == spec(replicas=3, image="b", service={"type": "ClusterIP", "annotations": {"c": "d"}})


def test_budget_of_a_gateway_is_its_own_for_it_has_one_form() -> None:
    both = merged(spec(disruption={"minAvailable": 2}), spec(disruption={"maxUnavailable": 1}))
    assert both == spec(disruption={"maxUnavailable": 1})


def test_what_two_say_together_may_be_impossible() -> None:
    of_class, of_gateway = spec(autoscaling={"minReplicas": 4, "maxReplicas": 9}), spec(autoscaling={"maxReplicas": 2})
    assert contradiction(of_class) == contradiction(of_gateway) == ""
    assert contradiction(merged(of_class, of_gateway)) == "autoscaling.minReplicas 4 is more than maxReplicas 2"


def test_what_nobody_says_is_ours_to_choose() -> None:
    assert run(spec()) == Run()


def test_what_is_said_of_pods_is_as_a_pod_has_it() -> None:
    said = spec(
        pod={
            "labels": {"b": "2", "a": "1"},
            "nodeSelector": {"pool": "edge"},
            "tolerations": [{"key": "edge", "operator": "Exists", "tolerationSeconds": 9}],
            "affinity": {"podAntiAffinity": {}},
            "topologySpread": [{"topologyKey": "zone"}],
            "priorityClassName": "high",
            "imagePullSecrets": ["registry"],
            "resources": {"limits": {"memory": "1Gi"}},
        }
    )
    assert run(said).pod == PodTerms(
        labels=(("a", "1"), ("b", "2")),
        node_selector=(("pool", "edge"),),
        tolerations=({"key": "edge", "operator": "Exists", "tolerationSeconds": 9},),
        affinity={"podAntiAffinity": {}},
        spread=({"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"},),
        priority_class="high",
        pull_secrets=("registry",),
        limits=(("memory", "1Gi"),),
    )


def test_daemons_are_as_many_as_nodes_whatever_else_is_said() -> None:
    assert run(spec(workload="DaemonSet", replicas=3, autoscaling={"maxReplicas": 5})).scaling is None
    assert run(spec(autoscaling={"maxReplicas": 5})).scaling == Scaling(1, 5, 75)


# Where it is said ------------------------------------------------------------------------------------------------------


def test_class_says_how_the_proxies_of_its_gateways_are_run() -> None:
    of = world(CLASS, ALL, gateway())
    assert plane(of).run == Run(replicas=3, way=Way(type="ClusterIP", annotations=(("a", "b"),)))
    assert condition(of, "GatewayClass", "pods", "Accepted") == (True, "Accepted")
    assert codes(of) == set()


def test_gateway_says_it_over_its_class() -> None:
    of = world(CLASS, ALL, gateway(more=REFERS), OWN.replace("NAMESPACE", "infra"))
    assert plane(of).run == Run(replicas=3, log_level="debug", way=Way(type="NodePort", annotations=(("a", "b"),)))


def test_parameters_of_a_gateway_are_of_its_own_namespace() -> None:
    of = world(PLAIN, gateway(more=REFERS), OWN.replace("NAMESPACE", "elsewhere"))
    assert condition(of, "Gateway", "infra/edge", "Accepted") == (False, "InvalidParameters")


def test_change_of_parameters_changes_the_proxies() -> None:
    of = world(CLASS, ALL, gateway())
    of.apply(changes(objects(ALL.replace("replicas: 3", "replicas: 5"))))
    assert plane(of).run.replicas == 5


BROKEN = [
    pytest.param(CLASS, "", "", ("GatewayClass", "pods", "PM0320"), id="class-names-what-is-not-there"),
    pytest.param(CLASS.replace("EnvoyProxy", "Odd"), ALL, "", ("GatewayClass", "pods", "PM0308"), id="class-names-another-kind"),
    pytest.param(
        CLASS.replace(", namespace: pointsman-system", ""), ALL, "", ("GatewayClass", "pods", "PM0320"), id="class-names-no-namespace"
    ),
    pytest.param(PLAIN, "", REFERS, ("Gateway", "infra/edge", "PM0320"), id="gateway-names-what-is-not-there"),
    pytest.param(PLAIN, "", REFERS.replace("EnvoyProxy", "Odd"), ("Gateway", "infra/edge", "PM0308"), id="gateway-names-another-kind"),
    pytest.param(
        PLAIN, MERGING.replace("all, namespace: pointsman-system", "own, namespace: infra"), REFERS,
        ("Gateway", "infra/edge", "PM0320"), id="gateway-merges",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("of_class", "proxy", "refers", "told"), BROKEN)
def test_bad_parameters_are_told_and_proxies_that_run_stay_as_they_are(
    of_class: str, proxy: str, refers: str, told: tuple[str, str, str]
) -> None:
    of = world(of_class, proxy, gateway(more=refers), OWN_SERVICE)
    assert codes(of) == {told}
    assert condition(of, told[0], told[1], "Accepted") == (False, "InvalidParameters")
    assert condition(of, "Gateway", "infra/edge", "Accepted") == (False, "InvalidParameters")
    assert condition(of, "Gateway", "infra/edge", "Programmed") == (False, "Invalid")
    assert plane(of).kept
    assert {name for _, name in of.rows(OUT_LISTENER)} == {"infra/edge/80"}, "proxies that are there go on being told"


def test_bad_parameters_of_a_gateway_that_has_no_proxies_make_none() -> None:
    of = world(CLASS, ALL, gateway(more=REFERS))
    assert plane(of).kept
    assert of.rows(OUT_LISTENER) == {}


def test_bad_parameters_of_a_gateway_keep_what_the_class_says_of_the_others() -> None:
    of = world(CLASS, ALL, gateway(more=REFERS), gateway("inner", 81))
    assert plane(of).kept
    assert not plane(of, "infra/inner").kept


def test_without_pods_a_gateway_with_bad_parameters_is_not_served() -> None:
    for texts in ((PLAIN, gateway(more=REFERS)), (CLASS, gateway())):
        of = world(*texts, group=Group())
        assert of.rows(OUT_LISTENER) == of.rows(OUT_PLANE) == {}


def test_without_pods_good_parameters_have_no_effect() -> None:
    of = world(CLASS, MERGING, gateway(), group=Group())
    assert {name for _, name in of.rows(OUT_LISTENER)} == {"infra/edge/80"}
    assert of.rows(OUT_PLANE) == {}


# One set of proxies for a class ------------------------------------------------------------------------------------------


def test_class_that_merges_has_one_data_plane_in_the_namespace_of_the_server() -> None:
    of = world(CLASS, MERGING, gateway(), gateway("inner", 81))
    assert list(of.rows(OUT_PLANE)) == ["class:pods"]
    found = plane(of, "class:pods")
    assert (found.key, found.ports, found.shared) == ("pointsman-system/pods-shared", (PlanePort(80, "tcp"), PlanePort(81, "tcp")), True)
    assert {name for _, name in of.rows(OUT_LISTENER)} == {"class:pods/80", "class:pods/81"}


def test_features_that_one_gateway_cannot_have_of_shared_proxies_are_not_claimed() -> None:
    told = {merges: status(world(CLASS, proxy), "GatewayClass", "pods").supported_features for merges, proxy in ((1, MERGING), (0, ALL))}
    assert told[0] == FEATURES
    assert set(told[0]) - set(told[1]) == {*OF_OWN_PROXIES, *OF_OWN_SERVICE}


def test_older_gateway_keeps_a_port_that_two_ask_for() -> None:
    of = world(CLASS, MERGING, gateway("inner", 80, age=2), gateway(age=1), SHARED_SERVICE, SLICE)
    assert condition(of, "Gateway", "infra/edge", "Programmed") == (True, "Programmed")
    assert condition(of, "Gateway", "infra/inner", "Accepted") == (False, "ListenersNotValid")
    [listener] = status(of, key="infra/inner").listeners
    assert ("PortUnavailable", False) in {(one.reason, one.status) for one in listener.conditions}


def test_addresses_of_each_gateway_are_those_of_the_shared_service() -> None:
    of = world(CLASS, MERGING, gateway(), gateway("inner", 81), SHARED_SERVICE, SLICE)
    for one in ("infra/edge", "infra/inner"):
        assert status(of, key=one).addresses == (Address(type="IPAddress", value="172.18.0.2"),)
        assert condition(of, "Gateway", one, "Programmed") == (True, "Programmed")


def test_gateway_that_asks_for_another_address_gets_none_of_the_shared_proxies() -> None:
    """Else who asked for an address inside would be served outside."""
    asks = "  addresses: [{value: 10.0.0.9}]"
    of = world(CLASS, MERGING, gateway(more=asks), SHARED_SERVICE, SLICE)
    assert of.rows(OUT_PLANE) == of.rows(OUT_LISTENER) == {}
    assert condition(of, "Gateway", "infra/edge", "Accepted") == (True, "Accepted")
    assert condition(of, "Gateway", "infra/edge", "Programmed") == (False, "AddressNotUsable")
    of.apply(changes(objects(SHARED_SERVICE.replace("172.18.0.2", "10.0.0.9"))))
    assert {name for _, name in of.rows(OUT_LISTENER)} == {"class:pods/80"}
    assert condition(of, "Gateway", "infra/edge", "Programmed") == (True, "Programmed")


def test_what_one_gateway_says_of_shared_objects_is_told_to_have_no_effect() -> None:
    told = "  infrastructure: {labels: {team: shop}, annotations: {x: y}}"
    of = world(CLASS, MERGING, gateway(more=told))
    assert codes(of) == {("Gateway", "infra/edge", "PM0321")}
    assert (plane(of, "class:pods").labels, plane(of, "class:pods").annotations) == ((), ())


def test_gateway_cannot_change_the_proxies_that_it_shares() -> None:
    of = world(CLASS, MERGING, gateway(more=REFERS), OWN.replace("NAMESPACE", "infra"), gateway("inner", 81))
    assert condition(of, "Gateway", "infra/edge", "Accepted") == (False, "InvalidParameters")
    assert plane(of, "class:pods").ports == (PlanePort(81, "tcp"),)
    assert not plane(of, "class:pods").kept


def test_class_whose_parameters_go_keeps_its_proxies_shared() -> None:
    """What they were is told by the Service that they have; so also a server that starts then knows it."""
    of = world(CLASS, MERGING, gateway(), SHARED_SERVICE)
    of.apply([(ENVOY_PROXY, "pointsman-system/all", None)])
    assert list(of.rows(OUT_PLANE)) == ["class:pods"]
    assert plane(of, "class:pods").kept
    assert {name for _, name in of.rows(OUT_LISTENER)} == {"class:pods/80"}
    anew = world(CLASS, gateway(), SHARED_SERVICE)
    assert (anew.rows(OUT_PLANE), anew.rows(OUT_LISTENER)) == (of.rows(OUT_PLANE), of.rows(OUT_LISTENER))


def test_class_that_merges_no_more_gives_each_gateway_its_own() -> None:
    of = world(CLASS, MERGING, gateway(), SHARED_SERVICE)
    of.apply(changes(objects(ALL)))
    assert list(of.rows(OUT_PLANE)) == ["infra/edge"]
    assert {name for _, name in of.rows(OUT_LISTENER)} == {"infra/edge/80"}


def test_nothing_is_left_without_gateways_or_without_the_class() -> None:
    of = world(CLASS, MERGING, gateway())
    of.apply([(GATEWAY, "infra/edge", None)])
    assert of.rows(OUT_PLANE) == {}
    of = world(CLASS, MERGING, gateway())
    of.apply([(GATEWAY_CLASS, "pods", None)])
    assert of.rows(OUT_PLANE) == of.rows(OUT_LISTENER) == {}


# One set of proxies for a class, and a Service for each Gateway ------------------------------------------------------------

WAYS = MERGING.replace("mergeGateways: true", "mergeGateways: true, addresses: PerGateway")


def bound(of: Engine) -> dict[str, int]:
    """Listener of Envoy → the port of the Pod."""
    bodies = {name: Listener.FromString(rows[0].body) for (_, name), rows in of.rows(OUT_LISTENER).items()}
    return {name: one.address.socket_address.port_value for name, one in bodies.items()}


def test_each_gateway_has_a_service_of_its_own_beside_the_proxies_that_all_share() -> None:
    of = world(CLASS, WAYS, gateway(more="  infrastructure: {labels: {team: shop}}"), gateway("inner", age=2))
    assert codes(of) == set()
    assert set(of.rows(OUT_PLANE)) == {"class:pods", "infra/edge", "infra/inner"}
    common, own = plane(of, "class:pods"), plane(of)
    assert (common.ways, common.ports, common.labels) == (True, (), ())
    assert (own.via, own.namespace, own.labels) == ("class:pods", "pointsman-system", (("team", "shop"),))
    assert {one.number for one in own.ports} == {80}


def test_gateways_with_the_same_port_are_bound_at_two_and_meet_nowhere() -> None:
    of = world(CLASS, WAYS, gateway(), gateway("inner", age=2))
    found = bound(of)
    assert set(found) == {"class:pods/infra/edge/80", "class:pods/infra/inner/80"}
    for name in ("infra/edge", "infra/inner"):
        assert plane(of, name).ports[0].bound == found[f"class:pods/{name}/80"]
        assert condition(of, "Gateway", name, "Accepted") == (True, "Accepted")
    assert len(set(found.values())) == 2


def test_port_keeps_its_place_while_others_come_and_go() -> None:
    of = world(CLASS, WAYS, gateway())
    before = bound(of)
    of.apply(changes(objects(gateway("inner", age=0))))
    assert bound(of).items() >= before.items()
    of.apply([(GATEWAY, "infra/inner", None)])
    assert bound(of) == before


def test_gateway_is_reached_at_its_own_service_and_may_ask_for_its_address() -> None:
    of = world(CLASS, WAYS, gateway(more="  addresses: [{value: 172.18.0.9}]"))
    assert condition(of, "Gateway", "infra/edge", "Programmed") == (False, "AddressNotUsable")
    namespace, name = plane(of).key.split("/")
    own = SHARED_SERVICE.replace("pods-shared", name).replace("172.18.0.2", "172.18.0.9")
    of.apply(changes(objects(own) + objects(SLICE.replace("pods-shared", name))))
    assert namespace == "pointsman-system"
    assert status(of).addresses == (Address(type="IPAddress", value="172.18.0.9"),)
    assert condition(of, "Gateway", "infra/edge", "Programmed") == (True, "Programmed")


def test_class_with_services_of_each_gateway_may_claim_static_addresses() -> None:
    claimed = set(status(world(CLASS, WAYS), "GatewayClass", "pods").supported_features)
    assert set(FEATURES) - claimed == {"GatewayBackendClientCertificate", "GatewayInfrastructurePropagation"}


def test_class_whose_parameters_go_keeps_services_of_its_gateways() -> None:
    stands = SHARED_SERVICE.replace("pods-shared,", 'pods-shared, labels: {pointsman.io/addresses-per-gateway: "true"},')
    of = world(CLASS, gateway(), stands)
    assert set(bound(of)) == {"class:pods/infra/edge/80"}
    assert plane(of).kept
    assert plane(of, "class:pods").kept


def test_routes_and_redirects_know_the_port_of_the_gateway_and_not_that_of_the_pod() -> None:
    route = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: infra}
spec:
  parentRefs: [{name: edge, port: 80}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /x}}}]}]
"""
    of = world(CLASS, WAYS, gateway(), route)
    assert status(of).listeners[0].attached_routes == 1
    [row] = [rows[0] for (_, name), rows in of.rows(OUT_ROUTES).items() if "infra/edge" in name]
    entries = RouteConfiguration.FromString(row.body).virtual_hosts[0].routes
    assert {entry.redirect.port_redirect for entry in entries} <= {0, 80}
