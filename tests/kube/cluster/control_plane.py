"""etcd, API server and controllers as plain processes on free loopback ports: a Kubernetes without nodes, ready in seconds.

What a controller sees and writes is real; what a node would do (run Pods, give addresses) is not there. Needs no root.
"""

from __future__ import annotations

import shutil
import ssl
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from tests.kube.cluster.certificates import Authority
from tests.kube.cluster.ports import Reserved
from tests.kube.cluster.process import Process
from tests.kube.cluster.programs import Programs, programs

LOOPBACK = "127.0.0.1"
READY = 120.0  # seconds; a quiet machine needs five for all
PORTS = ("etcd", "peer", "apiserver")
CONTROLLERS = (
    "namespace-controller", "serviceaccount-controller", "root-ca-certificate-publisher-controller", "endpointslice-controller",
    "garbage-collector-controller", "deployment-controller", "replicaset-controller", "daemonset-controller", "job-controller",
    "endpoints-controller", "pod-garbage-collector-controller", "disruption-controller",
)  # fmt: skip


class ControlPlane:
    """To be used in a `with`. `kubeconfig` is that of an administrator; `address` that on which others find the API server."""

    def __init__(self, folder: Path, found: Programs | None = None, address: str = LOOPBACK) -> None:
        self.folder, self.address, self._programs = folder, address, found or programs()
        self._authority = Authority(folder / "certificates")
        self._ports = {name: Reserved(address if name == "apiserver" else LOOPBACK) for name in PORTS}
        self.url = f"https://{address}:{self._ports['apiserver'].port}"
        self.kubeconfig = self._authority.kubeconfig(folder / "admin.kubeconfig", self.url, "admin", "system:masters")
        self.etcd, self.apiserver, self.controllers = self._etcd(), self._apiserver(), self._controllers()
        self._tls = ssl.create_default_context(cafile=self._authority.file)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    def _start(self) -> None:
        self.etcd.start()
        self.etcd.wait(lambda: self._answers(f"http://127.0.0.1:{self._ports['etcd'].port}/health"), READY)
        self.start_apiserver()
        self.controllers.start()
        self.controllers.wait(lambda: self.kubectl("get", "serviceaccount", "default", check=False).returncode == 0, READY)

    def start_apiserver(self) -> None:
        """Also again, after it was killed."""
        self.apiserver.start()
        self.apiserver.wait(lambda: self._answers(f"{self.url}/readyz"), READY)

    def _stop(self) -> None:
        for one in (self.controllers, self.apiserver, self.etcd):
            one.kill()  # nothing of it is kept
        for port in self._ports.values():
            port.close()

    def user(self, name: str, *groups: str) -> Path:
        """The kubeconfig of another user."""
        return self._authority.kubeconfig(self.folder / f"{name.replace(':', '-')}.kubeconfig", self.url, name, *groups)

    def kubectl(self, *arguments: str, text: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """As the administrator; `text` is what `-f -` reads."""
        command = [self._programs["kubectl"], "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=READY, check=False)
        assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done

    def install(self, definitions: Path) -> None:
        """All CustomResourceDefinitions below a folder, until the API server serves them."""
        self.kubectl("apply", "--server-side", "--recursive", "-f", str(definitions))
        self.apiserver.wait(self._established, READY)

    def _established(self) -> bool:
        """kubectl itself fails where a definition has no conditions yet."""
        return self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=20s", check=False).returncode == 0

    def _answers(self, url: str) -> bool:
        if not url.startswith("https:"):
            with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - our own
                return bool(answer.status == 200)
        certificate = self._authority.folder / "admin.crt"
        self._tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
        with urllib.request.urlopen(url, timeout=3, context=self._tls) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)

    # The programs ------------------------------------------------------------------------------------------------------

    def _process(self, name: str, *flags: str) -> Process:
        return Process(name, [self._programs[name], *flags], self.folder / f"{name}.log")

    def _etcd(self) -> Process:
        client, peer = (f"http://127.0.0.1:{self._ports[name].port}" for name in ("etcd", "peer"))
        return self._process(
            "etcd", f"--data-dir={self.folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn", "--socket-reuse-port",
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
        )  # fmt: skip

    def _apiserver(self) -> Process:
        certificate, key = self._authority.issue(
            "kube-apiserver", addresses=tuple({LOOPBACK, self.address, "10.96.0.1", "localhost", "kubernetes.default.svc"})
        )
        self._authority.key("serviceaccounts")
        signing = self._authority.folder / "serviceaccounts.key"
        return self._process(
            "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{self._ports['etcd'].port}", f"--bind-address={self.address}",
            f"--secure-port={self._ports['apiserver'].port}", "--permit-port-sharing", f"--advertise-address={self.address}",
            "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16", f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}", f"--client-ca-file={self._authority.file}", "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc", f"--service-account-key-file={signing}",
            f"--service-account-signing-key-file={signing}", "--profiling=false", "--v=0",
            *self._of_nodes(),
        )  # fmt: skip

    def _of_nodes(self) -> tuple[str, ...]:
        """What an API server must know where there are nodes."""
        return ()

    def _controllers(self) -> Process:
        config = self._authority.kubeconfig(self.folder / "controllers.kubeconfig", self.url, "system:kube-controller-manager")
        return self._process(
            "kube-controller-manager", f"--kubeconfig={config}", f"--authentication-kubeconfig={config}",
            f"--authorization-kubeconfig={config}", "--leader-elect=false", "--secure-port=0", "--use-service-account-credentials",
            f"--service-account-private-key-file={self._authority.folder / 'serviceaccounts.key'}",
            f"--root-ca-file={self._authority.file}", "--kube-api-qps=500", "--kube-api-burst=1000",
            f"--controllers={','.join(CONTROLLERS)}", "--endpointslice-updates-batch-period=0s", "--v=0",
        )  # fmt: skip


C = TypeVar("C", bound=ControlPlane)


class Temporary(Generic[C]):
    """A cluster in a folder that goes with it."""

    def __init__(self, make: Callable[[Path], C]) -> None:
        self._folder, self._make = Path(tempfile.mkdtemp(prefix="pointsman-cluster-")), make
        self._inner: C | None = None

    def __enter__(self) -> C:
        self._inner = self._make(self._folder)
        return self._inner.__enter__()

    def __exit__(self, *error: object) -> None:
        if self._inner:
            self._inner.__exit__(*error)
        shutil.rmtree(self._folder, ignore_errors=True)
