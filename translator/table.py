"""What a program of rules is made of: tables, facts and rules. Declarations without any state; the engine runs them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from translator.engine import View

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Table(Generic[K, R]):
    """A declaration without state: key → rows. `order` sorts the rows of a group; ties are broken by where a row is from."""

    name: str
    order: Callable[[R], Any] | None = None

    def __call__(self, key: K, row: R) -> Fact:
        return (self, key, row)

    def __repr__(self) -> str:
        return self.name


AnyTable = Table[Any, Any]
Name = tuple[AnyTable, Any]  # a table and a key of it
Fact = tuple[AnyTable, Any, Any]  # table, key, row; a row is never None, which means "no row"
Facts = Iterator[Fact]


@dataclass(frozen=True, eq=False)
class Rule:
    name: str
    over: AnyTable
    into: tuple[AnyTable, ...]
    body: Callable[[View, Any], Facts]


def rule(over: Table[K, Any], into: tuple[AnyTable, ...]) -> Callable[[Callable[[View, K], Facts]], Rule]:
    """The function below runs once for each key that has rows in `over`, and yields rows of the tables in `into`."""
    return lambda body: Rule(body.__name__, over, into, body)


class OrderError(Exception):
    """A rule reads a table that is not finished when the rule runs, or writes one it did not declare."""
