"""A folder of YAML that tests write and change, as an editor would: a new file, then a rename over the old one."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from tests.property.pools import pair

BASE = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: pointsman}}
spec: {{controllerName: pointsman.io/gateway-controller}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge}}
spec:
  gatewayClassName: pointsman
  listeners:
  - {{name: http, port: {http}, protocol: HTTP}}
  - {{name: https, port: {https}, protocol: HTTPS, tls: {{certificateRefs: [{{name: cert}}]}}}}
"""
BACKEND = """
apiVersion: pointsman.io/v1alpha1
kind: Backend
metadata: {{name: {name}}}
spec: {{endpoints: [{{ip: {{address: 127.0.0.1, port: {port}}}}}]}}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [shop.example.com]
  rules:
"""


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(exist_ok=True)

    def save(self, name: str, text: str) -> None:
        scratch = self.path / f".{name}.swp"
        scratch.write_text(text)
        scratch.replace(self.path / f"{name}.yaml")

    def delete(self, name: str) -> None:
        (self.path / f"{name}.yaml").unlink()

    def base(self, http: int, https: int) -> None:
        self.save("gateway", BASE.format(http=http, https=https))
        self.certificate()

    def certificate(self) -> None:
        """A new pair, made on the spot."""
        data = "".join(f"  {name}: {b64encode(value).decode()}\n" for name, value in pair().items())
        self.save("cert", f"apiVersion: v1\nkind: Secret\nmetadata: {{name: cert}}\ntype: kubernetes.io/tls\ndata:\n{data}")

    def backend(self, name: str, port: int) -> None:
        self.save(f"backend-{name}", BACKEND.format(name=name, port=port))

    def route(self, name: str, *rules: str) -> None:
        """`rules` as flow YAML, one string each."""
        self.save(f"route-{name}", ROUTE.format(name=name) + "".join(f"  - {rule}\n" for rule in rules))


def rule(path: str, *backends: tuple[str, int], filters: str = "") -> str:
    """A prefix match and weighted Backends, with filters as flow YAML."""
    refs = ", ".join(f"{{group: pointsman.io, kind: Backend, name: {name}, weight: {weight}}}" for name, weight in backends)
    more = f", filters: [{filters}]" if filters else ""
    return f"{{matches: [{{path: {{type: PathPrefix, value: {path}}}}}], backendRefs: [{refs}]{more}}}"
