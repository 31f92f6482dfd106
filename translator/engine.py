"""Incremental evaluation of pure rules. Owns tables, rules and the View; knows nothing of Gateways, Envoy, clocks or I/O.

There is one noun: a **table** maps a key to a group of rows, kept in the table's order. Inputs are tables, outputs are
tables, and an index, a join or a grouping is a table too. There is one verb: a **rule** is a pure generator that runs
once for each key alive in one table, asks the View for what it needs, and yields rows for later tables:

    @rule(over=HTTP_ROUTE, into=(ROUTE_ON,))
    def attach(view: View, key: str) -> Facts:
        route = view.one(HTTP_ROUTE, key)
        for listener in view.list(LISTENER, route.parent):
            yield ROUTE_ON(listener.id, key)

The engine remembers for each (rule, key) which groups it read and which rows it yielded: its **answer**. When a group
changes, the answers that read it run again, rule by rule in the order of the program; an equal answer stops the wave.

Laws, each with a property test:
  * From scratch: after any changes in any batches, the tables equal those of a new engine given the final inputs.
  * Order: the order of changes, and of work inside one rule, cannot be seen in any table.
  * No cycles: a rule reads only tables that earlier rules finished. Breaking this raises at once, it never loops.
  * No leaks: a key without rows and readers is gone, and no garbage is left for the cyclic collector.
A rule that raises is our bug, and so are two rows under one key of an output: `failures` names it, all other keys go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

from translator.remembered import GROUP, NO_ROWS, ROW, Answer, Entry, Finished, Group, Store, Written
from translator.table import AnyTable, Fact, Facts, K, Name, OrderError, R, Rule, Table, rule

__all__ = ["AnyTable", "Engine", "Fact", "Facts", "Name", "OrderError", "Origin", "Rule", "Table", "View", "rule"]


@dataclass(frozen=True, slots=True)
class Origin:
    """One reason for a group of rows: a rule, the key it ran for, and all it asked, found or not."""

    rule: str
    over: Name
    asked: tuple[Name, ...]


class View:
    """What a rule may ask. Each question is remembered as a reason to ask again, also when there was nothing to find."""

    __slots__ = ("_finished", "_reads")

    def __init__(self) -> None:
        self._finished: dict[AnyTable, Store] = {}
        self._reads: dict[Group, None] = {}

    def get(self, table: Table[K, R], key: K) -> R | None:
        """The row, or the first in the table's order ("oldest wins"), or None."""
        group = self._finished[table][key]
        self._reads[group] = None
        rows = group.rows
        return rows[ROW] if type(rows) is tuple else rows[0][ROW] if rows else None

    def one(self, table: Table[K, R], key: K) -> R:
        """The same where the rule knows that there is one: for the key it runs over."""
        group = self._finished[table][key]
        self._reads[group] = None
        rows = group.rows
        return rows[ROW] if type(rows) is tuple else rows[0][ROW]  # type: ignore[no-any-return]

    def list(self, table: Table[K, R], key: K) -> Sequence[R]:
        """All rows, in the table's order."""
        group = self._finished[table][key]
        self._reads[group] = None
        return [entry[ROW] for entry in group.entries()]

    def count(self, table: Table[K, Any], key: K) -> int:
        group = self._finished[table][key]
        self._reads[group] = None
        return len(group.entries())


