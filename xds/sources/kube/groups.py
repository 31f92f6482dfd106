"""One kind in several groups of an API server: whose object counts where two have the same name. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from translator.ir.finding import Finding
from xds.sources.kube.reflector import Reflector
from xds.store import Change


class Groups:
    """Those of each kind in the order in which they count."""

    def __init__(self, reflectors: Iterable[Reflector]) -> None:
        all_of_them: dict[str, list[Reflector]] = {}
        for one in reflectors:
            all_of_them.setdefault(one.kind.name, []).append(one)
        self._several = {name: those for name, those in all_of_them.items() if len(those) > 1}

    def counting(self, one: Reflector, change: Change) -> Iterator[Change]:
        """What comes of a change that one of them tells: nothing while the object of another counts."""
        holder = self.holder(change.kind, change.key)
        if holder is one or holder is None:
            yield change
        elif change.object is None:
            yield Change(change.kind, change.key, holder.held.objects[change.key], f"that of {holder.kind.group} counts")

    def holder(self, kind: str, key: str) -> Reflector | None:
        """Whose object of this name counts, of a kind that is in several groups."""
        return next((one for one in self._several.get(kind, ()) if key in one.held.objects), None)

    def hidden(self) -> Iterator[Finding]:
        """Objects that count for nothing."""
        for first, *others in self._several.values():
            counts = dict.fromkeys(first.held.objects, first.kind.group)
            for one in others:
                for key in sorted(one.held.objects.keys() & counts.keys()):
                    message = f"that of {one.kind.group} counts for nothing, for there is one of {counts[key]}"
                    yield Finding(code="PM0138", kind=one.kind.name, key=key, message=message, fix="keep one of them", severity="warning")
                counts |= {key: one.kind.group for key in one.held.objects if key not in counts}
