"""What is to be written to one namespace, from what Sandboxes declare there and what there is. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from translator.ir.copy import DECLARED, IN, OF, Copies, Copy, OfFork, short
from translator.ir.output import fingerprint
from translator.workloads.expressions import told
from translator.workloads.fork import deployment, selecting, service
from translator.workloads.patch import UnfitError
from translator.workloads.rollout import as_deployment, unpinned
from xds.sources.documents import Fault, read

Json = dict[str, Any]
T = TypeVar("T")
KINDS = {"Deployment": ("apps/v1", "deployments"), "Service": ("v1", "services")}
ROLLOUTS = {"Rollout": ("argoproj.io/v1alpha1", "rollouts")}  # which may be there, and are read alone
SELECTOR = ",".join(f"{name}={value}" for name, value in DECLARED.items())
DIGEST = "pointsman.io/digest"  # annotation: of what was applied last, so that a difference is seen without asking
Name = tuple[str, str]  # kind and name


@dataclass(frozen=True, slots=True)
class There:
    """What a namespace has. `unread` is why Rollouts are not for us to read, or nothing."""

    deployments: Sequence[Json]
    services: Sequence[Json]
    rollouts: Sequence[Json] = ()
    unread: str = ""

    def each(self) -> Iterator[tuple[Name, Json]]:
        for kind, those in (("Deployment", self.deployments), ("Service", self.services)):
            yield from (((kind, one["metadata"]["name"]), one) for one in those)


@dataclass
class Plan:
    """`applied` has the Sandbox that owns each; `problems` say by Sandbox what cannot be made."""

    applied: list[tuple[str, Json]] = field(default_factory=list)
    deleted: list[Name] = field(default_factory=list)
    problems: dict[str, list[str]] = field(default_factory=dict)


def collection(kind: str, namespace: str = "") -> str:
    """Of one namespace, or of all."""
    version, plural = KINDS[kind]
    root = f"/{'apis' if '/' in version else 'api'}/{version}"
    return f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"


def plan(rows: Iterable[Copies], there: There, known: Mapping[Name, str]) -> Plan:
    """`known` are prints of what we applied and left as it is; what is not in there is applied once more, which changes nothing. Where
    two Sandboxes would have forks of one name, the older has it.
    """
    found, made, held = Plan(), dict(there.each()), set[Name]()
    for row in sorted(rows, key=lambda row: (row.born, row.sandbox)):
        for wanted in row.copies:
            try:
                documents = [*_documents(wanted, row, there)]
            except (UnfitError, Fault) as error:
                found.problems.setdefault(row.sandbox, []).append(str(error))
                held |= {name for name, one in made.items() if _of(one, wanted, row)}
                continue
            for one in documents:
                name = one["kind"], one["metadata"]["name"]
                taken = name in held or (name in made and not _ours(made[name], row))
                held.add(name)
                if taken:
                    found.problems.setdefault(row.sandbox, []).append(f"{name[0]} {name[1]} is there already, made by somebody else")
                elif _differs(made.get(name), one, known.get(name)):
                    found.applied.append((row.sandbox, one))
    found.deleted = [name for name, one in made.items() if DECLARED.items() <= _labels(one).items() and name not in held]
    return found


def _documents(wanted: Copy, row: Copies, there: There) -> Iterator[Json]:
    baseline = _baseline(wanted, row, there)
    others = _others(wanted, there)
    env = tuple((container, name, _told(value, row, there)) for container, name, value in wanted.env)
    yield _digested(deployment(baseline, replace(wanted, env=env), row, others, _patch(wanted.patch)), row)
    for one in _services(wanted, row, baseline, others):
        yield _digested(service(one, wanted.of, row), row)


def _others(wanted: Copy, there: There) -> list[Json]:
    """Services that lead to no fork."""
    found = [one for one in there.services if not DECLARED.items() <= _labels(one).items()]
    return unpinned(found) if wanted.kind in ROLLOUTS else found


def _baseline(wanted: Copy, row: Copies, there: There) -> Json:
    rolled = wanted.kind in ROLLOUTS
    if rolled and there.unread:
        raise UnfitError(there.unread)
    found = next((one for one in (there.rollouts if rolled else there.deployments) if one["metadata"]["name"] == wanted.of), None)
    if found is None:
        raise UnfitError(f"{wanted.kind} {row.namespace}/{wanted.of} does not exist")
    return as_deployment(found, there.deployments) if rolled else found


def _told(value: T, row: Copies, there: There) -> T | str:
    """What is to be told of another fork; all else as it is."""
    if not isinstance(value, OfFork):
        return value
    other = next((one for one in row.copies if value.of in (one.of, f"{row.namespace}/{one.of}")), None)
    if other is None:
        raise UnfitError(f"valueFrom.fork names {value.of}, and the Sandbox declares no fork of it in this namespace")
    leading = _services(other, row, _baseline(other, row, there), _others(other, there))
    return told(value.expression, other.of, leading, row)


def _services(wanted: Copy, row: Copies, baseline: Json, others: Sequence[Json]) -> list[Json]:
    """Those that are named, or all that lead to the baseline."""
    if not wanted.services:
        found = selecting(others, baseline["spec"]["template"].get("metadata", {}).get("labels") or {})
        if not found:
            raise UnfitError(f"no Service leads to {wanted.kind} {row.namespace}/{wanted.of}, so no request would come to its fork")
        return found
    named = {one["metadata"]["name"]: one for one in others}
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


def _differs(there: Json | None, wanted: Json, known: str | None) -> bool:
    if there is None or known is None:
        return True
    said = (there["metadata"].get("annotations") or {}).get(DIGEST)
    return said != wanted["metadata"]["annotations"][DIGEST] or printed(there) != known


def printed(there: Json) -> str:
    """Of all that we have said of an object, as an API server has it: its own defaults are in it, and no status."""
    metadata = there["metadata"]
    said = (there["spec"], metadata.get("labels"), metadata.get("ownerReferences"))
    return fingerprint(msgspec.json.encode(said, order="sorted"))


def _labels(one: Json) -> dict[str, str]:
    return one["metadata"].get("labels") or {}


def _ours(one: Json, row: Copies) -> bool:
    return ({IN: short(row.sandbox)} | DECLARED).items() <= _labels(one).items()


def _of(one: Json, wanted: Copy, row: Copies) -> bool:
    return _ours(one, row) and _labels(one).get(OF) == short(wanted.of)
