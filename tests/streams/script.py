"""Scripts that drive one stream: a command, a rule, what the stream answers. See README.md beside this for the commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from protos.v3 import DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Node, Resource
from translator.ir import tables
from translator.ir.output import Packed
from xds.events import Event, Sent, Step
from xds.kinds import (
    BY_URL,
    CLUSTER,
    ENDPOINT,
    EXTENSION,
    LISTENER,
    ROUTE,
    RUNTIME,
    SCOPE,
    SECRET,
    VIRTUAL_HOST,
    Kind,
    Variant,
)
from xds.snapshot import Snapshots
from xds.stream import MODULES, Stream

KINDS: dict[str, Kind] = {
    "cds": CLUSTER,
    "eds": ENDPOINT,
    "sds": SECRET,
    "lds": LISTENER,
    "srds": SCOPE,
    "rds": ROUTE,
    "vhds": VIRTUAL_HOST,
    "rtds": RUNTIME,
    "ecds": EXTENSION,
}
SHORT = {kind.type_url: short for short, kind in KINDS.items()}
HIDDEN = ("proxy", "nonce", "version", "digest")
TABLES = {table.name: table for table in tables.SERVED}


def resource(word: str) -> tuple[str, Packed]:
    """NAME=BODY[>NEED,NEED][@ALIAS,ALIAS][~TTL]"""
    word, _, ttl = word.partition("~")
    word, _, aliases = word.partition("@")
    word, _, needs = word.partition(">")
    listed = (tuple(filter(None, text.split(","))) for text in (needs, aliases))
    return word.rpartition("=")[0], Packed(word.encode(), *listed, ttl=int(ttl or 0))


def told(one: Resource) -> str:
    """`+` what came, `~` it is as it was and lives on, `?` there is no such thing."""
    if not one.HasField("resource"):
        return f"~{one.name}" if one.version else f"?{one.name}"
    return "@".join((f"+{one.resource.value.decode()}", *one.aliases))


def short(type_url: str) -> str:
    return SHORT.get(type_url, type_url)


class World:
    """Snapshots, one stream at a time, and a clock that only moves when told."""

    variant = Variant.DELTA

    def __init__(self) -> None:
        self.snapshots = Snapshots(groups=("local", "edge"))
        self.only = ""
        self.stream = Stream(self.snapshots, self.variant)
        self.now = 100.0
        self.first = True
        self.node = Node(id="n", cluster="local")
        self.node.metadata.fields[MODULES].list_value.values.add(string_value="shard")
        self.flying: dict[str, DeltaDiscoveryResponse] = {}
        self.bad: set[str] = set()  # types of what is on its way and carries a body `bad`

    # Commands ----------------------------------------------------------------------------------------------------------

    def run(self, line: str) -> str:
        verb, *words = line.split()
        return getattr(self, f"do_{verb}")(words) or "(silence)"

    def do_apply(self, words: list[str]) -> str:
        """apply [VIEW] TYPE NAME=BODY[>NEED,NEED][@ALIAS,ALIAS][~TTL] -NAME TYPE ...: one batch of changes."""
        view, kind, changes = "local", CLUSTER, {}
        for word in words:
            if word in KINDS:
                kind = KINDS[word]
            elif word.startswith("-"):
                changes[TABLES[kind.table], (view, word[1:])] = None
            elif "=" in word:
                name, packed = resource(word)
                changes[TABLES[kind.table], (view, name)] = packed
            else:
                view = word
        self.snapshots.apply(changes)
        return self.show(self.stream.changed(self.now))

    def do_sync(self, _: list[str]) -> str:
        self.snapshots.synced = True
        return self.show(self.stream.changed(self.now))

    def do_node(self, words: list[str]) -> str:
        """node [ID] [cluster=C] [modules=M,M]: who the client says it is from now on; `node -` says nothing."""
        options = dict(word.split("=") for word in words if "=" in word)
        names = [word for word in words if "=" not in word]
        self.node = Node(id="" if names == ["-"] else (names or ["n"])[0], cluster=options.get("cluster", "local"))
        for module in filter(None, options.get("modules", "").split(",")):
            self.node.metadata.fields[MODULES].list_value.values.add(string_value=module)
        self.first = True
        return "ok"

    def do_ask(self, words: list[str]) -> str:
        """ask TYPE [NAME ...] [-NAME ...] [have NAME=VERSION ...] [nonce=N]: one request that answers nothing."""
        kind, *rest = words
        request = DeltaDiscoveryRequest(type_url=KINDS[kind].type_url if kind in KINDS else kind.replace("none", ""))
        self.fill(request, rest)
        return self.send(request)

    def fill(self, request: DeltaDiscoveryRequest, words: list[str]) -> None:
        asked, have = (words[: words.index("have")], words[words.index("have") + 1 :]) if "have" in words else (words, [])
        for word in asked:
            if word.startswith("nonce="):
                request.response_nonce = word[6:]
            elif word.startswith("locator="):
                request.resource_locators_subscribe.add(name=word[8:]).dynamic_parameters["k"] = "v"
            elif word.startswith("-"):
                request.resource_names_unsubscribe.append(word[1:])
            else:
                request.resource_names_subscribe.append(word)
        for word in have:
            name, packed = resource(word)
            request.initial_resource_versions[name] = self.version(request.type_url, name, packed)

    def version(self, type_url: str, name: str, packed: Packed) -> str:
        """The version that this has, as an earlier run of the server would have computed it."""
        other = Snapshots()
        table = TABLES[BY_URL[type_url].table]
        other.apply({(table, ("local", name)): packed})
        return other.of("local", BY_URL[type_url]).live[name].version

    def do_ack(self, words: list[str]) -> str:
        """ack TYPE [NAME ...] [-NAME ...]: accept what is on its way; names as in `ask`."""
        kind, *rest = words
        request = DeltaDiscoveryRequest(type_url=KINDS[kind].type_url, response_nonce=self.flying.pop(kind).nonce)
        self.fill(request, rest)
        return self.send(request)

    def do_nack(self, words: list[str]) -> str:
        kind, *why = words
        request = DeltaDiscoveryRequest(type_url=KINDS[kind].type_url, response_nonce=self.flying.pop(kind).nonce)
        request.error_detail.code = 13
        request.error_detail.message = " ".join(why)
        return self.send(request)

    def do_play(self, words: list[str]) -> str:
        """play TYPE TEXT: refuse with this text what carries a body `bad`, accept all else, until nothing is on its way."""
        kind, *_ = words
        shown = []
        while kind in self.flying:
            shown.append(self.do_nack(words) if kind in self.bad else self.do_ack([kind]))
        return "\n".join(filter(None, shown))

    def do_garbage(self, _: list[str]) -> str:
        return self.show(self.stream.receive(b"\xff\xff", self.now))

    def do_wait(self, words: list[str]) -> str:
        """wait SECONDS: the clock moves, and the stream is woken whenever it asked for it."""
        until, shown = self.now + float(words[0]), []
        while (due := self.stream.due()) is not None and due <= until:
            self.now = due
            shown.append(self.show(self.stream.tick(self.now)))
        self.now = until
        return "\n".join(filter(None, shown))

    def do_due(self, _: list[str]) -> str:
        due = self.stream.due()
        return "never" if due is None else f"in {due - self.now:g} s"

    def do_reconnect(self, words: list[str]) -> str:
        """reconnect [restarted | replica]: a new stream of the same node; to a new server with the same resources, or to one that
        came to have them by another way."""
        ended = self.show(self.stream.ended())
        if words:
            before, self.snapshots = self.snapshots, Snapshots(groups=("local", "edge"))
            self.snapshots.synced = before.synced
            rows = {
                (TABLES[kind.table], (view, name)): Packed(one.body, one.needs, ttl=one.ttl)
                for (view, kind), resources in before._tables.items()
                for name, one in resources.live.items()
            }
            if words == ["replica"]:
                self.wander(rows)
            self.snapshots.apply(rows)
        self.stream, self.first, self.flying = Stream(self.snapshots, self.variant, self.only), True, {}
        return ended

    def wander(self, rows: dict[Any, Packed]) -> None:
        """Other states, others that went again, and all of it one by one from the last to the first."""
        for (table, (view, name)), packed in reversed(rows.items()):
            self.snapshots.apply({(table, (view, name)): Packed(b"other"), (table, (view, f"not {name}")): Packed(b"other")})
            self.snapshots.apply({(table, (view, name)): packed})
            self.snapshots.apply({(table, (view, f"not {name}")): None})

    def do_only(self, words: list[str]) -> str:
        """only TYPE: from now on this is a stream of the service for one type."""
        self.only = KINDS[words[0]].type_url
        return self.do_reconnect([]) or "ok"

    def do_versions(self, _: list[str]) -> str:
        """Of types that have any resource."""
        versions = self.snapshots.versions("local").items()
        return "\n".join(f"{short(kind.type_url)} {version[:8]}" for kind, version in versions if self.snapshots.of("local", kind).live)

    # Wire --------------------------------------------------------------------------------------------------------------

    def send(self, request: DeltaDiscoveryRequest | DiscoveryRequest) -> str:
        if self.first:
            request.node.CopyFrom(self.node)
            self.first = False
        return self.show(self.stream.receive(request.SerializeToString(), self.now))

    def show(self, step: Step) -> str:
        return "\n".join((*map(self.response, step.responses), *self.events(step.events), *closing(step)))

    def response(self, data: bytes) -> str:
        response = DeltaDiscoveryResponse.FromString(data)
        kind = short(response.type_url)
        assert kind not in self.flying, "two responses of one type without an ACK between them"
        self.flying[kind] = response
        self.note(kind, [one.resource.value for one in response.resources])
        words = list(map(told, response.resources))
        words += [f"-{name}" for name in response.removed_resources]
        return " ".join((kind, *(words or ["(empty)"])))

    def note(self, kind: str, bodies: list[bytes]) -> None:
        self.bad = self.bad - {kind} | ({kind} if any(body.endswith(b"=bad") for body in bodies) else set())

    @staticmethod
    def events(events: tuple[Event, ...]) -> Iterator[str]:
        for event in events:
            if isinstance(event, Sent):
                continue
            words = {name: getattr(event, name) for name in event.__struct_fields__ if name not in HIDDEN}
            told = [f"{name}={spelled(value)}" for name, value in words.items() if value]
            yield " ".join((f"! {type(event).__name__}", *told))


def spelled(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(short(str(one)) for one in value)
    if isinstance(value, bytes):
        return value.decode().rpartition("=")[2]
    return f"{value:g}" if isinstance(value, float) else short(str(value))


def closing(step: Step) -> tuple[str, ...]:
    return (f"closed {step.close.code}: {step.close.message}",) if step.close else ()


class SotwWorld(World):
    """The same commands as a client by state of the world. It shows what is new to it, and what a whole response lacks; and with
    `keeps`, what a whole response says again.
    """

    variant = Variant.SOTW

    def __init__(self, *, keeps: bool) -> None:
        super().__init__()
        self.keeps = keeps
        self.wanted: dict[str, list[str]] = {}
        self.nonces: dict[str, str] = {}
        self.held: dict[str, dict[str, str]] = {}

    def do_reconnect(self, words: list[str]) -> str:
        self.wanted, self.nonces = {}, {}
        return super().do_reconnect(words)

    def send(self, request: DeltaDiscoveryRequest | DiscoveryRequest) -> str:
        assert isinstance(request, DeltaDiscoveryRequest)
        kind = short(request.type_url or self.only)
        names = self.wanted.setdefault(kind, [])
        names += [name for name in request.resource_names_subscribe if name not in names]
        for name in set(names) & set(request.resource_names_unsubscribe):
            names.remove(name)
        if request.response_nonce:
            self.nonces[kind] = request.response_nonce
        said = DiscoveryRequest(
            type_url=request.type_url,
            resource_names=names,
            response_nonce=self.nonces.get(kind, ""),
            version_info=self.whole(request.initial_resource_versions),
            resource_locators=request.resource_locators_subscribe,
        )
        if request.HasField("error_detail"):
            said.error_detail.CopyFrom(request.error_detail)
        return super().send(said)

    def whole(self, versions: Mapping[str, str]) -> str:
        total = sum(int.from_bytes(blake2b(f"{name}\0{version}".encode(), digest_size=16).digest()) for name, version in versions.items())
        return f"{total % (1 << 128):032x}" if versions else ""

    def response(self, data: bytes) -> str:
        said = DiscoveryResponse.FromString(data)
        kind = short(said.type_url)
        assert kind not in self.flying, "two responses of one type without an ACK between them"
        self.flying[kind] = DeltaDiscoveryResponse(nonce=said.nonce)
        self.note(kind, [one.value for one in said.resources])
        bodies = dict(one.value.decode().rsplit("=", 1) for one in said.resources)
        before = self.held.get(kind, {})
        whole = BY_URL[said.type_url].whole
        words = [f"+{name}={body}" for name, body in bodies.items() if not whole or before.get(name) != body]
        words += [f"-{name}" for name in before if whole and name not in bodies]
        words += [f"({name}={body})" for name, body in bodies.items() if self.keeps and whole and before.get(name) == body]
        self.held[kind] = bodies if whole else {**before, **bodies}
        return " ".join((kind, *(words or ["(empty)"])))


def replay(text: str, run: Callable[[str], str]) -> str:
    """The script with its replies as they are now. Paragraphs without a rule are kept as they are: they are prose."""
    out = []
    for block in text.strip().split("\n\n"):
        if "----" not in block:
            out.append(block)
            continue
        commands = block.partition("----")[0].rstrip()
        lines = [line for line in commands.splitlines() if not line.startswith("#")]
        replies = [reply for line in lines if (reply := run(line)) != "(silence)"]
        out.append(f"{commands}\n----\n" + ("\n".join(replies) or "(silence)"))
    return "\n\n".join(out) + "\n"
