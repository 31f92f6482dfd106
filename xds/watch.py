"""One type on one stream: what was asked for, what was sent, what came back. Decides what could be sent, never when.

Knows the log of one table of resources and nothing of other types: which of them must be ACKed first is for the stream to
say, as `limit`, the epoch up to which changes may go out. While the client is in step this holds a few numbers; names are
listed only where the client deviates (a reconnect, a refusal, a new name).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct

from xds.kinds import ENDPOINT, SCOPE, Kind, Variant
from xds.names import collections
from xds.ordering import Move
from xds.resource import Part, Resource, Whole
from xds.snapshot import Resources
from xds.subscription import NOTHING, Asked, Subscription, shared
from xds.trial import Attempt, Trial, Verdict

NONE = Whole(0, {})
FRUITLESS = 3  # refusals in a row, each of one resource by itself, that are taken for faults of what was sent


class Flight(Struct):
    """Responses of which one is on its way and the rest follows it, ACK by ACK. `made` and `gone` are the epochs that are
    clear when the last is ACKed; None where this says nothing about them.
    """

    parts: tuple[Part, ...]
    made: int | None
    gone: int | None
    since: float
    tries: bool = False  # sent for the trial of what was refused
    at: int = 0

    @property
    def part(self) -> Part:
        return self.parts[self.at]


class Pick(NamedTuple):
    names: tuple[str, ...]
    gone: tuple[str, ...]
    made_to: int | None = None
    gone_to: int | None = None
    greets: bool = False  # to be sent even if empty: the client waits for a first answer
    attempt: Attempt | None = None  # for the trial of what was refused

    @property
    def sends(self) -> bool:
        return bool(self.names or self.gone or self.greets or self.attempt)


class Watch:
    __slots__ = (
        "absent", "beats_at", "clear", "cold", "error", "flight", "fruitless", "gone", "gone_clear", "greet", "had", "kind",
        "landed", "lost", "nonce", "owed", "points", "quiet_until", "refused", "sent", "subscription", "table", "trial",
        "variant", "version", "whole",
    )  # fmt: skip

    def __init__(self, kind: Kind, table: Resources, epoch: int, variant: Variant) -> None:
        self.kind, self.table, self.variant = kind, table, variant
        self.whole: Whole | None = None  # what a SotW client has accepted of a type that is answered whole
        self.subscription: Subscription | None = None
        self.sent = self.gone = epoch  # the log up to here was looked through for what is made, and for what is gone
        self.clear = self.gone_clear = 0  # all up to here is ACKed
        self.landed = 0  # all up to here is answered: clear when the trial of what was refused is over
        self.owed: frozenset[str] = NOTHING  # to be sent, whatever the log says
        self.lost: frozenset[str] = NOTHING  # the client came with them, and they are no more
        self.absent: frozenset[str] = NOTHING  # newly asked for and not there: whoever waits for them is told at once
        self.points: frozenset[str] = NOTHING  # changed scopes that wait until what they point to is loaded
        self.had = NOTHING  # scopes that the client was sent and not told since that they went
        self.cold = False  # it reconnected and lacks some that it wants: what stands on them may not be usable yet
        self.greet = False  # an answer is due even if there is nothing
        self.flight: Flight | None = None
        self.trial = Trial(table)  # of what was refused together, until it is known which of it was the cause
        self.refused: dict[str, str] = {}  # name → why; held back until it changes
        self.error = self.nonce = self.version = ""
        self.fruitless, self.quiet_until = 0, 0.0  # refusals in a row that leave nothing to try
        self.beats_at = 0.0  # when the client is told next what lives on, of resources that it would drop

    # Asking ------------------------------------------------------------------------------------------------------------

    def ask(self, asked: Asked, held: Mapping[str, str] | None, pushed: Iterable[str] = ()) -> None:
        """Take in a subscription. `held` are the versions a reconnecting client came with, None if it did not say;
        `pushed` names are to be sent although it holds them.
        """
        before, self.subscription = self.subscription, asked.now
        if not (held or (before and before.wildcard)):
            new = self.table.meant(asked.names) - (before.names if before else NOTHING)
            self.absent |= new.difference(self.table.live)  # one by one: given both at once, it goes through all that live
        if not asked.everything and not asked.names and not held:
            return
        if held is not None:
            self._resume(asked, held, frozenset(pushed))
        elif asked.everything:
            self.sent, self.points, self.had, self.greet = 0, NOTHING, NOTHING, True
            self._owe(self.table.meant(asked.names).difference(self.table.live))
            self.whole = self.whole and self.table.living(self.whole)
        else:
            names = self.table.meant(asked.names)
            self._owe(names)
            self.points -= names

    def _resume(self, asked: Asked, held: Mapping[str, str], pushed: frozenset[str]) -> None:
        """Every client does this when a server comes back, with all that it has: no step here is slow for one of ten thousand."""
        versions, names = self.table.in_step.versions, self.table.meant(asked.names)
        same = held is versions or held == versions
        strange = set() if same else {name for name, has in held.items() if versions.get(name) != has}
        wanted = versions.keys() if asked.everything else names
        differs = set() if same and asked.everything else (strange & wanted) | (wanted - held.keys())
        differs.update(pushed & wanted)
        lost = {name for name in strange if name not in versions and self.covers(name)}
        differs.update(names.difference(versions))
        if self._lasting:
            differs, lost = differs - lost, set()
        differs -= lost - pushed
        if self.kind is SCOPE:
            self.had = shared(held)
            self.points |= {name for name in differs if name in held}
        self._owe(differs - self.points)
        self.lost |= lost
        self.cold = bool(self.owed)

    def push(self, names: frozenset[str]) -> None:
        """Send these again if the client wants them: it may wait for them though it holds them."""
        if self.subscription is not None:
            self._owe(names if self.subscription.wildcard else filter(self.covers, names))

    def _owe(self, names: Iterable[str]) -> None:
        self.owed = self.owed.union(names) if self.owed else frozenset(names)

    @property
    def _whole_set(self) -> bool:
        return self.variant is Variant.SOTW and self.kind.whole

    @property
    def _blind(self) -> bool:
        """What this client has is not known, and what a response lacks will be deleted: it must hold all there is."""
        return self._whole_set and self.whole is None

    @property
    def _tells_gone(self) -> bool:
        """SotW has no words for the removal of what is asked for by name: the client forgets it with whatever named it."""
        return self.variant is Variant.DELTA or self.kind.whole

    @property
    def _lasting(self) -> bool:
        """What the client holds stays with it when it is no more."""
        return self.kind.lasts and self.subscription is not None and not self.subscription.wildcard

    @property
    def mortal(self) -> bool:
        """Whether there is anything that this client drops by itself. Only delta has a place for that."""
        return bool(self.table.mortal) and self.variant is Variant.DELTA

    @property
    def _beat_seconds(self) -> float:
        return min(self.table.mortal.values()) / 3

    def covers(self, name: str) -> bool:
        """Whether the client asked for this resource, by whatever name."""
        one = self.table.live.get(name) or self.table.dead.get(name, (0, None))[1]
        return self.subscription is not None and self.subscription.covers(name, one.also if one else collections(name))

    # Where it stands ---------------------------------------------------------------------------------------------------

    def wants(self, move: Move) -> bool:
        """Whether there may be something to send. May say so in vain where a subscription is by name."""
        if move is Move.MAKE:
            made = self.table.live_at > self.sent or bool(self.owed) or self.greet or bool(self.trial)
            return made or (self.kind.swaps and self._removes())
        if move is Move.POINT:
            return bool(self.points)
        return not self.kind.swaps and self._removes()

    def _removes(self) -> bool:
        return self.table.dead_at > self.gone or bool(self.lost)

    def made_through(self, epoch: int) -> int:
        """All that was made up to this epoch is ACKed, or not wanted."""
        flying = self.flight is not None and self.flight.made is not None
        if flying or self.owed or self.points or self.trial or self.table.live_at > self.sent:
            return self.clear
        return epoch

    def gone_through(self, epoch: int) -> int:
        flying = self.flight is not None and self.flight.gone is not None
        return min(self.gone_clear, self.table.unsettled(self.gone_clear)) if flying or self._removes() else epoch

    def holds(self, name: str) -> bool:
        """Whether the client has ACKed some state of this resource, and nothing of it is on its way."""
        one = self.table.live.get(name)
        if one is None or self.subscription is None or not self.subscription.covers(name, one.also) or one.born > self.sent:
            return False
        flying = self.flight is not None and any(name in part.names for part in self.flight.parts[self.flight.at :])
        return not flying and name not in self.owed and name not in self.refused and name not in self.trial

    @property
    def forgotten(self) -> bool:
        """The log does not reach back to what this client was last told of removals."""
        return self.gone < self.table.floor and self.table.dead_at > self.gone

    # Picking -----------------------------------------------------------------------------------------------------------

    def pick(self, move: Move, limit: int, epoch: int) -> Pick:
        """What may go out now, of changes up to `limit`. What is picked counts as sent."""
        if move is Move.MAKE and self.trial and (attempt := self._attempt()):
            return attempt
        if self._blind and limit < epoch:
            return Pick((), ())
        if move is Move.MAKE:
            pick = self._pick_made(limit, epoch)
            return self._with_removals(pick, limit, epoch) if self.kind.swaps else pick
        if move is Move.POINT:
            return self._pick_points(limit)
        return self._with_removals(Pick((), ()), limit, epoch)

    def _attempt(self) -> Pick | None:
        """What is to be tried again of what was refused. It has been through its gate before."""
        attempt = self.trial.next(lambda name: self.covers(name) and name not in self.owed)
        if attempt is None:
            self._close_trial()
            return None
        gone = tuple(name for name in self.trial.gone if name not in self.table.live)
        return Pick(attempt.names, gone, attempt=attempt)

    def _close_trial(self) -> None:
        if self.trial.gone:
            self.lost, self.trial.gone = self.lost.union(self.trial.gone), ()
        self.clear = max(self.clear, self.landed)

    def _pick_made(self, limit: int, epoch: int) -> Pick:
        made = self._covered(self.table.made(self.sent, limit)) if limit > self.sent else ()
        if self.had:
            held = {one.name for one in made if one.name in self.had}
            self.points |= held
            made = tuple(one for one in made if one.name not in held)
        names, gone = self._pick_owed(limit, made)
        whole = not (self.points or self.owed or self.table.skipped(self.clear, limit))
        self.sent = max(self.sent, limit)
        clear = max(self.clear, self.landed, limit) if whole else self.clear
        greets = self.greet and limit >= epoch and not names and not gone
        if not names and not gone:
            self.clear = clear
        self.greet = self.greet and not (names or greets)
        return Pick(names, gone, made_to=clear, greets=greets)

    def _pick_owed(self, limit: int, made: tuple[Resource, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of `made` and of what is owed and may go; and those owed that do not exist."""
        names = tuple(one.name for one in made)
        if not self.owed:
            return names, ()
        live, dead = self.table.live, self.table.dead
        ready = {name for name in self.owed if name in live and live[name].seq <= limit}
        lacking: set[str] = {name for name in self.owed if name not in live}
        later = {name for name in lacking if name in dead and (dead[name][0] > self.gone or name in self.lost)} - self.absent
        told = lacking - later
        if self._lasting:
            later, told = set(), lacking
        if not self._tells_gone:
            later, told = lacking & dead.keys(), set()
        if self.kind is ENDPOINT:  # a cluster waits for them, and they go after it only: once more as they were
            ready |= later
        self.owed, self.lost, self.absent = self.owed - ready - lacking, self.lost - told, NOTHING
        return (*names, *sorted(ready.difference(names))), tuple(sorted(told))

    def _pick_points(self, limit: int) -> Pick:
        live = self.table.live
        ready = {name for name in self.points if name not in live or live[name].seq <= limit}
        self.points = self.points - ready
        return Pick(tuple(sorted(ready & live.keys())), (), made_to=self.clear if self.points or self.owed else min(limit, self.sent))

    def _with_removals(self, pick: Pick, limit: int, epoch: int) -> Pick:
        gone = self.table.gone(self.gone, limit) if limit > self.gone and self._tells_gone else ()
        if self.subscription and not self.subscription.wildcard:
            gone = () if self._lasting else tuple(name for name in gone if self.covers(name))
        if self.lost and limit >= epoch:
            gone = (*gone, *sorted(self.lost - self.table.live.keys() - set(gone)))
            self.lost = NOTHING
        if self.whole:
            gone = tuple(name for name in gone if name in self.whole.members)
        self.gone = max(self.gone, limit)
        if not gone:
            self.gone_clear = self.gone
            return pick
        return pick._replace(gone=(*pick.gone, *gone), gone_to=self.gone)

    def _covered(self, made: tuple[Resource, ...]) -> tuple[Resource, ...]:
        if self.subscription is None or self.subscription.wildcard:
            return made
        wanted = self.subscription.names
        return tuple(one for one in made if one.name in wanted or (one.also and not wanted.isdisjoint(one.also)))

    # Flying ------------------------------------------------------------------------------------------------------------

    def fly(self, pick: Pick, move: Move, now: float) -> Part:
        parts = (self._whole(pick),) if self._whole_set else self._parts(pick)
        if self.kind is SCOPE:
            self.had = self.had.changed(frozenset(pick.names), frozenset(pick.gone))
        made = pick.made_to if move is not Move.REMOVE else None
        self.flight = Flight(parts, made, pick.gone_to, now, pick.attempt is not None)
        if self.mortal:
            self.beats_at = now + self._beat_seconds
        return self.flight.part

    def beat(self, now: float) -> Part | None:
        """What keeps alive all that the client holds and would drop, if there is any."""
        self.beats_at = now + self._beat_seconds
        names = tuple(name for name in self.table.mortal if self.holds(name))
        if not names:
            return None
        self.flight = Flight((self.table.beat(names, self.nonce),), None, None, now)
        return self.flight.part

    def _parts(self, pick: Pick) -> tuple[Part, ...]:
        if pick.attempt and pick.attempt.instead:
            return (self.table.part(self.variant, pick.attempt.instead, pick.gone),)
        return self.table.parts(self.variant, pick.names, pick.gone, self.nonce)

    def _whole(self, pick: Pick) -> Part:
        live, wanted = self.table.live, self.subscription or Subscription()
        before = self.whole or NONE
        strange = filter(self._strange, before.members) if not wanted.wildcard else ()
        names = tuple(name for name in live if self.covers(name)) if self._blind and not pick.attempt else pick.names
        picked = pick.attempt.instead if pick.attempt and pick.attempt.instead else [live[name] for name in names]
        return self.table.whole(before, picked, frozenset(pick.gone).union(strange), self.nonce)

    def _strange(self, name: str) -> bool:
        """Not wanted, or gone while it was not: it came to the client with what it wanted then."""
        went, _ = self.table.dead.get(name, (self.gone + 1, None))
        return went <= self.gone or not self.covers(name)

    def land(self, flight: Flight, now: float) -> Part | None:
        """The part on its way has been answered: the one that follows it, or None and all of it is over."""
        if flight.at + 1 < len(flight.parts):
            flight.at, flight.since = flight.at + 1, now
            return flight.part
        self.flight = None
        self.cold = self.cold and bool(self.owed)
        if flight.made is not None:
            self.landed = max(self.landed, flight.made)
        if flight.gone is not None:
            self.gone_clear = max(self.gone_clear, flight.gone)
        if not self.trial:
            self._close_trial()
        return None

    def accepted(self, flight: Flight) -> None:
        part = flight.part
        self.fruitless, self.nonce, self.version = 0, part.nonce, part.version
        self.whole = part.whole
        self.table.prove(part)
        for name in (*part.names, *part.gone) if self.refused else ():
            self.refused.pop(name, None)
        if flight.tries:
            self.trial.accept()
        if not (self.refused or self.trial):
            self.error = ""

    def rejected(self, flight: Flight, message: str, now: float) -> None:
        """Refused: what it carried is not held. A client that refuses everything is sent ever less often, to twice a minute."""
        part, self.error = flight.part, message
        if flight.tries:
            self.trial.refuse(message)
        else:
            if self.whole:
                gone = tuple(name for name in part.gone if name in self.whole.members)
            else:
                gone = tuple(name for name in part.gone if name not in self.table.live) if self._tells_gone else ()
            flight.gone = None if gone else flight.gone
            self.trial.refused((name for name in part.names if self._stands(name)), gone, message)
        if self.trial.alone:
            self.fruitless += 1
        if self.fruitless > FRUITLESS:
            self.quiet_until = now + min(30.0, 0.1 * 2 ** min(self.fruitless - FRUITLESS - 1, 9))

    def _stands(self, name: str) -> bool:
        """Whether it is still as it was sent, and will not be sent anew."""
        one = self.table.live.get(name)
        return one is not None and one.seq <= self.sent and name not in self.owed and name not in self.points

    def verdicts(self) -> list[Verdict]:
        """What the trial has found since last asked. The client does not hold it, and is not sent it again before it changes."""
        found = self.trial.verdicts()
        if found:
            still = {name: why for name, why in self.refused.items() if name in self.table.live}
            self.refused = still | {one.name: one.fault.message for one in found}
        return found
