"""Which Gateways have proxies in Pods, what is declared of them, and what a Gateway says while they are not there yet."""

from __future__ import annotations

from tests.objects import changes, objects
from translator.engine import Engine
from translator.gatewayapi.planes import addresses, obstacle, plane
from translator.ir.output import Address, Group, Status
from translator.ir.plane import Plane, PlanePort
from translator.ir.tables import GROUP, OUT_LISTENER, OUT_PLANE, OUT_STATUS
from translator.program import engine
from translator.resources.core import EndpointSlice, Service
from translator.resources.gateway import Gateway

CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: pods}
spec: {controllerName: pointsman.io/gateway-controller}
"""
GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: pods
  infrastructure: {labels: {team: shop, app: x}, annotations: {told: "yes"}}
  listeners:
    - {name: b, port: 8080, protocol: HTTP}
    - {name: a, port: 80, protocol: HTTP, hostname: a.example}
    - {name: c, port: 80, protocol: HTTP, hostname: c.example}
    - {name: d, port: 80, protocol: UDP}
    - {name: e, port: 9, protocol: ws}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: edge-pods, namespace: infra}
spec: {type: LoadBalancer, ports: [{port: 80}]}
status: {loadBalancer: {ingress: [{ip: 172.18.0.2}]}}
"""
SLICE = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: edge-pods-x, namespace: infra, labels: {kubernetes.io/service-name: edge-pods}}
addressType: IPv4
endpoints: [{addresses: [10.244.0.17], conditions: {ready: true}}]
ports: [{name: tcp-80, port: 80}]
"""
PODS = Group(bind="0.0.0.0", pods=True)


def world(*texts: str, group: Group = PODS) -> Engine:
    made = engine()
    made.apply([(GROUP, "local", Group()), (GROUP, "infra/edge", group), *changes([one for text in texts for one in objects(text)])])
    assert made.failures == {}
    return made


def status(of: Engine) -> Status:
    found = of.get(OUT_STATUS, ("Gateway", "infra/edge"))
    assert found
    return found


def programmed(of: Engine) -> tuple[bool, str]:
    return next((one.status, one.reason) for one in status(of).conditions if one.type == "Programmed")


def listeners(of: Engine) -> set[tuple[str, bool, str]]:
    return {(one.name, each.status, each.reason) for one in status(of).listeners for each in one.conditions if each.type == "Programmed"}


def declared(text: str = GATEWAY) -> Plane | None:
    [found] = objects(text)
    assert isinstance(found, Gateway)
    return plane(found)


def test_each_port_stands_once_and_what_is_told_is_sorted() -> None:
    found = declared()
    assert found
    assert found.ports == (PlanePort(80, "tcp"), PlanePort(80, "udp"), PlanePort(8080, "tcp"))
    assert found.labels == (("app", "x"), ("team", "shop"))
    assert found.annotations == (("told", "yes"),)
    assert (found.namespace, found.name, found.key) == ("infra", "edge-pods", "infra/edge-pods")


def test_long_name_is_cut_and_stays_its_own() -> None:
    names = {Plane(group=f"infra/{'g' * 62}{last}", gateway_class="pods", ports=()).name for last in "ab"}
    assert len(names) == 2
    assert max(map(len, names)) == 63


def test_gateway_without_a_listener_that_can_be_served_has_no_data_plane() -> None:
    assert declared(GATEWAY[: GATEWAY.index("    - {name: b")] + "    - {name: e, port: 9, protocol: ws}") is None


def test_addresses_that_are_asked_for_are_told_without_those_left_open() -> None:
    found = declared(GATEWAY + "  addresses: [{value: 172.18.0.9}, {type: IPAddress}, {value: 172.18.0.9}]")
    assert found
    assert found.addresses == ("172.18.0.9",)


def test_no_proxies_are_made_where_groups_are_run_elsewhere() -> None:
    assert world(CLASS, GATEWAY, group=Group()).rows(OUT_PLANE) == {}


def test_gateway_of_another_class_has_no_proxies() -> None:
    assert world(CLASS.replace("pointsman.io/gateway-controller", "example.com/x"), GATEWAY).rows(OUT_PLANE) == {}


def test_address_that_no_proxy_can_have_makes_none() -> None:
    of = world(CLASS, GATEWAY + "  addresses: [{type: Hostname, value: x.example}]")
    assert of.rows(OUT_PLANE) == {}
    assert programmed(of) == (False, "Invalid")


def test_gateway_waits_for_an_address_and_then_for_a_proxy() -> None:
    of = world(CLASS, GATEWAY)
    assert programmed(of) == (False, "AddressNotAssigned")
    assert {state for _, state, reason in listeners(of) if reason == "Pending"} == {False}
    of.apply(changes(objects(SERVICE)))
    assert programmed(of) == (False, "NoResources")
    assert status(of).addresses == (Address(type="IPAddress", value="172.18.0.2"),)
    of.apply(changes(objects(SLICE)))
    assert programmed(of) == (True, "Programmed")
    assert ("a", True, "Programmed") in listeners(of)


def test_waiting_for_proxies_is_no_fault_of_a_listener() -> None:
    accepted = next(one for one in status(world(CLASS, GATEWAY)).conditions if one.type == "Accepted")
    assert accepted.message == "not served: listener e"


def test_proxies_in_pods_bind_what_their_group_says_and_no_address_of_the_gateway() -> None:
    of = world(CLASS, GATEWAY + "  addresses: [{value: 172.18.0.9}]", SERVICE, SLICE)
    assert {name for _, name in of.rows(OUT_LISTENER)} == {"infra/edge/80", "infra/edge/8080"}
    assert programmed(of) == (False, "AddressNotUsable")
    of.apply(changes(objects(SERVICE.replace("ports:", "externalIPs: [172.18.0.9], ports:"))))
    assert programmed(of) == (False, "AddressNotUsable"), "that nodes would take it is no sign that it leads to them"
    of.apply(changes(objects(SERVICE.replace("172.18.0.2", "172.18.0.9"))))
    assert programmed(of) == (True, "Programmed")
    assert status(of).addresses == (Address(type="IPAddress", value="172.18.0.9"),)


def service(text: str) -> Service:
    [found] = objects(text)
    assert isinstance(found, Service)
    return found


def test_name_of_a_balancer_is_an_address_too() -> None:
    named = service(SERVICE.replace("ip: 172.18.0.2", "hostname: lb.example"))
    assert addresses(named, ()) == (Address(type="Hostname", value="lb.example"),)


def test_service_of_a_cluster_is_reached_by_its_own_address() -> None:
    inside = service(SERVICE.replace("type: LoadBalancer", "type: ClusterIP, clusterIP: 10.96.0.7").partition("status")[0])
    assert addresses(inside, ()) == (Address(type="IPAddress", value="10.96.0.7"),)
    assert addresses(inside, ("172.18.0.9",)) == ()
    assert addresses(None, ()) == ()


def test_address_is_the_same_however_it_is_written() -> None:
    six = service(SERVICE.replace("172.18.0.2", "'2001:db8::1'"))
    assert addresses(six, ("2001:0db8:0:0::1",))


def test_proxy_that_is_not_ready_serves_nothing() -> None:
    [unready] = objects(SLICE.replace("ready: true", "ready: false"))
    assert isinstance(unready, EndpointSlice)
    why = obstacle([Address(type="IPAddress", value="172.18.0.2")], (), [unready])
    assert why
    assert why.reason == "NoResources"
