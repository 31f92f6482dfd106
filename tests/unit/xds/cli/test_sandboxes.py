"""`sandbox …` as a user types it, in a folder and in a cluster: what is said, with which exit code, and what is there then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from tests.ports import free_port
from tests.unit.xds.cli.test_commands import Result
from tests.unit.xds.sandboxes.test_workloads import BASE, SERVICE
from translator.ir.copy import Copies
from translator.resources.sandbox import Sandbox
from translator.sandbox.copies import wishes
from translator.workloads.fork import deployment
from xds.cli import sandboxes
from xds.cli.commands import run
from xds.cli.output import Exit
from xds.offline import door
from xds.sources.kube.transport import Answer

SHOP = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: pointsman}
spec: {controllerName: pointsman.io/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: pointsman, listeners: [{name: http, port: 8080, protocol: HTTP}]}
---
apiVersion: pointsman.io/v1alpha1
kind: RouteGroup
metadata: {name: previews}
spec:
  parentRefs: [{name: edge}]
  previewHosts: ["*.preview.example.com"]
  endpoints: [{name: e, hostname: e.example.com, routingKey: alice}]
  admission: {mode: All}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: checkout, port: 80}]}, {matches: [{path: {value: /cart}}], backendRefs: [{name: cart, port: 80}]}]
"""
LINKS = """
  endpoints:
  - {name: e, hostname: e.example.com, routingKey: alice}
  - {name: web, target: "http://checkout.default.svc:80", routingKey: alice}
  - {name: gone, target: "http://gone:80", routingKey: alice}
  - {name: other, target: "http://checkout:80", routingKey: other}
"""
BACKEND = """
apiVersion: pointsman.io/v1alpha1
kind: Sandbox
metadata: {name: alice}
spec: {services: [{name: legacy, kind: Backend, targetRef: {kind: Backend, name: other}}]}
"""
LEGACY = """---
apiVersion: pointsman.io/v1alpha1
kind: Backend
metadata: {{name: {}}}
spec: {{endpoints: [{{ip: {{address: 10.0.0.1, port: 1}}}}]}}
"""
BACKENDS = """---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{ports: [{{name: http, port: 80}}]}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {name}-1, labels: {{kubernetes.io/service-name: {name}}}}}
addressType: IPv4
ports: [{{name: http, port: 8080}}]
endpoints: [{{addresses: [10.0.0.1]}}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = "".join(BACKENDS.format(name=name) for name in ("checkout", "cart", "checkout-alice"))
    (tmp_path / "shop.yaml").write_text(SHOP + text)
    return tmp_path


@pytest.fixture
def pointsman(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def call(*arguments: object) -> Result:
        code = run(["sandbox", *map(str, arguments)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(code, captured.out, captured.err)

    monkeypatch.setenv("TERM", "dumb")
    return call


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the running server counts; without any it is not there."""
    clusters: dict[str, Any] = {}

    def asked(_admin: str, path: str) -> Any:
        assert path == "/loads"
        if not clusters:
            raise Exit(3, "nobody")
        forks = {"fork/default/previews/service/default/checkout/80/alice/2": {"sandbox": "default/eve", "requests": 0}}
        return {"clusters": clusters, "passed_over": 0, "forks": forks}

    monkeypatch.setattr("xds.cli.showing.asked", asked)
    return clusters


def test_sandbox_in_a_folder_is_made_seen_and_deleted(pointsman: Any, folder: Path, loads: dict[str, Any]) -> None:
    at = ("--files", folder)
    made = pointsman("create", "alice", "--service", "checkout=checkout-alice", "--ttl", "8h", "--label", "team=web", *at)
    assert (made.code, made.out.splitlines()) == (0, [f"✓ Sandbox default/alice. Next: pointsman sandbox url alice --files {folder}"])
    written = yaml.safe_load((folder / "sandbox-alice.yaml").read_text())
    assert written["spec"]["ttl"] == {"duration": "8h"}
    assert written["metadata"]["creationTimestamp"]
    (listed,) = json.loads(pointsman("list", "-o", "json", *at).out)
    assert (listed["name"], listed["key"], listed["phase"], listed["ready"]) == ("alice", "alice", "Running", "True")
    assert pointsman("url", "alice", *at).out.splitlines() == [
        "http://alice.preview.example.com:8080/",
        "http://e.example.com:8080/",
        "curl -H 'x-route-key: alice' http://shop.example.com:8080/",
    ]
    for name, issued in (("alice", 7), ("alice/1", 2), ("bob", 100), ("alice/2", 100), ("alice-2", 100)):
        loads[f"fork/default/previews/service/default/checkout/80/{name}"] = {"issued": issued, "in_progress": 1}
    for service, issued in (("checkout", 30), ("cart", 100)):
        loads[f"beside/default/{service}/80/alice"] = {"issued": issued, "in_progress": 2}
    rows = [line.split() for line in pointsman("map", "alice", *at).out.splitlines()[1:]]
    assert rows == [["cart", "baseline", "-", "-"], ["checkout", "Service", "default/checkout-alice", "39", "4"]]
    assert pointsman("delete", "alice", *at).code == 0
    assert pointsman("list", *at).out == "there are no Sandboxes\n"


