"""Claims about sharded listeners: whatever the host, Envoy answers as it does with the whole table in one RouteConfiguration."""

from __future__ import annotations

import http.client
import random
import socket
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import h2.connection
import h2.events
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from protos.envoy.config.core.v3.extension_pb2 import TypedExtensionConfig
from protos.envoy.extensions.filters.http.router.v3.router_pb2 import Router
from protos.envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2 import HttpConnectionManager
from protos.envoy.extensions.http.early_header_mutation.dynamic_modules.v3.dynamic_modules_pb2 import DynamicModuleEarlyHeaderMutation
from protos.v3 import Listener, RouteConfiguration, ScopedRouteConfiguration, VirtualHost, pack
from tests.e2e.running import MODULES, Envoy, envoy
from translator.envoy_v3.sharding import HEADER, SLOTS, shards_of
from translator.ir import names

pytestmark = pytest.mark.e2e

COUNTS = (1, 8, 128)  # RouteConfigurations of a sharded table
LABELS = ["a", "b", "c", "www", "api-1", "x_y", "apps", "xn--p1ai", "0", "long" * 8]
SUFFIXES = ["com", "org", "example.com", "apps.example.com", "co.uk", "internal"]
SPECIAL = ["localhost", "127.0.0.1", "[::1]", "[2001:db8::a]", "A.Upper.example.com", "*.Org", "*-1.example.com", "www.*"]
ODD = [
    "",
    ".",
    "..",
    ".example.com",
    "::1",
    "[::1",
    "a" * 1200 + ".org",
    "x" + ".a" * 700 + ".com",
    "www.",
    "a b",
    "a/b",
    "a@b.com",
    "*.com",
    "*",
]
PORTS = [":80", ":65536", ":0", ":", ":abc", ":80:80", ":99999999999", ":-1"]
PATHS = ["/x/y", "/x", "/"]

Answer = tuple[int, str]


@dataclass(frozen=True)
class Flags:
    """How listener and table treat a host. The first is what Pointsman's own listeners do."""

    name: str
    strip_port: bool = False
    strip_dot: bool = False
    ignore_port: bool = False


FLAGS = (Flags("ours", strip_dot=True, ignore_port=True), Flags("bare"), Flags("strip", strip_port=True), Flags("ignore", ignore_port=True))


@dataclass(frozen=True)
class Table:
    """Virtual hosts by domain, each with the paths it routes."""

    name: str
    flags: Flags
    domains: dict[str, list[str]]

    def hosts(self) -> Iterator[VirtualHost]:
        for domain, paths in self.domains.items():
            host = VirtualHost(name=domain, domains=[domain])
            for path in paths:
                answer = host.routes.add(match={"prefix": path}).direct_response
                answer.status, answer.body.inline_string = 200, f"{domain}|{path}"
            yield host

    def whole(self, hosts: Iterable[VirtualHost]) -> RouteConfiguration:
        return RouteConfiguration(name=self.name, virtual_hosts=hosts, ignore_port_in_host_matching=self.flags.ignore_port)

    def scopes(self, prefix: str, count: int) -> Iterator[ScopedRouteConfiguration]:
        """Every slot with the RouteConfiguration it leads to."""
        parts: list[list[VirtualHost]] = [[] for _ in range(count)]
        for host in self.hosts():
            for shard in shards_of(host.domains[0], count):
                parts[shard].append(host)
        for slot in range(SLOTS):
            name = names.scope(prefix, slot)
            scope = ScopedRouteConfiguration(name=name, route_configuration=self.whole(parts[slot % count]))
            scope.key.fragments.add(string_key=name)
            yield scope


def manager(table: Table) -> HttpConnectionManager:
    made = HttpConnectionManager(stat_prefix="http", strip_trailing_host_dot=table.flags.strip_dot)
    if table.flags.strip_port:
        made.strip_any_host_port = True
    made.http_filters.add(name="envoy.filters.http.router").typed_config.CopyFrom(pack(Router()))
    return made


