"""What is different in a fork of a Deployment, as a Sandbox says it. Making one is for `translator/workloads/`."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from translator.resources.backend import exactly_one, rule, written

NAMES = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
NAME = Field(min_length=1, max_length=253, pattern=NAMES)
IMAGE = Field(min_length=1, max_length=1024, pattern="^[!-~]+$", description="What runs in it.")
CONTAINER = Field(max_length=63, pattern="^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", description="Its name; needed where there are several.")
VARIABLE = Field(min_length=1, max_length=253, pattern="^[-._a-zA-Z][-._a-zA-Z0-9]*$", description="The variable.")
TOLD = Field(max_length=8192, description="What it is set to.")
QUANTITY = Field(max_length=32, pattern="^([0-9]+([.][0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?)?$", description="As 500m or 512Mi.")


KEY = Field(min_length=1, max_length=253, pattern="^[-._a-zA-Z0-9]+$", description="The key in it.")


@dataclass(frozen=True, slots=True, config=written())
class ForkOf:
    """The Deployment of the baseline, or the Rollout of Argo."""

    name: Annotated[str, NAME]
    kind: Annotated[Literal["Deployment", "Rollout"], Field(description="The fork of a Rollout is a Deployment.")] = "Deployment"
    namespace: Annotated[str, Field(max_length=63, description="That of the Sandbox, which is the only one that it may be.")] = ""


@dataclass(frozen=True, slots=True, config=written())
class KeyOf:
    """A key of a ConfigMap or Secret of the namespace, as a Pod has it."""

    name: Annotated[str, NAME]
    key: Annotated[str, KEY]
    optional: Annotated[bool, Field(description="Whether the Pod starts where it is not there.")] = False


@dataclass(frozen=True, slots=True, config=written())
class FieldOf:
    """A field of the Pod, as a Pod has it."""

    field_path: Annotated[str, Field(min_length=1, max_length=512, description="As metadata.name or status.podIP.")]


@dataclass(frozen=True, slots=True, config=written())
class ValueOfFork:
    """What is known of another fork of the Sandbox."""

    fork_of: ForkOf
    expression: Annotated[str, Field(min_length=1, max_length=1024, description="With {{ .Service.Host }} and {{ .Service.Port }}.")]


SOURCES = ("configMapKeyRef", "secretKeyRef", "fieldRef", "fork")


@dataclass(frozen=True, slots=True, config=written(**exactly_one(*SOURCES)))
class ValueFrom:
    """Where the value of a variable is from."""

    config_map_key_ref: KeyOf | None = None
    secret_key_ref: KeyOf | None = None
    field_ref: FieldOf | None = None
    fork: ValueOfFork | None = None


ONE_VALUE = rule("!has(self.valueFrom) || size(self.value) == 0", "one of value and valueFrom, and not both")


@dataclass(frozen=True, slots=True, config=written(**ONE_VALUE))
class Variable:
    """A variable of the environment."""

    name: Annotated[str, VARIABLE]
    value: Annotated[str, TOLD] = ""
    value_from: ValueFrom | None = None


ENV = Field(max_length=128, description="Variables that are set, whatever they were.")


@dataclass(frozen=True, slots=True, config=written())
class ForkContainer:
    """What is different in one container of a fork."""

    name: Annotated[str, CONTAINER] = ""
    image: Annotated[str, Field(max_length=1024, pattern="^[!-~]*$", description="That of the baseline unless given.")] = ""
    env: Annotated[tuple[Variable, ...], ENV] = ()


@dataclass(frozen=True, slots=True, config=written())
class ForkImage:
    """Another image for a container."""

    image: Annotated[str, IMAGE]
    container: Annotated[str, CONTAINER] = ""


@dataclass(frozen=True, slots=True, config=written(**ONE_VALUE))
class ForkVariable:
    """A variable of one container, or of all."""

    name: Annotated[str, VARIABLE]
    value: Annotated[str, TOLD] = ""
    value_from: ValueFrom | None = None
    container: Annotated[str, Field(max_length=63, description="All containers unless given.")] = ""
    operation: Annotated[Literal["upsert", "delete"], Field(description="Whether it is set, or taken away.")] = "upsert"


@dataclass(frozen=True, slots=True, config=written())
class ForkPatch:
    """Anything else: a patch of the Deployment, as kubectl patch has it."""

    value: Annotated[str, Field(max_length=65536, description="YAML or JSON; below spec, and neither selector nor names.")]
    type: Annotated[
        Literal["strategic", "merge", "json"],
        Field(description="strategic merges lists by name, where they have one; merge replaces them; json is a list of operations."),
    ] = "strategic"


@dataclass(frozen=True, slots=True, config=written())
class Customizations:
    """What is different in a fork: images, then env, then patch."""

    images: Annotated[tuple[ForkImage, ...], Field(max_length=16, description="Other images.")] = ()
    env: Annotated[tuple[ForkVariable, ...], ENV] = ()
    patch: ForkPatch | None = None


@dataclass(frozen=True, slots=True, config=written())
class SandboxFork:
    """A fork of a Deployment, for all Services that lead to it."""

    fork_of: ForkOf
    customizations: Customizations = field(default_factory=Customizations)


@dataclass(frozen=True, slots=True, config=written())
class ForkResources:
    """What each container of a fork asks for, and may not exceed."""

    cpu: Annotated[str, QUANTITY] = ""
    memory: Annotated[str, QUANTITY] = ""
