"""Pods of the test cluster: that they are run, reached, told and ended as a kubelet would do it."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

from tests.kube.cluster.cluster import Cluster

SOON = 60.0
ECHO = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo}
spec:
  replicas: 2
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: echo
          image: pointsman-echo
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
          ports: [{containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: 8080}}
          env: [{name: PORT, value: "8080"}]
          volumeMounts: [{name: told, mountPath: /told}]
      volumes: [{name: told, configMap: {name: told}}]
---
apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {type: LoadBalancer, selector: {app: echo}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: told}
data: {word: one}
"""


def until(cluster: Cluster, what: Callable[[], bool]) -> None:
    cluster.nodes.wait(what, SOON)


def got(url: str) -> str:
    """OSError where nobody answers."""
    with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - our own
        return answer.read().decode()


def test_deployment_is_reached_by_the_address_of_its_service(cluster: Cluster, namespace: str) -> None:
    kubectl = ("-n", namespace)
    cluster.kubectl(*kubectl, "apply", "-f", "-", text=ECHO)
    cluster.kubectl(*kubectl, "rollout", "status", "deployment/echo", f"--timeout={SOON:.0f}s")
    address = cluster.kubectl(*kubectl, "get", "service", "echo", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}").stdout
    told = json.loads(cluster.kubectl(*kubectl, "get", "pods", "-o", "json").stdout)["items"]
    assert {one["spec"]["nodeName"] for one in told} == {"node-1", "node-2"}
    names = {one["metadata"]["name"] for one in told}
    until(cluster, lambda: json.loads(got(f"http://{address}/"))["pod"] in names)

    cluster.kubectl(*kubectl, "delete", "pod", *names, "--wait=false")
    until(cluster, lambda: json.loads(got(f"http://{address}/"))["pod"] not in names)


READER = """
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec:
  securityContext: {runAsUser: 65532}
  terminationGracePeriodSeconds: 5
  containers:
    - name: reader
      image: pointsman-echo
      command: [sh, -c]
      args:
        - |
          id -u; word() { echo $(cat /told/word) $(cat /secret/word); }
          word; while [ "$(cat /told/word)" = one ] || [ "$(cat /secret/word)" = one ]; do sleep 0.1; done; word; exec sleep 99
      volumeMounts: [{name: told, mountPath: /told}, {name: secret, mountPath: /secret}]
  volumes: [{name: told, configMap: {name: told}}, {name: secret, secret: {secretName: told}}]
"""


def test_files_of_a_running_pod_follow_their_config_map_and_their_secret(cluster: Cluster, namespace: str) -> None:
    kubectl = ("-n", namespace)
    cluster.kubectl(*kubectl, "create", "configmap", "told", "--from-literal=word=one")
    cluster.kubectl(*kubectl, "create", "secret", "generic", "told", "--from-literal=word=one")
    cluster.kubectl(*kubectl, "apply", "-f", "-", text=READER)
    until(cluster, lambda: "65532\none one" in cluster.kubectl(*kubectl, "logs", "reader", check=False).stdout)
    cluster.kubectl(*kubectl, "patch", "configmap", "told", "-p", '{"data": {"word": "two"}}')
    cluster.kubectl(*kubectl, "patch", "secret", "told", "-p", '{"stringData": {"word": "three"}}')
    until(cluster, lambda: "two three" in cluster.kubectl(*kubectl, "logs", "reader", check=False).stdout)
    cluster.kubectl(*kubectl, "delete", "pod", "reader", f"--timeout={SOON:.0f}s")


PROBED = """
apiVersion: v1
kind: Pod
metadata: {name: probed}
spec:
  terminationGracePeriodSeconds: 20
  containers:
    - name: one
      image: pointsman-echo
      command: [sh, -c]
      args:
        - |
          trap 'echo told to end; exit' TERM
          [ -e /kept/once ] && echo alive again || touch /kept/once /tmp/dead
          while true; do [ -e /tmp/stops ] && echo heard && mv /tmp/stops /tmp/heard; sleep 0.1; done
      livenessProbe: {exec: {command: [test, "!", -e, /tmp/dead]}, periodSeconds: 1, failureThreshold: 1}
      lifecycle: {preStop: {exec: {command: [sh, -c, "touch /tmp/stops; until [ -e /tmp/heard ]; do sleep 0.1; done"]}}}
      volumeMounts: [{name: kept, mountPath: /kept}]
  volumes: [{name: kept, emptyDir: {}}]
"""


def test_program_that_its_probe_finds_dead_is_started_again_and_its_hook_comes_before_its_end(cluster: Cluster, namespace: str) -> None:
    kubectl = ("-n", namespace)
    cluster.kubectl(*kubectl, "apply", "-f", "-", text=PROBED)
    until(cluster, lambda: "alive again" in cluster.kubectl(*kubectl, "logs", "probed", check=False).stdout)
    restarts = ("get", "pod", "probed", "-o", "jsonpath={.status.containerStatuses[0].restartCount}")
    until(cluster, lambda: cluster.kubectl(*kubectl, *restarts).stdout == "1")
    cluster.kubectl(*kubectl, "delete", "pod", "probed", f"--timeout={SOON:.0f}s")
    (log,) = (cluster.folder / "logs").glob(f"{namespace}_probed_*.log")
    assert log.read_text().splitlines() == ["alive again", "heard", "told to end"]


def test_program_that_ends_is_started_again(cluster: Cluster, namespace: str) -> None:
    kubectl = ("-n", namespace)
    cluster.kubectl(*kubectl, "run", "brief", "--image=pointsman-echo", "--command", "--", "sh", "-c", "exit 3")
    restarts = ("get", "pod", "brief", "-o", "jsonpath={.status.containerStatuses[0].restartCount}")
    until(cluster, lambda: int(cluster.kubectl(*kubectl, *restarts).stdout or 0) >= 2)
    cluster.kubectl(*kubectl, "delete", "pod", "brief", "--force", "--grace-period=0")