def shard_by(prefix: str) -> TypedExtensionConfig:
    mutation = DynamicModuleEarlyHeaderMutation(early_header_mutation_name="shard")
    mutation.dynamic_module_config.name = "pointsman"
    mutation.dynamic_module_config.do_not_close = True
    mutation.early_header_mutation_config.CopyFrom(pack(StringValue(value=f"buckets={SLOTS}\nprefix={prefix}/\n")))
    return TypedExtensionConfig(name="shard", typed_config=pack(mutation))


def flat(table: Table) -> HttpConnectionManager:
    made = manager(table)
    made.route_config.CopyFrom(table.whole(table.hosts()))
    return made


def sharded(table: Table, count: int) -> HttpConnectionManager:
    made, prefix = manager(table), f"{table.name}-{count}"
    made.early_header_mutation_extensions.append(shard_by(prefix))
    made.scoped_routes.name = prefix
    made.scoped_routes.scope_key_builder.fragments.add(header_value_extractor={"name": HEADER, "index": 0})
    made.scoped_routes.scoped_route_configurations_list.scoped_route_configurations.extend(table.scopes(prefix, count))
    return made


def listener(name: str, made: HttpConnectionManager) -> Listener:
    listening = Listener(name=name, address={"socket_address": {"address": "127.0.0.1", "port_value": 0}})
    listening.filter_chains.add().filters.add(name="envoy.filters.network.http_connection_manager").typed_config.CopyFrom(pack(made))
    return listening


def random_name(chance: random.Random) -> str:
    return ".".join([*chance.choices(LABELS, k=chance.choice([0, 1, 1, 1, 2, 2, 3])), chance.choice(SUFFIXES)])


def random_table(chance: random.Random, name: str, flags: Flags, size: int) -> Table:
    domains = {special.lower(): special for special in SPECIAL}
    for _ in range(size):
        domain = random_name(chance) if chance.random() < 0.6 else f"*.{random_name(chance)}"
        domains.setdefault(domain.lower(), domain)
    if chance.random() < 0.5:
        domains["*"] = "*"
    return Table(name, flags, {domain: [path for path in PATHS if chance.random() < 0.75] for domain in domains.values()})


def random_host(chance: random.Random, table: Table) -> str:
    """A host that the table has, nearly has, or has not at all; often shouted, often with a port or a dot."""
    domain = chance.choice(list(table.domains))
    host = chance.choice(
        [
            domain.replace("*", chance.choice(LABELS)),
            domain.replace("*", chance.choice(LABELS)),
            f"{chance.choice(LABELS)}.{domain.replace('*.', '').replace('*', 'q')}",
            domain.partition(".")[2] or "x",
            random_name(chance),
            chance.choice(ODD),
        ]
    )
    if chance.random() < 0.35:
        host = "".join(chance.choice([letter.lower, letter.upper])() for letter in host)
    if chance.random() < 0.12:
        host += "."
    return host + chance.choice(PORTS) if chance.random() < 0.35 else host


