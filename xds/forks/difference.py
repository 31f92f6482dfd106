"""What is to be written to one namespace, from what Sandboxes declare there and what there is. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from translator.ir.copy import DECLARED, IN, OF, Copies, Copy, short
from translator.ir.output import fingerprint
from translator.workloads.patch import UnfitError
from xds.forks.drawing import DIGEST, Drawing, There, is_declared, labels_of
from xds.sources.documents import Fault

Json = dict[str, Any]
KINDS = {"Deployment": ("apps/v1", "deployments"), "Service": ("v1", "services")}
SELECTOR = ",".join(f"{name}={value}" for name, value in DECLARED.items())
Name = tuple[str, str]  # kind and name


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


def plan(rows: Iterable[Copies], there: There, known: Mapping[Name, str], drawing: Drawing) -> Plan:
    """`known` are prints of what we applied and left as it is; what is not in there is applied once more, which changes nothing. Where
    two Sandboxes would have forks of one name, the older has it.
    """
    found, made, held = Plan(), dict(there.each()), set[Name]()
    several = sorted(rows, key=lambda row: (row.born, row.sandbox))
    drawing.look(there)
    for row in several:
        for wanted in row.copies:
            try:
                documents = drawing.documents(wanted, row)
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
    found.deleted = [name for name, one in made.items() if is_declared(one) and name not in held]
    drawing.keep({(row.sandbox, wanted.of) for row in several for wanted in row.copies})
    return found


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


def _ours(one: Json, row: Copies) -> bool:
    return ({IN: short(row.sandbox)} | DECLARED).items() <= labels_of(one).items()


def _of(one: Json, wanted: Copy, row: Copies) -> bool:
    return _ours(one, row) and labels_of(one).get(OF) == short(wanted.of)
