"""What the engine keeps of tables and answers, in little memory. Owns groups of rows and who read them; runs no rule.

Of a large world nearly all groups have one row and one to three readers, and there are hundreds of thousands of them: lists
and dictionaries are made for those alone that have more.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import Any, Final

from translator.table import AnyTable, OrderError, Rule

Entry = tuple[Any, int, Any, int, Any, Any]  # order, rank of the rule, key it ran for, n-th of its rows, the row, its group
NO_ROWS: list[Entry] = []  # of every empty group; never changed
GROUP: Final = 5
ROW: Final = 4  # what stands before the row is unique in its group, so sorting never compares rows
FEW: Final = 4  # readers that stand in a tuple


class Group:
    """The rows under one key of one table, sorted, and the answers that read them. Exists while it has either.

    One row stands by itself, as its entry; and so does one reader, while a few are a tuple.
    """

    __slots__ = ("key", "readers", "rows", "store")

    def __init__(self, store: Store, key: Any) -> None:
        self.store, self.key = store, key
        self.rows: Entry | list[Entry] = NO_ROWS
        self.readers: Answer | tuple[Answer, ...] | dict[Answer, None] = ()

    # Readers -----------------------------------------------------------------------------------------------------------

    def read_by(self, answer: Answer) -> None:
        readers = self.readers
        if isinstance(readers, dict):
            readers[answer] = None
        elif isinstance(readers, Answer):
            self.readers = (readers, answer) if readers is not answer else answer
        elif not readers:
            self.readers = answer
        elif answer not in readers:
            self.readers = (*readers, answer) if len(readers) < FEW else dict.fromkeys((*readers, answer))

    def left_by(self, answer: Answer) -> None:
        readers = self.readers
        if isinstance(readers, dict):
            del readers[answer]
        else:
            left = tuple(one for one in self.each_reader() if one is not answer)
            self.readers = left[0] if len(left) == 1 else left
        self.leave_if_empty()

    def each_reader(self) -> Iterable[Answer]:
        return (self.readers,) if isinstance(self.readers, Answer) else self.readers

    # Rows --------------------------------------------------------------------------------------------------------------

    def put(self, entry: Entry) -> None:
        rows = self.rows
        if isinstance(rows, tuple):
            self.rows = [rows, entry] if rows < entry else [entry, rows]
        elif rows:
            insort(rows, entry)
        else:
            self.rows = entry

    def take(self, entry: Entry) -> None:
        rows = self.rows
        if isinstance(rows, tuple):
            self.rows = NO_ROWS
        else:
            del rows[bisect_left(rows, entry)]
            if len(rows) == 1:
                self.rows = rows[0]

    def entries(self) -> Sequence[Entry]:
        rows = self.rows
        return (rows,) if isinstance(rows, tuple) else rows

    def first(self) -> Any:
        rows = self.rows
        return rows[ROW] if isinstance(rows, tuple) else rows[0][ROW] if rows else None

    def leave_if_empty(self) -> None:
        if not self.rows and not self.readers:
            self.store.pop(self.key, None)


class Answer:
    """What one rule said for one key: the groups it read, the rows it yielded."""

    __slots__ = ("key", "rank", "reads", "yielded")

    def __init__(self, rank: int, key: Any) -> None:
        self.rank, self.key = rank, key
        self.reads: tuple[Group, ...] = ()
        self.yielded: tuple[Entry, ...] = ()


class Store(dict[Any, Group]):
    """One table's content: key → group, made when first asked for."""

    __slots__ = ("followers", "order", "output", "stage", "table")

    def __init__(self, table: AnyTable, output: bool) -> None:
        self.table, self.order, self.output = table, table.order, output
        self.stage = 0  # finished when so many rules are done
        self.followers: list[dict[Any, None]] = []  # what is to be asked of the rules that run over this table

    def __missing__(self, key: Any) -> Group:
        group = self[key] = Group(self, key)
        return group


class Written(dict[AnyTable, Store]):
    """The tables that one rule may write."""

    def __init__(self, one: Rule, stores: dict[AnyTable, Store]) -> None:
        super().__init__((table, stores[table]) for table in one.into)
        self._name = one.name

    def __missing__(self, table: AnyTable) -> Store:
        raise OrderError(f"{self._name} writes {table} without saying so")


class Finished(dict[AnyTable, Store]):
    """The tables that one rule may read: those that no rule from it on writes."""

    def __init__(self, name: str, rank: int, stores: dict[AnyTable, Store]) -> None:
        super().__init__((table, store) for table, store in stores.items() if store.stage <= rank)
        self._name = name

    def __missing__(self, table: AnyTable) -> Store:
        raise OrderError(f"{self._name} reads {table}, which is not finished when it runs")
