"""`render`, `status`, `proxies`, `bootstrap`: what there is, of files or of the running server."""

from __future__ import annotations

import json
import platform
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xds.bootstrap import SDS, Bootstrap, Client, is_loopback, secrets, split
from xds.bootstrap import bootstrap as made
from xds.cli.nouns import Wanted, wanted
from xds.cli.output import Exit, Output, dumped, note, say, table
from xds.security.access import Grant, Identity

if TYPE_CHECKING:
    from translator.ir.output import Group
    from xds.cli.cluster import Cluster

ASK_LIMIT = 30
_URL_TYPES = "type.googleapis.com/envoy."


def asked(admin: str, path: str) -> Any:
    """What the admin port of the running server answers. Exit code 3 where nobody is there."""
    check_address(admin, "--admin")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{admin}{path}", timeout=ASK_LIMIT) as answer:
            return json.load(answer)
    except (urllib.error.URLError, TimeoutError, ConnectionError, json.JSONDecodeError) as error:
        reason = getattr(error, "reason", error)
        raise Exit(3, f"no server answers at {admin}: {reason}. Start one with pointsman run DIR, or name it by --admin") from None


def check_address(address: str, option: str, advice: str = "") -> None:
    """Loopback only: what comes over the network is neither hidden nor known. `advice` is how else it can be done."""
    try:
        local = is_loopback(address)
    except ValueError as error:
        raise Exit(2, f"{option}: {error}") from None
    if not local:
        raise Exit(
            2, f"{option} {address}: only loopback and unix sockets are served in plain text. Use 127.0.0.1:{split(address)[1]}{advice}"
        )


def bootstrap(of: Bootstrap, tls: Path | None, server: str, output: Output) -> None:
    from xds.dataplane import SEARCHED, found_by_envoy, modules

    check_address(of.admin, "--admin")
    try:
        known = _identified(of, tls, server or split(of.xds)[0]) if tls else of
        named = replace(known, node=known.node or "pointsman", group=known.group or "local")
        config = made(replace(named, modules=("shard",) if found_by_envoy() else ()))
    except ValueError as error:
        raise Exit(2, f"--xds: {error}") from None
    say(dumped(config, Output.JSON if output is Output.JSON else Output.YAML))
    if not found_by_envoy() and (place := modules()):
        note(f"this is for an Envoy without the native module, which is slower. To have it: export {SEARCHED}={place}, and ask again")


def _identified(of: Bootstrap, tls: Path, server: str) -> Bootstrap:
    """As the certificate in this folder says who it is."""
    client, identity = _client(tls, server)
    node = of.node or f"{identity.key}/{platform.node()}"
    if not Grant(identity).admits(node):
        raise Exit(2, f"--node {node}: the certificate is for {identity.key}, or {identity.key}/ and more")
    return replace(of, node=node, group=of.group or identity.key, client=client)


def _client(folder: Path, server: str) -> tuple[Client, Identity]:
    from xds.cli.certificates import identity_of

    try:
        identity = identity_of(folder / "tls.crt")
    except OSError as error:
        raise Exit(2, f"--tls: {error.filename}: {error.strerror}") from None
    if identity is None:
        raise Exit(2, f"--tls: {folder / 'tls.crt'} names no Gateway; pointsman certs DIR --gateway NAMESPACE/NAME makes one that does")
    return Client(str(folder.absolute()), server), identity


def sds(folder: Path, which: str, output: Output) -> None:
    """A file beside the certificates that names them to Envoy."""
    if which not in SDS:
        raise Exit(2, f"--sds {which}: {' or '.join(SDS)}")
    found = secrets(Client(str(folder.absolute())))[SDS[which]]
    say(dumped(found, Output.JSON if output is Output.JSON else Output.YAML))


def render(where: Path | Cluster, run: Group, gateway: str, output: Output, groups: tuple[str, ...]) -> None:
    """`gateway`: what the proxies of this one get, in a cluster; else what proxies get that serve all of them."""
    from xds.cli.checking import line, loaded_of
    from xds.kinds import FLAT
    from xds.offline import GROUP_NAME
    from xds.render import everything

    loaded, group = loaded_of(where, run, groups), gateway or GROUP_NAME
    if group not in loaded.groups:
        known = ", ".join(one for one in loaded.groups if one != GROUP_NAME) or "none"
        raise Exit(2, f"--gateway {gateway}: there is no such Gateway. Those that there are: {known}")
    found = everything(loaded.engine, group, group + (FLAT if run.flat else ""))
    if output is Output.TABLE:
        rows = [[section, one["name"], one["version"], ", ".join(one["from"])] for section, items in found.items() for one in items]
        say(table(["TYPE", "NAME", "VERSION", "FROM"], rows))
    elif output is Output.NAME:
        say("\n".join(f"{section}/{one['name']}" for section, items in found.items() for one in items))
    else:
        say(dumped(found, output))
    if loaded.findings:
        root = where if isinstance(where, Path) else None
        raise Exit(1, "\n".join(["some of it was left out:", *(line(root, one) for one in loaded.findings)]))


