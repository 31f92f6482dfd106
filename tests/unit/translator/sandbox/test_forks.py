"""Claims about forks as values: which keys lead to a Sandbox, what answers in it, and what is wrong with that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.objects import decoded
from translator.ir.cluster import Cluster, Endpoint, Endpoints, Use
from translator.ir.output import ServiceStatus
from translator.resources.crd import GROUP, definitions
from translator.resources.sandbox import RouteGroup, Sandbox, SandboxService, SandboxTarget
from translator.sandbox.copies import answered
from translator.sandbox.forks import State, answers, problem, ready, services, target
from translator.sandbox.keys import SELECTED, keys

CART = Use("Service", "shop/cart", 8080)


def group(**spec: Any) -> RouteGroup:
    found = decoded({"kind": "RouteGroup", "metadata": {"name": "g"}, "spec": {"parentRefs": [{"name": "edge"}], **spec}})
    assert isinstance(found, RouteGroup)
    return found


def sandbox(name: str = "alice", key: str = "", **labels: str) -> Sandbox:
    spec = {"routingKey": key, "services": [{"name": "cart", "targetRef": {"name": "cart-alice"}}]}
    found = decoded({"kind": "Sandbox", "metadata": {"name": name, "labels": labels}, "spec": spec})
    assert isinstance(found, Sandbox)
    return found


def service(*ports: int, **spec: Any) -> Any:
    document = {"ports": [{"name": f"p{port}", "port": port} for port in ports], **spec}
    return decoded({"kind": "Service", "metadata": {"name": "cart-alice"}, "spec": document})


def label(key: str, value: str) -> dict[str, Any]:
    return {"label": {"key": key, "value": value}}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, ["alice"], id="its-own"),
        pytest.param({"defaultRoutingKey": "all"}, ["alice", "all"], id="that-of-the-group"),
        pytest.param({"selector": {"matchLabels": {"team": "web"}}}, ["alice"], id="selected"),
        pytest.param({"selector": {"matchLabels": {"team": "api"}}}, [], id="not-selected"),
        pytest.param({"selector": {}}, ["alice"], id="empty-selector"),
        pytest.param({"match": label("team", "w*b")}, ["alice"], id="matched"),
        pytest.param({"match": label("team", "w.b")}, [], id="only-a-star-is-special"),
        pytest.param({"match": label("gone", "*")}, [], id="label-that-is-not-there"),
        pytest.param({"match": {"any": [label("team", "x"), label("team", "*")]}}, ["alice"], id="any-of-two"),
        pytest.param({"match": {"all": [label("team", "x"), label("team", "*")]}}, [], id="not-all-of-two"),
        pytest.param({"match": label("team", "*"), "selector": {"matchLabels": {"team": "api"}}}, [], id="matched-and-not-selected"),
        pytest.param({"routes": [{"targetSandbox": "alice", "routingKey": "x"}]}, ["x"], id="named-by-a-route-alone"),
        pytest.param({"routes": [{"targetSandbox": "bob", "routingKey": "x"}]}, [], id="another-is-named"),
        pytest.param({"routes": [{"targetSandbox": "alice"}], "defaultRoutingKey": "all"}, ["all"], id="route-with-the-key-of-the-group"),
        pytest.param({"routes": [{"targetSandbox": "alice"}]}, [], id="route-without-any-key"),
        pytest.param({"selector": {}, "routes": [{"targetSandbox": "alice", "routingKey": "x"}]}, ["alice", "x"], id="both"),
    ],
)
def test_keys_that_lead_to_a_sandbox(spec: dict[str, Any], expected: list[str]) -> None:
    assert [key for key, _ in keys(group(**spec), sandbox(team="web"))] == expected


def test_key_of_a_sandbox_is_its_name_unless_it_says_another() -> None:
    assert [*keys(group(), sandbox("bob", key="carol"))] == [("carol", SELECTED)]


@pytest.mark.parametrize(
    ("ref", "baseline", "expected"),
    [
        pytest.param(SandboxTarget("x"), CART, Use("Service", "shop/x", 8080), id="port-of-the-baseline"),
        pytest.param(SandboxTarget("x", port=9), CART, Use("Service", "shop/x", 9), id="port-of-its-own"),
        pytest.param(SandboxTarget("x", "Backend", 9), CART, Use("Backend", "shop/x"), id="backend-has-its-ports-in-itself"),
        pytest.param(SandboxTarget("x"), Use("Service", "shop/cart", 1, "h2"), Use("Service", "shop/x", 1, "h2"), id="grpc-stays-grpc"),
    ],
)
def test_target_answers_in_the_place_of_the_baseline(ref: SandboxTarget, baseline: Use, expected: Use) -> None:
    assert target(SandboxService("cart", ref), baseline, "shop") == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(service(8080), "", id="sound"),
        pytest.param(None, "Service shop/x does not exist", id="missing"),
        pytest.param(service(80), "Service shop/x has no TCP port 8080", id="no-such-port"),
        pytest.param(service(8080, type="ExternalName"), "Service shop/x is of type ExternalName, which is not followed", id="other-name"),
    ],
)
def test_target_that_cannot_answer_is_told(found: Any, expected: str) -> None:
    assert problem(Use("Service", "shop/x", 8080), found) == expected


@pytest.mark.parametrize(
    ("cluster", "known", "expected"),
    [
        pytest.param(None, None, False, id="nothing"),
        pytest.param(Cluster(name="c"), Endpoints(endpoints=()), False, id="no-endpoint"),
        pytest.param(Cluster(name="c"), Endpoints(endpoints=(Endpoint("10.0.0.1", 1),)), True, id="endpoint"),
        pytest.param(Cluster(name="c", discovery="dns"), None, True, id="name-that-envoy-looks-up"),
        pytest.param(Cluster(name="c", sealed=True), Endpoints(endpoints=(Endpoint("10.0.0.1", 1),)), False, id="sealed-by-a-policy"),
    ],
)
def test_fork_answers_while_it_has_somewhere_to_go(cluster: Cluster | None, known: Endpoints | None, expected: bool) -> None:
    assert answers(cluster, known) is expected


@pytest.mark.parametrize(
    ("states", "silent", "expected"),
    [
        pytest.param([], [], (False, "NoRouteGroup"), id="nobody-leads-to-it"),
        pytest.param([State(0, "", target=CART)], [], (True, "Ready"), id="ready"),
        pytest.param([State(0, "", target=CART)], ["Service shop/x"], (False, "NoEndpoints"), id="silent"),
        pytest.param([State(0, "", target=CART), State(1, "NotRouted", "why")], [], (False, "NotRouted"), id="one-of-two-is-wrong"),
        pytest.param(
            [State(1000, "", target=CART), State(1001, "NotRouted", "why")], [], (True, "Ready"), id="one-service-of-a-fork-is-enough"
        ),
        pytest.param([State(1000, "", target=CART), State(1100, "NotRouted", "why")], [], (False, "NotRouted"), id="another-fork-is-not"),
        pytest.param([State(0, "Conflicted", "why"), State(0, "", target=CART)], [], (True, "Ready"), id="another-key-leads-to-it"),
    ],
)
def test_sandbox_is_ready_when_all_its_services_are(states: list[State], silent: list[str], expected: tuple[bool, str]) -> None:
    found = ready(states, silent)
    assert (found.status, found.reason) == expected


def test_each_service_says_what_answers_for_it_or_why_the_baseline_does() -> None:
    to = Use("Service", "shop/cart-alice", 80)
    assert services(answered(sandbox()), [State(0, "", target=to)], []) == (
        ServiceStatus(name="cart", status="Running", endpoint="cart-alice.shop:80"),
    )
    assert services(answered(sandbox()), [State(0, "", target=Use("Backend", "shop/laptop"))], [])[0].endpoint == "backend/shop/laptop"
    (silent,) = services(answered(sandbox()), [State(0, "", target=to)], [to])
    assert (silent.status, silent.message) == ("Pending", "Service shop/cart-alice has no endpoint that is ready")
    (wrong,) = services(answered(sandbox()), [State(0, "InvalidTarget", "it is gone"), State(0, "NotRouted", "nobody asks")], [])
    assert (wrong.status, wrong.message) == ("Pending", "it is gone; nobody asks")
    assert services(answered(sandbox()), [], [])[0].message.startswith("no RouteGroup")


def test_no_more_services_are_said_than_a_status_has_room_for() -> None:
    many = dict.fromkeys(range(100), SandboxService("cart", SandboxTarget("cart-alice")))
    properties = definitions()[f"{GROUP}_sandboxes.yaml"]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    assert len(services(many, [], [])) == properties["status"]["properties"]["services"]["maxItems"] < len(many)
