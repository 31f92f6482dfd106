"""The gRPC shell around streams: moves bytes, keeps time, ends what is stuck. What is said, and when, is stream.py's.

One writer for each stream, and at most one response of each type between it and the client: a client that stops reading
costs the responses it was last given, which all streams share, and delays nobody.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import Any

import grpc
import grpc.aio

from xds.bootstrap import is_loopback
from xds.companions import Companions
from xds.events import Close, Event, Step
from xds.proxies import ProxyState, proxy_state
from xds.security.access import Policy, Refusal
from xds.security.credentials import Credentials
from xds.security.guard import BUG, Guard, granted, refuse
from xds.services import METHODS, Method
from xds.snapshot import Snapshots
from xds.stream import Stream

# Read sockets on the thread that waits for completions, as gRPC did before its EventEngine: one switch of threads less for each
# message, a fifth of what a stream costs (docs/benchmarks.md). gRPC looks at this when it first starts; who sets it decides.
os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_listener")
AT_ONCE = 50  # streams that look at a change in one turn of the loop: under a millisecond, and the first can write meanwhile
SWEEP_SECONDS = 1.0  # between two looks at who is stuck, and who is not to be believed any more
WRITE_SECONDS = 60.0  # a client that takes nothing for so long is let go; it reconnects when it reads again
# After AGE, give or take a tenth, gRPC tells a client to use another connection from now on. Its stream is ended up to a fifth
# later, when nothing is on its way: so proxies spread over replicas anew, and not all at once.
AGE_SECONDS = 10 * 3600.0
LAST_SECONDS = 60.0  # beyond that, a stream that is never quiet is ended all the same
OPTIONS = [
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),  # a reconnect names every resource (envoy#46072)
    ("grpc.max_send_message_length", -1),
    ("grpc.max_concurrent_streams", 1 << 20),
    ("grpc.server_max_unrequested_time_in_server", 300),  # after a restart all come at once: who waits is not sent away at 30 s
    ("grpc.so_reuseport", 0),  # two servers on one port would each see half of the proxies
    # A client whose certificate is not taken any more must not come back on the connection that it has: it is shut when nothing
    # is asked on it.
    ("grpc.max_connection_idle_ms", 1_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # this is what finds a client that is gone: a minute, whatever the line above says
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.bdp_probe", 0),  # each ACK would be followed by a ping that asks how fast ACKs could come
]

OPEN = Policy()
OLD = Close("UNAVAILABLE", "this stream has lived long; come again with the versions that you have")
FAULT = Close("INTERNAL", BUG)
Context = Any  # grpc.aio.ServicerContext: grpc has no types


def ages(seconds: float) -> list[tuple[str, int]]:
    """Options of gRPC for connections that end at this age. What is left of one after half of that again is cut off."""
    return [("grpc.max_connection_age_ms", int(seconds * 1000)), ("grpc.max_connection_age_grace_ms", int(seconds * 500))]


class Connection:
    """One stream of one client: a state machine, what it has to write, and why its writer should wake up."""

    def __init__(self, server: Server, method: Method) -> None:
        self.stream = Stream(server.snapshots, method.variant, method.type_url, granted())
        self.writer: asyncio.Task[None] | None = None
        self.writing_since: float | None = None
        self._server = server
        self._outbox: deque[bytes] = deque()
        self._close: Close | None = None
        self._rest: asyncio.Future[None] | None = None  # the writer waits for it
        self._over = False
        self._ends_at = server.clock() + server.age * random.uniform(1.1, 1.2)  # noqa: S311 - nobody gains by guessing it
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None  # when the timer goes off

    def look(self) -> None:
        """Something may be different: take it in here, and wake the writer only if there is something to write."""
        if self._over:
            return
        close: Close | None = FAULT
        try:
            self._take(self.stream.changed(self._server.clock()))
            close = self._close
        finally:
            if close:
                self.end(close)
        if self._outbox:
            self._wake()

    def end(self, close: Close) -> None:
        self._close = self._close or close
        self._wake()

    def _wake(self) -> None:
        if self._rest and not self._rest.done():
            self._rest.set_result(None)

    async def read(self, context: Context) -> None:
        """Take requests until the client is done."""
        clock, close = self._server.clock, FAULT
        try:
            while (data := await context.read()) is not grpc.aio.EOF:
                self._take(self.stream.receive(data, clock()))
                if self._outbox or self._close:
                    self._wake()
            close = Close("OK", "")
        finally:
            self.end(close)

    async def write(self, context: Context) -> Close:
        """Write until there is a reason to end."""
        clock, loop = self._server.clock, asyncio.get_running_loop()
        while True:
            while self._outbox:
                self.writing_since = clock()
                await context.write(self._outbox.popleft())
                self.writing_since = None
            if self._close:
                return self._close
            self._rest = loop.create_future()
            await self._rest

    def grow_old(self, now: float) -> None:
        """End it if it has lived long enough, and better when nothing is on its way."""
        if now >= self._ends_at and (now >= self._ends_at + LAST_SECONDS or (self.stream.quiet and not self._outbox)):
            self.end(OLD)

    def _take(self, step: Step) -> None:
        self._outbox.extend(step.responses)
        for event in step.events:
            self._server.on_event(event)
        self._close = self._close or step.close
        due = self.stream.due()
        if due != self._due:
            self._set_timer(due)

    def _set_timer(self, due: float | None) -> None:
        if self._timer:
            self._timer.cancel()
        self._due, self._timer = due, None
        if due is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0.0, due - self._server.clock()), self._tick)

    def _tick(self) -> None:
        self._due = self._timer = None
        self.look()

    def ended(self) -> None:
        self._over = True
        if self._timer:
            self._timer.cancel()
        for event in self.stream.ended().events:
            self._server.on_event(event)


class Server:
    """Serves one set of snapshots. `on_event` is called on the loop for all that streams tell, and must not block;
    `clock` gives seconds that never go back. `reflection` tells whoever asks what services there are. With `credentials`
    clients are asked for certificates, and `policy` says what those allow; `turned_away` is told whom the guard did not let in.
    """

    def __init__(
        self,
        snapshots: Snapshots,
        on_event: Callable[[Event], None],
        clock: Callable[[], float] = time.monotonic,
        *,
        reflection: bool = False,
        credentials: Credentials | None = None,
        policy: Policy = OPEN,
        age: float = AGE_SECONDS,
        turned_away: Callable[[Refusal, str, str], None] = lambda *_: None,
    ) -> None:
        self.snapshots, self.on_event, self.clock, self.credentials = snapshots, on_event, clock, credentials
        self.age = age
        self.guard = Guard(credentials, policy, clock, turned_away)
        self._connections: dict[Connection, None] = {}
        self._behind: deque[Connection] = deque()  # who has not looked at the last change
        self.caught_up: Callable[[], None] = lambda: None  # called when all have
        self.companions = Companions(self.streams, reflection=reflection)
        self._grpc: grpc.aio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    async def start(self, address: str) -> str:
        """Listen on `host:port` (0: any free one) or `unix:/path`; gives what it is bound to. RuntimeError if it cannot be,
        or if others than this machine could reach it and there are no credentials. ValueError if it is no address.
        """
        if self.credentials is None and not is_loopback(address):
            raise RuntimeError(f"{address}: only loopback and unix sockets are served in plain text")
        server = self._grpc = grpc.aio.server(interceptors=(self.guard,), options=[*OPTIONS, *ages(self.age)])
        for method in METHODS:
            handler = grpc.stream_stream_rpc_method_handler(partial(self._serve, method))
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(method.service, {method.name: handler}),))
        await self.companions.add_to(server)
        port = server.add_secure_port(address, self.credentials.for_server()) if self.credentials else server.add_insecure_port(address)
        await server.start()
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self.sweep)
        return address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"

    def publish(self) -> None:
        """Something in the snapshots is different: every stream looks at it in its own turn."""
        if not self._behind:
            asyncio.get_running_loop().call_soon(self._catch_up)
        waiting = set(self._behind)
        self._behind.extend(connection for connection in self._connections if connection not in waiting)

    def _catch_up(self) -> None:
        try:
            for _ in range(min(AT_ONCE, len(self._behind))):
                self._behind.popleft().look()
        finally:
            if self._behind:
                asyncio.get_running_loop().call_soon(self._catch_up)
            else:
                self.caught_up()

    async def stop(self, grace: float) -> None:
        """End all streams and stop listening; whoever has not let go after `grace` seconds is cut off."""
        if self._sweeper:
            self._sweeper.cancel()
        for connection in self._connections:
            connection.end(Close("UNAVAILABLE", "the server is stopping"))
        await self.companions.stopping()
        if self._grpc:
            await self._grpc.stop(grace)

    def streams(self) -> Iterator[Stream]:
        return (connection.stream for connection in self._connections)

    def proxies(self) -> list[ProxyState]:
        """Every connected proxy, by node id."""
        states = map(proxy_state, self.streams())
        return sorted((state for state in states if state), key=lambda state: (state.node, state.stream))

    async def _serve(self, method: Method, _: AsyncIterator[bytes], context: Context) -> None:
        connection = Connection(self, method)
        self._connections[connection] = None
        connection.writer = asyncio.current_task()
        reader = asyncio.create_task(connection.read(context))
        try:
            close = await connection.write(context)
        finally:
            reader.cancel()
            del self._connections[connection]
            connection.ended()
        if close.reason:
            await refuse(Refusal(close.code, close.reason, close.message))
        if close.code != "OK":
            await context.abort(grpc.StatusCode[close.code], close.message)

    def sweep(self) -> None:
        """End connections whose client takes nothing, or is not to be believed any more.

        The writer of the former is stuck in a write, so it is cancelled from outside.
        """
        if self.credentials:
            self.credentials.look()
        self.guard.review()
        late = self.clock() - WRITE_SECONDS
        for connection in self._connections:
            connection.grow_old(self.clock())
            if connection.writing_since is not None and connection.writing_since < late and connection.writer:
                connection.writer.cancel()
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self.sweep)