def test_requests_of_a_changed_backend_are_told_too(pointsman: Any, folder: Path, loads: dict[str, Any]) -> None:
    (folder / "alice.yaml").write_text(BACKEND)
    loads["fork/default/previews/backend/default/legacy/alice"] = {"issued": 3, "in_progress": 0}
    [legacy] = [one for one in json.loads(pointsman("map", "alice", "--files", folder, "-o", "json").out) if one["service"] == "legacy"]
    assert (legacy["requests"], legacy["under_way"]) == (3, 0)


def test_backends_are_changed_and_mapped_as_services_are(pointsman: Any, folder: Path) -> None:
    shop = folder / "shop.yaml"
    legacy = shop.read_text().replace("{name: cart, port: 80}", "{group: pointsman.io, kind: Backend, name: legacy}")
    shop.write_text(legacy + LEGACY.format("legacy") + LEGACY.format("legacy-alice"))
    assert pointsman("create", "alice", "--service", "backend/legacy=backend/legacy-alice", "--files", folder).code == 0
    found = {one["service"]: one["by"] for one in json.loads(pointsman("map", "alice", "--files", folder, "-o", "json").out)}
    assert found == {"checkout": "baseline", "legacy": "Backend default/legacy-alice"}


def test_where_requests_are_counted_a_fork_without_any_has_none(pointsman: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pointsman("create", "alice", "--service", "checkout=checkout-alice", "--files", folder)
    told = {"clusters": {}, "passed_over": 0, "counted": True, "forks": {}}
    monkeypatch.setattr("xds.cli.showing.asked", lambda *_: told)
    [_, found] = json.loads(pointsman("map", "alice", "--files", folder, "-o", "json").out)
    assert (found["requests"], found["under_way"]) == (0, None)


def test_servers_in_a_cluster_are_asked_where_none_is_named(pointsman: Any, cluster: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.objects |= dict(_objects())
    pointsman("create", "alice", "-n", "shop", "--service", "checkout=checkout-alice")
    fork = "fork/shop/previews/service/shop/checkout/80/alice"
    forks = {fork: {"sandbox": "shop/alice", "requests": 3}}
    of_one = {"clusters": {fork: {"issued": 2, "in_progress": 1}}, "passed_over": 0, "counted": True, "forks": forks}
    monkeypatch.setattr("xds.cli.live.pages", lambda _, path: [of_one, of_one] if path == "/loads" else [])
    [found] = [one for one in json.loads(pointsman("map", "alice", "-n", "shop", "-o", "json").out) if one["service"] == "checkout"]
    assert (found["requests"], found["under_way"]) == (6, 2), "what is counted is more than what load reports have"


def test_server_that_was_named_and_is_not_there_is_told_beside_the_rest(pointsman: Any, folder: Path) -> None:
    pointsman("create", "alice", "--service", "checkout=checkout-alice", "--files", folder)
    done = pointsman("map", "alice", "--files", folder, "--admin", f"127.0.0.1:{free_port()}")
    assert (done.code, "Service default/checkout-alice" in done.out) == (3, True)
    assert "127.0.0.1" in done.err


def test_map_says_why_the_baseline_answers(pointsman: Any, folder: Path, loads: dict[str, Any]) -> None:
    assert loads == {}
    pointsman("create", "bob", "--service", "checkout=gone", "--files", folder)
    (cart, checkout) = json.loads(pointsman("map", "bob", "--files", folder, "-o", "json").out)
    assert (cart["by"], checkout["by"], checkout["requests"]) == ("baseline", "baseline", None)
    assert "Service default/gone does not exist" in checkout["why"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["create", "alice"], 2, "name what is changed"),
        (["create", "alice", "--service", "x"], 2, "SERVICE=TARGET"),
        (["create", "Alice", "--service", "a=b"], 2, "PM0105"),
        (["create", "alice", "--service", "a=b", "--key", "A"], 2, "PM0"),
        (["create", "alice", "--service", "a=b", "--ttl", "soon"], 2, "PM0"),
        (["create", "alice", "--from", "deploy/x"], 2, "for a cluster"),
        (["create", "alice", "--service", "a=b", "--image", "x"], 2, "go with --from"),
        (["create", "alice", "--service", "a=b", "--fork", "deploy/x"], 2, "name what is changed"),
        (["create", "alice", "--fork", "checkout"], 2, "write deploy/NAME or rollout/NAME"),
        (["create", "alice", "--fork", "statefulset/x"], 2, "write deploy/NAME or rollout/NAME"),
        (["create", "alice", "--fork", "deploy/x", "--env", "A"], 2, "NAME=VALUE"),
        (["create", "alice", "--fork", "deploy/X_"], 2, "PM0"),
        (["create", "alice", "--service", "a=b", "--kube"], 2, "not both"),
        (["url", "nobody"], 1, "not found"),
        (["map", "nobody"], 1, "not found"),
        (["delete", "nobody"], 1, "not found"),
    ],
)
def test_misuse_is_told_in_a_sentence(pointsman: Any, folder: Path, arguments: list[str], code: int, words: str) -> None:
    done = pointsman(*arguments, "--files", folder)
    assert done.code == code
    assert words in done.err
    assert [*folder.iterdir()] == [folder / "shop.yaml"]


