"""Claims about forks of Deployments: what they run, and that nobody without the key meets them, whatever a patch says."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translator.ir.copy import ANSWERS, Copies, Copy, Source
from translator.workloads.fork import deployment, selecting, service
from translator.workloads.patch import UnfitError

BASE: dict[str, Any] = {
    "metadata": {"name": "checkout", "namespace": "shop", "resourceVersion": "9", "uid": "x", "labels": {"argocd": "x"}},
    "spec": {
        "replicas": 7,
        "paused": True,
        "selector": {"matchLabels": {"app": "checkout", "pod": "p"}},
        "template": {
            "metadata": {"labels": {"app": "checkout", "pod": "p", "tier": "web", "team": "x"}, "annotations": {"a": "b"}},
            "spec": {
                "containers": [
                    {"name": "app", "image": "r/checkout:1", "env": [{"name": "A", "value": "1"}], "resources": {"limits": {"gpu": "1"}}},
                    {"name": "log", "image": "l"},
                ]
            },
        },
    },
    "status": {"replicas": 7},
}


def leading(name: str, **selector: str) -> dict[str, Any]:
    spec = {"selector": selector, "clusterIP": "10.0.0.1", "ports": [{"port": 80, "targetPort": "http", "nodePort": 30000}]}
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": spec}


SERVICES = [leading("checkout", app="checkout", tier="web"), leading("other", team="y"), {"metadata": {"name": "none"}, "spec": {}}]


def made(patch: Any = None, resources: tuple[tuple[str, str], ...] = (), **wanted: Any) -> dict[str, Any]:
    of = Copies(namespace="shop", sandbox="alice", born="", copies=(), resources=resources)
    return deployment(BASE, Copy(of="checkout", **wanted), of, SERVICES, patch)


def containers(of: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in of["spec"]["template"]["spec"]["containers"]}


def template(**metadata: Any) -> dict[str, Any]:
    return {"spec": {"template": {"metadata": metadata}}}


def test_fork_is_one_pod_of_the_baseline_and_nothing_that_an_api_server_says_of_it() -> None:
    fork = made()
    assert fork["spec"].keys() == {"replicas", "selector", "template"}
    assert fork["metadata"].keys() == {"name", "namespace", "labels"}
    assert (fork["spec"]["replicas"], fork["spec"]["template"]["metadata"]["annotations"]) == (1, {"a": "b"})
    assert containers(fork) == {one["name"]: one for one in BASE["spec"]["template"]["spec"]["containers"]}


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(None, id="no-patch"),
        pytest.param(template(labels={"app": "checkout", "tier": "web"}), id="labels-of-the-baseline-said-again"),
        pytest.param(template(labels={"team": "y"}), id="labels-of-another-service"),
        pytest.param(template(labels={"pointsman.io/sandbox": "bob", "pointsman.io/fork-of": "cart"}), id="labels-of-another-fork"),
        pytest.param(template(labels=None), id="labels-taken-away"),
    ],
)
def test_pods_of_a_fork_are_found_by_their_own_service_alone(patch: dict[str, Any] | None) -> None:
    fork, own = made(patch), service(SERVICES[0], "checkout", Copies(namespace="shop", sandbox="alice", born="", copies=()))
    labels = fork["spec"]["template"]["metadata"]["labels"]
    assert selecting([*SERVICES, own], labels) == [own]
    assert fork["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_service_of_a_fork_says_for_which_it_answers() -> None:
    found = service(SERVICES[0], "checkout", Copies(namespace="shop", sandbox="alice", born="", copies=()))
    assert (found["metadata"]["name"], found["metadata"]["annotations"]) == ("checkout-alice", {ANSWERS: "alice/checkout/checkout"})
    assert found["spec"]["ports"] == [{"port": 80, "targetPort": "http"}]


def test_images_environment_and_resources_are_those_that_were_asked_for() -> None:
    env = (("*", "A", "2"), ("log", "B", "3"), ("app", "A", None))
    found = containers(made(images=(("app", "r/checkout:2"),), env=env, resources=(("cpu", "100m"),)))
    assert (found["app"]["image"], found["log"]["image"]) == ("r/checkout:2", "l")
    assert (found["app"]["env"], found["log"]["env"]) == ([], [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}])
    assert found["app"]["resources"] == {"limits": {"gpu": "1", "cpu": "100m"}, "requests": {"cpu": "100m"}}


def test_values_from_elsewhere_are_as_a_pod_has_them() -> None:
    secret = Source("secretKeyRef", (("name", "db"), ("key", "password"), ("optional", True)))
    found = containers(made(env=(("app", "A", Source("fieldRef", (("fieldPath", "status.podIP"),))), ("log", "B", secret))))
    assert found["app"]["env"] == [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    assert found["log"]["env"] == [{"name": "B", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password", "optional": True}}}]


APP = "/spec/template/spec/containers/0"


def test_json_patch_is_of_the_fork_with_its_images_and_environment() -> None:
    patch = [
        {"op": "test", "path": f"{APP}/image", "value": "r/checkout:2"},
        {"op": "replace", "path": f"{APP}/image", "value": "r/checkout:3"},
        {"op": "add", "path": f"{APP}/args", "value": ["-v"]},
        {"op": "replace", "path": "/spec/replicas", "value": 2},
        {"op": "remove", "path": "/spec/template/metadata/annotations/a"},
    ]
    found = made(patch, images=(("app", "r/checkout:2"),), how="json")
    app, annotations = containers(found)["app"], found["spec"]["template"]["metadata"]["annotations"]
    assert (found["spec"]["replicas"], app["image"], app["args"], annotations) == (2, "r/checkout:3", ["-v"], {})


def test_merge_patch_replaces_lists() -> None:
    found = made({"spec": {"template": {"spec": {"containers": [{"name": "new", "image": "n"}]}}}}, how="merge")
    assert [*containers(found)] == ["new"]


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        pytest.param([{"op": "test", "path": "/spec/replicas", "value": 7}], "operation 0 of the patch (test /spec/replicas)", id="test"),
        pytest.param([{"op": "add", "path": "/metadata", "value": {}}], "nothing but spec", id="metadata"),
        pytest.param([{"op": "add", "path": "/spec/selector", "value": {"a": 1}}], "spec.selector", id="selector"),
        pytest.param([{"op": "replace", "path": "", "value": []}], "no object", id="whole"),
        pytest.param([{"op": "replace", "path": "", "value": {}}], "no spec.template", id="nothing-left"),
        pytest.param([{"op": "add", "path": f"{APP}", "value": 1}], "no container that is an object", id="container-that-is-a-number"),
        pytest.param({}, "a list of at most", id="no-list"),
    ],
)
def test_json_patch_that_does_not_fit_names_what_is_wrong(patch: Any, words: str) -> None:
    with pytest.raises(UnfitError) as told:
        made(patch, how="json")
    assert words in str(told.value)


def test_patch_has_the_last_word() -> None:
    patch = {
        "kind": "Deployment",
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "app", "image": "r/checkout:3"}]}}},
    }
    found = made(patch, images=(("app", "r/checkout:2"),))
    assert (found["spec"]["replicas"], containers(found)["app"]["image"]) == (2, "r/checkout:3")


@pytest.mark.parametrize(
    ("wanted", "patch", "words"),
    [
        pytest.param({"images": (("", "x"),)}, None, "name one container of app, log", id="which-of-two"),
        pytest.param({"images": (("web", "x"),)}, None, "and not web", id="container-that-is-not-there"),
        pytest.param({"env": (("", "A", "1"),)}, None, "name one container", id="variable-of-which"),
        pytest.param({}, {"metadata": {"name": "checkout"}}, "nothing but spec", id="patch-of-the-name"),
        pytest.param({}, {"spec": {"selector": {"matchLabels": {"app": "checkout"}}}}, "spec.selector", id="patch-of-the-selector"),
        pytest.param({}, {"spec": "x"}, "spec.selector", id="patch-that-is-none"),
        pytest.param({}, {"spec": {"template": None}}, "no spec.template", id="patch-that-takes-all-away"),
        pytest.param({}, {"spec": {"template": {"spec": {"containers": None}}}}, "no container", id="patch-that-takes-containers-away"),
        pytest.param({}, template(labels={"a": 1}), "label", id="label-that-is-a-number"),
        pytest.param({}, template(labels=["a"]), "labels", id="labels-that-are-a-list"),
    ],
)
def test_what_cannot_be_made_is_told(wanted: dict[str, Any], patch: dict[str, Any] | None, words: str) -> None:
    with pytest.raises(UnfitError, match=words):
        made(patch, **wanted)


WORDS = st.sampled_from(["spec", "template", "metadata", "labels", "containers", "name", "resources", "limits", "env", "app"])
ANYTHING = st.recursive(
    st.none() | st.integers() | st.sampled_from(["app", "checkout"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.dictionaries(WORDS, ANYTHING, max_size=3), st.booleans())
def test_whatever_a_patch_is_the_fork_is_hidden_or_there_is_none(patch: dict[str, Any], below: bool) -> None:
    with contextlib.suppress(UnfitError):
        fork = made({"spec": {"template": patch}} if below else {"spec": patch}, resources=(("cpu", "1"),))
        assert selecting(SERVICES, fork["spec"]["template"]["metadata"]["labels"]) == []


def test_baseline_is_left_as_it_was() -> None:
    before = copy.deepcopy(BASE)
    made({"spec": {"template": {"spec": {"containers": [{"name": "app", "env": []}]}}}}, images=(("app", "x"),), env=(("*", "A", "2"),))
    assert before == BASE
