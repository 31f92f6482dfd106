"""A fork of a Deployment, and a Service that leads to it, as they are to be applied.

The Pods of a fork must not be found by other Services, or everybody would meet them: they lose every label that the selector
of one asks for, whoever set it, and get their own. What is theirs by name, label and selector no patch changes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from translator.ir.copy import ALL, ANSWERS, DECLARED, IN, OF, ONLY, Copies, Copy, OfFork, Source, fork_name, short
from translator.workloads.operations import changed
from translator.workloads.patch import UnfitError, joined, merged

Json = dict[str, Any]
_KEPT = ("labels", "annotations")
_MAY = ("apiVersion", "kind", "spec")  # of a patch


def deployment(baseline: Json, wanted: Copy, of: Copies, services: Sequence[Json], patch: Any = None) -> Json:
    """`services` are all of the namespace, `patch` what its text says, or None. UnfitError where the baseline does not fit what is wanted
    of it.
    """
    name = baseline["metadata"]["name"]
    template = copy.deepcopy(baseline["spec"]["template"])
    head = {field: value for field, value in (template.get("metadata") or {}).items() if field in _KEPT}
    template["metadata"] = head
    containers = template["spec"]["containers"]
    for container, image in wanted.images:
        _container(containers, container)["image"] = image
    for container, variable, value in wanted.env:
        for one in containers if container == ALL else [_container(containers, container)]:
            _set(one, variable, value)
    spec = _patched({"replicas": 1, "template": template}, patch, wanted.how)
    _limit(spec["template"]["spec"]["containers"], dict(of.resources))
    own = labels(name, of)
    asked = set(baseline["spec"]["selector"].get("matchLabels") or {})
    spec["template"]["metadata"]["labels"] = _hidden(spec["template"]["metadata"].get("labels") or {}, asked, services) | own
    spec["selector"] = {"matchLabels": own}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(name, name, of), "spec": spec}


def service(baseline: Json, deployment: str, of: Copies) -> Json:
    """The same ports; the addresses are its own."""
    ports = [{field: value for field, value in port.items() if field != "nodePort"} for port in baseline["spec"].get("ports") or ()]
    name = baseline["metadata"]["name"]
    metadata = _metadata(name, deployment, of)
    metadata["annotations"] = {ANSWERS: f"{of.sandbox}/{deployment}/{name}"}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": labels(deployment, of), "ports": ports}}


def selecting(services: Iterable[Json], labels: Mapping[str, str]) -> list[Json]:
    """Those that lead to Pods with these labels, and to no fork."""
    return [one for one in services if (wanted := one["spec"].get("selector")) and wanted.items() <= labels.items()]


def labels(deployment: str, of: Copies) -> dict[str, str]:
    """By what the Pods of a fork are found, and no others."""
    return {OF: short(deployment), IN: short(of.sandbox)}


def _metadata(name: str, deployment: str, of: Copies) -> Json:
    return {"name": fork_name(name, of.sandbox), "namespace": of.namespace, "labels": labels(deployment, of) | DECLARED}


def _hidden(told: Mapping[str, str], asked: set[str], services: Iterable[Json]) -> dict[str, str]:
    found = {name: value for name, value in told.items() if name not in (OF, IN)}
    asked = asked | {name for one in selecting(services, found) for name in one["spec"]["selector"]}
    return {name: value for name, value in found.items() if name not in asked}


def _patched(spec: Json, patch: Any, how: str) -> Json:
    said = {} if patch is None else patch
    document = changed({"spec": spec}, said) if patch is not None and how == "json" else said
    if not isinstance(document, dict):
        raise UnfitError("the patch is no object")
    if unknown := sorted(document.keys() - set(_MAY)):
        raise UnfitError(f"the patch changes {', '.join(unknown)}, and may change nothing but spec")
    below = document.get("spec") or {}
    if not isinstance(below, dict) or below.get("selector"):
        raise UnfitError("the patch changes spec.selector, by which the Pods of the fork are told from others")
    return _sound(below if document is not said else joined(spec, below) if how == "merge" else merged(spec, below))


def _sound(found: Json) -> Json:
    """What is left to be a Deployment, whoever wrote the patch."""
    template = found["template"] = _object(found.get("template"), "spec.template")
    template["metadata"] = _object(template.get("metadata") or {}, "spec.template.metadata")
    if not all(isinstance(value, str) for value in _object(template["metadata"].get("labels") or {}, "labels").values()):
        raise UnfitError("the patch has a label that is no text")
    containers = _object(template.get("spec"), "spec.template.spec").get("containers")
    if not isinstance(containers, list) or not containers:
        raise UnfitError("the patch leaves no container")
    for one in containers:
        _object(one, "container")
        for terms in ("requests", "limits"):
            _object(_object(one.get("resources") or {}, "resources").get(terms) or {}, f"resources.{terms}")
    return found


def _object(value: Any, where: str) -> Json:
    if not isinstance(value, dict):
        raise UnfitError(f"the patch leaves no {where} that is an object")
    return value


def _limit(containers: Iterable[Json], resources: Mapping[str, str]) -> None:
    for one in containers if resources else ():
        given = one.get("resources") or {}
        one["resources"] = {**given, **{terms: {**(given.get(terms) or {}), **resources} for terms in ("requests", "limits")}}


def _set(container: Json, variable: str, value: str | Source | OfFork | None) -> None:
    kept = [each for each in container.get("env") or () if each["name"] != variable]
    match value:
        case None:
            container["env"] = kept
        case Source(ref=ref, fields=fields):
            container["env"] = [*kept, {"name": variable, "valueFrom": {ref: dict(fields)}}]
        case OfFork(of=of):
            raise UnfitError(f"{variable} is told of the fork of {of}, and nobody knows that one here")
        case text:
            container["env"] = [*kept, {"name": variable, "value": text}]


def _container(containers: list[Json], name: str) -> Json:
    found = [one for one in containers if name in (ONLY, one["name"])]
    if len(found) != 1:
        raise UnfitError(f"name one container of {', '.join(one['name'] for one in containers)}" + (f", and not {name}" if name else ""))
    return found[0]
