"""One case of the goldens: from YAML through the door and the engine to what Envoy and the user are told, as YAML again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from protos.v3 import Cluster, ClusterLoadAssignment, Listener, RouteConfiguration, Secret
from translator.door import Admission, Door
from translator.engine import AnyTable, Engine, Name
from translator.inputs import OBJECTS
from translator.ir.finding import Finding, field_path
from translator.ir.output import Condition, Group, Packed, Status
from translator.ir.tables import GROUP, OUT_CLUSTER, OUT_ENDPOINTS, OUT_FINDINGS, OUT_LISTENER, OUT_ROUTES, OUT_SECRET, OUT_STATUS
from translator.program import engine as new_engine
from xds.crds import shipped
from xds.sources.documents import read

HERE = Path(__file__).parent
LOCAL = "local"
TABLES: dict[AnyTable, tuple[str, type[Message]]] = {
    OUT_LISTENER: ("listeners", Listener),
    OUT_ROUTES: ("routes", RouteConfiguration),
    OUT_CLUSTER: ("clusters", Cluster),
    OUT_ENDPOINTS: ("endpoints", ClusterLoadAssignment),
    OUT_SECRET: ("secrets", Secret),
}
DEFAULTS = (HERE / "defaults.yaml").read_text()


@dataclass(frozen=True)
class Case:
    """An input file and its two outputs."""

    path: Path

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.name.removesuffix('.in.yaml')}"

    def output(self, kind: str) -> Path:
        return self.path.with_name(self.path.name.replace(".in.yaml", f".{kind}.yaml"))

    @property
    def head(self) -> str:
        first = self.path.read_text().partition("\n")[0]
        return first.removeprefix("# ") if first.startswith("# ") else ""

    @property
    def full(self) -> bool:
        return self.head.startswith("full")

    @property
    def bases(self) -> tuple[str, ...]:
        """`# base: edge web`, and after `# full` as well."""
        _, said, names = self.head.partition("base: ")
        return tuple(name for name in names.split() if name != "none") if said else ("edge",)


CASES = [Case(path) for path in sorted(HERE.glob("*/*.in.yaml"))]


@cache
def door() -> Door:
    return Door(shipped())


def admissions(path: Path) -> list[Admission]:
    return [door().admit(document.value) for piece in read(path.read_bytes(), "yaml") for document in piece.documents]


@dataclass(frozen=True)
class Translated:
    """What came of a case. `refused` are the findings of the door."""

    engine: Engine
    outputs: Mapping[Name, Any]
    refused: tuple[Finding, ...]


def translated(bases: Iterable[str], case: Case | None = None) -> Translated:
    """A new engine with one group of proxies, the objects of the bases, and those of the case in their place."""
    found = [one for name in bases for one in admissions(HERE / "base" / f"{name}.yaml")]
    assert not [one for one in found if one.findings], found
    found += admissions(case.path) if case else []
    objects = {(one.kind, one.key): one.object for one in found}  # a refused object has no older state here
    engine = new_engine()
    changes = [(OBJECTS[kind], key, one) for (kind, key), one in objects.items() if one]
    outputs = engine.apply([(GROUP, LOCAL, Group()), *changes])
    assert engine.failures == {}
    return Translated(engine, outputs, tuple(finding for one in found for finding in one.findings))


# What Envoy is told ------------------------------------------------------------------------------------------------------


def resources(done: Translated) -> Iterator[tuple[AnyTable, Any, Packed]]:
    for (table, key), row in sorted(done.outputs.items(), key=lambda item: (item[0][0].name, str(item[0][1]))):
        if table in TABLES:
            yield table, key, row


def envoy_text(done: Translated, *, full: bool) -> str:
    by_type: dict[str, list[Any]] = {name: [] for name, _ in TABLES.values()}
    for table, key, row in resources(done):
        name, message = TABLES[table]
        shown = brief(name, decoded(message, row.body), full=full)
        by_type[name].append({**shown, "from": origins(done.engine, table, key)})
    return dumped({name: found for name, found in by_type.items() if found})


def decoded(message: type[Message], body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(MessageToDict(message.FromString(body), preserving_proto_field_name=True))
    if certificate := found.get("tls_certificate"):
        certificate["certificate_chain"]["inline_bytes"] = certificate["private_key"]["inline_bytes"] = "not shown"
    if authority := found.get("validation_context"):
        authority["trusted_ca"]["inline_bytes"] = "not shown"
    return found


def brief(name: str, found: dict[str, Any], *, full: bool) -> dict[str, Any]:
    """Without what all resources of this type have alike, but for their name."""
    if full:
        return found
    called = found.get("name") or found["cluster_name"]
    if name != "listeners":
        return {"name": called, **_without(found, usual(name, called, ""))}
    if "filter_chains" not in found:  # of datagrams
        return {"name": called, **_without(found, usual(name, called, ""))}
    tables = [chain["filters"][0]["typed_config"]["stat_prefix"] for chain in found["filter_chains"]]
    chains = [
        {"name": chain["name"], **_without(chain, usual(name, called, table)["filter_chains"][0])}
        for chain, table in zip(found["filter_chains"], tables, strict=True)
    ]
    return {"name": called, **_without({**found, "filter_chains": []}, usual(name, called, "")), "filter_chains": chains}


@cache
def usual(name: str, called: str, table: str) -> dict[str, Any]:
    text = DEFAULTS.replace("NAME", called).replace("TABLE", table)
    return {"name": called, "cluster_name": called, **yaml.safe_load(text).get(name, {})}


def _without(found: dict[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from the common part, at any depth. An item of a list is compared with the common item of its name."""
    kept = {key: _difference(value, common[key]) if key in common else value for key, value in found.items()}
    return {key: value for key, value in kept.items() if value is not SAME}


