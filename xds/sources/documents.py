"""From the text of one file to plain values, within limits. No I/O: bytes in, documents and faults out.

Read as the Kubernetes tools read YAML, and not as PyYAML would: a timestamp stays text, `10:30` is no number of base 60,
`yes` and `on` are booleans, a key given twice is a fault, and aliases are refused, because 306 bytes of them expand to
1.6 GB. The C scanner gives events; nothing else of PyYAML takes part, so no tag can make an object.

A text is first cut where a line begins with `---`. A piece whose bytes are those of last time is not parsed again, so
one save costs what was edited, also in a file of a thousand objects. Positions are not kept: `locate` finds one again in
the piece's own bytes when a finding asks for it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import yaml
import yaml.cyaml

from translator.ir.finding import Path
from translator.sandbox.foreign import rewritten
from xds.sources.scalars import plain

MAX_BYTES = 16 * 1024 * 1024
MAX_NODES = 100_000
MAX_DEPTH = 64

_SEPARATOR = re.compile(rb"^---(?=[ \t\r\n]|$)", re.MULTILINE)  # YAML 1.2, 9.1.2: only a document marker may begin a line so
_parser: Any = yaml.cyaml.CParser  # type: ignore[attr-defined]
_DIRECTIVE = re.compile(rb"^%", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Position:
    """Line and column as editors count them: from 1."""

    line: int
    column: int


class Fault(Exception):  # noqa: N818 - it is a value: what is wrong with a text and where, caught where the text is read
    """Why a text says nothing at all: no object of it is taken in until it is mended."""

    def __init__(self, code: str, message: str, fix: str = "", at: Position | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.fix, self.at = code, message, fix, at

    def moved(self, lines: int) -> Fault:
        """The same in a text that has so many more lines in front."""
        return Fault(self.code, self.message, self.fix, self.at and Position(self.at.line + lines, self.at.column))


@dataclass(frozen=True, slots=True)
class Document:
    """One object as a plain value. `path` leads to it from the root of its piece: () or ("items", n)."""

    value: Any
    path: Path = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a file between two separators, and what it holds. `line` counts the lines in front of it."""

    text: bytes
    line: int
    form: str  # yaml | json
    nodes: int
    documents: tuple[Document, ...]


@dataclass
class _Budget:
    """What may still be read. One for a whole file."""

    nodes: int = MAX_NODES

    def spend(self, depth: int, event: Any = None, nodes: int = 1) -> None:
        self.nodes -= nodes
        if self.nodes < 0:
            raise Fault("PM0120", f"more than {MAX_NODES:,} values in one file", "Split the file.", event and position(event))
        if depth > MAX_DEPTH:
            raise Fault("PM0120", f"nested deeper than {MAX_DEPTH} levels", "Flatten the value.", event and position(event))


# Cutting ---------------------------------------------------------------------------------------------------------------


def pieces(text: bytes, form: str) -> Iterator[tuple[bytes, int]]:
    """The text cut at its separators, each part with the number of lines in front of it."""
    starts = [0]
    if form == "yaml" and not _DIRECTIVE.search(text):
        starts += [found.start() for found in _SEPARATOR.finditer(text) if found.start()]
    line = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        yield part, line
        line += part.count(b"\n")


def read(text: bytes, form: str, known: dict[bytes, Piece] | None = None) -> tuple[Piece, ...]:
    """Every piece of a file, those already known by their bytes not parsed again. Raises Fault for the first that is wrong."""
    if len(text) > MAX_BYTES:
        raise Fault("PM0120", f"{len(text):,} bytes, more than {MAX_BYTES:,}", "Split the file.")
    budget, found = _Budget(), []
    for part, line in pieces(text.removeprefix(b"\xef\xbb\xbf"), form):
        old = known.get(part) if known else None
        if old:
            budget.spend(0, nodes=old.nodes)
            found.append(replace(old, line=line))
            continue
        left = budget.nodes
        try:
            values = list(_values(part, form, budget))
        except Fault as fault:
            raise fault.moved(line) from None
        documents = tuple(one for number, value in enumerate(values) for one in _objects(value, number))
        found.append(Piece(part, line, form, left - budget.nodes, documents))
    return tuple(found)


def _objects(value: Any, number: int) -> Iterator[Document]:
    """A document's objects: itself, the items of a `kind: List`, or what a file of another project stands for."""
    root: Path = (number,) if number else ()
    if value is None:
        return
    if isinstance(value, dict) and value.get("kind") == "List" and isinstance(value.get("items"), list):
        for index, item in enumerate(value["items"]):
            yield Document(item, (*root, "items", index))
    elif (found := rewritten(value)) is not None:
        for path, one in found:
            yield Document(one, (*root, *path))
    else:
        yield Document(value, root)


# Parsing ---------------------------------------------------------------------------------------------------------------


def _values(text: bytes, form: str, budget: _Budget) -> Iterator[Any]:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Fault("PM0101", "not UTF-8 text", "Save the file as UTF-8.", _place(text[: error.start])) from None
    yield from (_yaml(decoded, budget) if form == "yaml" else _json(decoded, budget))


def _place(before: bytes) -> Position:
    return Position(before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))


