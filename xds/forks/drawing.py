"""What the forks of one namespace are to be, from what there is, kept from one look to the next: only what a change is about is made
anew. Objects are told apart by who they are, as whoever follows them keeps each until it is another. No I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from translator.ir.copy import DECLARED, Copies, Copy, OfFork
from translator.ir.output import fingerprint
from translator.workloads.expressions import told
from translator.workloads.fork import deployment, selecting, service
from translator.workloads.patch import UnfitError
from translator.workloads.rollout import as_deployment, unpinned
from xds.sources.documents import read

Json = dict[str, Any]
T = TypeVar("T")
Key = tuple[str, str]  # a Sandbox, and what it has a fork of
ROLLOUTS = {"Rollout": ("argoproj.io/v1alpha1", "rollouts")}  # which may be there, and are read alone
DIGEST = "pointsman.io/digest"  # annotation: of what was applied last, so that a difference is seen without asking


@dataclass(frozen=True, slots=True)
class There:
    """What a namespace has. `unread` is why Rollouts are not for us to read, or nothing."""

    deployments: Sequence[Json]
    services: Sequence[Json]
    rollouts: Sequence[Json] = ()
    unread: str = ""

    def each(self) -> Iterator[tuple[tuple[str, str], Json]]:
        for kind, those in (("Deployment", self.deployments), ("Service", self.services)):
            yield from (((kind, one["metadata"]["name"]), one) for one in those)


class Drawing:
    """`look` goes before `documents`."""

    def __init__(self) -> None:
        self._services: list[Json] = []  # that lead to no fork
        self._unpinned: list[Json] = []  # the same, for Rollouts
        self._deployments: dict[str, Json] = {}
        self._rollouts: dict[str, Json] = {}
        self._unread = ""
        self._made: dict[Key, tuple[Copies, tuple[Json | None, ...], list[Json]]] = {}

    def look(self, there: There) -> None:
        services = [one for one in there.services if not is_declared(one)]
        if not _are(services, self._services):  # each may lead to any, and its labels are nobody's
            self._services, self._unpinned = services, unpinned(services)
            self._made.clear()
        self._deployments, self._rollouts, self._unread = _by_name(there.deployments), _by_name(there.rollouts), there.unread

    def documents(self, wanted: Copy, row: Copies) -> list[Json]:
        """A Deployment and its Services. UnfitError or Fault where they cannot be."""
        if any(isinstance(value, OfFork) for _, _, value in wanted.env):  # then they are about other baselines too
            return [*self._draw(wanted, row)]
        key, sources = (row.sandbox, wanted.of), self._sources(wanted, row)
        made = self._made.get(key)
        if made is None or made[0] != row or not _are(made[1], sources):
            made = self._made[key] = (row, sources, [*self._draw(wanted, row)])
        return made[2]

    def keep(self, wanted: Collection[Key]) -> None:
        """There are no others any more."""
        for key in self._made.keys() - wanted:
            del self._made[key]

    def _sources(self, wanted: Copy, row: Copies) -> tuple[Json | None, ...]:
        """All that is read for it beside Services."""
        rolled = wanted.kind in ROLLOUTS
        if rolled and self._unread:
            raise UnfitError(self._unread)
        found = (self._rollouts if rolled else self._deployments).get(wanted.of)
        if found is None:
            raise UnfitError(f"{wanted.kind} {row.namespace}/{wanted.of} does not exist")
        ref = found["spec"].get("workloadRef") if rolled else None
        return (found, self._deployments.get(ref.get("name"))) if ref else (found,)

    def _draw(self, wanted: Copy, row: Copies) -> Iterator[Json]:
        baseline, services = self._baseline(wanted, row), self._others(wanted)
        env = tuple((container, name, self._told(value, row)) for container, name, value in wanted.env)
        yield _digested(deployment(baseline, replace(wanted, env=env), row, services, _patch(wanted.patch)), row)
        for one in _leading(wanted, row, baseline, services):
            yield _digested(service(one, wanted.of, row), row)

    def _others(self, wanted: Copy) -> list[Json]:
        return self._unpinned if wanted.kind in ROLLOUTS else self._services

    def _baseline(self, wanted: Copy, row: Copies) -> Json:
        found, *_ = self._sources(wanted, row)
        assert found  # noqa: S101 - or it was told
        return as_deployment(found, self._deployments.values()) if wanted.kind in ROLLOUTS else found

    def _told(self, value: T, row: Copies) -> T | str:
        """What is to be told of another fork; all else as it is."""
        if not isinstance(value, OfFork):
            return value
        other = next((one for one in row.copies if value.of in (one.of, f"{row.namespace}/{one.of}")), None)
        if other is None:
            raise UnfitError(f"valueFrom.fork names {value.of}, and the Sandbox declares no fork of it in this namespace")
        leading = _leading(other, row, self._baseline(other, row), self._others(other))
        return told(value.expression, other.of, leading, row)


def is_declared(one: Json) -> bool:
    """Whether it is made for a fork, and ours."""
    return bool(DECLARED.items() <= labels_of(one).items())


def labels_of(one: Json) -> dict[str, str]:
    return one["metadata"].get("labels") or {}


def _leading(wanted: Copy, row: Copies, baseline: Json, services: Sequence[Json]) -> list[Json]:
    """Those that are named, or all that lead to the baseline."""
    if not wanted.services:
        found = selecting(services, baseline["spec"]["template"].get("metadata", {}).get("labels") or {})
        if not found:
            raise UnfitError(f"no Service leads to {wanted.kind} {row.namespace}/{wanted.of}, so no request would come to its fork")
        return found
    named = _by_name(services)
    if missing := [name for name in wanted.services if name not in named]:
        raise UnfitError(f"Service {row.namespace}/{', '.join(missing)} does not exist")
    return [named[name] for name in wanted.services]


def _patch(text: str) -> Any:
    if not text:
        return None
    documents = [document.value for piece in read(text.encode(), "yaml") for document in piece.documents]
    if len(documents) != 1:
        raise UnfitError("the patch is not one document")
    return documents[0]


def _digested(document: Json, row: Copies) -> Json:
    """Another Sandbox of the same name is another owner."""
    digest = fingerprint(msgspec.json.encode((document, row.born), order="sorted"))
    metadata = document["metadata"]
    return {**document, "metadata": {**metadata, "annotations": {**metadata.get("annotations", {}), DIGEST: digest}}}


def _by_name(those: Iterable[Json]) -> dict[str, Json]:
    return {one["metadata"]["name"]: one for one in those}


def _are(those: Sequence[Any], others: Sequence[Any]) -> bool:
    """The very same objects."""
    return len(those) == len(others) and all(one is other for one, other in zip(those, others, strict=True))
