"""What a folder of files says altogether, and what is to be believed of it. No I/O and no clock: contents and times come in.

* A text that cannot be read, or a document that the door refuses, removes nothing: what its file said last stays, and
  only what is good in it is taken in. It holds up no other file, and heals when it is mended.
* What is good is taken at once. What is bad, and what is gone, may be a file half written: it counts when nothing has
  moved for QUIET seconds. So does a text that lost its final newline.
* Where two files hold the same object, the one whose path sorts first counts; within a file, the first document.
* When more than half of a kind, and at least five of it, are gone at once, they stay until somebody says it is meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from translator.ir.finding import Finding, Path
from translator.resources.meta import Object
from xds.sources.difference import difference
from xds.sources.documents import Document, Fault, Piece, Position, forgotten, locate, read, recalled
from xds.store import Change

QUIET = 0.5  # seconds without a move, after which a file counts as written
PATIENCE = 2.0  # seconds after which what is gone counts as gone even while other things are moving
GUARD_LEAST = 5
GUARD_PART = 0.5

Name = tuple[str, str]  # kind and key


class Admission(Protocol):
    """What the door says of one document."""

    @property
    def kind(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def object(self) -> Object | None: ...
    @property
    def findings(self) -> tuple[Finding, ...]: ...


class Door(Protocol):
    def admit(self, document: Any) -> Admission: ...
    def defaulted(self, document: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Unread:
    """A document that the door was not asked about, or had nothing to say of."""

    kind: str
    key: str
    findings: tuple[Finding, ...]
    object: None = None


@dataclass(frozen=True, slots=True)
class Located:
    """A finding and where it stands. `since` is when the state was good last, or None where it never was."""

    file: str
    at: Position
    finding: Finding
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One object as a file holds it."""

    object: Object
    piece: Piece
    document: Document


@dataclass
class _File:
    pieces: dict[bytes, tuple[Piece, tuple[Admission, ...]]] = field(default_factory=dict)  # by their text
    entries: dict[Name, Entry] = field(default_factory=dict)
    text: bytes | None = None  # what was last taken in, good or bad
    delayed: bytes | None = None  # a text that lost its final newline, until it is quiet
    whole: bool = False  # the last good text ended with a newline
    touched: float = 0.0
    good: float | None = None
    gone: bool = False
    findings: tuple[Located, ...] = ()
    reported: tuple[Located, ...] = ()  # those findings that have waited out the quiet


