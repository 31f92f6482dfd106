"""What is to be written to one namespace, from what is wanted there and what is there. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from translator.ir.finding import Finding
from translator.ir.mesh import MeshRoute
from translator.mesh import gamma, istio
from translator.mesh.matching import LABEL, ours
from translator.mesh.rules import Unsaid

Json = dict[str, Any]
PLURALS = {"VirtualService": (istio.VERSION, istio.PLURAL), **{kind: (gamma.VERSION, plural) for kind, plural in gamma.PLURALS.items()}}
OUTPUTS: dict[str, tuple[str, ...]] = {"Istio": ("VirtualService",), "GatewayAPI": ("HTTPRoute", "GRPCRoute")}  # kinds of each
SELECTOR = ",".join(f"{name}={value}" for name, value in LABEL.items())


@dataclass(frozen=True, slots=True)
class Write:
    """`apply` what is ours as a whole, `replace` an object of a user in the version that was read, `delete` what was ours. `foreign`:
    nothing can be done, for somebody has another object under our name.
    """

    how: Literal["apply", "replace", "delete", "foreign"]
    document: Json

    @property
    def path(self) -> str:
        metadata = self.document["metadata"]
        return f"{collection(self.document['kind'], metadata['namespace'])}/{metadata['name']}"


def collection(kind: str, namespace: str = "") -> str:
    """Of one namespace, or of all."""
    version, plural = PLURALS[kind]
    return f"/apis/{version}/namespaces/{namespace}/{plural}" if namespace else f"/apis/{version}/{plural}"


def writes(output: str, routes: Sequence[MeshRoute], found: Sequence[Json]) -> list[Write]:
    """What makes the objects of a namespace what they are to be. First what is new, so that no key is without its fork meanwhile."""
    mine, others = istio.documents(routes, found) if output == "Istio" else (gamma.documents(routes, found), [])
    held = {_name(one): one for one in found}
    wanted = {_name(one) for one in mine}
    return [
        *(_applied(one, held.get(_name(one))) for one in mine if not holds(held.get(_name(one)), one)),
        *(Write("replace", one) for one in others),
        *(Write("delete", one) for one in found if ours(one) and _name(one) not in wanted),
    ]


def unsaid(output: str, routes: Sequence[MeshRoute], found: Sequence[Json]) -> list[Unsaid]:
    """Rules that the mesh is not told of, beside what is there; each once."""
    told = istio.unsaid(routes, found) if output == "Istio" else gamma.unsaid(routes, found)
    return sorted(set(told))


def untold(one: Unsaid) -> Finding:
    """What is said of it."""
    message = f'a rule of key "{one.key}" is not told to the mesh: {one.why}; the baseline answers'
    fix = "do without what it names, in the rule or in the route"
    return Finding(code="PM0733", kind="Service", key=one.service, message=message, fix=fix, severity="warning")


def _applied(one: Json, there: Json | None) -> Write:
    return Write("apply" if there is None or ours(there) else "foreign", one)


def _name(document: Mapping[str, Any]) -> tuple[str, str]:
    return document["kind"], document["metadata"]["name"]


def holds(found: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there already: what an API server has filled in beside it is no difference."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(name in found and holds(found[name], value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(holds, found, wanted))
    return bool(found == wanted)


def kinded(items: Iterable[Json], kind: str) -> Iterator[Json]:
    """Items of a list, each with what the list alone says of them."""
    for one in items:
        yield {**one, "apiVersion": PLURALS[kind][0], "kind": kind}
