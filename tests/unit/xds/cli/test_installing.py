"""`install`, `uninstall` and `doctor` as a user types them: what is said, in which form, with which exit code."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.unit.xds.cli.test_commands import Result
from tests.unit.xds.installation.world import World, gateway, instant, plane
from xds.cli.commands import run
from xds.installation.manifests import NAME, NAMESPACE, base, definitions, place
from xds.sources.interface import NoClusterError


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr("xds.cli.cluster.Transport", lambda _: made)
    monkeypatch.setattr("xds.cli.installing.waits", instant)
    monkeypatch.setenv("TERM", "dumb")
    return made


@pytest.fixture
def pointsman(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str) -> Result:
        code = run(list(arguments))
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(code, captured.out, captured.err)

    return call


def test_install_ends_with_what_works_now(pointsman: Any, world: World) -> None:
    done = pointsman("install", "--image", "mine:1")
    assert done.code == 0
    lines = done.out.splitlines()
    assert f"+ Deployment/{NAME} created" in lines
    assert lines[-1].startswith("✓ a Gateway of the class pointsman would work now")
    assert "mine:1" in str(world.objects[place("apps/v1", "deployments", NAMESPACE, NAME)])
    assert len(pointsman("install", "--image", "mine:1").out.splitlines()) == 1, "what is unchanged is not told"


def test_install_that_fails_says_why_and_what_next(pointsman: Any, world: World) -> None:
    world.sick.add("GatewayClass")
    done = pointsman("install", "--timeout", "2")
    assert done.code == 1
    assert "… the server has not accepted the GatewayClass pointsman" in done.err
    assert "no Gateway works yet" in done.err
    assert "PM0909 GatewayClass pointsman: no server has accepted it" in done.err
    assert done.err.rstrip().endswith("Next: pointsman doctor")


def test_install_for_programs_is_one_document(pointsman: Any, world: World) -> None:
    world.sick.add("GatewayClass")
    done = pointsman("install", "--timeout", "2", "-o", "json")
    told = json.loads(done.out)
    assert len(told["objects"]) == len(definitions()) + len(base())
    assert [one["code"] for one in told["findings"]] == ["PM0909"]
    assert done.code == 1


def test_install_by_name_lists_the_objects(pointsman: Any, world: World) -> None:
    assert world
    assert f"GatewayClass/{NAME}" in pointsman("install", "-o", "name").out.splitlines()


def test_rehearsal_prints_the_very_yaml_and_asks_nobody(pointsman: Any, world: World) -> None:
    done = pointsman("install", "--dry-run", "-o", "yaml", "--image", "mine:1")
    items = yaml.safe_load(done.out)["items"]
    assert items == [json.loads(json.dumps(one.document)) for one in (*definitions(), *base("mine:1"))]
    assert world.asked == []


def test_options_of_the_server_are_installed_with_what_they_need(pointsman: Any, world: World) -> None:
    options = ("--forks", "--signadot", "--sandbox-group", "pointsman.io", "--sandbox-group", "sandbox.example.com")
    items = yaml.safe_load(pointsman("install", "--dry-run", "-o", "yaml", *options).out)["items"]
    found = {(one["kind"], one["metadata"]["name"]): one for one in items}
    names = ("pointsman-forks", "pointsman-signadot", "pointsman-sandbox.example.com")
    assert {(kind, name) for kind in ("ClusterRole", "ClusterRoleBinding") for name in names} <= found.keys()
    assert ("CustomResourceDefinition", "sandboxes.sandbox.example.com") in found
    (container,) = found["Deployment", NAME]["spec"]["template"]["spec"]["containers"]
    of_groups = ["--sandbox-group=pointsman.io", "--sandbox-group=sandbox.example.com"]
    assert container["args"][-4:] == ["--forks", "--signadot", *of_groups]
    assert pointsman("install", *options).code == 0
    assert place("apiextensions.k8s.io/v1", "customresourcedefinitions", "", "sandboxes.sandbox.example.com") in world.objects


def test_group_that_is_none_is_told_before_anything_is_done(pointsman: Any, world: World) -> None:
    done = pointsman("install", "--sandbox-group", "Previews/v1")
    assert (done.code, world.asked) == (2, [])
    assert "a group is a name as previews.example.com" in done.err


def test_rehearsal_says_what_would_change(pointsman: Any, world: World) -> None:
    pointsman("install")
    writes = len(world.objects)
    done = pointsman("install", "--dry-run", "--image", "mine:1")
    rows = done.out.splitlines()
    assert rows[0].split() == ["OBJECT", "WOULD", "BE", "WHAT"]
    assert rows[1].startswith(f"Deployment/{NAME}")
    assert "pointsman:0.1.0 → mine:1" in rows[1]
    assert pointsman("install", "--dry-run", "--image", "mine:1", "-o", "name").out == f"Deployment/{NAME}\n"
    assert "nothing would change" in pointsman("install", "--dry-run").out
    assert len(world.objects) == writes


def test_uninstall_leaves_nothing_but_definitions(pointsman: Any, world: World) -> None:
    pointsman("install")
    done = pointsman("uninstall")
    assert (done.code, done.out.splitlines()[-1]) == (0, "✓ nothing of Pointsman is left, but definitions: --crds removes them too")
    assert set(world.objects) == {one.path for one in definitions()}
    assert pointsman("uninstall", "--crds").out.splitlines()[-1] == "✓ nothing of Pointsman is left"
    assert world.objects == {}


def test_uninstall_asks_first_where_traffic_would_end(pointsman: Any, world: World) -> None:
    pointsman("install")
    gateway(world, "edge")
    plane(world, "Service", "v1", "services", "edge")
    before = len(world.objects)
    done = pointsman("uninstall")
    assert (done.code, len(world.objects)) == (1, before)
    assert "1 Gateways (default/edge) would lose their proxies: add --yes" in done.err
    assert "services/edge-pointsman would be removed" in pointsman("uninstall", "--dry-run").out
    assert pointsman("uninstall", "--yes", "-o", "json").code == 0
    assert "edge" in str(world.objects), "the Gateway itself stays"


def test_objects_of_people_go_only_where_it_is_said_twice(pointsman: Any, world: World) -> None:
    assert pointsman("uninstall", "--objects").code == 2
    pointsman("install")
    gateway(world, "edge")
    done = pointsman("uninstall", "--yes", "--crds")
    assert done.code == 1
    assert "gateways.gateway.networking.k8s.io is kept" in done.err
    assert pointsman("uninstall", "--yes", "--crds", "--objects").code == 0


def test_doctor_of_a_healthy_cluster_is_content(pointsman: Any, world: World) -> None:
    assert world
    pointsman("install")
    done = pointsman("doctor")
    assert (done.code, done.out[0]) == (0, "✓")


def test_doctor_says_one_line_each_and_every_form_has_the_code(pointsman: Any, world: World) -> None:
    pointsman("install")
    world.may_not.add(("list", "secrets"))
    done = pointsman("doctor")
    assert done.code == 1
    assert done.out == "✗ PM0907 ClusterRole secrets: the server may not list secrets (pointsman install)\n"
    assert json.loads(pointsman("doctor", "-o", "json").out)["findings"][0]["code"] == "PM0907"
    assert pointsman("doctor", "-o", "name").out == "PM0907 ClusterRole/secrets\n"


def test_warnings_alone_are_no_failure(pointsman: Any, world: World) -> None:
    pointsman("install")
    world.refuse = "GET", "/secrets"
    assert pointsman("doctor").code == 0


@pytest.mark.parametrize("command", ["install", "uninstall", "doctor"])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NoClusterError("no kubeconfig, and not in a Pod"), "Name a cluster by --kubeconfig"),
        (TimeoutError(), "the API server cannot be reached: no answer in time"),
        (ConnectionRefusedError(111, "Connection refused"), "kubectl cluster-info"),
    ],
)
def test_cluster_that_is_not_there_is_told_with_what_to_do(
    pointsman: Any, world: World, monkeypatch: pytest.MonkeyPatch, command: str, error: Exception, words: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(world, "call", broken)
    monkeypatch.setattr(world, "get", broken)
    done = pointsman(command)
    assert done.code == 3
    assert words in done.err


def test_who_may_not_install_is_told_what_is_forbidden(pointsman: Any, world: World) -> None:
    world.refuse = "PATCH", "clusterroles"
    done = pointsman("install")
    assert done.code == 3
    assert "ClusterRole/pointsman: may not PATCH" in done.err
    assert "ask an administrator" in done.err


@pytest.mark.parametrize("command", ["install", "uninstall", "doctor"])
def test_help_shows_an_example(pointsman: Any, command: str) -> None:
    assert f"pointsman {command}" in pointsman(command, "--help").out.partition("Example:")[2]
