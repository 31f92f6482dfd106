"""What each manifest of the suite stands in: the base manifests, certificates, our GatewayClass, and the manifest itself.

Upstream files are read as they are, and filled in as the suite does it (`Applier.prepareResources`). Knows nothing of who reads
them: an API server, or a folder.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests import certificates

Document = dict[str, Any]
HERE = Path(__file__).parent
MANIFESTS, RECORDED = HERE / "manifests", HERE / "recorded"
BASE = MANIFESTS / "base.yaml"
CASES = sorted(path for path in MANIFESTS.glob("*.yaml") if path != BASE)
CONTROLLER, CLASS = "pointsman.io/gateway-controller", "gateway-conformance"
USABLE, UNUSABLE = "172.18.0.200", "192.0.2.1"  # one that nodes give to Services, and one that nobody has (RFC 5737)
PLACEHOLDERS = {"PLACEHOLDER_USABLE_ADDRS": USABLE, "PLACEHOLDER_UNUSABLE_ADDRS": UNUSABLE}

INFRA, WEB, APP = (f"gateway-conformance-{name}" for name in ("infra", "web-backend", "app-backend"))
PAIRS = {  # what `Setup` of the suite makes by itself
    WEB: ("certificate",),
    APP: ("tls-passthrough-checks-certificate",),
    INFRA: (
        "tls-checks-certificate",
        "tls-checks-client-certificate",
        "tls-passthrough-checks-certificate",
        "tls-terminate-checks-certificate",
        "tls-validity-checks-certificate",
        "tls-validity-checks-client-certificate",
        "tls-validity-checks-per-port-client-certificate",
    ),
}
AUTHORITIES = {
    WEB: ("web-backend-cm",),
    INFRA: (
        "mismatch-ca-certificate",
        "tls-checks-ca-certificate",
        "tls-validity-checks-ca-certificate",
        "tls-validity-checks-per-port-ca-certificate",
    ),
}


def base() -> list[Document]:
    """What stands beside every manifest."""
    return [gateway_class(), *documents(BASE), *made()]


def gateway_class() -> Document:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS},
        "spec": {"controllerName": CONTROLLER},
    }


def documents(path: Path) -> list[Document]:
    """The objects of an upstream file, filled in."""
    return [filled(one) for one in yaml.load_all(path.read_bytes(), yaml.CSafeLoader) if one]


def filled(one: Document) -> Document:
    """The suite sets the class of every Gateway and the controller of every GatewayClass, whatever the file says."""
    if one["kind"] == "GatewayClass":
        one["spec"]["controllerName"] = CONTROLLER
    if one["kind"] == "Gateway":
        one["spec"]["gatewayClassName"] = CLASS
        for address in one["spec"].get("addresses", ()):
            if address.get("value") in PLACEHOLDERS:
                address |= {"type": "IPAddress", "value": PLACEHOLDERS[address["value"]]}
    return one


def made() -> Iterator[Document]:
    pair = certificates.serving()
    for namespace, names in PAIRS.items():
        for name in names:
            data = {"tls.crt": _encoded(pair.pem), "tls.key": _encoded(pair.key)}
            yield {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data}
    for namespace, names in AUTHORITIES.items():
        for name in names:
            data = {"ca.crt": certificates.ca().pem.decode()}
            yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


# What is said of objects -------------------------------------------------------------------------------------------------

REPORTED = (
    "GatewayClass", "Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute", "BackendTLSPolicy",
)  # fmt: skip
LEFT_OUT = {
    "addresses": "where proxies are: a folder has others than a cluster",
    "lastTransitionTime": "when it was written",
    "observedGeneration": "of which write it speaks: a folder counts none",
    "supportedFeatures": "one constant of ours, whatever the manifest",
}


def name_of(one: Mapping[str, Any]) -> str:
    """`HTTPRoute/infra/cart`."""
    return "/".join(filter(None, (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"])))


def comparable(status: Any) -> Any:
    """A status without what is left out, and without what others have said. A condition is one line of text."""
    if isinstance(status, list):
        ours = (one for one in status if not isinstance(one, dict) or one.get("controllerName", CONTROLLER) == CONTROLLER)
        return [comparable(one) for one in ours]
    if not isinstance(status, dict):
        return status
    left = {key: _conditions(value) if key == "conditions" else comparable(value) for key, value in status.items() if key not in LEFT_OUT}
    return {key: value for key, value in left.items() if value not in ([], {}, "")}


def _conditions(found: list[Document]) -> dict[str, str]:
    """The default of a CRD says that nobody has looked yet."""
    told = {one["type"]: f"{one['status']} {one['reason']}: {one.get('message', '')}".removesuffix(": ") for one in found}
    return {kind: said for kind, said in sorted(told.items()) if not said.startswith("Unknown")}


def recording(path: Path) -> Path:
    return RECORDED / path.name


def recorded(path: Path) -> dict[str, Any]:
    """What a cluster said of the objects of a manifest, and of those of the base that say something else beside it."""
    found: dict[str, Any] = yaml.safe_load(recording(path).read_text())
    return found
