"""How much of this process a client may use, as buckets of tokens. The time is an argument; nothing here waits or acts."""

from __future__ import annotations

from xds.security.access import Identity, Limits


class Bucket:
    """Holds `burst` tokens at most, and gains `rate` of them a second. Who takes one that is not there yet waits for it."""

    __slots__ = ("_burst", "_rate", "_tokens", "_when")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst, self._tokens, self._when = rate, burst, burst, now

    def take(self, now: float) -> float:
        """Take one. Seconds until it is there: those who come later wait longer, so each has its turn."""
        self._fill(now)
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)

    def waiting(self, now: float) -> float:
        """How many tokens were taken that are not there yet."""
        self._fill(now)
        return max(0.0, -self._tokens)

    def full(self, now: float) -> bool:
        self._fill(now)
        return self._tokens >= self._burst

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._when) * self._rate)
        self._when = max(now, self._when)


class Allowance:
    """What one identity uses of its limits, over all its streams."""

    __slots__ = ("limits", "requests", "streams")

    def __init__(self, limits: Limits, now: float) -> None:
        self.limits, self.streams = limits, 0
        self.requests = Bucket(limits.requests, limits.burst, now)


class Allowances:
    """Of all identities that have a stream, or had one of late."""

    def __init__(self) -> None:
        self._of: dict[Identity, Allowance] = {}

    def __len__(self) -> int:
        return len(self._of)

    def enter(self, identity: Identity, limits: Limits, now: float) -> Allowance | None:
        """For one stream more; None where there are as many as there may be."""
        found = self.of(identity, limits, now)
        if found.streams >= limits.streams:
            return None
        found.streams += 1
        return found

    def of(self, identity: Identity, limits: Limits, now: float) -> Allowance:
        """For a call that is no stream."""
        return self._of.setdefault(identity, Allowance(limits, now))

    def leave(self, identity: Identity) -> None:
        self._of[identity].streams -= 1

    def tidy(self, now: float) -> None:
        """Forget who is gone. Whoever has used up its requests is kept, or it would come back to a full bucket."""
        self._of = {key: one for key, one in self._of.items() if one.streams or not one.requests.full(now)}
