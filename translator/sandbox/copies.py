"""Forks that a Sandbox declares: what is to be copied for them, and which Services answer in their place once they are made.

Who makes them tells nobody but the objects themselves: a Service that leads to a fork says which one it answers for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from translator.engine import Facts, Table, View, rule
from translator.inputs import SANDBOX, SERVICE
from translator.ir.copy import ALL, ANSWERS, Copies, Copy, OfFork, Source, fork_name
from translator.ir.finding import Finding
from translator.ir.output import Condition
from translator.ir.tables import COPYING, EXPIRED, OUT_COPIES, REFUSED, UNCOPIED
from translator.ir.value import Row
from translator.resources.core import Service
from translator.resources.fork import NAMES, Customizations, ForkContainer, ForkOf, ForkVariable, Variable
from translator.resources.sandbox import Sandbox, SandboxService, SandboxTarget
from translator.sandbox.forks import DECLARED, EACH
from translator.sandbox.lifetime import over

KIND = "Deployment"


class MadeFor(Row, frozen=True, gc=False, order=True):
    """A Service that leads to a fork, by the Deployment and the Service of the baseline."""

    deployment: str
    service: str


MADE = Table[str, MadeFor]("MadeFor", order=lambda one: one)  # Sandbox → Services that lead to its forks


def made(one: Service) -> Facts:
    """That a Service leads to a fork."""
    if ANSWERS in one.metadata.annotations and (found := made_for(one)):
        yield MADE(f"{one.namespace}/{found[0]}", found[1])


def made_for(one: Service) -> tuple[str, MadeFor] | None:
    """The Sandbox, and what it answers for. Who has another name than we give is none of ours."""
    sandbox, _, rest = one.metadata.annotations[ANSWERS].partition("/")
    deployment, _, service = rest.partition("/")
    known = one.metadata.name == fork_name(service, sandbox) and re.fullmatch(NAMES, service)
    return (sandbox, MadeFor(deployment, service)) if known else None


def changed(view: View, key: str) -> dict[int, SandboxService]:
    """Place → what answers for which Service: those that the Sandbox names, and those that its forks have."""
    one = view.one(SANDBOX, key)
    return answered(one, view.list(MADE, key) if one.spec.forks else ())


def answered(one: Sandbox, made: Iterable[MadeFor] = ()) -> dict[int, SandboxService]:
    """A Service that leads to no fork yet is thought to have the name of the Deployment."""
    found = {place: _in_its_place(service, one) for place, service in enumerate(one.spec.services)}
    named = {service.name for service in one.spec.services if service.kind == "Service"}
    there = [*made]
    for number, fork in enumerate(one.spec.forks):
        if fork.fork_of.namespace not in ("", one.namespace):
            continue
        services = [each.service for each in there if each.deployment == fork.fork_of.name] or [fork.fork_of.name]
        for place, service in enumerate(services[:EACH]):
            if service not in named:
                target = SandboxTarget(name=fork_name(service, one.metadata.name))
                found[DECLARED + number * EACH + place] = SandboxService(name=service, target_ref=target)
                named.add(service)
    return found


def _in_its_place(service: SandboxService, one: Sandbox) -> SandboxService:
    ref = service.target_ref
    if ref.kind != KIND:
        return service
    return SandboxService(name=service.name, target_ref=SandboxTarget(name=fork_name(service.name, one.metadata.name), port=ref.port))


def declared(one: Sandbox, place: int) -> bool:
    """Whether what answers at this place is a fork to be made."""
    return place >= DECLARED or one.spec.services[place].target_ref.kind == KIND


# What is to be copied ----------------------------------------------------------------------------------------------------


@rule(over=SANDBOX, into=(OUT_COPIES, REFUSED))
def copies(view: View, key: str) -> Facts:
    one = view.one(SANDBOX, key)
    wanted, wrong = wishes(one)
    if not (wanted or wrong) or over(one, view.get(EXPIRED, ("Sandbox", key))):
        return
    for each in wrong:
        yield REFUSED(("Sandbox", key), each)
    if view.get(COPYING, "") is None:
        yield REFUSED(("Sandbox", key), not_made(one))
    elif why := view.get(UNCOPIED, key):
        yield REFUSED(("Sandbox", key), failed(key, why))
    if wanted:
        resources = one.spec.resources
        limits = (("cpu", resources.cpu), ("memory", resources.memory)) if resources else ()
        yield OUT_COPIES(
            key,
            Copies(
                namespace=one.namespace,
                sandbox=one.metadata.name,
                born=one.metadata.creation_timestamp,
                copies=tuple(wanted),
                resources=tuple(each for each in limits if each[1]),
            ),
        )


def wishes(one: Sandbox) -> tuple[list[Copy], list[Finding]]:
    """One for each Deployment, and what is wrong with others."""
    services: dict[str, list[SandboxService]] = {}
    for service in one.spec.services:
        if service.target_ref.kind == KIND:
            services.setdefault(service.target_ref.name, []).append(service)
    found = [_of_services(name, those) for name, those in services.items()]
    wrong = []
    for number, fork in enumerate(one.spec.forks):
        name, namespace = fork.fork_of.name, fork.fork_of.namespace
        if namespace not in ("", one.namespace):
            wrong.append(elsewhere(one.key, number, namespace))
        elif name in services:
            wrong.append(twice(one.key, number, name))
        else:
            found.append(_of_fork(fork.fork_of, fork.customizations))
    return found, wrong


def _of_services(name: str, services: Iterable[SandboxService]) -> Copy:
    containers = [each for service in services for each in service.containers]
    return Copy(
        of=name,
        services=tuple(service.name for service in services),
        images=tuple((each.name, each.image) for each in containers if each.image),
        env=tuple(_variables(containers)),
    )


def _variables(containers: Iterable[ForkContainer]) -> Iterator[tuple[str, str, str | Source | OfFork]]:
    for each in containers:
        yield from ((each.name, variable.name, _value(variable)) for variable in each.env)


def _value(one: Variable | ForkVariable) -> str | Source | OfFork:
    found = one.value_from
    if found is None:
        return one.value
    if found.fork:
        of = found.fork.fork_of
        return OfFork("/".join(filter(None, (of.namespace, of.name))), found.fork.expression)
    if found.field_ref:
        return Source("fieldRef", (("fieldPath", found.field_ref.field_path),))
    name, ref = ("configMapKeyRef", found.config_map_key_ref) if found.config_map_key_ref else ("secretKeyRef", found.secret_key_ref)
    fields = (("name", ref.name), ("key", ref.key)) if ref else ()
    return Source(name, (*fields, ("optional", True)) if ref and ref.optional else fields)


def _of_fork(of: ForkOf, custom: Customizations) -> Copy:
    env = ((each.container or ALL, each.name, None if each.operation == "delete" else _value(each)) for each in custom.env)
    images = tuple((each.container, each.image) for each in custom.images)
    text, how = (custom.patch.value, custom.patch.type) if custom.patch else ("", "strategic")
    return Copy(of=of.name, kind=of.kind, images=images, env=tuple(env), patch=text, how=how)


# What is said of it ------------------------------------------------------------------------------------------------------


def forked(view: View, key: str) -> Condition | None:
    """Whether its forks are made; nothing of a Sandbox that declares none."""
    one = view.one(SANDBOX, key)
    wanted, wrong = wishes(one)
    if not wanted and not wrong:
        return None
    if view.get(COPYING, "") is None:
        return Condition(type="Forked", status=False, reason="NotMadeHere", message=not_made(one).message)
    if why := "; ".join(filter(None, [*(each.message for each in wrong), view.get(UNCOPIED, key)])):
        return Condition(type="Forked", status=False, reason="Failed", message=why)
    missing = [
        f"{one.namespace}/{service.target_ref.name}"
        for place, service in changed(view, key).items()
        if declared(one, place) and view.get(SERVICE, f"{one.namespace}/{service.target_ref.name}") is None
    ]
    if missing:
        return Condition(type="Forked", status=False, reason="Pending", message=f"Service {', '.join(missing)} is not there yet")
    return Condition(type="Forked", status=True, reason="Made")


def not_made(one: Sandbox) -> Finding:
    path = ("spec", "forks") if one.spec.forks else ("spec", "services")
    fix = "start the server of a cluster with --forks; in a folder run what is changed yourself, and name its Service as targetRef"
    return _warned("PM0714", one.key, path, "it declares forks of Deployments, and nobody makes them here", fix)


def failed(key: str, why: str) -> Finding:
    return _warned("PM0715", key, ("spec", "forks"), f"its forks are not as they are declared: {why}", "")


def elsewhere(key: str, number: int, namespace: str) -> Finding:
    path = ("spec", "forks", number, "forkOf", "namespace")
    message = f"a fork is of a Deployment in the namespace of its Sandbox, and not in {namespace}, so the baseline answers"
    return _warned("PM0716", key, path, message, "make a Sandbox in that namespace, with the same routingKey")


def twice(key: str, number: int, name: str) -> Finding:
    path = ("spec", "forks", number, "forkOf", "name")
    return _warned(
        "PM0716", key, path, f"a service has a fork of Deployment {name} already", "name it in services or in forks, not in both"
    )


def _warned(code: str, key: str, path: tuple[str | int, ...], message: str, fix: str) -> Finding:
    return Finding(code=code, kind="Sandbox", key=key, message=message, path=path, fix=fix, severity="warning")


RULES = (copies,)
