"""The one door in front of every method of the server: nothing is answered before it is known who asks and what that allows.

An interceptor of gRPC, so a service that is added later stands behind it without doing anything for it. What a client may
do is for access.py to say, and what it may use for limits.py; here they are asked, and calls ended that may not go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NoReturn

import grpc
import grpc.aio

from xds.security.access import ANYBODY, Grant, Policy, Refusal, unauthenticated
from xds.security.credentials import Credentials, Material
from xds.security.limits import Allowance, Allowances, Bucket
from xds.security.peer import Peer, peer

Context = Any  # grpc.aio.ServicerContext: grpc has no types
Handler = Any
Told = Callable[[Refusal, str, str], None]  # why, the method, and who: an identity, or an address

STREAMS_PER_SECOND, STREAMS_AT_ONCE = 200.0, 200.0  # taken in of those that come at once, as after a restart; the rest waits
BUG = "this server has a bug"
CHAINS = 100  # of certificates, looked at in one turn: some 20 ms
WAITING = 10_000  # more than these are told to come again
_MAKERS = {
    (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler),
    (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
}
pause = asyncio.sleep


class Call:
    """One call that is being answered, by whom it was made, and why it must end before it is done."""

    def __init__(self, grant: Grant, known: Peer | None, by: Material | None, allowance: Allowance | None) -> None:
        self.grant, self.peer, self.allowance = grant, known, allowance
        self.by = by  # the CAs that it was believed by
        self.task = asyncio.current_task()
        self.ends: Refusal | None = None

    def end(self, why: Refusal) -> None:
        if self.ends is None and self.task:
            self.ends = why
            self.task.cancel()


_call: ContextVar[Call] = ContextVar("call")  # without a default: what is not behind the guard fails


def granted() -> Grant:
    """What the client of the call that is being answered may do. LookupError outside of one."""
    return _call.get().grant


async def refuse(why: Refusal) -> NoReturn:
    """End the call that is being answered, from within: its client asked for what it may not have."""
    _call.get().end(why)
    await asyncio.Event().wait()
    raise AssertionError("a call goes on that was ended")


class Guard(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """With credentials, clients are who their certificate says. Without, they come by a way that only this machine has.

    `clock` gives seconds that never go back; `told` is called for each refusal.
    """

    def __init__(self, credentials: Credentials | None, policy: Policy, clock: Callable[[], float], told: Told) -> None:
        self._credentials, self._policy, self._clock, self._told = credentials, policy, clock, told
        self._calls: dict[Call, None] = {}
        self._allowances = Allowances()
        self._arrivals = Bucket(STREAMS_PER_SECOND, STREAMS_AT_ONCE, clock())

    async def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Handler:
        handler = await continuation(details)
        if handler is None:
            return None
        attribute, maker = _MAKERS[handler.request_streaming, handler.response_streaming]
        inner, streams = getattr(handler, attribute), handler.request_streaming or handler.response_streaming

        async def guarded(request: Any, context: Context) -> Any:
            return await self._answer(inner, request, context, details.method, streams=streams)

        return maker(guarded, handler.request_deserializer, handler.response_serializer)

    # One call ----------------------------------------------------------------------------------------------------------

    async def _answer(self, inner: Handler, request: Any, context: Context, method: str, *, streams: bool) -> Any:
        call = await self._admit(context, method, streams=streams)
        _call.set(call)
        try:
            if streams:
                await context.send_initial_metadata(())  # gRPC cannot end a call while its first write takes them along
            self._calls[call] = None
            if streams:
                await self._turn(context, method)
            else:
                await self._once(request, context, method, call.grant)
            if call.allowance and hasattr(request, "__aiter__"):
                context = Metered(context, call, self._clock)
                request = context.requests()
            return await _answered(inner(request, context), context)
        except asyncio.CancelledError:
            if call.ends is None:
                raise
            await self._refuse(context, method, call.ends, call.grant)
        except grpc.aio.BaseError:  # the handler itself has ended the call
            raise
        except Exception as error:  # noqa: BLE001 - gRPC would tell its text to the client, and a traceback to whoever reads stderr
            asyncio.get_running_loop().call_exception_handler({"message": f"{method} failed", "exception": error})
            await context.abort(grpc.StatusCode.INTERNAL, BUG)
        finally:
            self._calls.pop(call, None)
            if call.allowance and call.grant.identity:
                self._allowances.leave(call.grant.identity)

    async def _admit(self, context: Context, method: str, *, streams: bool) -> Call:
        """Does not return for who may not ask."""
        known, grant = self._who(context)
        if isinstance(grant, Refusal):
            await self._refuse(context, method, grant)
        allowance = None
        if streams and grant.identity and grant.limits:
            allowance = self._allowances.enter(grant.identity, grant.limits, self._clock())
            if allowance is None:
                many = f"there are {grant.limits.streams} streams of this identity already"
                await self._refuse(context, method, Refusal("RESOURCE_EXHAUSTED", "streams", many), grant)
        return Call(grant, known, self._credentials.material if self._credentials else None, allowance)

    def _who(self, context: Context) -> tuple[Peer | None, Grant | Refusal]:
        if self._credentials is None:
            return None, ANYBODY
        shown = context.auth_context()
        if shown.get("ssl_tls_version") != [b"TLSv1.3"]:
            return None, unauthenticated("tls-version", "TLS 1.3 is needed")
        [leaf], [chain] = shown.get("x509_pem_cert") or [b""], shown.get("x509_pem_cert_chain") or [b""]
        known = peer(leaf, chain)
        if known is None:
            return None, unauthenticated("no-certificate", "a client certificate is needed")
        # A connection outlives what its handshake was told: both the certificate and the CAs may have changed since.
        problem = _problem(known, self._credentials.material, self._credentials.wall())
        return known, unauthenticated(problem, _WORDS[problem]) if problem else self._policy.grant(known.uris)

    async def _turn(self, context: Context, method: str) -> None:
        """A server that comes back is asked by all its proxies at once: they are taken in one after another."""
        if self._arrivals.waiting(self._clock()) >= WAITING:
            await self._refuse(context, method, Refusal("UNAVAILABLE", "storm", "too many streams come at once; try again"))
        wait = self._arrivals.take(self._clock())
        if wait:
            await pause(wait)

    async def _once(self, request: Any, context: Context, method: str, grant: Grant) -> None:
        """A call of one request is one of those that its identity has. Nobody waits here: each that waits would hold its request."""
        if grant.identity is None or grant.limits is None:
            return
        now, much = self._clock(), f"a request is larger than {grant.limits.bytes} bytes"
        if _size(request) > grant.limits.bytes:
            await self._refuse(context, method, Refusal("RESOURCE_EXHAUSTED", "message-size", much), grant)
        requests = self._allowances.of(grant.identity, grant.limits, now).requests
        if requests.waiting(now):
            await self._refuse(context, method, Refusal("RESOURCE_EXHAUSTED", "requests", "too many requests; try again"), grant)
        requests.take(now)

    async def _refuse(self, context: Context, method: str, why: Refusal, grant: Grant = ANYBODY) -> NoReturn:
        self._told(why, method, str(grant.identity or context.peer()))
        await context.abort(grpc.StatusCode[why.code], why.message)
        raise AssertionError("a call goes on that was refused")

    # All calls ---------------------------------------------------------------------------------------------------------

    def review(self) -> None:
        """End the calls of who is not to be believed any more. To be called every second: after a change of CAs some chains are
        looked at each time, for a thousand at once would hold up everybody.
        """
        self._allowances.tidy(self._clock())
        if self._credentials is None:
            return
        now, by, chains = self._credentials.wall(), self._credentials.material, 0
        for call in list(self._calls):
            if call.peer is None:
                continue
            problem = call.peer.out_of_time(now)
            if call.by is not by and chains < CHAINS:
                problem, call.by, chains = _problem(call.peer, by, now), by, chains + 1
            if problem:
                call.end(unauthenticated(problem, _WORDS[problem]))


_WORDS = {
    "expired": "the certificate has expired",
    "not-yet-valid": "the certificate is not valid yet",
    "revoked": "the certificate has been revoked",
    "untrusted": "the certificate is of a CA that is not trusted",
}


def _problem(known: Peer, by: Material, now: datetime) -> str:
    return known.problem(by.roots, now, by.revoked)


def _size(message: Any) -> int:
    return len(message) if isinstance(message, bytes) else int(message.ByteSize())


async def _answered(answer: Any, context: Context) -> Any:
    """Handlers of gRPC come as coroutines, as generators and as plain functions."""
    if hasattr(answer, "__aiter__"):
        async for message in answer:
            await context.write(message)
        return None
    return await answer if hasattr(answer, "__await__") else answer


class Metered:
    """The context of a call whose client has limits. Too many requests wait; what is too late or too large ends the call."""

    def __init__(self, context: Context, call: Call, clock: Callable[[], float]) -> None:
        assert call.allowance  # noqa: S101 - of a call without limits there is nothing to meter
        self._context, self._call, self._clock = context, call, clock
        self._allowance, self._limits, self._first = call.allowance, call.allowance.limits, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    async def read(self) -> Any:
        if self._first:
            message = await self._read_first()
        else:
            if wait := self._allowance.requests.take(self._clock()):
                await pause(wait)
            message = await self._context.read()
        if message is not grpc.aio.EOF:
            await self._check(message, self._limits.first_bytes if self._first else self._limits.bytes)
            self._first = False
        return message

    async def _read_first(self) -> Any:
        try:
            async with asyncio.timeout(self._limits.first_within):
                return await self._context.read()
        except TimeoutError:
            await self._end("first-message", f"nothing was asked within {self._limits.first_within:g} seconds", "DEADLINE_EXCEEDED")

    async def _check(self, message: Any, limit: int) -> None:
        if _size(message) > limit:
            await self._end("message-size", f"a request is larger than {limit} bytes", "RESOURCE_EXHAUSTED")

    async def _end(self, reason: str, message: str, code: str) -> None:
        self._call.end(Refusal(code, reason, message))
        await asyncio.Event().wait()  # until the call, which is being cancelled, takes its reader with it

    async def requests(self) -> AsyncIterator[Any]:
        while (message := await self.read()) is not grpc.aio.EOF:
            yield message
