"""A Kubernetes with two nodes: what the control plane lacks, for Pods to run and Services to have addresses.

Must be started inside a network of its own (`isolation.enter`); whoever asks for an address of a Pod or a Service must be in
there too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.kube.cluster.control_plane import READY, ControlPlane
from tests.kube.cluster.isolation import NODES, PODS
from tests.kube.cluster.node.images import REPOSITORY
from tests.kube.cluster.process import Process
from tests.kube.cluster.programs import Programs

HEALTH = 10256


class Cluster(ControlPlane):
    """`options` are those of `node/__main__.py`."""

    def __init__(self, folder: Path, found: Programs | None = None, *options: str) -> None:
        super().__init__(folder, found, NODES[0])
        self.nodes, self.proxy = self._node(options), self._proxy()

    def _start(self) -> None:
        super()._start()
        self.proxy.start()
        self.nodes.start()
        names = [f"node/node-{number}" for number in range(1, len(NODES) + 1)]
        ready = ("wait", "--for=condition=Ready", *names, "--timeout=1s")
        self.nodes.wait(lambda: self.kubectl(*ready, check=False).returncode == 0, READY)
        self.proxy.wait(lambda: self._answers(f"http://127.0.0.1:{HEALTH}/healthz"), READY)

    def _stop(self) -> None:
        for one in (self.nodes, self.proxy):
            one.kill()
        super()._stop()

    def _of_nodes(self) -> tuple[str, ...]:
        """The administrator reads logs."""
        certificate = self._authority.folder / "admin.crt"
        return (
            f"--kubelet-client-certificate={certificate}", f"--kubelet-client-key={certificate.with_suffix('.key')}",
            "--kubelet-preferred-address-types=InternalIP",
        )  # fmt: skip

    def _node(self, options: tuple[str, ...]) -> Process:
        certificate, key = self._authority.issue("node", addresses=NODES)
        inside = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]
        program = [sys.executable, "-m", "tests.kube.cluster.node", "--kubeconfig", str(self.kubeconfig)]
        places = ["--folder", str(self.folder / "pods"), "--logs", str(self.folder / "logs")]
        files = ["--certificate", str(certificate), "--key", str(key)]
        show = ["--show", str(self._programs.folder)]
        return Process("node", [*inside, *program, *places, *files, *show, *options], self.folder / "node.log", REPOSITORY)

    def _proxy(self) -> Process:
        kubeconfig = self._authority.kubeconfig(self.folder / "proxy.kubeconfig", self.url, "system:kube-proxy")
        config = self.folder / "proxy.json"
        config.write_text(json.dumps({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "nftables",
            "clientConnection": {"kubeconfig": str(kubeconfig), "qps": 200, "burst": 400},
            "hostnameOverride": "node-1", "clusterCIDR": PODS,
            "metricsBindAddress": "127.0.0.1:10249", "healthzBindAddress": f"127.0.0.1:{HEALTH}",
            "nftables": {"minSyncPeriod": "0.05s", "syncPeriod": "30s"},
            "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        }))  # fmt: skip
        return self._process("kube-proxy", f"--config={config}", "--v=0")