def ask_http1(port: int, asked: list[tuple[str, str]]) -> Iterator[Answer]:
    """One after the other on a connection that is kept. Each claims a scope of its own choice, which must not count."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for host, path in asked:
        connection.putrequest("GET", path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host)
        connection.putheader(HEADER, "claimed/0")
        connection.endheaders()
        answer = connection.getresponse()
        yield answer.status, answer.read().decode()
    connection.close()


class Http2:
    """One HTTP/2 connection on which requests follow one another."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.state = h2.connection.H2Connection()
        self.state.initiate_connection()

    def ask(self, host: str, path: str) -> Answer:
        stream = self.state.get_next_available_stream_id()
        head = [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", host), (HEADER, "claimed/0")]
        self.state.send_headers(stream, head, end_stream=True)
        status, body = 0, b""
        while True:
            self.socket.sendall(self.state.data_to_send())
            for event in self.state.receive_data(self.socket.recv(65_536)):
                match event:
                    case h2.events.ResponseReceived(headers=headers):
                        status = int(dict(headers or ())[b":status"])
                    case h2.events.DataReceived(data=part):
                        body += part or b""
                    case h2.events.StreamEnded() | h2.events.StreamReset() | h2.events.ConnectionTerminated():
                        return status, body.decode()


def ask_http2(port: int, asked: list[tuple[str, str]]) -> Iterator[Answer]:
    connection = Http2(port)
    try:
        for host, path in asked:
            yield connection.ask(host, path)
    finally:
        connection.socket.close()


def kinds(host: str, answer: Answer) -> Iterator[str]:
    """What a case reached: how it was answered, and with which form of host."""
    status, body = answer
    domain = body.partition("|")[0]
    kind = str(status) if status != 200 else "catch-all" if domain == "*" else "wildcard" if "*" in domain else "exact"
    yield kind
    if host != host.lower():
        yield f"{kind} upper case"
    if host.startswith("["):
        yield f"{kind} IPv6"
    if host.partition(":")[0].endswith("."):
        yield f"{kind} dot"
    if host.rpartition(":")[2].isdecimal() and "]" not in host.rpartition(":")[2]:
        yield f"{kind} port"


@pytest.fixture(scope="module")
def tables() -> list[Table]:
    chance = random.Random(7)
    flags = [FLAGS[0], FLAGS[0], FLAGS[0], *FLAGS[1:]]
    sizes = [5, 40, 150, 40, 40, 40]
    return [random_table(chance, f"t{i}", flag, size) for i, (flag, size) in enumerate(zip(flags, sizes, strict=True))]


@pytest.fixture(scope="module")
def running(tables: list[Table], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Envoy]:
    subprocess.run(["make", "-C", MODULES], check=True, capture_output=True)
    listeners = [listener(f"{table.name}-flat", flat(table)) for table in tables]
    listeners += [listener(f"{table.name}-{count}", sharded(table, count)) for table in tables for count in COUNTS]
    with envoy(listeners, tmp_path_factory.mktemp("sharded")) as started:
        yield started


def differences(running: Envoy, table: Table, asked: list[tuple[str, str]], version: int, reached: Counter[str]) -> list[object]:
    ask = ask_http1 if version == 1 else ask_http2
    answers = list(ask(running.ports[f"{table.name}-flat"], asked))
    for (host, _), answer in zip(asked, answers, strict=True):
        reached.update(kinds(host, answer))
    return [
        (table.name, count, question, wanted, got)
        for count in COUNTS
        for question, wanted, got in zip(asked, answers, ask(running.ports[f"{table.name}-{count}"], asked), strict=True)
        if wanted != got
    ]


def questions(chance: random.Random, table: Table, number: int) -> list[tuple[str, str]]:
    return [(random_host(chance, table), chance.choice(["/", "/x", "/x/y/z", "/q"])) for _ in range(number)]


def test_sharded_listener_answers_http1_as_the_flat_table_does(running: Envoy, tables: list[Table]) -> None:
    chance, reached = random.Random(11), Counter[str]()
    for table in tables:
        assert differences(running, table, questions(chance, table, 300), 1, reached) == []
    forms = [f"{kind}{form}" for kind in ("exact", "wildcard") for form in ("", " upper case", " port", " dot")]
    few = {kind: reached[kind] for kind in [*forms, "exact IPv6", "catch-all", "404", "404 port", "400"] if reached[kind] < 10}
    assert few == {}, reached


def test_sharded_listener_answers_http2_as_the_flat_table_does(running: Envoy, tables: list[Table]) -> None:
    chance, reached = random.Random(13), Counter[str]()
    for table in tables:
        asked = [(host, path) for host, path in questions(chance, table, 200) if host and not set(host) & set(" /@")]
        assert differences(running, table, asked, 2, reached) == []
    few = {
        kind: reached[kind] for kind in ["exact", "exact upper case", "exact port", "wildcard", "catch-all", "404"] if reached[kind] < 10
    }
    assert few == {}, reached
