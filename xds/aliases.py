"""Other names of resources: which of them there are for an alias or a collection. Knows names only."""

from __future__ import annotations

from collections.abc import Container, Iterable


class Aliases:
    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: dict[str, dict[str, None]] = {}  # alias or collection → names that it stands for

    def add(self, name: str, also: Iterable[str]) -> None:
        for alias in also:
            self._names.setdefault(alias, {})[name] = None

    def remove(self, name: str, also: Iterable[str]) -> None:
        for alias in also:
            del self._names[alias][name]
            if not self._names[alias]:
                del self._names[alias]

    def meant(self, names: frozenset[str], live: Container[str]) -> frozenset[str]:
        """The names of resources that are there for these; a name that means nothing now stays."""
        if not self._names or self._names.keys().isdisjoint(names):
            return names
        return frozenset(one for name in names for one in ((name,) if name in live else self._names.get(name, (name,))))
