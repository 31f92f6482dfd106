"""What `sandbox create --from` puts into a cluster: a fork of a Deployment and a Service that leads to it, as they were typed.

They are those that the server makes of a Sandbox that declares them (`translator/workloads/`), but made with the rights of who
typed it, owned by the Sandbox, and changed by nobody afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from translator.ir.copy import ALL, DECLARED, ONLY, Copies, Copy
from translator.workloads import fork
from translator.workloads.patch import UnfitError
from xds.sandboxes.written import Misspelled

Json = dict[str, Any]


def deployment(baseline: Json, owner: Json, images: Sequence[str], env: Sequence[str], services: Sequence[Json]) -> Json:
    """`images` are `IMAGE` or `CONTAINER=IMAGE`, `env` are `NAME=VALUE` or `CONTAINER:NAME=VALUE`; `services` those of the namespace."""
    wanted = Copy(of=baseline["metadata"]["name"], images=tuple(map(_image, images)), env=tuple(map(_variable, env)))
    try:
        return _owned(fork.deployment(baseline, wanted, _copies(owner), services), owner)
    except UnfitError as error:
        raise Misspelled(f"--image or --env: {error}") from None


def service(baseline: Json, owner: Json, deployment: str) -> Json:
    return _owned(fork.service(baseline, deployment, _copies(owner)), owner)


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
