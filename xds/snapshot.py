"""What every proxy should have now: serialized resources by view and type, and in which order they came to be.

Owns bytes, versions and the log of changes; knows nothing of streams, subscriptions, clocks or I/O. A stream that is in
step holds one number, the epoch up to which it was told; what changed since is read off the end of the log. Responses are
built once and shared by all streams that need the same one: a nonce only has to be unlike the last one on its stream.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count, islice
from typing import Any
from weakref import WeakValueDictionary

from protos.v3 import framed
from translator.engine import Table
from translator.ir.output import Packed
from xds import entries
from xds.aliases import Aliases
from xds.kinds import BY_TABLE, FLAT, KINDS, LISTENER, VIRTUAL_HOST, Kind, Variant, group_of
from xds.names import canonical
from xds.pieces import pieces
from xds.resource import MODULUS, Part, Resource, Whole, needs, resource, spelled
from xds.returning import InStep

REMEMBERED = 8  # sets of one type that a SotW client which comes back may name by their version
LOOKED_FOR = 100  # names that a client has no right to, and that might be another group's: enough to tell the operator
TOMBSTONES = 10_000  # of a type; with more than that, and more than there are resources, the older half is forgotten


class Resources:
    """All resources of one type in one view. `live` and `dead` are ordered by their last change: they are the log."""

    __slots__ = (
        "_aliases", "_in_step", "_made", "_messages", "_nonces", "_parts", "_proven", "_recent", "_sum", "_wholes", "dead", "dead_at",
        "floor", "good", "kind", "live", "live_at", "mortal",
    )  # fmt: skip

    def __init__(self, kind: Kind, nonces: count[int]) -> None:
        self.kind, self._nonces = kind, nonces
        self.live: dict[str, Resource] = {}
        self.dead: dict[str, tuple[int, Resource]] = {}  # the epoch in which it went, and what it was
        self.live_at = self.dead_at = 0  # epochs of the last change
        self.good: dict[str, Resource] = {}  # the newest state of each that some client accepted
        self.floor = 0  # who was last told of removals before this epoch can no longer be told what is gone
        self._sum = 0
        self.mortal: dict[str, int] = {}  # name → seconds after which a client drops it, unless it is told otherwise
        self._aliases = Aliases()
        self._in_step: InStep | None = None
        self._made: dict[tuple[int, int], tuple[Resource, ...]] = {}
        self._parts: dict[tuple[Variant, tuple[str, ...], tuple[str, ...]], tuple[Part, ...]] = {}
        self._wholes: WeakValueDictionary[int, Whole] = WeakValueDictionary()
        self._recent: deque[Whole] = deque(maxlen=REMEMBERED)
        self._messages: dict[int, tuple[str, bytes]] = {}  # total of a whole → nonce and bytes
        self._proven: set[str] = set()  # nonces of responses that were accepted since the last change

    @property
    def version(self) -> str:
        return spelled(self._sum)

    @property
    def in_step(self) -> InStep:
        """Made once for all that come back between two changes."""
        self._in_step = self._in_step or InStep({name: one.version for name, one in self.live.items()})
        return self._in_step

    def put(self, name: str, packed: Packed, seq: int) -> bool:
        """Take in one resource; False where it is what it was."""
        before = self.live.get(name)
        new = resource(self.kind, name, packed, seq, before)
        if before and before.version == new.version:
            return False
        self.live.pop(name, None)
        self.live[name] = new
        self.dead.pop(name, None)
        self._count(before, new)
        self.live_at = seq
        return True

    def drop(self, name: str, seq: int) -> bool:
        before = self.live.pop(name, None)
        if before is None:
            return False
        self.dead[name] = (seq, before)
        self.good.pop(name, None)
        self._count(before, None)
        self.dead_at = seq
        if len(self.dead) > max(TOMBSTONES, len(self.live)):
            self._forget(len(self.dead) // 2)
        return True

    def _count(self, before: Resource | None, after: Resource | None) -> None:
        self._sum = (self._sum - (before.digest if before else 0) + (after.digest if after else 0)) % MODULUS
        if (before and (before.also or before.ttl)) or (after and (after.also or after.ttl)):
            self._file(before, after)
        self._in_step = None
        self._made.clear()
        self._parts.clear()
        self._messages.clear()
        self._proven.clear()

    def _file(self, before: Resource | None, after: Resource | None) -> None:
        if before:
            self._aliases.remove(before.name, before.also)
            self.mortal.pop(before.name, None)
        if after:
            self._aliases.add(after.name, after.also)
            self.mortal |= {after.name: after.ttl} if after.ttl else {}

    def _forget(self, many: int) -> None:
        for name in list(self.dead)[:many]:
            self.floor = self.dead.pop(name)[0]

    def meant(self, names: frozenset[str]) -> frozenset[str]:
        """The names of resources that are there for these; a name that means nothing now stays."""
        return self._aliases.meant(names, self.live)

    def prove(self, part: Part) -> None:
        """A client accepted this. The first to accept a response speaks for all that share it."""
        if part.nonce in self._proven:
            return
        self._proven.add(part.nonce)
        for one in part.made:
            known = self.good.get(one.name)
            if one.name in self.live and (known is None or known.seq <= one.seq):
                self.good[one.name] = one

    # Reading the log ---------------------------------------------------------------------------------------------------

    def made(self, after: int, upto: int) -> tuple[Resource, ...]:
        """Resources whose last change is in (after, upto], oldest first."""
        if after >= self.live_at:
            return ()
        found = self._made.get((after, upto))
        if found is None:
            recent = []
            for one in reversed(self.live.values()):
                if one.seq <= after:
                    break
                if one.seq <= upto:
                    recent.append(one)
            found = self._made[after, upto] = tuple(reversed(recent))
        return found

    def gone(self, after: int, upto: int) -> tuple[str, ...]:
        """Names whose removal is in (after, upto] and that did not come back, oldest first."""
        found = []
        for name, (seq, _) in reversed(self.dead.items()) if after < self.dead_at else ():
            if seq <= after:
                break
            if seq <= upto:
                found.append(name)
        return tuple(reversed(found))

    def unsettled(self, after: int) -> int:
        """The epoch before the last change of any that went after `after`: who is not told of that may have an older state still."""
        settled = after
        for seq, one in reversed(self.dead.values()):
            if seq <= after:
                break
            settled = min(settled, one.seq - 1)
        return settled

    def skipped(self, clear: int, upto: int) -> bool:
        """Whether a resource that changed after `upto` had changed before, yet after `clear`: a state nobody was sent."""
        return any(one.previous > clear for one in self.made(upto, self.live_at))

    # Responses ---------------------------------------------------------------------------------------------------------

    def parts(self, variant: Variant, names: tuple[str, ...], gone: tuple[str, ...], last: str = "") -> tuple[Part, ...]:
        """Responses, each below 4 MiB if its resources allow it, that carry these. At least one, may be empty.

        `last` is the nonce that their stream had last: theirs are others, or a late request would pass for an answer.
        """
        found = self._parts.get((variant, names, gone))
        if found is None or found[-1].nonce == last:
            found = self._parts[variant, names, gone] = tuple(self._split(names, gone, variant))
        return found

    def _split(self, names: tuple[str, ...], gone: tuple[str, ...], variant: Variant) -> Iterable[Part]:
        resources = (self.live.get(name) or self.dead[name][1] for name in names)
        for chunk, last in pieces(resources, gone):
            yield self._part(chunk, last, variant)

    def _part(self, chunk: list[Resource], gone: tuple[str, ...], variant: Variant) -> Part:
        nonce, version = str(next(self._nonces)), self.version
        said = chain.from_iterable(one.said(variant) for one in chunk)
        unknown = self._unknown(gone)
        data = self._message(version, (*said, *map(entries.nothing, unknown)), nonce, (name for name in gone if name not in unknown))
        return Part(nonce, version, data, tuple(one.name for one in chunk), gone, needs(chunk), tuple(chunk), ack=self._ack(nonce, variant))

    def _ack(self, nonce: str, variant: Variant) -> bytes:
        return framed(2, self.kind.type_url.encode()) + framed(6, nonce.encode()) if variant is Variant.DELTA else b""

    def variation(self, one: Resource, body: bytes) -> Resource:
        """The resource with another body, for one client that does not take it as it is."""
        return resource(self.kind, one.name, Packed(body, one.needs, ttl=one.ttl), one.seq, None)

    def part(self, variant: Variant, these: tuple[Resource, ...], gone: tuple[str, ...]) -> Part:
        """A response to one client alone."""
        return self._part(list(these), gone, variant)

    def beat(self, names: tuple[str, ...], last: str) -> Part:
        """These are as they were and live on: a resource without its body, with the version held."""
        found = self._parts.get((Variant.DELTA, ("", *names), ()))
        if found is None or found[0].nonce == last:
            nonce = str(next(self._nonces))
            alive = (entries.alive(name, self.live[name].version, self.live[name].ttl) for name in names)
            message = self._message(self.version, alive, nonce)
            found = self._parts[Variant.DELTA, ("", *names), ()] = (Part(nonce, self.version, message, (), (), frozenset(), ()),)
        return found[0]

    def _unknown(self, gone: tuple[str, ...]) -> frozenset[str]:
        """Those that never were, of a type that has a way to say so."""
        return frozenset(name for name in gone if name not in self.dead) if self.kind is VIRTUAL_HOST else frozenset()

    def _message(self, version: str, entries: Iterable[bytes], nonce: str, gone: Iterable[str] = ()) -> bytes:
        """A response of either variant: their fields have the same numbers. They are joined as they are, nothing is parsed."""
        return b"".join(
            (
                framed(1, version.encode()),
                *entries,
                framed(4, self.kind.type_url.encode()),
                framed(5, nonce.encode()),
                *(framed(6, name.encode()) for name in gone),
            )
        )

    # The state of the world --------------------------------------------------------------------------------------------

    def known(self, version: str) -> Whole | None:
        """The set that has this version, if it is that of now or was sent not long ago."""
        if version == self.version:
            return self._whole(self._sum, self.live)
        return next((whole for whole in self._recent if whole.version == version), None)

    def whole(self, before: Whole, picked: Sequence[Resource], gone: frozenset[str], last: str) -> Part:
        """A SotW response to who has `before`: with these, and without `gone`. Never split.

        `last` is as in `parts`.
        """
        names = tuple(one.name for one in picked)
        old = before.members
        total = before.total - sum(old[name].digest for name in gone.union(names) if name in old) + sum(one.digest for one in picked)
        whole = self._wholes.get(total % MODULUS)
        if whole is None:
            after = {name: one for name, one in old.items() if name not in gone} | {one.name: one for one in picked}
            whole = self._whole(total % MODULUS, after)
        nonce, data = self._messages.get(whole.total, (last, b""))
        if nonce == last:
            nonce = str(next(self._nonces))
            said = chain.from_iterable(one.said(Variant.SOTW) for _, one in sorted(whole.members.items()))
            data = self._message(whole.version, said, nonce)
            self._messages[whole.total] = nonce, data
        return Part(nonce, whole.version, data, names, tuple(sorted(gone)), needs(picked), tuple(picked), whole)

    def living(self, whole: Whole) -> Whole:
        """Without what is no more."""
        members = {name: one for name, one in whole.members.items() if name in self.live}
        return whole if len(members) == len(whole.members) else self._whole(sum(one.digest for one in members.values()) % MODULUS, members)

    def _whole(self, total: int, members: Mapping[str, Resource]) -> Whole:
        found = self._wholes.get(total)
        if found is None:
            found = self._wholes[total] = Whole(total, dict(members))
            self._recent.append(found)
        return found


Changes = Mapping[tuple[Table[Any, Any], Any], Any]


class Snapshots:
    """All views. Nothing may be answered before `synced`: what is missing then may only be late."""

    def __init__(self, groups: Iterable[str] = ("local",)) -> None:
        self.groups = frozenset(groups)
        self.synced = False
        self.epoch = 0
        self._nonces = count(1)
        self._tables: dict[tuple[str, Kind], Resources] = {}

    def apply(self, changes: Changes) -> set[tuple[str, Kind]]:
        """Take in what the engine settled; tables that are not resources are passed over. Gives the (view, type) touched."""
        epoch, touched = self.epoch + 1, set()
        for (table, key), packed in changes.items():
            kind = BY_TABLE.get(table.name)
            if kind is None:
                continue
            view, name = key[0], canonical(key[1])
            resources = self._of(view, kind)
            if resources.put(name, packed, epoch) if packed is not None else resources.drop(name, epoch):
                touched.add((view, kind))
        if touched:
            self.epoch = epoch
        return touched

    def of(self, view: str, kind: Kind) -> Resources:
        """The resources of a type that a stream of this view sees."""
        return self._of(group_of(view) if kind.shared else view, kind)

    def elsewhere(self, view: str, kind: Kind, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the names that this view lacks and another group has, of the first hundred that it lacks."""
        own = self.of(view, kind).live
        missing = list(islice((name for name in names if name not in own), LOOKED_FOR))
        tables = self._tables.items() if missing else ()
        others = [one.live for (at, of), one in tables if of is kind and group_of(at) != group_of(view)]
        return tuple(sorted(name for name in missing if any(name in live for live in others)))

    def complete(self, view: str) -> bool:
        """Whether the view may be answered: all is synced, and a flat view, made on demand, has been made."""
        if not self.synced:
            return False
        return not view.endswith(FLAT) or bool(self.of(view, LISTENER).live) or not self.of(group_of(view), LISTENER).live

    def versions(self, view: str) -> dict[Kind, str]:
        return {kind: self.of(view, kind).version for kind in KINDS}

    def _of(self, view: str, kind: Kind) -> Resources:
        found = self._tables.get((view, kind))
        if found is None:
            found = self._tables[view, kind] = Resources(kind, self._nonces)
        return found
