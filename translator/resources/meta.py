"""What every object has, whatever its kind: names, age, labels. Knows no kind and no rule about any."""

from __future__ import annotations

from msgspec import Struct, field


class Value(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Base of everything that users write: immutable, compared by content, never followed by the garbage collector."""


class Metadata(Value, frozen=True, gc=False):
    """The part of ObjectMeta that translation reads. What changes without meaning (resourceVersion, managedFields) is left out."""

    name: str
    namespace: str = ""
    creation_timestamp: str = ""  # RFC 3339 in UTC, so that comparing text compares age
    generation: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)


class Object(Value, frozen=True, gc=False, kw_only=True):
    metadata: Metadata

    @property
    def key(self) -> str:
        """`namespace/name`, or `name` of a cluster-scoped kind: the key of the object's table."""
        return f"{self.metadata.namespace}/{self.metadata.name}" if self.metadata.namespace else self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace


class LabelRequirement(Value, frozen=True, gc=False):
    key: str
    operator: str  # In | NotIn | Exists | DoesNotExist
    values: tuple[str, ...] = ()


class LabelSelector(Value, frozen=True, gc=False):
    match_labels: dict[str, str] = field(default_factory=dict)
    match_expressions: tuple[LabelRequirement, ...] = ()


class LocalReference(Value, frozen=True, gc=False):
    """A reference that may leave the namespace: an empty one means that of the object which refers."""

    name: str
    group: str = ""
    kind: str = ""
    namespace: str = ""
