"""A folder of files as a source: watches it, reads what moved, and tells what the folder says. Its judgement is Folder's.

Reading and parsing happen in a worker thread, one at a time, so that a large file never holds up the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import watchfiles

from xds.sources import disk
from xds.sources.folder import Folder, Located, Name
from xds.sources.interface import Health, Update

DEBOUNCE_MS = 20  # how long a burst of moves is collected at most: an atomic save is several
STEP_MS = 5
RESCAN = 10.0  # seconds: catches what no event tells, such as links that lead out of the folder
GONE_POLL = 0.25  # seconds between looks for a folder that is not there

T = TypeVar("T")


class Files:
    def __init__(self, root: str, folder: Folder, clock: Callable[[], float]) -> None:
        self.root, self.folder, self._clock = str(Path(root).resolve()), folder, clock
        self._worker = ThreadPoolExecutor(1, "files")
        self._always = folder.allow_mass_deletion
        self._seen: dict[str, disk.Signature] = {}
        self._told: list[Located] = []

    async def open(self) -> None:
        """A folder may come later."""

    async def updates(self) -> AsyncGenerator[Update, None]:
        """First everything, then each difference, without end."""
        moves: asyncio.Queue[set[str] | None] = asyncio.Queue()
        watcher = asyncio.create_task(self._watch(moves))
        try:
            yield await self.ask(self._look, None)
            while True:
                update = await self.ask(self._look, await self._next(moves))
                if update.changes or update.findings != self._told:
                    self._told = update.findings
                    yield update
        finally:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher
            self._worker.shutdown(wait=False)

    @property
    def holder(self) -> Folder:
        return self.folder

    def want(self, names: Iterable[Name]) -> None:
        """A folder holds everything at any time."""

    def release(self, names: Iterable[Name]) -> None:
        """What nobody refers to stays in the folder all the same."""

    def health(self) -> list[Health]:
        return []

    async def ask(self, question: Callable[..., T], *args: object) -> T:
        """Run something that looks at the folder where it is not in between two states: in the one thread that changes it."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, question, *args)

    async def _next(self, moves: asyncio.Queue[set[str] | None]) -> set[str] | None:
        """Paths that moved, an empty set when time alone passed, None to look at everything."""
        due = self.folder.due()
        wait = RESCAN if due is None else min(RESCAN, max(0.0, due - self._clock()))
        try:
            async with asyncio.timeout(wait):  # wait_for of Python 3.11 forgets that it was cancelled, if something comes meanwhile
                return await moves.get()
        except TimeoutError:
            return None if wait == RESCAN else set()

    async def _watch(self, moves: asyncio.Queue[set[str] | None]) -> None:
        while True:
            with contextlib.suppress(FileNotFoundError, PermissionError):
                watching = watchfiles.awatch(
                    self.root, watch_filter=None, debounce=DEBOUNCE_MS, step=STEP_MS, ignore_permission_denied=True
                )
                before = await asyncio.to_thread(Path(self.root).stat)
                asyncio.get_running_loop().call_soon(moves.put_nowait, None)  # once it watches: what moved before
                async for events in watching:
                    moves.put_nowait(self._paths(path for _, path in events))
                    if (await asyncio.to_thread(Path(self.root).stat)).st_ino != before.st_ino:
                        break
            moves.put_nowait(None)
            await asyncio.sleep(GONE_POLL)

    def _paths(self, events: object) -> set[str] | None:
        """The files that events speak of; None where one speaks of a folder or a hidden link, which may mean any file."""
        paths: set[str] = set()
        for path in events:  # type: ignore[attr-defined]
            name = path.rpartition("/")[2]
            if disk.belongs(name):
                paths.add(path[len(self.root) + 1 :])
            elif not _is_litter(name):
                return None
        return paths

    def _look(self, paths: set[str] | None) -> Update:
        """Read what moved and say what follows. Runs in the worker thread."""
        if paths is None or any(path not in self._seen for path in paths):
            self._rescan()
        else:
            for path in paths:
                self._read(path)
        now = self._clock()
        self.folder.tick(now)
        return Update(self.folder.changes(now), self.folder.findings(now))

    def _rescan(self) -> None:
        listing, now = disk.scan(self.root), self._clock()
        self.folder.allow_mass_deletion = self._always or listing.allow_mass_deletion
        self.folder.blind(listing.blind, now)
        for path in self._seen.keys() - listing.files.keys():
            if not _below(path, listing.blind):
                del self._seen[path]
                self.folder.gone(path, now)
        for path, signature in listing.files.items():
            if self._seen.get(path) != signature:
                self._read(path)
                self._seen[path] = signature

    def _read(self, path: str) -> None:
        try:
            text = disk.content(self.root, path)
        except FileNotFoundError:
            self._seen.pop(path, None)
            self.folder.gone(path, self._clock())
        except OSError as error:
            self.folder.unreadable(path, f"cannot be read: {error.strerror}", self._clock())
        else:
            self.folder.take(path, text, self._clock())


def _is_litter(name: str) -> bool:
    """What editors leave beside a file while they save it. Hidden names of `..data` are links of a ConfigMap, and no litter."""
    return name != disk.ALLOW and not name.startswith("..") and (name.startswith((".", "#")) or name.endswith("~") or name.isdigit())


def _below(path: str, folders: dict[str, str]) -> bool:
    return any(not folder or path.startswith(f"{folder}/") for folder in folders)
