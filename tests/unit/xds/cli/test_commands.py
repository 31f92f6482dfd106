"""Every command as a user types it: what it prints, in which form, with which exit code, and never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from xds.bootstrap import MODULES_KEY
from xds.cli.commands import run
from xds.dataplane import MODULE, SEARCHED
from xds.demo.writing import write

UNREACHABLE = "127.0.0.1:1"  # tcpmux: nobody has it


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def pointsman(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def call(*arguments: object) -> Result:
        code = run([str(one) for one in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Result(code, captured.out, captured.err)

    monkeypatch.setenv("TERM", "dumb")
    return call


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    write(tmp_path / "demo")
    return tmp_path / "demo"


# Misuse ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["rnu", "x"], 2, "run"),
        (["stauts"], 2, "status"),
        (["check"], 2, "DIR"),
        (["check", "nowhere"], 2, "nowhere is not there"),
        (["check", ".", "-o", "xml"], 2, "table"),
        (["render", "nowhere"], 2, "not there"),
        (["run", "nowhere"], 2, "pointsman demo nowhere"),
        (["serve"], 2, "--files DIR, or --kube"),
        (["serve", "--files", ".", "--metrics", "everywhere"], 2, "--metrics: 'everywhere'"),
        (["serve", "--kube", "--files", "."], 2, "--files DIR, or --kube"),
        (["serve", "--files", ".", "--context", "x"], 2, "go with --kube"),
        (["serve", "--kube", "--kubeconfig", "nowhere"], 3, "nowhere"),
        (["run", ".", "--port-offset", "many"], 2, "integer"),
        (["status", "htproute"], 2, "Did you mean httproute?"),
        (["status", "gatway/edge"], 2, "Did you mean gateway?"),
        (["status", "gw", "svc"], 2, "one kind at a time"),
        (["status", "--admin", "192.0.2.1:1"], 2, "only loopback"),
        (["proxies", "--admin", "x"], 2, "host:port"),
        (["proxies", "--admin", UNREACHABLE], 3, "no server answers"),
        (["status", "--admin", UNREACHABLE], 3, "no server answers"),
        (["serve", "--files", ".", "--xds", "0.0.0.0:18000"], 2, "or, for others, --tls DIR"),
        (["serve", "--files", ".", "--xds", "0.0.0.0:18000", "--tls", "nowhere"], 2, "nowhere/tls.crt: No such file"),
        (["serve", "--files", ".", "--xds", "nonsense", "--tls", "nowhere"], 2, "host:port"),
        (["serve", "--files", ".", "--xds", "nonsense"], 2, "host:port"),
        (["serve"], 2, "--files"),
        (["serve", "--files", ".", "--data-planes", "x"], 2, "--reach HOST:PORT"),
        (["serve", "--files", ".", "--data-planes", "x", "--reach", "nonsense", "--ca", "."], 2, "--reach: 'nonsense'"),
        (["serve", "--files", ".", "--data-planes", "x", "--reach", "x:1", "--ca", "."], 2, "goes with --kube"),
        (["serve", "--kube", "--data-planes", "x", "--reach", "x:1", "--ca", "."], 2, "or with neither"),
        (["serve", "--kube", "--kubeconfig", "nowhere", "--data-planes", "x", "--reach", "x:1"], 3, "nowhere"),
        (["bootstrap", "--xds", "nonsense"], 2, "host:port"),
        (["demo", "--port", "0"], 2, "port"),
    ],
)
def test_misuse_is_told_in_a_sentence_with_a_code(pointsman: Any, arguments: list[str], code: int, words: str) -> None:
    result = pointsman(*arguments)
    assert result.code == code
    assert words in result.out + result.err


@pytest.mark.parametrize("command", ["run", "serve", "bootstrap", "check", "render", "status", "proxies", "demo"])
def test_help_of_every_command_shows_an_example(pointsman: Any, command: str) -> None:
    result = pointsman(command, "--help")
    assert result.code == 0
    assert f"pointsman {command}" in result.out
    assert "--output" in result.out


def test_help_imports_nothing_heavy() -> None:
    script = "import sys; from xds.cli.commands import run; run(['--help']); print([m for m in HEAVY if m in sys.modules])"
    heavy = "HEAVY = ('grpc', 'google.protobuf', 'aiohttp', 'yaml', 'msgspec', 'pydantic', 'rich', 'translator', 'asyncio');"
    done = subprocess.run([sys.executable, "-c", heavy + script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_bug_of_ours_is_a_sentence_too(pointsman: Any, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("xds.cli.checking.check", explode)
    result = pointsman("check", demo)
    assert (result.code, result.err.split(" at ")[0]) == (1, "pointsman: RuntimeError")
    assert "POINTSMAN_DEBUG=1" in result.err
    assert "boom" not in result.err


# check -----------------------------------------------------------------------------------------------------------------


def test_a_folder_without_fault_is_said_to_be_so(pointsman: Any, demo: Path) -> None:
    result = pointsman("check", demo)
    assert (result.code, result.out) == (0, "9 objects, no findings\n")


def test_a_finding_names_file_line_column_code_and_object(pointsman: Any, demo: Path) -> None:
    shop = demo / "shop.yaml"
    shop.write_text(shop.read_text().replace("name: shop, weight", "name: shpo, weight"))
    result = pointsman("check", demo)
    assert result.code == 1
    [line] = result.out.splitlines()
    assert line.startswith(f"{shop}:13:7 PM0201")
    assert " HTTPRoute default/shop: " in line
    assert "shpo" in line


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: [\n", ":2:1 PM0101"),
        ("kind: Gateway\n", ":1:1 PM0102"),
        ("[]\n", ":1:1 PM0102"),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n", ":2:1 PM0103"),
        ("a: 1\na: 2\n", ":2:1 PM0122"),
        ("a: &b 1\n", ":1:4 PM0121"),
        ("\x00", ":1:1 PM0101"),
        ("apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: x}\nspec: {listeners: []}\n", ":4:1 PM0108"),
    ],
)  # fmt: skip
def test_whatever_a_file_holds_is_a_finding_at_its_place(pointsman: Any, tmp_path: Path, text: str, start: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    result = pointsman("check", tmp_path)
    assert result.code == 1
    assert result.out.splitlines()[0].startswith(f"{tmp_path}/x.yaml{start}")


def test_one_file_can_be_checked_alone(pointsman: Any, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: [\n")
    assert pointsman("check", tmp_path / "x.yaml").out.startswith(f"{tmp_path}/x.yaml:2:1 PM0101")


def test_findings_are_told_to_programs_alike(pointsman: Any, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: [\n")
    as_json = json.loads(pointsman("check", tmp_path, "-o", "json").out)
    assert as_json == yaml.safe_load(pointsman("check", tmp_path, "-o", "yaml").out)
    [one] = as_json["findings"]
    assert (one["file"], one["line"], one["column"], one["code"], one["severity"]) == ("x.yaml", 2, 1, "PM0101", "error")


@pytest.mark.e2e
def test_envoy_is_asked_where_the_user_wants_it(pointsman: Any, demo: Path) -> None:
    result = pointsman("check", demo, "--envoy")
    assert (result.code, result.out) == (0, "9 objects, no findings, and Envoy takes them\n")


def test_an_envoy_that_is_not_there_cannot_be_asked(pointsman: Any, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_ENVOY", "/nowhere/envoy")
    result = pointsman("check", demo, "--envoy")
    assert result.code == 3
    assert "/nowhere/envoy is not a program" in result.err


# render ----------------------------------------------------------------------------------------------------------------


def test_render_has_every_section_with_version_resource_and_origin(pointsman: Any, demo: Path) -> None:
    found = json.loads(pointsman("render", demo, "-o", "json").out)
    assert list(found) == ["listeners", "routes", "scopedRoutes", "clusters", "endpoints", "secrets"]
    [listener] = found["listeners"]
    assert set(listener) == {"name", "version", "resource", "from"}
    assert listener["resource"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 8080}
    assert "Gateway default/edge" in listener["from"]
    backends = ["backend/default/alice", "backend/default/shop", "backend/default/shop-next"]
    assert [one["name"] for one in found["clusters"]] == [*backends, "fork/default/previews/backend/default/shop/next"]


def test_render_is_yaml_for_people_and_twice_the_same(pointsman: Any, demo: Path) -> None:
    first, second = pointsman("render", demo), pointsman("render", demo)
    assert first.out == second.out
    assert yaml.safe_load(first.out) == json.loads(pointsman("render", demo, "-o", "json").out)


def test_render_moves_ports_and_addresses(pointsman: Any, demo: Path) -> None:
    [listener] = json.loads(pointsman("render", demo, "--port-offset", 1000, "--bind", "127.0.0.2", "-o", "json").out)["listeners"]
    assert listener["resource"]["address"]["socket_address"] == {"address": "127.0.0.2", "port_value": 9080}


def test_an_envoy_without_the_module_gets_one_flat_table(pointsman: Any, demo: Path) -> None:
    found = json.loads(pointsman("render", demo, "--flat", "-o", "json").out)
    assert found["scopedRoutes"] == []
    assert len(found["routes"]) == 1


def test_what_a_secret_holds_is_printed_nowhere(pointsman: Any, demo: Path) -> None:
    body = "Y2FuYXJ5LWtleQ=="  # canary-key
    (demo / "secret.yaml").write_text(
        f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ntype: kubernetes.io/tls\ndata: {{tls.key: {body}, tls.crt: {body}}}\n"
    )
    for command in ("render", "status", "check"):
        for form in ("table", "json", "yaml"):
            result = pointsman(command, demo, "-o", form)
            assert "canary" not in result.out + result.err
            assert body not in result.out + result.err


# status ----------------------------------------------------------------------------------------------------------------


def test_status_of_files_is_a_table_of_conditions(pointsman: Any, demo: Path) -> None:
    rows = {tuple(line.split()[:2]): line for line in pointsman("status", demo).out.splitlines()}
    assert rows["HTTPRoute", "default/shop"].split()[2:] == ["Gateway/edge", "True", "True", "-"]
    assert rows["Gateway", "default/edge"].split()[2:] == ["True", "-", "True", "2"]


def test_status_prints_objects_as_kubectl_would(pointsman: Any, demo: Path) -> None:
    listed = json.loads(pointsman("status", demo, "-o", "json").out)
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    assert {one["kind"] for one in listed["items"]} == {"Backend", "Gateway", "GatewayClass", "HTTPRoute", "RouteGroup", "Sandbox"}
    one = yaml.safe_load(pointsman("status", demo, "route/shop", "-o", "yaml").out)
    assert list(one) == ["apiVersion", "kind", "metadata", "spec", "status"]
    assert one["metadata"]["namespace"] == "default"
    [parent] = one["status"]["parents"]
    assert {each["type"]: each["status"] for each in parent["conditions"]} == {"Accepted": "True", "ResolvedRefs": "True"}
    assert all(
        set(each) == {"type", "status", "reason", "message", "observedGeneration", "lastTransitionTime"} for each in parent["conditions"]
    )


def test_status_tells_a_reason_and_a_message(pointsman: Any, demo: Path) -> None:
    shop = demo / "shop.yaml"
    shop.write_text(shop.read_text().replace("name: shop, weight", "name: shpo, weight"))
    [_, row] = pointsman("status", demo, "httproutes/shop").out.splitlines()
    assert "False (BackendNotFound)" in row
    assert "shpo" in row


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["backend"], {"alice", "shop", "shop-next"}),
        (["gw"], {"edge"}),
        (["HTTPRoute/alice"], {"alice"}),
        (["backend", "-n", "default"], {"alice", "shop", "shop-next"}),
        (["backend", "-n", "elsewhere"], set()),
    ],
)
def test_status_can_be_asked_for_some(pointsman: Any, demo: Path, arguments: list[str], names: set[str]) -> None:
    found = json.loads(pointsman("status", demo, *arguments, "-o", "json").out)
    assert {one["metadata"]["name"] for one in found.get("items", [found])} == names


def test_status_of_what_is_not_there_is_a_finding(pointsman: Any, demo: Path) -> None:
    result = pointsman("status", demo, "gw/absent")
    assert (result.code, result.err) == (1, "pointsman: Gateway absent not found\n")


# bootstrap and demo ----------------------------------------------------------------------------------------------------


def test_bootstrap_is_yaml_unless_json_is_wanted(pointsman: Any) -> None:
    as_yaml = yaml.safe_load(pointsman("bootstrap", "--node", "n: 1", "--group", "g").out)
    assert as_yaml == json.loads(pointsman("bootstrap", "--node", "n: 1", "--group", "g", "-o", "json").out)
    assert (as_yaml["node"]["id"], as_yaml["node"]["cluster"]) == ("n: 1", "g")


def test_bootstrap_announces_the_native_module_where_envoy_will_find_it(
    pointsman: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = tmp_path / "built"
    built.mkdir()
    (built / MODULE).touch()
    monkeypatch.setattr("xds.dataplane.MODULES", (built,))
    monkeypatch.delenv(SEARCHED, raising=False)
    for elsewhere in (None, tmp_path):
        if elsewhere:
            monkeypatch.setenv(SEARCHED, str(elsewhere))
        told = pointsman("bootstrap")
        assert "metadata" not in yaml.safe_load(told.out)["node"]
        assert f"export {SEARCHED}={built}" in told.err
    monkeypatch.setenv(SEARCHED, str(built))
    told = pointsman("bootstrap")
    assert yaml.safe_load(told.out)["node"]["metadata"] == {MODULES_KEY: ["shard"]}
    assert told.err == ""


def test_demo_writes_a_folder_and_says_what_to_do(pointsman: Any, tmp_path: Path) -> None:
    result = pointsman("demo", tmp_path / "d", "--port", 9999)
    assert result.code == 0
    assert "curl -H 'X-Route-Key: alice' http://127.0.0.1:9999/" in result.out
    assert pointsman("check", tmp_path / "d").code == 0


def test_demo_leaves_a_folder_alone_that_is_somebodys(pointsman: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = pointsman("demo", tmp_path, "-o", "json")
    assert json.loads(result.out)["written"] == []
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_demo_says_where_it_cannot_write(pointsman: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert pointsman("demo", tmp_path / "file" / "d").code == 2


LOAD = {"succeeded": 3, "failed": 1, "dropped": 0, "issued": 4, "in_progress": 2, "reports": 7}


@pytest.mark.parametrize(
    ("clusters", "words"),
    [
        pytest.param({"b": LOAD, "a": LOAD}, ["CLUSTER  SUCCEEDED  FAILED", "a        3", "b        3"], id="a row for each cluster"),
        pytest.param({}, ["no proxy reports load"], id="nobody reports"),
    ],
)
def test_load_of_clusters_is_a_table(
    pointsman: Any, monkeypatch: pytest.MonkeyPatch, clusters: dict[str, object], words: list[str]
) -> None:
    from xds.cli import showing

    monkeypatch.setattr(showing, "asked", lambda *_: {"clusters": clusters, "passed_over": 0})
    result = pointsman("proxies", "--load")
    assert result.code == 0
    assert all(word in result.out for word in words)


def test_bootstrap_reports_load_only_where_it_is_wanted(pointsman: Any) -> None:
    assert "load_stats_config" in pointsman("bootstrap", "--load-reports").out
    assert "load_stats_config" not in pointsman("bootstrap").out


def test_bootstrap_sends_what_is_counted_only_where_it_is_wanted(pointsman: Any) -> None:
    assert "stats_sinks" in pointsman("bootstrap", "--request-metrics").out
    assert "stats_sinks" not in pointsman("bootstrap").out


# -o name ---------------------------------------------------------------------------------------------------------------


def test_names_alone_are_one_a_line(pointsman: Any, demo: Path) -> None:
    assert "httproute/shop" in pointsman("status", demo, "-o", "name").out.splitlines()
    assert {one.partition("/")[0] for one in pointsman("render", demo, "-o", "name").out.splitlines()} >= {
        "listeners",
        "routes",
        "clusters",
    }
    (demo / "lonely.yaml").write_text(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: lonely}\n"
        "spec: {gatewayClassName: none, listeners: [{name: a, port: 80, protocol: HTTP}]}\n"
    )
    assert pointsman("check", demo, "-o", "name").out == "PM0301 Gateway/default/lonely\n"


def test_what_has_no_names_says_so(pointsman: Any) -> None:
    result = pointsman("bootstrap", "-o", "name")
    assert (result.code, "there are no names here" in result.err) == (2, True)
