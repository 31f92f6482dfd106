"""Who writes: an election by a Lease, as a state machine without I/O. Time is monotonic and an argument.

A Lease carries times, and none of them is compared with a clock of ours: whoever wants a lease watches it not change for its
whole duration by the own clock. So a clock that jumps makes no second writer (F16). Who leads stops by itself when it could
not renew in time, also while it was paused (F17): `leads` is asked right before each write, and each write names the version
that it has seen. Source: client-go, leaderelection; Kubernetes API, coordination.k8s.io/v1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DURATION = 10.0  # seconds for which a lease is respected after it last changed: with a look each way, another leads within 15
RENEW = 6.0  # seconds after which a leader that could not renew stops; less than DURATION, by what a request may take
RETRY = 1.5  # seconds between looks


@dataclass(frozen=True, slots=True)
class Write:
    """A Lease to be written: created where `version` is empty, else in place of that version."""

    spec: dict[str, Any]
    version: str = ""


class Election:
    def __init__(self, identity: str) -> None:
        self.identity = identity
        self._version: str | None = None  # of the lease as it was seen last; None: never seen; empty: there is none
        self._changed = 0.0  # when it was seen to change
        self._until = float("-inf")
        self._spec: dict[str, Any] = {}

    @property
    def version(self) -> str:
        """Of the lease as it was seen last, or nothing."""
        return self._version or ""

    def leads(self, now: float) -> bool:
        return now < self._until

    def seen(self, version: str, spec: dict[str, Any], now: float, wall: str) -> Write | None:
        """The lease as a request that was sent at `now` found it; an empty version where there is none. What to write, if anything.

        `wall` is the time of day for people to read, in RFC 3339 with microseconds.
        """
        if version != self._version:
            self._version, self._changed, self._spec = version, now, spec
        mine = spec.get("holderIdentity") == self.identity
        if version and not mine and spec.get("holderIdentity") and now < self._changed + self._respected():
            self._until = float("-inf")
            return None
        since = spec.get("acquireTime", wall) if mine else wall
        turns = int(spec.get("leaseTransitions") or 0) + (0 if mine or not version else 1)
        held = {"holderIdentity": self.identity, "leaseDurationSeconds": int(DURATION), "acquireTime": since, "renewTime": wall}
        return Write({**held, "leaseTransitions": turns}, version)

    def _respected(self) -> float:
        """A holder may have asked for longer."""
        return max(DURATION, float(self._spec.get("leaseDurationSeconds") or 0))

    def wrote(self, version: str, sent: float) -> None:
        """The server took the lease that was sent then: ours from that moment on, for a while."""
        self._version, self._changed, self._until = version, sent, sent + RENEW

    def lost(self) -> None:
        """Somebody else wrote in between."""
        self._version, self._until = None, float("-inf")

    def released(self) -> dict[str, Any] | None:
        """What to write on the way out, so that nobody has to wait; None where it is not ours."""
        if self._until == float("-inf"):
            return None
        self._until = float("-inf")
        return {"holderIdentity": "", "leaseDurationSeconds": 1}
