"""What could not be written, and why, as it is now. Tells when that is different from before."""

from __future__ import annotations

from collections.abc import Callable


class Problems:
    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        self.told: Callable[[], None] = lambda: None

    def say(self, name: str, why: str) -> None:
        """Of a kind or an object; nothing where all is well."""
        if self.held.get(name, "") == why:
            return
        if why:
            self.held[name] = why
        else:
            del self.held[name]
        self.told()