def _yaml(text: str, budget: _Budget) -> Iterator[Any]:
    parser = _parser(text)
    try:
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            if isinstance(event, yaml.DocumentStartEvent):
                yield _node(parser, parser.get_event(), 1, budget)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = ", ".join(word for word in (error.problem, error.context) if word)
        fix = "Indent with spaces." if "\\t" in words else ""
        raise Fault("PM0101", words, fix, Position(mark.line + 1, mark.column + 1) if mark else None) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow: no mark but the character itself
        place = getattr(error, "position", None)
        at = _place(text[:place].encode()) if isinstance(place, int) else None
        raise Fault("PM0101", str(error).splitlines()[0], "Remove the character.", at) from None


def _node(parser: Any, event: Any, depth: int, budget: _Budget) -> Any:
    """The value that begins with this event. Recursion ends at MAX_DEPTH."""
    budget.spend(depth, event)
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise Fault("PM0121", "aliases and anchors are not read", "Write the value out.", position(event))
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        while not isinstance(event := parser.get_event(), yaml.SequenceEndEvent):
            items.append(_node(parser, event, depth + 1, budget))
        return items
    fields: dict[str, Any] = {}
    while not isinstance(event := parser.get_event(), yaml.MappingEndEvent):
        key = _key(event)
        if key in fields:
            raise Fault("PM0122", f'key "{key}" is given twice', "Remove one of them.", position(event))
        fields[key] = _node(parser, parser.get_event(), depth + 1, budget)
    return fields


def _key(event: Any) -> str:
    if not isinstance(event, yaml.ScalarEvent) or event.anchor:
        raise Fault("PM0101", "a key is text, not a list, mapping or alias", "Write the key out.", position(event))
    return str(event.value)


def _scalar(event: Any) -> Any:
    if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
        raise Fault("PM0101", f"tag {event.tag} is not read", "Remove the tag.", position(event))
    try:
        return plain(event.value) if event.implicit[0] and not event.tag else event.value
    except ValueError as error:
        raise Fault("PM0101", str(error), "Use a finite number, or quotes for text.", position(event)) from None


def position(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)


def _json(text: str, budget: _Budget) -> Iterator[Any]:
    def fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise Fault("PM0122", f'key "{twice}" is given twice', "Remove one of them.")
        return found

    def number(text: str) -> Any:
        try:
            return plain(text)
        except ValueError as error:
            raise Fault("PM0101", str(error), "Use a finite number.") from None

    if not text.strip():
        return
    try:
        value = json.loads(text, object_pairs_hook=fields, parse_float=number, parse_int=number, parse_constant=number)
    except json.JSONDecodeError as error:
        raise Fault("PM0101", error.msg, "", Position(error.lineno, error.colno)) from None
    except RecursionError:
        raise Fault("PM0120", f"nested deeper than {MAX_DEPTH} levels", "Flatten the value.") from None
    _count(value, 1, budget)
    yield value


def _count(value: Any, depth: int, budget: _Budget) -> None:
    budget.spend(depth)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _count(inner, depth + 1, budget)


def forgotten(piece: Piece) -> Piece:
    """The same without the values: they are many times their text, and `recalled` when somebody asks."""
    return replace(piece, documents=tuple(Document(None, one.path) for one in piece.documents))


def recalled(piece: Piece, document: Document) -> Any:
    """The value of a document of a piece that was forgotten."""
    [again] = read(piece.text, piece.form)
    return next(one.value for one in again.documents if one.path == document.path)


# Finding again ---------------------------------------------------------------------------------------------------------


def locate(piece: Piece, path: Path) -> Position:
    """Where the value at a path stands in the file: of a field its key, of an item its value. Stops at the last part there is.

    JSON is read as YAML here: where it is not, the position is that of the piece.
    """
    try:
        found = _search(_parser(piece.text.decode("utf-8")), path)
    except (yaml.YAMLError, UnicodeDecodeError):
        found = None
    return Position((found.line if found else 1) + piece.line, found.column if found else 1)


def _search(parser: Any, path: Path) -> Position | None:
    number, rest = (int(path[0]), path[1:]) if path and isinstance(path[0], int) else (0, path)
    while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
        if isinstance(event, yaml.DocumentStartEvent):
            event = parser.get_event()
            if number == 0:
                return _descend(parser, event, rest)
            _skip(parser, event)
            number -= 1
    return None


def _descend(parser: Any, event: Any, path: Path) -> Position:
    """Follow a path from the value that begins with this event."""
    at = position(event)
    for part in path:
        if isinstance(event, yaml.MappingStartEvent) and isinstance(part, str):
            found = _enter(parser, part)
        elif isinstance(event, yaml.SequenceStartEvent) and isinstance(part, int):
            found = _item(parser, part)
        else:
            return at
        if found is None:
            return at
        at, event = found
    return at


def _enter(parser: Any, name: str) -> tuple[Position, Any] | None:
    while not isinstance(event := parser.get_event(), yaml.MappingEndEvent):
        value = parser.get_event()
        if getattr(event, "value", None) == name:
            return position(event), value
        _skip(parser, value)
    return None


def _item(parser: Any, index: int) -> tuple[Position, Any] | None:
    while not isinstance(event := parser.get_event(), yaml.SequenceEndEvent):
        if index == 0:
            return position(event), event
        _skip(parser, event)
        index -= 1
    return None


def _skip(parser: Any, event: Any) -> None:
    """Leave out the value that begins with this event."""
    open_ = 0
    while True:
        open_ += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if open_ == 0:
            return
        event = parser.get_event()
