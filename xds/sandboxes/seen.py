"""What there is, as far as a sandbox is about it: links that lead to it, and who answers for which service. Knows no place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from translator.ir.copy import fork_name
from translator.resources.crd import GROUP
from translator.resources.gateway import Gateway
from translator.resources.grpcroute import GRPCRoute
from translator.resources.httproute import HTTPRoute
from translator.resources.meta import Object
from translator.resources.sandbox import GroupEndpoint, RouteGroup, Sandbox, SandboxService, SandboxTarget
from translator.sandbox.copies import answered
from translator.sandbox.keys import keys

Name = tuple[str, str]  # kind and key
Status = Mapping[str, Any]
Told = Mapping[str, Any]  # what a server counted
_USUAL = {"http": 80, "https": 443}
BASELINES = (("", "Service"), (GROUP, "Backend"))


@dataclass(frozen=True)
class Seen:
    """Objects in force, and what is said of them."""

    objects: Mapping[Name, Object]
    statuses: Mapping[Name, Status]
    left_out: tuple[str, ...] = ()  # what could not be read, and so may be about any Sandbox

    def sandboxes(self) -> list[Sandbox]:
        return [one for one in self.objects.values() if isinstance(one, Sandbox)]

    def sandbox(self, key: str) -> Sandbox | None:
        found = self.objects.get(("Sandbox", key))
        return found if isinstance(found, Sandbox) else None

    def ready(self, one: Sandbox) -> tuple[bool, str, str]:
        """Whether it is, and if not the reason and what is said of it."""
        conditions = self.statuses.get(("Sandbox", one.key), {}).get("conditions", ())
        found = next((each for each in conditions if each["type"] == "Ready"), None)
        if found is None:
            return False, "Unknown", "nobody has said anything of it yet"
        return found["status"] == "True", found["reason"], found["message"]

    def phase(self, one: Sandbox) -> str:
        return str(self.statuses.get(("Sandbox", one.key), {}).get("phase", "Pending"))


def changed_by(seen: Seen, one: Sandbox) -> dict[str, SandboxService]:
    """Its services by name, and those of its forks: which these are is told by its status, once they are made."""
    found = {each.name: each for each in answered(one).values()}
    named = {each.name for each in one.spec.services}
    said = [each["name"] for each in seen.statuses.get(("Sandbox", one.key), {}).get("services", ())]
    if not one.spec.forks or not said:
        return found
    made = {name: SandboxService(name, SandboxTarget(fork_name(name, one.metadata.name))) for name in said}
    return {name: found.get(name) or made[name] for name in sorted({*named, *said})}


@dataclass(frozen=True, order=True)
class Way:
    """A key that leads to a sandbox, the header that carries it, and the hosts that have it by themselves. `believed` is whose header
    counts: `all`, `signed`, `some` or `none`.
    """

    key: str
    header: str
    hosts: tuple[str, ...]
    believed: str = "all"


def ways(seen: Seen, one: Sandbox) -> list[Way]:
    """Through each RouteGroup of its namespace."""
    found = []
    for group in _groups(seen, one.namespace):
        for key in dict.fromkeys(key for key, _ in keys(group, one)):
            preview = [host.replace("*", key, 1) for host in group.spec.preview_hosts]
            hosts = [f"{_scheme(seen, group)}://{host}{_port(seen, group)}" for host in preview]
            hosts += filter(None, (_link(seen, group, each) for each in group.spec.endpoints if group.key_of(each) == key))
            found.append(Way(key, group.spec.routing_key_header, tuple(dict.fromkeys(hosts)), _believed(seen, group)))
    return sorted(dict.fromkeys(found))


def _link(seen: Seen, group: RouteGroup, endpoint: GroupEndpoint) -> str:
    """One with a target is where the status says; one without where a route serves its host."""
    if endpoint.target:
        said = seen.statuses.get(("RouteGroup", group.key), {}).get("endpoints", ())
        return next(
            (str(each["url"]) for each in said if each["name"] == endpoint.name and each.get("url") and not each.get("message")), ""
        )
    host = group.host_of(endpoint)
    return f"{_scheme(seen, group)}://{host}{_port(seen, group)}" if host else ""


def _believed(seen: Seen, group: RouteGroup) -> str:
    """As the oldest says of those RouteGroups that count together. A mesh believes everybody."""
    together = [one for one in _groups(seen, group.namespace) if one.spec.parent_refs == group.spec.parent_refs]
    admission = min(together, key=lambda one: (one.metadata.creation_timestamp, one.key)).spec.admission
    if admission.mode != "None" or not group.spec.parent_refs:
        return "all" if not group.spec.parent_refs else admission.mode.lower()
    return "some" if admission.sources or admission.certificates else "none"


def _groups(seen: Seen, namespace: str) -> list[RouteGroup]:
    return [one for one in seen.objects.values() if isinstance(one, RouteGroup) and one.namespace == namespace]


def _listener(seen: Seen, group: RouteGroup) -> tuple[str, int]:
    """Scheme and port of the first that its first parentRef means."""
    for ref in group.spec.parent_refs:
        gateway = seen.objects.get(("Gateway", f"{ref.namespace or group.namespace}/{ref.name}"))
        for one in gateway.spec.listeners if isinstance(gateway, Gateway) else ():
            if ref.section_name in ("", one.name) and one.protocol in ("HTTP", "HTTPS"):
                return one.protocol.lower(), one.port
    return "http", 80


def _scheme(seen: Seen, group: RouteGroup) -> str:
    return _listener(seen, group)[0]


def _port(seen: Seen, group: RouteGroup) -> str:
    scheme, port = _listener(seen, group)
    return "" if port == _USUAL[scheme] else f":{port}"


def example(seen: Seen, one: Sandbox) -> str:
    """A URL of the environment that some route has for one of its services, or for any."""
    groups = _groups(seen, one.namespace)
    scheme, port = (_scheme(seen, groups[0]), _port(seen, groups[0])) if groups else ("http", "")
    names = set(changed_by(seen, one))
    routes = sorted(_routes(seen, one.namespace), key=lambda route: not names & set(_services(route)))
    host = next((host for route in routes for host in route.spec.hostnames if "*" not in host), "HOST")
    return f"{scheme}://{host}{port}/"


def _routes(seen: Seen, namespace: str) -> list[HTTPRoute | GRPCRoute]:
    return [one for one in seen.objects.values() if isinstance(one, HTTPRoute | GRPCRoute) and one.namespace == namespace]


def _services(route: HTTPRoute | GRPCRoute) -> Iterator[str]:
    for rule in route.spec.rules:
        for ref in rule.backend_refs:
            if (ref.group, ref.kind) in BASELINES and ref.namespace in (None, "", route.namespace):
                yield ref.name


@dataclass(frozen=True)
class Answers:
    """Who answers for one service when a request has the key. Requests that its fork answered, as far as proxies told, and those that
    are under way there; None where nobody tells.
    """

    service: str
    by: str
    why: str
    requests: int | None = None
    under_way: int | None = None


def mapped(seen: Seen, one: Sandbox, told: Told | None) -> list[Answers]:
    """Each service that routes of its namespace send to, and each that the sandbox names. `told` is the page `/loads` of a server."""
    changed = changed_by(seen, one)
    names = sorted({name for route in _routes(seen, one.namespace) for name in _services(route)} | changed.keys())
    chosen = [way.key for way in ways(seen, one)]
    return [_answers(seen, one, changed.get(name), name, chosen, told) for name in names]


def _answers(seen: Seen, one: Sandbox, fork: SandboxService | None, name: str, chosen: Sequence[str], told: Told | None) -> Answers:
    if fork is None:
        return Answers(name, "baseline", "")
    requests, now = _requests(told, one, fork, chosen) if told and chosen else (None, None)
    said = next((each for each in seen.statuses.get(("Sandbox", one.key), {}).get("services", ()) if each["name"] == name), None)
    if said and said["status"] == "Running":
        return Answers(name, f"{fork.target_ref.kind} {one.namespace}/{fork.target_ref.name}", "", requests, now)
    return Answers(name, "baseline", said.get("message", "") if said else seen.ready(one)[2], requests, now)


def _requests(told: Told, one: Sandbox, fork: SandboxService, chosen: Sequence[str]) -> tuple[int | None, int | None]:
    """Of all clusters that are forks of this service for one of these keys, at Gateways and at sidecars (`translator/ir/names.py`),
    and of no other sandbox. Where requests are not counted there may be reports of load.
    """
    of, wanted = re.escape(f"{one.namespace}/{fork.name}"), "|".join(map(re.escape, chosen))
    baseline = rf"fork/[^/]+/[^/]+/{fork.kind.lower()}/{of}(/[0-9]+)?(/h2)?"
    pattern = re.compile(rf"({baseline}|beside/{of}/[0-9]+)/({wanted})(/[0-9]+)?")
    forks, loads = told["forks"], told["clusters"]
    found = [name for name in {**forks, **loads} if pattern.fullmatch(name) and forks.get(name, {}).get("sandbox", one.key) == one.key]
    issued, now = (sum(loads[name][what] for name in found if name in loads) if loads else None for what in ("issued", "in_progress"))
    return sum(forks[name]["requests"] for name in found if name in forks) if told["counted"] else issued, now