class Folder:
    def __init__(self, door: Door, *, allow_mass_deletion: bool = False) -> None:
        self._door = door
        self._files: dict[str, _File] = {}
        self._faulty: set[str] = set()  # files with findings: few, whatever the number of files
        self._restless: dict[str, None] = {}  # files that moved, until they are quiet
        self._ticked = 0.0
        self._holders: dict[Name, list[str]] = {}  # paths that hold the object, sorted: the first counts
        self._doubtful: dict[Name, float] = {}  # objects in two places, and since when
        self._current: dict[Name, Object] = {}  # as last told
        self._touched: dict[Name, None] = {}  # to be told
        self._leaving: dict[Name, float] = {}  # held by no file any more, and since when
        self._held: frozenset[Name] = frozenset()  # those of them that the guard holds back
        self._blind: dict[str, tuple[str, float]] = {}  # folders that cannot be listed, why, and since when
        self.allow_mass_deletion = allow_mass_deletion

    # Taking in ---------------------------------------------------------------------------------------------------------

    def take(self, path: str, text: bytes, now: float) -> None:
        """A file's whole content, as it is now."""
        file = self._files.setdefault(path, _File())
        file.gone = False
        if text in (file.text, file.delayed):
            file.delayed = None if text == file.text else text
            return
        self._stir(path, file, now)
        if file.whole and _form(path) == "yaml" and not text.endswith(b"\n"):
            file.delayed = text
            return
        self._accept(path, file, text, now)

    def _stir(self, path: str, file: _File, now: float) -> None:
        file.touched = now
        self._restless[path] = None

    def _accept(self, path: str, file: _File, text: bytes, now: float) -> None:
        file.text, file.delayed = text, None
        try:
            pieces = read(text, _form(path), {known: piece for known, (piece, _) in file.pieces.items()})
        except Fault as fault:
            self._fault(path, file, fault)
            return
        known, file.pieces = file.pieces, {}
        for piece in pieces:
            old = known.get(piece.text)
            admitted = old[1] if old else tuple(self._admit(document.value) for document in piece.documents)
            file.pieces[piece.text] = (forgotten(piece), admitted)
        file.whole = text.endswith(b"\n")
        self._settle(path, file, [forgotten(piece) for piece in pieces], now)

    def _admit(self, value: Any) -> Admission:
        """The door's word; and where the door has none, because the document is no object or nobody reads its kind, ours."""
        if not isinstance(value, dict):
            finding = Finding(code="PM0102", kind="", key="", message="a document is an object, with apiVersion, kind and metadata")
            return Unread("", "", (finding,))
        admission = self._door.admit(value)
        if admission.object or admission.findings:
            return admission
        finding = Finding(
            code="PM0103",
            kind=admission.kind,
            key=admission.key,
            message="nothing here reads this kind",
            path=("kind",),
            severity="warning",
        )
        return Unread(admission.kind, admission.key, (finding,))

    def _settle(self, path: str, file: _File, pieces: list[Piece], now: float) -> None:
        """Make the admitted objects of a file its entries."""
        entries: dict[Name, Entry] = {}
        findings: list[Located] = []
        refused = False
        for piece in pieces:
            for document, admission in zip(piece.documents, file.pieces[piece.text][1], strict=True):
                findings += [Located(path, locate(piece, (*document.path, *one.path)), one, file.good) for one in admission.findings]
                if admission.object is None:
                    refused = refused or any(map(_is_mistake, admission.findings))
                elif (name := (admission.kind, admission.key)) in entries:
                    findings.append(_twice(path, name, Entry(admission.object, piece, document), path, entries[name], file.good))
                else:
                    entries[name] = Entry(admission.object, piece, document)
        if refused:
            entries = {**file.entries, **entries}
        else:
            file.good = now
        self._findings(path, file, findings)
        self._replace(path, file, entries, now)

    def _fault(self, path: str, file: _File, fault: Fault) -> None:
        finding = Finding(code=fault.code, kind="", key="", message=fault.message, fix=fault.fix)
        self._findings(path, file, [Located(path, fault.at or Position(1, 1), finding, file.good)])

    def _findings(self, path: str, file: _File, findings: Iterable[Located]) -> None:
        """New ones wait for quiet; those that are no longer found are forgotten at once."""
        file.findings = tuple(findings)
        still = {(one.finding, one.at): one for one in file.findings}
        file.reported = tuple(still[one.finding, one.at] for one in file.reported if (one.finding, one.at) in still)
        self._faulty.add(path) if still else self._faulty.discard(path)

    def _replace(self, path: str, file: _File, entries: dict[Name, Entry], now: float) -> None:
        old, file.entries = file.entries, entries
        for name in old.keys() - entries.keys():
            holders = self._holders[name]
            holders.remove(path)
            if not holders:
                self._leaving[name] = now
            self._moved(name, now)
        for name, entry in entries.items():
            if name not in old:
                self._holders.setdefault(name, []).append(path)
                self._holders[name].sort()
                self._returned(name, now)
            if name not in old or old[name].object != entry.object:
                self._moved(name, now)

    def _returned(self, name: Name, now: float) -> None:
        """Where one of those held back is there again, somebody may be putting them back one by one: judge again when quiet."""
        self._leaving.pop(name, None)
        if name in self._held:
            again = {other for other in self._held if other[0] == name[0]}
            self._held -= again
            self._leaving.update(dict.fromkeys(again - {name}, now))

    def _moved(self, name: Name, now: float) -> None:
        self._touched[name] = None
        if len(self._holders[name]) > 1:
            self._doubtful.setdefault(name, now)
        else:
            self._doubtful.pop(name, None)

    def unreadable(self, path: str, reason: str, now: float) -> None:
        file = self._files.setdefault(path, _File())
        file.gone, file.text, file.delayed = False, None, None
        self._stir(path, file, now)
        self._fault(path, file, Fault("PM0101", reason, "Make the file readable."))

    def gone(self, path: str, now: float) -> None:
        """The file is not there. An editor that saves by renaming makes it so for a moment: so this too waits for quiet."""
        file = self._files.get(path)
        if file and not file.gone:
            file.gone, file.text, file.delayed = True, None, None
            self._stir(path, file, now)
            self._findings(path, file, ())
            self._replace(path, file, {}, now)

    def blind(self, folders: dict[str, str], now: float) -> None:
        """The folders that cannot be listed now, and why. What lies below them is neither there nor gone."""
        self._blind = {path: (why, self._blind.get(path, (why, now))[1]) for path, why in folders.items()}

    def paths(self) -> list[str]:
        return [path for path, file in self._files.items() if not file.gone]

    # Time passing ------------------------------------------------------------------------------------------------------

    def due(self) -> float | None:
        """When `tick` has something to do, if nothing else happens until then."""
        times = [self._files[path].touched + QUIET for path in self._restless]
        times += [since + QUIET for _, since in self._blind.values()]
        times += [since + QUIET for since in self._doubtful.values()]
        times = [time for time in times if time > self._ticked]
        removal = self._next_removal()
        return min(times if removal is None else [*times, removal], default=None)

    def _next_removal(self) -> float | None:
        waiting = [since for name, since in self._leaving.items() if name not in self._held]
        return min(max(waiting) + QUIET, min(waiting) + PATIENCE) if waiting else None

    def tick(self, now: float) -> None:
        """Believe what has been so for long enough."""
        self._ticked = now
        for path in list(self._restless):
            file = self._files[path]
            if now < file.touched + QUIET:
                continue
            del self._restless[path]
            if file.delayed is not None:
                self._accept(path, file, file.delayed, now)
            file.reported = file.findings
            if file.gone:
                del self._files[path]

    def changes(self, now: float) -> list[Change]:
        """What is to be told since last asked: objects new and changed at once, objects gone when they are due."""
        told = [*self._updates(), *self._removals(now)]
        self._touched = {}
        return told

    def _updates(self) -> Iterator[Change]:
        for name in self._touched:
            if not (holders := self._holders[name]):
                continue
            was, new = self._current.get(name), self._files[holders[0]].entries[name].object
            if was != new:
                self._current[name] = new
                yield Change(*name, new, difference(was, new))

    def _removals(self, now: float) -> Iterator[Change]:
        leaving = self._leaving
        self._held &= leaving.keys()
        when = self._next_removal()
        if not leaving or (when is not None and now < when):
            return
        self._held = frozenset() if self.allow_mass_deletion else frozenset(self._too_many())
        for name in [name for name in leaving if name not in self._held]:
            del leaving[name], self._holders[name]
            if (was := self._current.pop(name, None)) is not None:
                yield Change(*name, None, difference(was, None))

    def _too_many(self) -> Iterator[Name]:
        there, leaving = Counter(kind for kind, _ in self._current), Counter(kind for kind, _ in self._leaving)
        kinds = {kind for kind, count in leaving.items() if count >= GUARD_LEAST and count > there[kind] * GUARD_PART}
        return (name for name in self._leaving if name[0] in kinds)

    # Looking -----------------------------------------------------------------------------------------------------------

    def findings(self, now: float) -> list[Located]:
        """What is wrong with the folder and its files, as far as it has been so for long enough."""
        found = [one for path in sorted(self._faulty) if path in self._files for one in self._files[path].reported]
        for name, since in sorted(self._doubtful.items()):
            if now >= since + QUIET:
                found += self._doubles(name)
        for path, (why, since) in sorted(self._blind.items()):
            if now >= since + QUIET:
                finding = Finding(code="PM0125", kind="", key="", message=why, fix="Bring the folder back.")
                found.append(Located(path, Position(1, 1), finding, since))
        return found + self._guarded()

    def _doubles(self, name: Name) -> Iterator[Located]:
        first, *others = self._holders[name]
        for path in others:
            file = self._files[path]
            yield _twice(path, name, file.entries[name], first, self._files[first].entries[name], file.good)

    def _guarded(self) -> list[Located]:
        kinds = Counter(kind for kind, _ in self._held)
        there = Counter(kind for kind, _ in self._current)
        fix = "Put them back; if it is meant, create the file .allow-mass-deletion in the folder."
        return [
            Located("", Position(1, 1), Finding(
                code="PM0124", kind=kind, key="", fix=fix,
                message=f"{count} of {there[kind]} objects of kind {kind} are gone at once; they stay in force",
            ))
            for kind, count in sorted(kinds.items())
        ]  # fmt: skip

    def entry(self, kind: str, key: str) -> tuple[str, Entry] | None:
        """The file that counts for an object, and what stands there."""
        holders = self._holders.get((kind, key))
        return (holders[0], self._files[holders[0]].entries[kind, key]) if holders else None

    def where(self, kind: str, key: str, path: Path = ()) -> tuple[str, Position] | None:
        """File, line and column of a field of an object."""
        found = self.entry(kind, key)
        return (found[0], locate(found[1].piece, (*found[1].document.path, *path))) if found else None

    def place(self, finding: Finding) -> Located:
        """A finding that translation made, and where its object stands."""
        found = self.where(finding.kind, finding.key, finding.path)
        return Located(*found, finding) if found else Located("", Position(1, 1), finding)

    def placed(self, found: list[Located], translation: list[Finding]) -> list[Located]:
        """The folder's own findings and those of translation, by their place."""
        both = [*found, *(self.place(one) for one in translation)]
        return sorted(both, key=lambda one: (one.file, one.at.line, one.at.column, one.finding.code))

    def document(self, kind: str, key: str) -> Any:
        """The object as its file has it, with the defaults of its kind; None where there is none."""
        found = self.entry(kind, key)
        return self._door.defaulted(recalled(found[1].piece, found[1].document)) if found else None

    def objects(self) -> dict[Name, Object]:
        return dict(self._current)


def _is_mistake(finding: Finding) -> bool:
    """Not so a kind of somebody else; so one that is a slip of the pen: `HTTPRout` must not take the HTTPRoute away."""
    return finding.severity == "error" or (finding.code == "PM0103" and bool(finding.fix))


def _form(path: str) -> str:
    return "json" if path.endswith(".json") else "yaml"


def _twice(path: str, name: Name, entry: Entry, other_path: str, other: Entry, since: float | None) -> Located:
    here, there = (locate(one.piece, one.document.path) for one in (entry, other))
    message = f"also in {other_path}:{there.line}, which counts"
    finding = Finding(code="PM0123", kind=name[0], key=name[1], message=message, fix="Remove one of them.")
    return Located(path, here, finding, since)
