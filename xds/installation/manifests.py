"""What is installed: the objects of deploy/, with the image that is wanted. Reads files that are shipped; asks no cluster.

The same files are what `kubectl apply -k deploy/base` reads, so both ways lead to the same objects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from translator.resources.crd import GROUP
from translator.resources.crd import definitions as definitions_of
from xds import crds, roles
from xds.sources.kube.kinds import Watched, watched

Json = dict[str, Any]
HERE = Path(__file__).parent
DEPLOY = HERE.parent.parent / "deploy"
PLACES = (HERE / "base", DEPLOY / "base")  # in an installed wheel; in a checkout
COMPONENTS = {"webhook": "components/webhook", "mesh": "mesh", "forks": "forks", "signadot": "signadot"}  # option of `serve` → in deploy/
NAME = "pointsman"
NAMESPACE = "pointsman-system"
IMAGE = "pointsman:0.1.0"  # as the files have it
XDS_PORT, PAGES_PORT, ADMIN_PORT = 18000, 19090, 19000  # of the server's Pods; the last on loopback alone
PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "CustomResourceDefinition": "customresourcedefinitions",
    "Deployment": "deployments",
    "GatewayClass": "gatewayclasses",
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
    "Namespace": "namespaces",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
}


@dataclass(frozen=True)
class Manifest:
    """One object as it is to be."""

    document: Json

    @property
    def kind(self) -> str:
        return str(self.document["kind"])

    @property
    def namespace(self) -> str:
        return str(self.document["metadata"].get("namespace", ""))

    @property
    def name(self) -> str:
        return str(self.document["metadata"]["name"])

    @property
    def path(self) -> str:
        """Of the object at an API server."""
        return place(self.document["apiVersion"], PLURALS[self.kind], self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def place(version: str, plural: str, namespace: str = "", name: str = "") -> str:
    """The path of an object, or of all of them."""
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    parts = [root, *(["namespaces", namespace] if namespace else []), plural, *([name] if name else [])]
    return "/".join(parts)


@cache
def shipped() -> tuple[Manifest, ...]:
    """Every CustomResourceDefinition: of the Gateway API, and our own. Half a second of YAML, so read once."""
    return tuple(Manifest(dict(one)) for one in crds.shipped())


def definitions(groups: Iterable[str] = ()) -> tuple[Manifest, ...]:
    """Those that are shipped, and those of Sandboxes in other groups."""
    others = [Manifest(dict(one)) for group in groups if group != GROUP for one in definitions_of(group).values()]
    return (*shipped(), *others)


@cache
def kinds(groups: tuple[str, ...] = (GROUP,)) -> tuple[Watched, ...]:
    """All kinds that the server takes in, Sandboxes from these groups."""
    return watched((one.document for one in shipped()), groups)


def places(component: str) -> tuple[Path, Path]:
    """In an installed wheel; in a checkout."""
    return HERE / component, DEPLOY / COMPONENTS[component]


def base(image: str = IMAGE, components: Iterable[str] = (), groups: Iterable[str] = ()) -> list[Manifest]:
    """The server, in the order in which it is applied; `groups` are those of Sandboxes, where they are named. FileNotFoundError where
    the installation is broken.
    """
    chosen, documents = {*components}, _resources(_there(PLACES))
    for name in COMPONENTS:
        if name in chosen:
            folder = _there(places(name))
            documents = [*_patched(documents, folder), *_resources(folder)]
    return [Manifest(_with_image(one, image)) for one in _with_groups(documents, list(groups))]


def _with_groups(documents: list[Json], groups: list[str]) -> list[Json]:
    for one in documents:
        if one["kind"] == "Deployment":
            one["spec"]["template"]["spec"]["containers"][0]["args"] += [f"--sandbox-group={group}" for group in groups]
    return [*documents, *(one for group in groups if group != GROUP for one in roles.group_roles(group))]


def _there(places: Iterable[Path]) -> Path:
    folder = next((one for one in places if one.is_dir()), None)
    if folder is None:
        raise FileNotFoundError(f"no manifests in {' or '.join(map(str, places))}")
    return folder


def _resources(folder: Path) -> list[Json]:
    return [one for name in _read(folder / "kustomization.yaml")[0]["resources"] for one in _read(folder / name)]


def _patched(documents: list[Json], component: Path) -> list[Json]:
    """As kustomize does it, as far as ours go: things added to lists."""
    for said in _read(component / "kustomization.yaml")[0]["patches"]:
        target = said["target"]["kind"], said["target"]["name"]
        for of in (one for one in documents if (one["kind"], one["metadata"]["name"]) == target):
            for one in yaml.load(said["patch"], yaml.CSafeLoader):
                found: Any = of
                for part in one["path"].strip("/").split("/")[:-1]:
                    found = found[int(part) if isinstance(found, list) else part]
                found.append(one["value"])
    return documents


def _read(path: Path) -> list[Json]:
    return [one for one in yaml.load_all(path.read_bytes(), yaml.CSafeLoader) if one]


def _with_image(value: Any, image: str) -> Any:
    """The server's own image, and that of the proxies, which it is told."""
    if isinstance(value, dict):
        return {name: _with_image(inner, image) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_image(inner, image) for inner in value]
    return value.replace(IMAGE, image) if value in (IMAGE, f"--data-planes={IMAGE}") else value
