"""What the app asks of a source, whatever it is: a stream of updates, and a look at what is in force. Declarations only."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

from translator.ir.finding import Finding
from translator.resources.meta import Object
from xds.sources.folder import Located, Name
from xds.store import Change

T = TypeVar("T")


class NoClusterError(Exception):
    """There is no configuration that leads to an API server; says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Update:
    """What is different since the last one. `findings` are all there are now. Until the first that is `final`, more is to come
    before anybody may be served: what translation asks for, or an answer that the source waits for.
    """

    changes: list[Change]
    findings: list[Located]
    final: bool = True


class Health(NamedTuple):
    """How one kind fares at its source: seconds since it was last heard of, or None where it never was; why it is parked, or
    nothing; how many objects stay in force though they are gone.
    """

    kind: str
    age: float | None
    parked: str
    held: int


class Holder(Protocol):
    """What a source holds, at one moment."""

    def objects(self) -> dict[Name, Object]: ...
    def document(self, kind: str, key: str) -> Any: ...
    def placed(self, found: list[Located], translation: list[Finding]) -> list[Located]: ...


class Source(Protocol):
    @property
    def holder(self) -> Holder: ...

    async def open(self) -> None:
        """Before anything else: find out whether it can be there at all. NoClusterError where nothing leads to an API server."""

    def updates(self) -> AsyncGenerator[Update, None]:
        """First everything, then each difference, without end."""
        ...

    async def ask(self, question: Callable[..., T], *args: object) -> T:
        """Run something that looks at the holder where it is not in between two states."""
        ...

    def want(self, names: Iterable[Name]) -> None:
        """Something refers to these objects now, by kind and key; a source may hold others back."""
        ...

    def release(self, names: Iterable[Name]) -> None:
        """Nothing refers to these any more."""
        ...

    def health(self) -> list[Health]:
        """One for each kind, where a source can tell; nothing where it cannot fail kind by kind."""
        ...
