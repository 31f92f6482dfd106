"""What an API server sends, cut into lines and read as far as book-keeping needs it. Knows no kind, no state and no clock.

Source: Kubernetes API concepts, "Efficient detection of changes", "Streaming lists", "Retrieving large results sets in chunks".
"""

from __future__ import annotations

from typing import Any

from msgspec import DecodeError, Raw, Struct, ValidationError, field
from msgspec.json import Decoder

INITIAL_END = "k8s.io/initial-events-end"
LONGEST = 32 * 1024 * 1024  # bytes of one line: etcd takes 1.5 MiB an object; beyond this nobody sends lines

Unreadable = (DecodeError, ValidationError)


class Lines:
    """Bytes as they come, lines as they end. A line that is cut off by the end of the stream is never given."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._held = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that end in this chunk. ValueError where one is longer than anybody sends."""
        *ended, rest = chunk.split(b"\n")
        if ended:
            ended[0] = b"".join((*self._rest, ended[0]))
            self._rest, self._held = [], 0
        if rest:
            self._rest.append(rest)
            self._held += len(rest)
        if self._held > LONGEST:
            raise ValueError(f"a line of more than {LONGEST} bytes")
        return [line for line in ended if line]


class Event(Struct, gc=False):
    type: str
    object: Raw


class HeadMetadata(Struct, gc=False, rename="camel"):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class Head(Struct, gc=False):
    """Which object, at which version: all that is read of an object that nobody wants."""

    metadata: HeadMetadata = field(default_factory=HeadMetadata)

    @property
    def key(self) -> str:
        return f"{self.metadata.namespace}/{self.metadata.name}" if self.metadata.namespace else self.metadata.name


class MarkMetadata(Struct, gc=False, rename="camel"):
    resource_version: str = ""
    annotations: dict[str, str] = field(default_factory=dict)


class Mark(Struct, gc=False):
    """The object of a bookmark."""

    metadata: MarkMetadata = field(default_factory=MarkMetadata)

    @property
    def ends_list(self) -> bool:
        return self.metadata.annotations.get(INITIAL_END) == "true"


class Details(Struct, gc=False, rename="camel"):
    retry_after_seconds: int = 0


class Status(Struct, gc=False):
    """An error as the API server tells it: as the body of an answer, or as the object of an event."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: Details | None = None


class PageMetadata(Struct, gc=False, rename="camel"):
    resource_version: str = ""
    continue_: str = field(default="", name="continue")


class Page(Struct, gc=False):
    items: list[Raw] | None = None
    metadata: PageMetadata = field(default_factory=PageMetadata)


EVENT, HEAD, MARK, STATUS, PAGE = Decoder(Event), Decoder(Head), Decoder(Mark), Decoder(Status), Decoder(Page)


def status(body: bytes) -> Status:
    """The error in a body; an empty one where it holds none."""
    try:
        return STATUS.decode(body)
    except Unreadable:
        return Status(message=body[:200].decode(errors="replace"))


def without_nulls(value: Any) -> Any:
    """Go writes empty lists and maps as null where a field is not omitted; absent means the same."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value if inner is not None]
    return value
