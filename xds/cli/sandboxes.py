"""`sandbox create|list|url|map|delete`: in a folder of files, or in a cluster. What they make of it is for `xds/sandboxes/`."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from translator.resources.sandbox import Sandbox
from translator.sandbox.foreign import aliased
from xds.cli.cluster import Cluster, on_cluster
from xds.cli.output import Exit, Output, dumped, say, table
from xds.installation.api import Api, RefusedError
from xds.sandboxes.seen import Seen, Way, changed_by, example, mapped, ways
from xds.sandboxes.workloads import declared
from xds.sandboxes.written import API, Misspelled, Wish, sandbox

Json = dict[str, Any]
READ = {  # what is asked about, and where an API server has it
    "Sandbox": "/apis/{1}/namespaces/{0}/sandboxes",
    "RouteGroup": "/apis/{1}/namespaces/{0}/routegroups",
    "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes",
    "GRPCRoute": "/apis/gateway.networking.k8s.io/v1/namespaces/{}/grpcroutes",
}
ADMIN = "127.0.0.1:19000"  # of a server that runs here
VERSIONS = {"Sandbox": API, "RouteGroup": API, "HTTPRoute": "gateway.networking.k8s.io/v1", "GRPCRoute": "gateway.networking.k8s.io/v1"}


@dataclass(frozen=True)
class Place:
    """A folder, or where it is None a cluster."""

    files: Path | None
    cluster: Cluster
    namespace: str
    api: str = API  # group and version of Sandboxes

    @property
    def groups(self) -> tuple[str, ...]:
        return (self.api.partition("/")[0],)


@dataclass(frozen=True, kw_only=True)
class Forked:
    """What to make a fork of, as it was typed: by us now, or declared, for the server to make."""

    of: str = ""  # deploy/checkout
    declared: str = ""  # the same, or rollout/checkout
    images: tuple[str, ...] = ()
    env: tuple[str, ...] = field(default=())


def create(place: Place, wish: Wish, forked: Forked, output: Output, *, dry_run: bool) -> None:
    _checked(forked, wish, place)
    now = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        if forked.of:
            from xds.cli.forking import create_forked

            made = on_cluster(place.cluster, lambda calls: create_forked(Api(calls), wish, forked, dry_run=dry_run))
        else:
            made = [declared(sandbox(wish, now), forked.declared, forked.images, forked.env) if forked.declared else sandbox(wish, now)]
            if not dry_run:
                _put(place, wish, made[0])
    except Misspelled as error:
        raise Exit(2, str(error)) from None
    if dry_run or output in (Output.JSON, Output.YAML):
        say("\n---\n".join(dumped(one, Output.JSON if output is Output.JSON else Output.YAML) for one in made))
    elif output is Output.NAME:
        say(f"sandbox/{wish.name}")
    else:
        say(f"✓ Sandbox {wish.namespace}/{wish.name}. Next: pointsman sandbox url {wish.name}{_again(place)}")


def _checked(forked: Forked, wish: Wish, place: Place) -> None:
    if forked.of and place.files:
        raise Exit(2, "--from makes a Deployment, so it is for a cluster; in a folder name --service SERVICE=TARGET")
    if [bool(forked.of), bool(forked.declared), bool(wish.services)].count(True) != 1:
        raise Exit(2, "name what is changed: --service SERVICE=TARGET, or in a cluster --from or --fork deploy/NAME --image IMAGE")
    if (forked.images or forked.env) and wish.services:
        raise Exit(2, "--image and --env go with --from or --fork deploy/NAME")


def _again(place: Place) -> str:
    return f" --files {place.files}" if place.files else ""


def _put(place: Place, wish: Wish, document: Json) -> None:
    from xds.offline import door

    wrong = [one for one in door(place.groups).admit(document).findings if one.severity == "error"]
    if wrong:
        raise Exit(2, "; ".join(f"{one.code} {one.message}" for one in wrong))
    if place.files:
        path = place.files / f"sandbox-{wish.name}.yaml"
        if _seen(place).sandbox(f"{wish.namespace}/{wish.name}") or path.exists():
            raise Exit(1, f"Sandbox {wish.namespace}/{wish.name} is there already: pointsman sandbox delete {wish.name}{_again(place)}")
        path.write_text(dumped(document, Output.YAML) + "\n")
        return
    on_cluster(place.cluster, lambda calls: post(Api(calls), document))


async def post(api: Api, document: Json) -> Json:
    """RefusedError where it is there already, or is not let in."""
    head = {name: value for name, value in document["metadata"].items() if name != "creationTimestamp"}
    answer = await api.calls.call("POST", READ["Sandbox"].format(head["namespace"], document["apiVersion"]), {**document, "metadata": head})
    if answer.status != 201:
        raise RefusedError(f"Sandbox {head['namespace']}/{head['name']}", answer)
    found: Json = answer.json()
    return found


# What is there ---------------------------------------------------------------------------------------------------------


def _seen(place: Place) -> Seen:
    if place.files is None:
        return on_cluster(place.cluster, lambda calls: _seen_in(Api(calls), place.namespace, place.api))
    from translator.ir.output import Group
    from xds.cli.checking import line, load_or_exit

    loaded = load_or_exit(place.files, Group(), place.groups)
    objects = loaded.holder.objects()
    statuses = {name: status for name in objects if (status := loaded.statuses.get(*name))}
    wrong = [one for one in loaded.findings if one.finding.severity == "error" and one.finding.kind in ("", "Sandbox", "RouteGroup")]
    return Seen(objects, statuses, tuple(line(place.files, one) for one in wrong))


async def _seen_in(api: Api, namespace: str, version: str) -> Seen:
    """What an API server has, decoded as the server decodes it. Gateways of other namespaces are asked for by name."""
    from xds.offline import door

    documents = [
        aliased({**one, "apiVersion": VERSIONS[kind], "kind": kind})
        for kind, path in READ.items()
        for one in await api.items(path.format(namespace, version))
    ]
    groups = [one for one in documents if one["kind"] == "RouteGroup"]
    refs = {(ref.get("namespace") or namespace, ref["name"]) for one in groups for ref in one["spec"].get("parentRefs", ())}
    for at, name in sorted(refs):
        if found := await api.get(f"/apis/gateway.networking.k8s.io/v1/namespaces/{at}/gateways/{name}"):
            documents.append({**found, "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway"})
    gate = door()
    admitted = [(gate.admit(one), one.get("status")) for one in documents]
    objects = {(one.kind, one.key): one.object for one, _ in admitted if one.object}
    return Seen(objects, {(one.kind, one.key): status for one, status in admitted if status})


def _one(seen: Seen, place: Place, name: str) -> Sandbox:
    found = seen.sandbox(f"{place.namespace}/{name}")
    if found is None:
        raise Exit(1, _told_of(seen, f"Sandbox {place.namespace}/{name} not found"))
    return found


def _told_of(seen: Seen, *words: str) -> str:
    return "\n".join([*words, "some of it was left out:", *seen.left_out] if seen.left_out else words)


def _whole(seen: Seen) -> None:
    """Exit code 1 where there may be more than was shown."""
    if seen.left_out:
        raise Exit(1, _told_of(seen))


def list_(place: Place, output: Output) -> None:
    seen = _seen(place)
    rows = []
    for one in sorted(seen.sandboxes(), key=lambda each: each.key):
        ready, reason, message = seen.ready(one)
        ttl = one.spec.ttl.duration if one.spec.ttl else ""
        rows.append([one.metadata.name, one.namespace, one.routing_key, seen.phase(one), "True" if ready else f"False ({reason})",
                     ",".join(changed_by(seen, one)), ttl, message])  # fmt: skip
    head = ["NAME", "NAMESPACE", "KEY", "PHASE", "READY", "SERVICES", "TTL", "MESSAGE"]
    if output is Output.NAME:
        say("\n".join(f"sandbox/{row[0]}" for row in rows))
    elif output is Output.TABLE:
        say(table(head, rows) if rows else "there are no Sandboxes")
    else:
        say(dumped([dict(zip(map(str.lower, head), row, strict=True)) for row in rows], output))
    _whole(seen)


def url(place: Place, name: str, output: Output) -> None:
    seen = _seen(place)
    one = _one(seen, place, name)
    found = ways(seen, one)
    if not found:
        raise Exit(1, _told_of(seen, f"no RouteGroup of namespace {one.namespace} leads to Sandbox {name}"))
    links = [link for way in found for link in way.hosts]
    commands = [_command(way, example(seen, one)) for way in found if way.believed != "none"]
    if not links and not commands:
        raise Exit(
            1, "keys are taken away from all requests, and there is no preview host: see admission and previewHosts of the RouteGroup"
        )
    if output is Output.NAME:
        say("\n".join(links or commands))
    elif output is Output.TABLE:
        say("\n".join([*(f"{link}/" for link in links), *commands]))
    else:
        say(dumped({"links": links, "keys": [asdict(way) for way in found], "commands": commands}, output))
    _whole(seen)


def _command(way: Way, at: str) -> str:
    """What is to be known of it stands behind, as a comment of a shell."""
    known = {
        "signed": "  # the key must be signed: pointsman's docs/sandboxes.md, Whose keys are believed",
        "some": "  # from clients that the RouteGroup names by admission.sources or certificates",
    }
    key = f"{way.key}.EXPIRY.SIGNATURE" if way.believed == "signed" else way.key
    return f"curl -H '{way.header}: {key}' {at}{known.get(way.believed, '')}"


def map_(place: Place, name: str, admin: str, output: Output) -> None:
    seen = _seen(place)
    one = _one(seen, place, name)
    told, silent = _loads(place, admin)
    found = mapped(seen, one, told)
    if output is Output.NAME:
        say("\n".join(f"{each.service}={each.by}" for each in found))
    elif output is Output.TABLE:
        rows = [[each.service, each.by, *("-" if one is None else str(one) for one in (each.requests, each.under_way)), each.why]
                for each in found]  # fmt: skip
        say(table(["SERVICE", "ANSWERED BY", "REQUESTS", "UNDER WAY", "WHY"], rows))
    else:
        say(dumped([asdict(each) for each in found], output))
    _whole(seen)
    if silent:
        raise silent


def _loads(place: Place, admin: str) -> tuple[Json | None, Exit | None]:
    """None where no server answers; and that, where one was named."""
    try:
        return _told(place, admin), None
    except Exit as left:
        if left.code != 3:
            raise
        return None, left if admin else None


def _told(place: Place, admin: str) -> Json:
    """By the server that was named, or else by all that are installed in the cluster. Exit code 3 where there is none."""
    from xds.cli.live import added, pages
    from xds.cli.showing import asked

    named = admin or ("" if place.files is None else ADMIN)
    return added([asked(named, "/loads")] if named else pages(place.cluster, "/loads"))


# Taking away -----------------------------------------------------------------------------------------------------------


def delete(place: Place, name: str, output: Output) -> None:
    if place.files is None:
        path = f"{READ['Sandbox'].format(place.namespace, place.api)}/{name}"
        was = on_cluster(place.cluster, lambda calls: Api(calls).delete(path))
        if not was:
            raise Exit(1, f"Sandbox {place.namespace}/{name} not found")
    else:
        _unlink(place, name)
    say(f"sandbox/{name}" if output is Output.NAME else f"✓ Sandbox {place.namespace}/{name} is gone")


def _unlink(place: Place, name: str) -> None:
    """A file that holds nothing else goes; others are their writer's."""
    from xds.offline import door, read
    from xds.sources.folder import Folder

    assert place.files  # noqa: S101 - whoever calls has looked
    folder = Folder(door(place.groups))
    try:
        read(folder, place.files)
        folder.changes(math.inf)
    except OSError as error:
        raise Exit(2, f"{place.files} cannot be read: {error.strerror or error}") from None
    found = folder.entry("Sandbox", f"{place.namespace}/{name}")
    if found is None:
        raise Exit(1, f"Sandbox {place.namespace}/{name} not found")
    path, _ = found
    beside = [
        other for other in folder.objects() if other != ("Sandbox", f"{place.namespace}/{name}") and _file(folder.entry(*other)) == path
    ]
    whole = place.files if place.files.is_file() else place.files / path
    if beside:
        raise Exit(1, f"{whole} holds {len(beside)} other objects too: take the Sandbox out of it by hand")
    whole.unlink()


def _file(entry: Any) -> str:
    return str(entry[0]) if entry else ""
