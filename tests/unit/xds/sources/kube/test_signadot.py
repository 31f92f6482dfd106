"""What routes of Signadot's operator stand for: whose requests they change, which addresses answer, and what is left alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.xds.sources.kube.lines import KINDS, document, line, listed
from translator.engine import Engine
from translator.inputs import OBJECTS
from translator.ir.cluster import Use
from translator.ir.finding import field_path
from translator.ir.output import Group
from translator.ir.tables import ENDPOINTS, FORK, GROUP, OUT_STATUS
from translator.program import engine
from xds import roles
from xds.sources.kube.reflector import Reflector
from xds.sources.kube.signadot import Signadot, kinds
from xds.store import Change

UID = "0d9f"
WEB = document("web", spec={"template": {"metadata": {"labels": {"app": "web", "tier": "x"}}}})
WEB["metadata"]["uid"] = UID
PORTS = [
    {"name": "http", "port": 80, "targetPort": "web"},
    {"name": "api", "port": 81, "targetPort": 9000},
    {"port": 53, "protocol": "UDP"},
]
SERVICE = document("web", spec={"selector": {"app": "web"}, "ports": PORTS})
OTHER = document("other", spec={"selector": {"app": "other"}, "ports": PORTS})
GROUPS = document("previews", spec={"meshOutput": "Sidecar"})


def route(*endpoints: tuple[str, int], key: str = "alice", workload: str = UID, **more: Any) -> dict[str, Any]:
    found = [{"address": address, "port": port} for address, port in endpoints]
    spec = {"workloadID": workload, "sandboxID": key, "containerPorts": [{"name": "web", "containerPort": 8080}], **more}
    return document("r1", 1, spec=spec, status={"endpoints": found})


class World:
    """Reflectors of a cluster, and an engine that takes in what comes of them."""

    def __init__(self, *, on: bool = True) -> None:
        those = [KINDS["Service"], KINDS["RouteGroup"], *(kinds() if on else ())]
        self.reflectors = {one.name: Reflector(one, lambda: 0.5, hold=0.0) for one in those}
        self.signadot, self.core = Signadot(self.reflectors), engine()
        self.core.apply([(GROUP, "local", Group())])

    def take(self) -> list[Change]:
        found = self.signadot.adapted([change for one in self.reflectors.values() for change in one.take(0.0)])
        self.core.apply([(OBJECTS[one.kind], one.key, one.object) for one in found])
        assert not self.core.failures
        return found

    def shop(self, *routes: dict[str, Any]) -> Engine:
        for kind, documents in (
            ("Deployment", [WEB]),
            ("Service", [SERVICE, OTHER]),
            ("RouteGroup", [GROUPS]),
            ("SignadotRoute", [*routes]),
            *((kind, []) for kind in ("SignadotRouteGroup", "SignadotSandbox") if not self.reflectors[kind].synced),
        ):
            listed(self.reflectors[kind], *documents)
        self.take()
        return self.core


def answering(core: Engine) -> dict[tuple[str, int], list[str]]:
    """Key and port of the baseline → the addresses of its fork."""
    forks = [row for (row,) in core.rows(FORK).values() if row.key]
    return {
        (one.key, one.to.port): [f"{end.address}:{end.port}" for (ends,) in [core.rows(ENDPOINTS)[one.to]] for end in ends.endpoints]
        for one in forks
        if one.prefix.startswith("mesh/") and one.to in core.rows(ENDPOINTS)
    }


def test_endpoints_of_a_route_answer_for_the_services_of_its_workload_by_port() -> None:
    core = World().shop(route(("10.0.0.1", 8080), ("10.0.0.2", 8080), ("10.0.0.1", 9000)))
    assert answering(core) == {("alice", 80): ["10.0.0.1:8080", "10.0.0.2:8080"], ("alice", 81): ["10.0.0.1:9000"]}
    [status] = core.rows(OUT_STATUS)["Sandbox", "default/signadot:r1"]
    assert [one.name for one in status.services] == ["web"]


def test_endpoints_that_are_given_in_the_route_itself_count_before_those_of_its_status() -> None:
    static = {"endpoints": [{"address": "fd00::1", "port": 8080}]}
    assert answering(World().shop(route(("10.0.0.1", 8080), static=static)))["alice", 80] == ["fd00::1:8080"]


def test_route_without_endpoints_leaves_the_baseline() -> None:
    core = World().shop(route())
    assert answering(core) == {("alice", 80): [], ("alice", 81): []}
    [status] = core.rows(OUT_STATUS)["Sandbox", "default/signadot:r1"]
    assert status.phase == "Pending"


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(route(("10.0.0.1", 8080), workload="gone"), id="workload-that-is-not-there"),
        pytest.param(route(("10.0.0.1", 8080), key="A key"), id="key-that-is-none"),
    ],
)
def test_route_that_means_nothing_changes_nothing(one: dict[str, Any]) -> None:
    world = World()
    assert answering(world.shop(one)) == {}
    assert world.signadot.made == {}


def test_route_that_cannot_be_read_is_told_and_others_count() -> None:
    world, wrong = World(), document("r2", spec={"sandboxID": "x"})
    core = world.shop(route(("10.0.0.1", 8080)), wrong)
    assert [*world.reflectors["SignadotRoute"].unreadable] == ["default/r2"]
    assert ("alice", 80) in answering(core)


def test_what_stands_for_a_route_follows_it_and_goes_with_it() -> None:
    world = World()
    core = world.shop(route(("10.0.0.1", 8080)))
    one = world.reflectors["SignadotRoute"]
    moved = route(("10.0.0.9", 8080))
    moved["metadata"]["resourceVersion"] = "11"
    one.feed(line("MODIFIED", moved), 0.0)
    assert {change.kind for change in world.take()} == {"EndpointSlice"}
    assert answering(core)["alice", 80] == ["10.0.0.9:8080"]
    one.feed(line("DELETED", moved), 0.0)
    one.believe(one.doubted(), 0.0, going=False)
    assert all(change.object is None for change in world.take())
    assert answering(core) == {}
    assert not [key for key in core.rows(ENDPOINTS) if isinstance(key, Use) and "signadot" in key.key]


BOTH = document("both", spec={"routingKey": "both", "sandboxNames": ["sb-alice", "sb-bob"]})
BOTH["metadata"].pop("namespace")


def boxed(name: str, key: str) -> dict[str, Any]:
    found = document(name, spec={"id": key})
    found["metadata"].pop("namespace")
    return found


def named(name: str, one: dict[str, Any]) -> dict[str, Any]:
    one["metadata"]["name"] = name
    return one


BOXES = [boxed("sb-alice", "alice"), boxed("sb-bob", "bob")]
ALICE, BOB = (("10.0.0.1", 8080), ("10.0.0.2", 8080))


def grouped(routes: list[dict[str, Any]], groups: list[dict[str, Any]], boxes: list[dict[str, Any]]) -> World:
    world = World()
    listed(world.reflectors["SignadotRouteGroup"], *groups)
    listed(world.reflectors["SignadotSandbox"], *boxes)
    world.shop(*routes)
    return world


def told(world: World) -> list[tuple[str, str, str]]:
    assert all(one.code == "PM0140" for one in world.signadot.findings)
    return [(one.kind, one.key, field_path(one.path)) for one in world.signadot.findings]


def test_key_of_a_group_leads_to_the_forks_of_its_sandboxes() -> None:
    world = grouped([route(ALICE), named("r2", route(BOB, key="bob"))], [BOTH], BOXES)
    found = answering(world.core)
    assert (found["alice", 80], found["bob", 80]) == (["10.0.0.1:8080"], ["10.0.0.2:8080"])
    assert found["both", 80] == ["10.0.0.1:8080"], "of two for one workload that of the sandbox named first"
    assert told(world) == []


def test_routes_of_a_group_itself_go_before_those_of_its_sandboxes() -> None:
    own = named("r2", route(("10.0.0.9", 8080), key="both", routeGroupName="both"))
    world = grouped([route(ALICE), own], [BOTH], BOXES)
    assert answering(world.core)["both", 80] == ["10.0.0.9:8080"]
    assert told(world) == []


def test_route_of_another_group_is_no_route_of_a_sandbox() -> None:
    world = grouped([route(ALICE, routeGroupName="other")], [BOTH], BOXES)
    assert ("both", 80) not in answering(world.core)


def test_sandbox_of_a_group_that_is_not_there_or_has_no_route_is_told() -> None:
    world = grouped([route(ALICE)], [BOTH], BOXES[:1])
    assert ("both", 80) in answering(world.core)
    assert told(world) == [("SignadotRouteGroup", "both", "spec.sandboxNames[1]")]
    assert told(grouped([route(ALICE)], [BOTH], BOXES)) == [("SignadotRouteGroup", "both", "spec.sandboxNames[1]")]


def test_group_whose_key_is_none_leads_nowhere_and_is_told() -> None:
    wrong = boxed("both", "")
    wrong["spec"] = {"routingKey": "A key", "sandboxNames": ["sb-alice"]}
    world = grouped([route(ALICE)], [wrong], BOXES)
    assert {key for key, _ in answering(world.core)} == {"alice"}
    assert told(world) == [("SignadotRouteGroup", "both", "spec.routingKey")]


def test_group_that_cannot_be_read_is_told_and_others_count() -> None:
    world = grouped([route(ALICE)], [BOTH, boxed("wrong", "x")], BOXES)
    assert [*world.reflectors["SignadotRouteGroup"].unreadable] == ["wrong"]
    assert ("both", 80) in answering(world.core)


def test_group_that_goes_takes_its_key_with_it_and_no_other() -> None:
    world = grouped([route(ALICE)], [BOTH], BOXES)
    one = world.reflectors["SignadotRouteGroup"]
    one.feed(line("DELETED", BOTH), 0.0)
    one.believe(one.doubted(), 0.0, going=False)
    world.take()
    assert {key for key, _ in answering(world.core)} == {"alice"}
    assert told(world) == []


def test_where_it_is_not_wanted_nothing_is_read_and_nothing_made() -> None:
    world = World(on=False)
    listed(world.reflectors["Service"], SERVICE)
    assert [change.key for change in world.take()] == ["default/web"]


def test_names_of_what_is_made_are_none_that_an_api_server_takes() -> None:
    world = World()
    world.shop(route(("10.0.0.1", 8080)))
    names = {(kind, one.metadata.name) for (kind, _), one in world.signadot.made.items()}
    assert all((":" if kind == "Sandbox" else ".") in name for kind, name in names)
    assert {kind for kind, _ in names} == {"Sandbox", "Service", "EndpointSlice"}


def test_role_for_it_reads_and_writes_nothing() -> None:
    [role] = [one for one in roles.signadot_roles() if "rules" in one]
    assert {(one["apiGroups"][0], *one["resources"]): one["verbs"] for one in role["rules"]} == {
        ("apps", "deployments"): ["list", "watch"],
        ("signadot.com", "signadotroutegroups", "signadotroutes", "signadotsandboxes"): ["list", "watch"],
    }
