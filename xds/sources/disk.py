"""A folder on disk, seen at one moment: which files belong to it, and what they hold. All reading of files is here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xds.sources.documents import MAX_BYTES

SUFFIXES = (".yaml", ".yml", ".json")
ALLOW = ".allow-mass-deletion"

Signature = tuple[int, int, int, int]  # device, inode, size, time of change: another one may mean another content


@dataclass
class Listing:
    """Every file that belongs to the folder, by its path from the root. `blind` are folders that could not be listed."""

    files: dict[str, Signature] = field(default_factory=dict)
    blind: dict[str, str] = field(default_factory=dict)
    allow_mass_deletion: bool = False


def belongs(name: str) -> bool:
    """Not hidden, no editor's swap, backup or lock file, and YAML or JSON by its name."""
    return not name.startswith((".", "#")) and name.endswith(SUFFIXES)


def scan(root: str) -> Listing:
    """All files below the root. Links are followed, a folder that is its own ancestor is not; hidden folders are left out:
    a ConfigMap's `..data` is reached through the links that lead into it.
    """
    listing = Listing(allow_mass_deletion=Path(root, ALLOW).exists())
    for entry, path in _walk(root, "", (), listing):
        try:
            stat = entry.stat()
        except FileNotFoundError:  # a link that leads nowhere, or a file that went away just now
            continue
        except OSError:  # there, and cannot be read: whoever tries is told why
            stat = entry.stat(follow_symlinks=False)
        listing.files[path] = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
    return listing


def _walk(root: str, below: str, above: tuple[str, ...], listing: Listing) -> Iterator[tuple[os.DirEntry[str], str]]:
    real = os.path.realpath(os.path.join(root, below))  # noqa: PTH118 - thousands of paths: strings
    if real in above:
        return
    try:
        with os.scandir(real) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        listing.blind[below] = f"cannot list the folder: {error.strerror}"
        return
    for entry in found:
        path = f"{below}/{entry.name}" if below else entry.name
        if _is_folder(entry):
            if not entry.name.startswith("."):
                yield from _walk(root, path, (*above, real), listing)
        elif belongs(entry.name):
            yield entry, path


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False


def content(root: str, path: str) -> bytes:
    """A file's bytes, cut short just above what may be read at all. Raises OSError."""
    with Path(root, path).open("rb") as file:
        return file.read(MAX_BYTES + 1)
