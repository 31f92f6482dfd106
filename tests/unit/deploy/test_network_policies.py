"""Who may talk to whom under our NetworkPolicies, decided as Kubernetes has it: by the labels and ports that our own Pods have.

No network of a test enforces them, so what they mean is worked out here, in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.translator.planes.test_manifests import EDGE, SHARED, made
from translator.planes.pods import READY_PORT
from xds.installation.manifests import NAMESPACE, PAGES_PORT, XDS_PORT, base

DEPLOY = Path(__file__).parents[3] / "deploy"
POLICIES = [
    one | {"metadata": {"namespace": "infra"} | one["metadata"]}
    for path in sorted((DEPLOY / "components" / "network-policy").glob("*.yaml"))
    for one in yaml.safe_load_all(path.read_text())
    if one["kind"] == "NetworkPolicy"
]
INSIDE, OUTSIDE = "10.0.0.1", "198.51.100.1"


@dataclass(frozen=True)
class Pod:
    """`labels` of none are those of an address outside of the cluster."""

    namespace: str = ""
    labels: dict[str, str] | None = None
    ports: dict[str, int] = field(default_factory=dict)


def of(document: dict[str, Any], namespace: str) -> Pod:
    template = document["spec"]["template"]
    named = {
        port["name"]: port["containerPort"] for one in template["spec"]["containers"] for port in one.get("ports", ()) if "name" in port
    }
    return Pod(namespace, template["metadata"]["labels"], named)


SERVER = of(next(one.document for one in base() if one.kind == "Deployment"), NAMESPACE)
PROXY = of(made(EDGE)["Deployment"].document, "infra")
TOGETHER = of(made(SHARED)["Deployment"].document, NAMESPACE)
SIDECAR = Pod("shop", {"app": "cart", "pointsman.io/sidecar": "true"})
WORKLOAD = Pod("shop", {"app": "cart"})
STRANGER = Pod()


def allowed(source: Pod, to: Pod, port: int, protocol: str = "TCP") -> bool:
    """Both sides must allow it; a side that no policy is about allows everything."""
    return _side("Egress", source, to, to, port, protocol) and _side("Ingress", to, source, to, port, protocol)


def _side(direction: str, about: Pod, other: Pod, at: Pod, port: int, protocol: str) -> bool:
    those = [one["spec"] for one in POLICIES if one["metadata"]["namespace"] == about.namespace and direction in one["spec"]["policyTypes"]]
    those = [one for one in those if about.labels is not None and _selects(one["podSelector"], about.labels)]
    peers = "to" if direction == "Egress" else "from"
    rules = [rule for one in those for rule in one.get(direction.lower(), ())]
    fits = [rule for rule in rules if any(_peer(one, other, about) for one in rule.get(peers, [None]))]
    return not those or any(_port(rule, at, port, protocol) for rule in fits)


def _port(rule: dict[str, Any], at: Pod, port: int, protocol: str) -> bool:
    asked = rule.get("ports", [{"protocol": protocol}])
    return any(one.get("protocol", "TCP") == protocol and port == at.ports.get(one.get("port", ""), one.get("port", port)) for one in asked)


def _peer(peer: dict[str, Any] | None, other: Pod, about: Pod) -> bool:
    if peer is None:
        return True
    if other.labels is None:
        return False
    namespaces = peer.get("namespaceSelector")
    there = (
        other.namespace == about.namespace if namespaces is None else _selects(namespaces, {"kubernetes.io/metadata.name": other.namespace})
    )
    return there and _selects(peer.get("podSelector", {}), other.labels)


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    exist = [one["key"] in labels for one in selector.get("matchExpressions", ()) if one["operator"] == "Exists"]
    assert len(exist) == len(selector.get("matchExpressions", ())), "an operator that is not known here"
    return selector.get("matchLabels", {}).items() <= labels.items() and all(exist)


@pytest.mark.parametrize("proxy", [PROXY, TOGETHER, SIDECAR], ids=["of a Gateway", "of a class", "beside a workload"])
def test_proxy_of_any_kind_reaches_the_server_for_its_configuration(proxy: Pod) -> None:
    assert allowed(proxy, SERVER, XDS_PORT)


@pytest.mark.parametrize("other", [WORKLOAD, STRANGER], ids=["a workload", "an address outside"])
def test_nobody_else_reaches_the_server_for_configuration(other: Pod) -> None:
    assert not allowed(other, SERVER, XDS_PORT)


def test_proxies_reach_the_server_at_no_other_port_of_its_configuration() -> None:
    assert not allowed(STRANGER, SERVER, PAGES_PORT)
    assert not allowed(PROXY, SERVER, 22)


@pytest.mark.parametrize("pod", [SERVER, PROXY], ids=["server", "proxy"])
def test_whoever_scrapes_reaches_metrics_from_any_namespace(pod: Pod) -> None:
    assert allowed(Pod("monitoring", {"app": "prometheus"}), pod, PAGES_PORT if pod is SERVER else READY_PORT)


@pytest.mark.parametrize("port", [80, 443, 8443])
def test_anybody_reaches_the_ports_of_a_gateway(port: int) -> None:
    assert allowed(STRANGER, PROXY, port)
    assert allowed(WORKLOAD, PROXY, port)
    assert allowed(STRANGER, PROXY, port, "UDP")


def test_proxy_reaches_backends_and_names_in_the_cluster_and_nothing_outside_of_it() -> None:
    dns = Pod("kube-system", {"k8s-app": "kube-dns"})
    assert allowed(PROXY, WORKLOAD, 3000)
    assert allowed(PROXY, dns, 53, "UDP")
    assert allowed(PROXY, dns, 53)
    assert not allowed(PROXY, STRANGER, 443)


def test_server_reaches_the_api_server_wherever_it_is() -> None:
    assert allowed(SERVER, STRANGER, 6443)


def test_chart_has_the_same_policy_for_the_server() -> None:
    text = (DEPLOY / "helm" / "pointsman" / "templates" / "network-policy.yaml").read_text()
    chart = yaml.safe_load("\n".join(line for line in text.replace("{{ .Release.Namespace }}", NAMESPACE).splitlines() if "{{" not in line))
    (ours,) = [one for one in POLICIES if one["metadata"]["name"] == chart["metadata"]["name"]]
    assert chart["spec"] == ours["spec"]