def status(targets: list[str], namespace: str, where: str | Cluster, output: Output, groups: tuple[str, ...]) -> None:
    """`where` is the admin port of a server, or a cluster; files go before both."""
    root = next((Path(one) for one in targets if Path(one).exists()), None) if isinstance(where, str) else None
    words = [one for one in targets if root is None or Path(one) != root]
    if len(words) > 1:
        raise Exit(2, f"one kind at a time, not {' and '.join(words)}")
    which = wanted(words[0], namespace) if words else Wanted(namespace=namespace)
    objects = [one for one in (_of_files(root, groups) if root else _objects(where, which)) if _matches(which, one)]
    if which.name and not objects:
        raise Exit(1, f"{which.kind} {which.name} not found")
    if output is Output.TABLE:
        rows = [row for one in objects for row in _rows(one)]
        say(
            table(["KIND", "NAME", "PARENT", "ACCEPTED", "RESOLVEDREFS", "PROGRAMMED", "ROUTES", "MESSAGE"], rows)
            if rows
            else "nothing has a status"
        )
    elif output is Output.NAME:
        say("\n".join(f"{one['kind'].lower()}/{one['metadata']['name']}" for one in objects))
    elif which.name and len(objects) == 1:
        say(dumped(objects[0], output))
    else:
        say(dumped({"apiVersion": "v1", "kind": "List", "items": objects}, output))


def _of_files(root: Path, groups: tuple[str, ...]) -> list[dict[str, Any]]:
    from translator.ir.output import Group
    from xds.cli.checking import load_or_exit
    from xds.objects import described

    loaded = load_or_exit(root, Group(), groups)
    return described(loaded.holder, loaded.statuses)


def _objects(where: str | Cluster, which: Wanted) -> list[dict[str, Any]]:
    if isinstance(where, str):
        found: list[dict[str, Any]] = asked(where, "/status")["objects"]
        return found
    from xds.cli.live import objects

    return objects(where, which)


def _pages(where: str | Cluster, path: str) -> list[Any]:
    """Of one server, or of every replica in a cluster."""
    if isinstance(where, str):
        return [asked(where, path)]
    from xds.cli.live import pages

    return pages(where, path)


def _matches(which: Wanted, one: dict[str, Any]) -> bool:
    return which.matches(one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"])


def _rows(one: dict[str, Any]) -> list[list[str]]:
    """A row for the object, and for a route one for each parent."""
    if (status := one.get("status")) is None:
        return []
    name = "/".join(filter(None, (one["metadata"].get("namespace", ""), one["metadata"]["name"])))
    routes = sum(listener["attachedRoutes"] for listener in status["listeners"]) if "listeners" in status else ""
    if "parents" in status:
        return [_row(one["kind"], name, _parent(each["parentRef"]), each["conditions"], "") for each in status["parents"]]
    return [_row(one["kind"], name, "", status.get("conditions", []), str(routes))]


def _row(kind: str, name: str, parent: str, conditions: list[dict[str, Any]], routes: str) -> list[str]:
    by_type = {one["type"]: one for one in conditions}
    cells = [_cell(by_type.get(column)) for column in ("Accepted", "ResolvedRefs", "Programmed")]
    words = "; ".join(one["message"] for one in conditions if one["status"] == "False" and one["message"])
    return [kind, name, parent, *cells, routes, words]


def _cell(condition: dict[str, Any] | None) -> str:
    if condition is None:
        return "-"
    return "True" if condition["status"] == "True" else f"False ({condition['reason']})"


def _parent(reference: dict[str, Any]) -> str:
    section = f"/{reference['sectionName']}" if reference.get("sectionName") else ""
    return f"{reference.get('kind') or 'Gateway'}/{reference['name']}{section}"


def proxies(where: str | Cluster, output: Output) -> None:
    found = [proxy for page in _pages(where, "/proxies") for proxy in page]
    if output is Output.NAME:
        say("\n".join(proxy["node"] for proxy in found))
        return
    if output is not Output.TABLE:
        say(dumped(found, output))
        return
    rows = [
        [proxy["node"], proxy["view"], one["type"].removeprefix(_URL_TYPES), one["state"].replace("_", " "), str(one["held"]),
         one["sent"] or "-", one["acked"] or "-", one["error"]]
        for proxy in found for one in proxy["types"]
    ]  # fmt: skip
    say(table(["NODE", "VIEW", "TYPE", "STATE", "HELD", "SENT", "ACKED", "ERROR"], rows) if rows else "no proxy is connected")


def loads(where: str | Cluster, output: Output) -> None:
    from xds.cli.live import added

    found = added(_pages(where, "/loads"))
    if output is Output.NAME:
        say("\n".join(sorted(found["clusters"])))
        return
    if output is not Output.TABLE:
        say(dumped(found, output))
        return
    columns = ("succeeded", "failed", "dropped", "in_progress", "reports")
    rows = [[name, *(str(load[column]) for column in columns)] for name, load in sorted(found["clusters"].items())]
    say(table(["CLUSTER", *(column.upper().replace("_", " ") for column in columns)], rows) if rows else "no proxy reports load")
