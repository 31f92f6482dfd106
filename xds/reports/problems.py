"""What could not be written, and why, as it is now. Tells when that is different from before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from xds.sources.kube.transport import Broken


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

    async def of(self, name: str, attempt: Awaitable[str], *also: type[Exception]) -> bool:
        """Whether an attempt went well, which says what went wrong, or nothing; or raises what a request may, or one of `also`."""
        expected: tuple[type[Exception], ...] = (*Broken, *also)
        try:
            why = await attempt
        except expected as error:
            why = str(error) or type(error).__name__
        self.say(name, why)
        return not why
