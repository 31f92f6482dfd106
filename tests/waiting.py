"""Waiting by condition, with a deadline. Tests never just sleep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def wait_until(condition: Callable[[], T | Awaitable[T]], seconds: float = 15.0, what: str = "") -> T:
    """What the condition gives as soon as it is true; AssertionError after `seconds`. It is asked again every 10 ms."""
    loop = asyncio.get_running_loop()
    deadline, never = loop.time() + seconds, asyncio.Event()
    while True:
        result = condition()
        found = await result if isinstance(result, Awaitable) else result
        if found:
            return found
        assert loop.time() < deadline, f"waited {seconds} s in vain{' for ' + what if what else ''}"
        try:
            await asyncio.wait_for(never.wait(), 0.01)
        except TimeoutError:
            continue