SAME = object()


def _difference(value: Any, common: Any) -> Any:
    if value == common:
        return SAME
    if isinstance(value, dict) and isinstance(common, dict):
        return _without(value, common) or SAME
    if isinstance(value, list) and isinstance(common, list) and all(isinstance(item, dict) for item in (*value, *common)):
        items = [_without(item, next((one for one in common if one.get("name") == item.get("name")), common[0])) for item in value]
        return [item for item in items if item] or SAME
    return value


def origins(engine: Engine, table: AnyTable, key: Any) -> list[str]:
    return sorted(f"{of.name}/{name}" for of, name in engine.sources(table, key) if of is not GROUP)


# What the user is told ---------------------------------------------------------------------------------------------------


def status_text(done: Translated, base: Translated) -> str:
    """Statuses that the base alone does not have, and every finding."""
    usual = statuses(base)
    told = [*done.refused, *(one for (table, _), rows in sorted(done.outputs.items(), key=str) if table is OUT_FINDINGS for one in rows)]
    return dumped(
        {
            "statuses": {name: status for name, status in statuses(done).items() if usual.get(name) != status},
            "findings": [finding_text(one) for one in sorted(told, key=lambda one: (one.kind, one.key, field_path(one.path)))],
        }
    )


def statuses(done: Translated) -> dict[str, Any]:
    found = {f"{key[0]}/{key[1]}": row for (table, key), row in done.outputs.items() if table is OUT_STATUS}
    return {name: status_fields(found[name]) for name in sorted(found)}


def status_fields(status: Status) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, msgspec.Struct):
            fields = {field.encode_name: plain(getattr(value, field.name)) for field in msgspec.structs.fields(value)}
            return {name: field for name, field in fields.items() if field not in ("", (), [], None)}
        if isinstance(value, tuple) and value and isinstance(value[0], Condition):
            return {one.type: f"{one.status} {one.reason}{one.message and ': '}{one.message}" for one in value}
        return [plain(item) for item in value] if isinstance(value, tuple) else value

    shown: dict[str, Any] = plain(status)
    for parent in shown.get("parents", ()):
        parent.pop("group", None)  # no part of what is written
    return {name: value for name, value in shown.items() if name not in ("generation", "observed")}


def finding_text(finding: Finding) -> str:
    where = f"{finding.kind}/{finding.key} {field_path(finding.path)}".strip()
    return f"{finding.severity} {finding.code} {where}: {finding.message}{f' ({finding.fix})' if finding.fix else ''}"


def dumped(value: Any) -> str:
    """Leaves on one line each, so that a case is seen at one glance."""
    text: str = yaml.dump(value, sort_keys=False, width=160, default_flow_style=None, allow_unicode=True)
    return text
