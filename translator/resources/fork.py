"""What is different in a fork of a Deployment, as a Sandbox says it. Making one is for `translator/workloads/`."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from translator.resources.backend import written

NAMES = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
NAME = Field(min_length=1, max_length=253, pattern=NAMES)
IMAGE = Field(min_length=1, max_length=1024, pattern="^[!-~]+$", description="What runs in it.")
CONTAINER = Field(max_length=63, pattern="^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", description="Its name; needed where there are several.")
VARIABLE = Field(min_length=1, max_length=253, pattern="^[-._a-zA-Z][-._a-zA-Z0-9]*$", description="The variable.")
TOLD = Field(max_length=8192, description="What it is set to.")
QUANTITY = Field(max_length=32, pattern="^([0-9]+([.][0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?)?$", description="As 500m or 512Mi.")


@dataclass(frozen=True, slots=True, config=written())
class Variable:
    """A variable of the environment."""

    name: Annotated[str, VARIABLE]
    value: Annotated[str, TOLD] = ""


ENV = Field(max_length=128, description="Variables that are set, whatever they were.")


@dataclass(frozen=True, slots=True, config=written())
class ForkContainer:
    """What is different in one container of a fork."""

    name: Annotated[str, CONTAINER] = ""
    image: Annotated[str, Field(max_length=1024, pattern="^[!-~]*$", description="That of the baseline unless given.")] = ""
    env: Annotated[tuple[Variable, ...], ENV] = ()


@dataclass(frozen=True, slots=True, config=written())
class ForkOf:
    """The Deployment of the baseline."""

    name: Annotated[str, NAME]
    kind: Annotated[Literal["Deployment"], Field(description="Deployment.")] = "Deployment"
    namespace: Annotated[str, Field(max_length=63, description="That of the Sandbox, which is the only one that it may be.")] = ""


@dataclass(frozen=True, slots=True, config=written())
class ForkImage:
    """Another image for a container."""

    image: Annotated[str, IMAGE]
    container: Annotated[str, CONTAINER] = ""


@dataclass(frozen=True, slots=True, config=written())
class ForkVariable:
    """A variable of one container, or of all."""

    name: Annotated[str, VARIABLE]
    value: Annotated[str, TOLD] = ""
    container: Annotated[str, Field(max_length=63, description="All containers unless given.")] = ""
    operation: Annotated[Literal["upsert", "delete"], Field(description="Whether it is set, or taken away.")] = "upsert"


@dataclass(frozen=True, slots=True, config=written())
class ForkPatch:
    """Anything else: a strategic merge patch of the Deployment, as kubectl patch has it."""

    value: Annotated[str, Field(max_length=65536, description="YAML or JSON; below spec, and neither selector nor names.")]
    type: Annotated[Literal["strategic"], Field(description="How lists are merged: by name, where they have one.")] = "strategic"


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