class Engine:
    """Holds the tables of one program and keeps them equal to what the rules say of the inputs."""

    def __init__(self, inputs: Iterable[AnyTable], rules: tuple[Rule, ...], outputs: Sequence[AnyTable]) -> None:
        tables = dict.fromkeys((*inputs, *(table for one in rules for table in one.into)))
        self._rules = rules
        self._stores = {table: Store(table, table in outputs) for table in tables}
        self._dirty: list[dict[Any, None]] = [{} for _ in rules]
        for rank, one in enumerate(rules):
            self._stores[one.over].followers.append(self._dirty[rank])
            for table in one.into:
                self._stores[table].stage = rank + 1
        for rank, one in enumerate(rules):
            if self._stores[one.over].stage > rank:
                raise OrderError(f"{one.name} runs over {one.over}, which is not finished by then")
        self._view = View()
        self._finished = [Finished(one.name, rank, self._stores) for rank, one in enumerate(rules)]
        self._written = [Written(one, self._stores) for one in rules]
        self._answers: list[dict[Any, Answer]] = [{} for _ in rules]
        self._over = [self._stores[one.over] for one in rules]
        self._before: dict[Name, Any] = {}  # outputs touched since last asked, as they were then
        self.failures: dict[tuple[str, Any], Exception] = {}
        self.runs = 0

    # Changing ----------------------------------------------------------------------------------------------------------

    def apply(self, changes: Iterable[tuple[AnyTable, Any, Any]]) -> dict[Name, Any]:
        """Take in one batch of (table, key, object or None); give back the outputs that differ, None where one is gone."""
        for _ in self.steps(changes):
            pass
        return self.settled()

    def steps(self, changes: Iterable[tuple[AnyTable, Any, Any]]) -> Iterator[None]:
        """`apply` in small steps, for a caller that shares its thread. Until the last one, read nothing and begin no other batch."""
        for table, key, row in changes:
            self._declare(table, key, row)
            yield
        for rank, todo in enumerate(self._dirty):
            while todo:
                self._ask(rank, todo.popitem()[0])
                yield
            todo.clear()  # one that is emptied piece by piece stays as large as it ever was

    def settled(self, most: int | None = None) -> dict[Name, Any]:
        """The outputs that differ from when this was last asked, by table and key; None where one is gone.

        `most` looks at no more than so many of those touched, so that a large batch can be handed on in pieces:
        `unsettled` says how many are left.
        """
        before, self._before = self._before, {}
        if most is not None and len(before) > most:  # what is left moves to a new dict: one that shrank is slow to look through
            rest = iter(before.items())
            before = dict(islice(rest, most))
            self._before = dict(rest)
        found: dict[Name, Any] = {}
        for name, was in before.items():
            group = self._stores[name[0]].get(name[1])
            row = group.first() if group else None
            entries = group.entries() if group else ()
            if self.failures or len(entries) > 1:
                self._one_row(name, entries)
            if row != was:
                found[name] = row
        return found

    def _one_row(self, name: Name, rows: Sequence[Entry]) -> None:
        """An output says one thing about a key. Two would be told by rank, which nobody meant."""
        at = (f"output {name[0]}", name[1])
        if len(rows) > 1:
            makers = ", ".join(dict.fromkeys(self._rules[entry[1]].name for entry in rows))
            self.failures[at] = OrderError(f"{len(rows)} rows from {makers}")
        else:
            self.failures.pop(at, None)

    def _declare(self, table: AnyTable, key: Any, row: Any) -> None:
        group = self._stores[table][key]
        was = group.first()
        if was != row:
            group.rows = NO_ROWS if row is None else (None, -1, key, 0, row, group)
            self._touched({group: was})
        group.leave_if_empty()

    def _ask(self, rank: int, key: Any) -> None:
        """Run one rule for one key, and pass on what is different from its last answer."""
        self.runs += 1
        answers = self._answers[rank]
        answer = answers.get(key)
        if answer is None:
            answer = answers[key] = Answer(rank, key)
        over = self._over[rank].get(key)
        alive = over is not None and over.rows
        view = self._view
        view._finished, view._reads = self._finished[rank], {}
        yielded = self._evaluate(rank, key) if alive else ()
        reads = tuple(view._reads)
        if reads != answer.reads:
            self._relink(answer, reads)
        self._publish(answer, yielded)
        if not alive:
            del answers[key]
            self.failures.pop((self._rules[rank].name, key), None)

    def _evaluate(self, rank: int, key: Any) -> tuple[Entry, ...]:
        one, stores = self._rules[rank], self._written[rank]
        found: list[Entry] = []
        try:
            for table, at, row in one.body(self._view, key):
                store = stores[table]
                found.append((store.order and store.order(row), rank, key, len(found), row, store[at]))
        except OrderError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad key must not stop the others
            self.failures[one.name, key] = error
            for entry in found:
                entry[GROUP].leave_if_empty()
            return ()
        if self.failures:
            self.failures.pop((one.name, key), None)
        return tuple(found)

    def _relink(self, answer: Answer, reads: tuple[Group, ...]) -> None:
        old, answer.reads = answer.reads, reads
        for group in reads:
            if not group.readers:  # nearly always, and a call costs as much as all else here
                group.readers = answer
            else:
                group.read_by(answer)
        for group in set(old).difference(reads) if old else ():
            group.left_by(answer)

    def _publish(self, answer: Answer, yielded: tuple[Entry, ...]) -> None:
        """Replace the rows of an answer where they differ. Groups stay sorted: O(log n) comparisons for a row."""
        if answer.yielded == yielded:
            return
        touched: dict[Group, Any] = {}
        if not answer.yielded:  # a first answer, of which a start has hundreds of thousands
            for entry in yielded:
                group = entry[GROUP]
                if group.rows:
                    touched.setdefault(group, group.first())
                    group.put(entry)
                else:
                    touched[group] = None
                    group.rows = entry
        for old, new in zip_longest(answer.yielded, yielded) if answer.yielded else ():
            for entry, move in ((old, Group.take), (new, Group.put)) if old != new else ():
                if entry is not None:
                    touched.setdefault(entry[GROUP], entry[GROUP].first())
                    move(entry[GROUP], entry)
        answer.yielded = yielded
        self._touched(touched)

    def _touched(self, groups: dict[Group, Any]) -> None:
        """These groups changed; the value is the first row before. Mark whom it concerns."""
        for group, was in groups.items():
            store, rows = group.store, group.rows
            if store.output:
                self._before.setdefault((store.table, group.key), was)
            for dirty in store.followers if (was is None) != (not rows) else ():  # the key was born or died
                dirty[group.key] = None
            for reader in group.each_reader() if group.readers else ():
                self._dirty[reader.rank][reader.key] = None
            if not rows:
                group.leave_if_empty()

    @property
    def unsettled(self) -> int:
        return len(self._before)

    # Looking -----------------------------------------------------------------------------------------------------------

    @property
    def tables(self) -> tuple[AnyTable, ...]:
        """All tables of the program, inputs first."""
        return tuple(self._stores)

    @property
    def empty(self) -> bool:
        """Whether nothing is held: no group, and no answer."""
        return not any(self._stores.values()) and not any(self._answers)

    def get(self, table: Table[K, R], key: K) -> R | None:
        """The first row under a key, without leaving a trace."""
        return group.first() if (group := self._stores[table].get(key)) else None

    def under(self, table: Table[K, R], key: K) -> Sequence[R]:
        """All rows under a key, without leaving a trace."""
        return [entry[ROW] for entry in group.entries()] if (group := self._stores[table].get(key)) else ()

    def rows(self, table: Table[K, R]) -> dict[K, Sequence[R]]:
        """All of one table, for tests, dumps and new readers."""
        return {key: [entry[ROW] for entry in group.entries()] for key, group in self._stores[table].items() if group.rows}

    def why(self, table: Table[K, Any], key: K) -> list[Origin]:
        """Why these rows exist, one level deep; nothing for an input. Ask again for what was asked, down to the inputs."""
        group = self._stores[table].get(key)
        makers = dict.fromkeys(entry[1:3] for entry in group.entries() if entry[1] >= 0) if group else {}
        return [self._origin(self._answers[rank][of]) for rank, of in makers]

    def sources(self, table: Table[K, Any], key: K, limit: int = 100_000) -> set[Name]:
        """The input objects that rows stand on: whom to tell when a proxy refuses them.

        A status that counts routes stands on all of them: `limit` is the number of groups after which the walk ends.
        """
        found: set[Name] = set()
        todo: list[Name] = [(table, key)]
        seen = set(todo)
        while todo and len(seen) < limit:
            name = todo.pop()
            origins = self.why(*name)
            if not origins and name[1] in self._stores[name[0]] and self._stores[name[0]][name[1]].rows:
                found.add(name)
            new = {one for origin in origins for one in (origin.over, *origin.asked)} - seen
            seen |= new
            todo += new
        return found

    def _origin(self, answer: Answer) -> Origin:
        one = self._rules[answer.rank]
        return Origin(one.name, (one.over, answer.key), tuple((group.store.table, group.key) for group in answer.reads))
