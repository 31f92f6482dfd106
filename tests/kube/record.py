"""`python -m tests.kube.record`: asks a real API server what the unit tests replay, and writes it to tests/unit/…/recordings.

To be run by hand when the pinned Kubernetes changes; read the difference before it is committed.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import threading
from pathlib import Path

from tests.kube.cluster.control_plane import ControlPlane, Temporary
from xds import crds

TO = Path(__file__).parents[1] / "unit" / "xds" / "sources" / "kube" / "recordings"
ROUTES = "/apis/gateway.networking.k8s.io/v1/httproutes"
STREAMING = "watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"


def main() -> None:
    with Temporary(ControlPlane) as cluster:
        record(cluster, "missing", ROUTES)
        cluster.install(crds.folder())
        for name in "abc":
            cluster.kubectl("apply", "-f", "-", text=_route(name, "one.example"))
        first = record(cluster, "streaming-list", f"{ROUTES}?{STREAMING}&timeoutSeconds=1")
        version = json.loads(first.splitlines()[-1])["object"]["metadata"]["resourceVersion"]
        token = json.loads(record(cluster, "page-1", f"{ROUTES}?limit=2"))["metadata"]["continue"]
        record(cluster, "page-2", f"{ROUTES}?limit=2&continue={token}")
        writing = threading.Thread(target=_write, args=(cluster,))
        writing.start()
        record(cluster, "watch", f"{ROUTES}?watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds=3")
        writing.join()
        record(cluster, "expired-event", f"{ROUTES}?watch=true&resourceVersion=1")
        record(cluster, "expired-page", f"{ROUTES}?limit=2&continue=bm9uc2Vuc2U")
        record(cluster, "forbidden", ROUTES, user="nobody")
        record(cluster, "unauthorized", ROUTES, token="nonsense")


def _route(name: str, host: str) -> str:
    return json.dumps({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": name, "namespace": "default"},
        "spec": {"hostnames": [host], "rules": [{"backendRefs": [{"name": "shop", "port": 80}]}]},
    })  # fmt: skip


def _write(cluster: ControlPlane) -> None:
    cluster.kubectl("apply", "-f", "-", text=_route("a", "two.example"))
    cluster.kubectl("delete", "httproute", "b")
    cluster.kubectl("apply", "-f", "-", text=_route("d", "one.example"))


def record(cluster: ControlPlane, name: str, path: str, *, user: str = "admin", token: str = "") -> bytes:
    """Ask, write down what came, and give the body."""
    config = json.loads((cluster.kubeconfig if user == "admin" else cluster.user(user)).read_text())
    tls = ssl.create_default_context(cafile=config["clusters"][0]["cluster"]["certificate-authority"])
    if not token:
        credentials = config["users"][0]["user"]
        tls.load_cert_chain(credentials["client-certificate"], credentials["client-key"])
    connection = http.client.HTTPSConnection(cluster.url.removeprefix("https://"), context=tls, timeout=10)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    answer = connection.getresponse()
    body = b""
    with contextlib.suppress(TimeoutError, http.client.IncompleteRead):
        body = answer.read()
    TO.mkdir(exist_ok=True)
    (TO / f"{name}.http").write_bytes(f"HTTP/1.1 {answer.status}\nContent-Type: {answer.headers['Content-Type']}\n\n".encode() + body)
    connection.close()
    return body


if __name__ == "__main__":
    main()
