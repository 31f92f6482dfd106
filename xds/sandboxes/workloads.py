"""What `sandbox create --from` puts into a cluster: a fork of a Deployment and a Service that leads to it, as they were typed. They are
those that the server makes of a Sandbox that declares them (`translator/workloads/`), but made with the rights of who typed it, owned by
the Sandbox, and changed by nobody afterwards.

And what `--fork` does in its place: such a Sandbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from translator.ir.copy import ALL, DECLARED, ONLY, Copies, Copy
from translator.workloads import fork
from translator.workloads.patch import UnfitError
from xds.sandboxes.written import Misspelled

Json = dict[str, Any]
KINDS = dict.fromkeys(("deploy", "deployment", "deployments"), "Deployment") | dict.fromkeys(("rollout", "rollouts", "ro"), "Rollout")


def deployment(baseline: Json, owner: Json, images: Sequence[str], env: Sequence[str], services: Sequence[Json]) -> Json:
    """`images` are `IMAGE` or `CONTAINER=IMAGE`, `env` are `NAME=VALUE` or `CONTAINER:NAME=VALUE`; `services` those of the namespace."""
    wanted = Copy(of=baseline["metadata"]["name"], images=tuple(map(_image, images)), env=tuple(map(_variable, env)))
    try:
        return _owned(fork.deployment(baseline, wanted, _copies(owner), services), owner)
    except UnfitError as error:
        raise Misspelled(f"--image or --env: {error}") from None


def service(baseline: Json, owner: Json, deployment: str) -> Json:
    return _owned(fork.service(baseline, deployment, _copies(owner)), owner)


def declared(made: Json, of: str, images: Sequence[str], env: Sequence[str]) -> Json:
    """A Sandbox with a fork of `deploy/NAME` or `rollout/NAME`, which the server is to make."""
    kind, _, name = of.rpartition("/")
    if kind not in KINDS or not name:
        raise Misspelled(f"--fork {of}: write deploy/NAME or rollout/NAME")
    told = [(container, {"name": variable, "value": value}) for container, variable, value in map(_variable, env)]
    custom: Json = {
        "images": [{"image": image, **({} if container == ONLY else {"container": container})} for container, image in map(_image, images)],
        "env": [one if container == ALL else {**one, "container": container} for container, one in told],
    }
    declared: Json = {"forkOf": {"kind": KINDS[kind], "name": name}}
    if custom := {field: those for field, those in custom.items() if those}:
        declared["customizations"] = custom
    spec = {field: value for field, value in made["spec"].items() if field != "services"}
    return {**made, "spec": {**spec, "forks": [declared]}}


def _copies(owner: Json) -> Copies:
    return Copies(namespace=owner["metadata"]["namespace"], sandbox=owner["metadata"]["name"], born="", copies=())


def _owned(made: Json, owner: Json) -> Json:
    """What is owned goes with its owner, by the garbage collector of the cluster. The server is to leave it alone."""
    head = owner["metadata"]
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": head["name"], "uid": head["uid"], "controller": True}
    labels = {name: value for name, value in made["metadata"]["labels"].items() if name not in DECLARED}
    return {**made, "metadata": {**made["metadata"], "labels": labels, "ownerReferences": [reference]}}


def _image(text: str) -> tuple[str, str]:
    name, sign, image = text.partition("=")
    return (name, image) if sign else (ONLY, text)


def _variable(text: str) -> tuple[str, str, str]:
    name, sign, value = text.partition("=")
    container, colon, variable = name.rpartition(":")
    if not (sign and variable):
        raise Misspelled(f"--env {text}: write NAME=VALUE or CONTAINER:NAME=VALUE")
    return (container if colon else ALL), variable, value