def test_sandbox_that_is_there_is_not_made_again(pointsman: Any, folder: Path) -> None:
    typed = ("create", "alice", "--service", "checkout=checkout-alice", "--files", folder)
    assert pointsman(*typed).code == 0
    assert "is there already" in pointsman(*typed).err


def test_file_that_holds_other_objects_is_left_to_who_wrote_it(pointsman: Any, folder: Path) -> None:
    made = pointsman("create", "alice", "--service", "a=b", "--dry-run", "--files", folder).out
    (folder / "both.yaml").write_text(made + BACKENDS.format(name="x"))
    done = pointsman("delete", "alice", "--files", folder)
    assert (done.code, "2 other objects" in done.err) == (1, True)


@pytest.mark.parametrize(
    ("admission", "told"),
    [
        ("{mode: All}", "curl -H 'x-route-key: alice' http://shop.example.com:8080/"),
        (
            "{mode: Signed, secrets: [team]}",
            "curl -H 'x-route-key: alice.EXPIRY.SIGNATURE' http://shop.example.com:8080/  # the key must be",
        ),
        ("{sources: [10.0.0.0/8]}", "curl -H 'x-route-key: alice' http://shop.example.com:8080/  # from clients that"),
        ("{}", None),
    ],
)
def test_key_is_shown_as_it_would_be_believed(pointsman: Any, folder: Path, admission: str, told: str | None) -> None:
    pointsman("create", "alice", "--service", "checkout=checkout-alice", "--files", folder)
    shop = folder / "shop.yaml"
    shop.write_text(shop.read_text().replace("{mode: All}", admission))
    found = pointsman("url", "alice", "--files", folder).out.splitlines()
    assert found[0] == "http://alice.preview.example.com:8080/", "a host has its key whoever asks"
    assert [line.startswith(told or "") for line in found if line.startswith("curl")] == ([True] if told else [])


def test_sandbox_that_nobody_can_reach_has_no_link(pointsman: Any, folder: Path) -> None:
    pointsman("create", "alice", "--service", "checkout=checkout-alice", "--files", folder)
    shop = folder / "shop.yaml"
    kept = [
        one for one in shop.read_text().splitlines() if not one.startswith(("  previewHosts", "  endpoints: [{name: e,", "  admission"))
    ]
    shop.write_text("\n".join(kept))
    done = pointsman("url", "alice", "--files", folder)
    assert (done.code, "keys are taken away from all requests" in done.err) == (1, True)


def test_what_could_not_be_read_is_said_beside_what_there_is(pointsman: Any, folder: Path) -> None:
    pointsman("create", "alice", "--service", "checkout=checkout-alice", "--files", folder)
    (folder / "broken.yaml").write_text("kind: [\n")
    for command in (("list",), ("url", "alice"), ("map", "alice"), ("url", "nobody")):
        done = pointsman(*command, "--files", folder)
        assert (done.code, "broken.yaml:2:1 PM0101" in done.err) == (1, True), command
    assert "alice" in pointsman("list", "--files", folder).out


@pytest.mark.parametrize("command", ["create", "list", "url", "map", "delete"])
def test_help_shows_an_example(pointsman: Any, command: str) -> None:
    done = pointsman(command, "--help")
    assert (done.code, f"pointsman sandbox {command}" in done.out) == (0, True)


