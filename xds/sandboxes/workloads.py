"""A fork of a Deployment, and a Service that leads to it: what `sandbox create --from` puts into a cluster. Plain values.

The Pods of a fork must not be found by the Services of the baseline, or everybody would meet them: they lose every label
that a selector asks for, and get their own.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from xds.sandboxes.written import Misspelled

Json = dict[str, Any]
OF, IN = "pointsman.io/fork-of", "pointsman.io/sandbox"
LONGEST = 63
_KEPT = ("labels", "annotations")


def fork_name(baseline: str, sandbox: str) -> str:
    return f"{baseline}-{sandbox}"[:LONGEST].rstrip("-.")


def deployment(baseline: Json, sandbox: str, owner: Json, images: Sequence[str], env: Sequence[str], services: Sequence[Json]) -> Json:
    """`images` are `IMAGE` or `CONTAINER=IMAGE`, `env` are `NAME=VALUE` or `CONTAINER:NAME=VALUE`; `services` those of the baseline."""
    name = baseline["metadata"]["name"]
    spec = copy.deepcopy(baseline["spec"])
    own = {OF: name, IN: sandbox}
    asked = {label for one in services for label in one["spec"].get("selector") or {}} | set(spec["selector"].get("matchLabels") or {})
    template = spec["template"]
    head = {field: value for field, value in (template.get("metadata") or {}).items() if field in _KEPT}
    template["metadata"] = {**head, "labels": {label: value for label, value in head.get("labels", {}).items() if label not in asked} | own}
    _set_images(template["spec"]["containers"], images)
    _set_env(template["spec"]["containers"], env)
    made = {"replicas": 1, "selector": {"matchLabels": own}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(baseline, sandbox, owner), "spec": made}


def service(baseline: Json, sandbox: str, owner: Json, deployment: str) -> Json:
    """The same ports; the addresses are its own."""
    ports = [{field: value for field, value in port.items() if field != "nodePort"} for port in baseline["spec"]["ports"]]
    spec = {"selector": {OF: deployment, IN: sandbox}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(baseline, sandbox, owner), "spec": spec}


def selecting(services: Sequence[Json], labels: Mapping[str, str]) -> list[Json]:
    """Those that lead to Pods with these labels."""
    return [one for one in services if (wanted := one["spec"].get("selector")) and wanted.items() <= labels.items()]


def _metadata(baseline: Json, sandbox: str, owner: Json) -> Json:
    """What is owned goes with its owner, by the garbage collector of the cluster."""
    head = baseline["metadata"]
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    return {
        "name": fork_name(head["name"], sandbox),
        "namespace": head["namespace"],
        "labels": {OF: head["name"], IN: sandbox},
        "ownerReferences": [reference],
    }


def _set_images(containers: list[Json], images: Sequence[str]) -> None:
    for text in images:
        name, sign, image = text.partition("=")
        chosen = _container(containers, name if sign else "", f"--image {text}")
        chosen["image"] = image if sign else text


def _set_env(containers: list[Json], env: Sequence[str]) -> None:
    for text in env:
        name, sign, value = text.partition("=")
        container, colon, variable = name.rpartition(":")
        if not (sign and variable):
            raise Misspelled(f"--env {text}: write NAME=VALUE or CONTAINER:NAME=VALUE")
        for one in [_container(containers, container, f"--env {text}")] if colon else containers:
            kept = [each for each in one.get("env") or () if each["name"] != variable]
            one["env"] = [*kept, {"name": variable, "value": value}]


def _container(containers: list[Json], name: str, option: str) -> Json:
    found = [one for one in containers if name in ("", one["name"])]
    if len(found) != 1:
        names = ", ".join(one["name"] for one in containers)
        raise Misspelled(f"{option}: name one container of {names}")
    return found[0]
