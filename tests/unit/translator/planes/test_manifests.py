"""The objects of a data plane, whole: what is applied is what stands in edge.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from translator.ir.plane import Plane, PlanePort, PodTerms, Run, Scaling, Way
from translator.planes.manifests import KINDS, Made, Terms, collection, group_of, leftovers, objects, secret, selector

HERE = Path(__file__).parent
EDGE = Plane(
    group="infra/edge",
    gateway_class="pods",
    ports=(PlanePort(53, "udp"), PlanePort(80, "tcp"), PlanePort(443, "tcp")),
    addresses=("172.18.0.9",),
    labels=(("team", "shop"),),
    annotations=(("told", "yes"),),
)
SHARED = Plane(  # everything said that can be said
    group="class:pods",
    gateway_class="pods",
    home="pointsman-system",
    ports=(PlanePort(80, "tcp"),),
    run=Run(
        scaling=Scaling(2, 8, 60),
        min_available=1,
        way=Way(annotations=(("balancer", "inside"),), traffic_policy="Local", balancer_class="example.com/lb", sources=("10.0.0.0/8",)),
        pod=PodTerms(
            labels=(("team", "edge"),),
            annotations=(("scrape", "yes"),),
            node_selector=(("pool", "edge"),),
            tolerations=({"key": "edge", "operator": "Exists"},),
            affinity={"podAntiAffinity": {}},
            spread=({"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"},),
            priority_class="high",
            pull_secrets=("registry",),
            requests=(("cpu", 1),),
            limits=(("memory", "1Gi"),),
        ),
        image="registry.example/own:2",
        log_level="debug",
        concurrency=2,
        extra_args=("--component-log-level", "http:trace"),
    ),
)
WAY = replace(EDGE, via="class:pods", home="pointsman-system", ports=(PlanePort(80, "tcp", 20080),))
FILES = {"bootstrap.json": "{}\n"}
TERMS = Terms("registry.example/pointsman:1", 2)


def made(plane: Plane = EDGE, files: dict[str, str] = FILES, terms: Terms = TERMS) -> dict[str, Made]:
    return {one.kind: one for one in objects(plane, "uid-1", files, terms)}


def pod(plane: Plane = EDGE, files: dict[str, str] = FILES) -> dict[str, Any]:
    return made(plane, files)["Deployment"].document["spec"]["template"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(("name", "plane"), [("edge", EDGE), ("shared", SHARED)])
def test_objects_are_those_of_the_golden_file(name: str, plane: Plane) -> None:
    """Read the difference, then write the file anew: it is what a cluster is told."""
    golden = list(yaml.safe_load_all((HERE / f"{name}.yaml").read_text()))
    assert [one.document for one in made(plane).values()] == golden


def test_every_object_is_owned_by_the_gateway_and_found_by_it() -> None:
    for one in [*made().values(), secret(EDGE, "uid-1", {})]:
        [owner] = one.document["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"], owner["controller"]) == ("Gateway", "edge", "uid-1", True)
        assert one.document["metadata"]["labels"].items() >= {**selector(EDGE), "app.kubernetes.io/managed-by": "pointsman"}.items()
        assert (one.document["apiVersion"], one.document["kind"]) == (KINDS[one.kind][0], one.kind)


def test_labels_of_the_gateway_never_take_the_place_of_those_by_which_it_is_found() -> None:
    bold = Plane(group="infra/edge", gateway_class="pods", ports=EDGE.ports, labels=(("gateway.networking.k8s.io/gateway-name", "other"),))
    assert pod(bold)["metadata"]["labels"].items() >= selector(bold).items()


def test_path_of_an_object_is_that_of_its_kind() -> None:
    assert made()["Deployment"].path == "/apis/apps/v1/namespaces/infra/deployments/edge-pods"
    assert made()["Service"].path == "/api/v1/namespaces/infra/services/edge-pods"
    assert collection("PodDisruptionBudget", "infra") == "/apis/policy/v1/namespaces/infra/poddisruptionbudgets"


def test_pods_start_anew_when_they_would_start_with_something_else() -> None:
    assert pod()["metadata"]["annotations"] != pod(files={"bootstrap.json": "{ }\n"})["metadata"]["annotations"]
    assert pod()["metadata"]["annotations"] == pod(files=dict(FILES))["metadata"]["annotations"]


def test_pods_go_on_when_there_is_another_port() -> None:
    """A listener that is added is told over xDS: what a Pod says of its ports opens none."""
    more = Plane(group="infra/edge", gateway_class="pods", ports=(*EDGE.ports, PlanePort(8080, "tcp")))
    assert pod(more) == pod(Plane(group="infra/edge", gateway_class="pods", ports=EDGE.ports))


def test_pod_asks_for_no_privilege() -> None:
    """Kubernetes, Pod Security Standards, restricted."""
    spec = pod()["spec"]
    [container] = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert spec["automountServiceAccountToken"] is False


def test_address_is_asked_for_only_where_the_gateway_does() -> None:
    free = Plane(group="infra/edge", gateway_class="pods", ports=EDGE.ports)
    assert "loadBalancerIP" not in made(free)["Service"].document["spec"]
    asked = made()["Service"].document["spec"]
    assert (asked["loadBalancerIP"], asked.get("externalIPs")) == ("172.18.0.9", None)


def test_without_a_load_balancer_nodes_take_what_comes_for_the_address_that_is_asked_for() -> None:
    run = replace(EDGE.run, way=replace(EDGE.run.way, type="NodePort"))
    asked = made(replace(EDGE, run=run))["Service"].document["spec"]
    assert (asked.get("loadBalancerIP"), asked["externalIPs"]) == (None, ["172.18.0.9"])


@pytest.mark.parametrize("kind", ["Service", "ConfigMap"])
def test_equal_declarations_give_equal_objects(kind: str) -> None:
    assert made()[kind].document == made()[kind].document


def test_secret_holds_what_it_is_given() -> None:
    found = secret(EDGE, "uid-1", {"tls.crt": "eA=="})
    assert found.document["data"] == {"tls.crt": "eA=="}
    assert found.document["type"] == "kubernetes.io/tls"


def running(**said: Any) -> dict[str, Made]:
    return made(Plane(group="infra/edge", gateway_class="pods", ports=EDGE.ports, run=Run(**said)))


def test_daemons_are_not_counted_and_an_old_one_goes_once_a_new_one_is_there() -> None:
    found = running(daemons=True, replicas=5, scaling=Scaling(1, 2, 75))
    assert {"Deployment", "HorizontalPodAutoscaler"} & set(found) == set()
    spec = found["DaemonSet"].document["spec"]
    assert "replicas" not in spec
    assert spec["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert spec["template"] == pod(Plane(group="infra/edge", gateway_class="pods", ports=EDGE.ports))


def test_replicas_are_those_of_the_plane_before_those_of_the_server_and_none_is_one() -> None:
    assert made()["Deployment"].document["spec"]["replicas"] == 2
    assert running(replicas=0)["Deployment"].document["spec"]["replicas"] == 0


def test_what_counts_proxies_is_left_to_it() -> None:
    found = running(replicas=5, scaling=Scaling(1, 2, 75))
    assert "replicas" not in found["Deployment"].document["spec"]
    assert found["HorizontalPodAutoscaler"].document["spec"]["scaleTargetRef"]["name"] == "edge-pods"


def test_service_inside_of_the_cluster_is_told_nothing_of_balancers() -> None:
    way = Way(type="ClusterIP", traffic_policy="Local", balancer_class="x", sources=("10.0.0.0/8",))
    assert running(way=way)["Service"].document["spec"].keys() == {"type", "selector", "ports"}


def test_pods_of_a_gateway_and_of_a_class_are_told_apart() -> None:
    one = Plane(group="pointsman-system/edge", gateway_class="pods", ports=())
    assert not selector(SHARED).items() <= selector(one).items()
    assert not selector(one).items() <= selector(SHARED).items()


@pytest.mark.parametrize("plane", [EDGE, SHARED, WAY])
def test_objects_tell_their_group_and_a_group_where_its_objects_are(plane: Plane) -> None:
    places = leftovers(plane.group, "pointsman-system")
    for one in [*made(plane).values(), secret(plane, "uid-1", {})]:
        metadata = one.document["metadata"]
        assert group_of(metadata["namespace"], metadata["labels"]) == plane.group
        assert any(metadata["namespace"] == at and labels.items() <= metadata["labels"].items() for at, labels in places)
    assert group_of("infra", {"app.kubernetes.io/managed-by": "pointsman"}) == ""
    assert group_of("infra", {"gateway.networking.k8s.io/gateway-name": "edge"}) == ""


def test_shared_objects_are_owned_by_the_class() -> None:
    [owner] = made(SHARED)["Deployment"].document["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("GatewayClass", "pods")


def test_gateway_that_shares_its_proxies_has_a_service_beside_them_and_nothing_else() -> None:
    [one] = objects(WAY, "uid-2", FILES, TERMS)
    metadata, spec = one.document["metadata"], one.document["spec"]
    assert (one.kind, metadata["namespace"], metadata["ownerReferences"][0]["kind"]) == ("Service", "pointsman-system", "GatewayClass")
    assert spec["selector"] == selector(SHARED)
    assert spec["ports"] == [{"name": "tcp-80", "port": 80, "protocol": "TCP", "targetPort": 20080}]
    assert spec["loadBalancerIP"] == "172.18.0.9"
    assert metadata["labels"].items() >= {"team": "shop", "gateway.networking.k8s.io/gateway-name": "edge"}.items()


def test_services_of_gateways_that_are_called_alike_are_two() -> None:
    names = {replace(WAY, group=group).name for group in ("a-b/c", "a/b-c")}
    assert len(names) == 2


def test_service_of_proxies_behind_other_services_shows_their_statistics_alone_and_says_what_they_are() -> None:
    service = made(replace(SHARED, ways=True))["Service"].document
    assert [one["port"] for one in service["spec"]["ports"]] == [19003]
    assert service["metadata"]["labels"]["pointsman.io/addresses-per-gateway"] == "true"