# In a cluster ----------------------------------------------------------------------------------------------------------


class World:
    """An API server that holds objects by path."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {
            "/apis/apps/v1/namespaces/shop/deployments/checkout": BASE,
            "/api/v1/namespaces/shop/services/checkout": SERVICE,
        }
        self.refuse = ""

    async def close(self) -> None:
        """Nothing is open."""

    async def call(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, *, content: str = "application/json"
    ) -> Answer:
        assert content.startswith("application/")
        del query
        if self.refuse and self.refuse in path and method != "GET":
            return Answer(403, b'{"message": "no"}')
        match method:
            case "GET" if path in self.objects:
                return Answer(200, msgspec.json.encode(self.objects[path]))
            case "GET":
                items = [one for at, one in self.objects.items() if at.rpartition("/")[0] == path]
                return Answer(200, msgspec.json.encode({"items": items})) if path.endswith("s") else Answer(404, b"{}")
            case "POST":
                made = {**body, "metadata": {**body["metadata"], "uid": "u1"}}
                self.objects[f"{path}/{body['metadata']['name']}"] = made
                return Answer(201, msgspec.json.encode(made))
            case "DELETE":
                return Answer(200 if self.objects.pop(path, None) else 404, b"{}")
        self.objects[path] = body
        return Answer(200, msgspec.json.encode(body))


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr("xds.cli.cluster.Transport", lambda _: made)
    return made


PLACE = "/apis/pointsman.io/v1alpha1/namespaces/shop/sandboxes/alice"
FORK = "/apis/apps/v1/namespaces/shop/deployments/checkout-alice"


def test_fork_of_a_deployment_is_made_with_its_sandbox(pointsman: Any, cluster: World) -> None:
    typed = ("create", "alice", "-n", "shop", "--from", "deploy/checkout", "--image", "app=r/checkout:abc", "--ttl", "8h")
    assert pointsman(*typed).code == 0
    assert cluster.objects[PLACE]["spec"]["services"] == [{"name": "checkout", "targetRef": {"name": "checkout-alice"}}]
    assert cluster.objects[FORK]["metadata"]["ownerReferences"][0]["uid"] == "u1"
    assert "/api/v1/namespaces/shop/services/checkout-alice" in cluster.objects
    assert "creationTimestamp" not in cluster.objects[PLACE]["metadata"]


@pytest.mark.parametrize("kind", ["Deployment", "Rollout"])
def test_fork_that_the_server_is_to_make_is_a_sandbox_and_nothing_else(pointsman: Any, cluster: World, kind: str) -> None:
    there = {*cluster.objects}
    what = ("--image", "app=r/checkout:abc", "--image", "r/other:1", "--env", "A=1", "--env", "log:B=2", "--ttl", "8h")
    assert pointsman("create", "alice", "-n", "shop", "--fork", f"{kind.lower()}/checkout", *what).code == 0
    assert {*cluster.objects} == there | {PLACE}
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "2", "container": "log"}]
    images = [{"image": "r/checkout:abc", "container": "app"}, {"image": "r/other:1"}]
    fork = {"forkOf": {"kind": kind, "name": "checkout"}, "customizations": {"images": images, "env": env}}
    assert cluster.objects[PLACE]["spec"] == {"ttl": {"duration": "8h"}, "forks": [fork]}


def test_what_the_server_makes_is_what_we_would_make(pointsman: Any, cluster: World) -> None:
    """But for what each puts its name to."""
    what = ("-n", "shop", "--image", "app=r/checkout:abc", "--env", "A=1", "--env", "log:B=2", "--dry-run")
    _, ours, _ = yaml.safe_load_all(pointsman("create", "alice", "--from", "deploy/checkout", *what).out)
    declared = door().admit(yaml.safe_load(pointsman("create", "alice", "--fork", "deploy/checkout", *what).out)).object
    assert isinstance(declared, Sandbox)
    ((wanted,), _) = wishes(declared)
    row = Copies(namespace="shop", sandbox="alice", born="", copies=(wanted,))
    assert deployment(BASE, wanted, row, [SERVICE])["spec"] == ours["spec"]


def test_fork_may_be_declared_in_a_folder_too(pointsman: Any, folder: Path) -> None:
    assert pointsman("create", "alice", "--fork", "deploy/checkout", "--files", folder).code == 0
    assert yaml.safe_load((folder / "sandbox-alice.yaml").read_text())["spec"] == {
        "forks": [{"forkOf": {"kind": "Deployment", "name": "checkout"}}]
    }
    (one,) = json.loads(pointsman("list", "--files", folder, "-o", "json").out)
    assert one["services"] == "checkout"


def test_fork_that_is_not_let_in_leaves_no_sandbox_behind(pointsman: Any, cluster: World) -> None:
    cluster.refuse = "deployments"
    done = pointsman("create", "alice", "-n", "shop", "--from", "deploy/checkout", "--image", "app=x")
    assert done.code == 3
    assert PLACE not in cluster.objects


def test_dry_run_prints_all_and_makes_nothing(pointsman: Any, cluster: World) -> None:
    done = pointsman("create", "alice", "-n", "shop", "--from", "deploy/checkout", "--image", "app=x", "--dry-run")
    assert [one["kind"] for one in yaml.safe_load_all(done.out)] == ["Sandbox", "Deployment", "Service"]
    assert PLACE not in cluster.objects


@pytest.mark.parametrize(
    ("of", "words"), [("deploy/gone", "not found"), ("checkout", "write deploy/NAME"), ("statefulset/checkout", "write deploy/NAME")]
)
def test_baseline_that_is_none_is_told(pointsman: Any, cluster: World, of: str, words: str) -> None:
    done = pointsman("create", "alice", "-n", "shop", "--from", of, "--image", "app=x")
    assert words in done.err
    assert PLACE not in cluster.objects


def test_deployment_that_no_service_leads_to_is_told(pointsman: Any, cluster: World) -> None:
    del cluster.objects["/api/v1/namespaces/shop/services/checkout"]
    assert "no Service" in pointsman("create", "alice", "-n", "shop", "--from", "deploy/checkout", "--image", "app=x").err


def test_links_of_endpoints_are_those_that_are_served(pointsman: Any, folder: Path) -> None:
    whole = (folder / "shop.yaml").read_text()
    (folder / "shop.yaml").write_text(whole.replace("  endpoints: [{name: e, hostname: e.example.com, routingKey: alice}]\n", LINKS[1:]))
    pointsman("create", "alice", "--service", "checkout=checkout-alice", "--files", folder)
    assert pointsman("url", "alice", "--files", folder).out.splitlines()[:-1] == [
        "http://alice.preview.example.com:8080/",
        "http://e.example.com:8080/",
        "http://web--previews.preview.example.com:8080/",
    ]


def test_sandbox_in_a_cluster_is_seen_and_deleted(pointsman: Any, cluster: World, loads: dict[str, Any]) -> None:
    assert loads == {}
    pointsman("create", "alice", "-n", "shop", "--service", "checkout=checkout-alice")
    for path, document in _objects():
        cluster.objects[path] = document
    cluster.objects[PLACE]["status"] = {
        "phase": "Running",
        "services": [{"name": "checkout", "status": "Running", "endpoint": "checkout-alice.shop:80"}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "Ready", "message": ""}],
    }
    assert "alice  shop       alice  Running  True" in pointsman("list", "-n", "shop").out
    assert pointsman("url", "alice", "-n", "shop").out.splitlines()[0] == "http://alice.preview.example.com:8080/"
    assert "checkout  Service shop/checkout-alice" in pointsman("map", "alice", "-n", "shop").out
    assert pointsman("delete", "alice", "-n", "shop").code == 0
    assert "not found" in pointsman("delete", "alice", "-n", "shop").err


def _objects() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for one in yaml.safe_load_all(SHOP):
        if one["kind"] != "GatewayClass":
            one["metadata"]["namespace"] = "shop"
            plural = {"Gateway": "gateways", "RouteGroup": "routegroups", "HTTPRoute": "httproutes"}[one["kind"]]
            found.append((f"/apis/{one['apiVersion']}/namespaces/shop/{plural}/{one['metadata']['name']}", one))
    return found


def test_every_kind_that_is_asked_for_has_a_version() -> None:
    assert sandboxes.READ.keys() == sandboxes.VERSIONS.keys()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--forks"], "--forks goes with --kube"),
        (["--signadot"], "--signadot goes with --kube"),
        (["--sandbox-group", "Not A Group"], "a group is a name"),
    ],
)
def test_server_that_is_told_what_it_cannot_do_says_so(
    folder: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", "--files", str(folder), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_sandboxes_of_another_group_are_made_there(pointsman: Any, cluster: World) -> None:
    made = pointsman("--group", "previews.example.org", "create", "alice", "-n", "shop", "--service", "a=b", "--dry-run")
    assert yaml.safe_load(made.out)["apiVersion"] == "previews.example.org/v1alpha1"
    assert pointsman("create", "alice", "-n", "shop", "--service", "a=b", "--dry-run").out.startswith("apiVersion: pointsman.io/v1alpha1")
