"""How routing keys are read: the configuration of the native module's `key`, and what it does with it, said in Python.

`envoy/modules/key.c` does the same inside Envoy; tests hold both to one another. Knows no routes and no messages.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from translator.ir.keys import Reading, Spelling

Headers = list[tuple[bytes, bytes]]

ERROR = "x-route-key-error"  # set where a request is to be refused
ATTEMPTS = "x-envoy-attempt-count"  # Envoy's own; a client that sends it would choose the baseline
KEY = re.compile(rb"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_SIGNED = re.compile(rb"([^.]*)\.([0-9]{1,12})\.([0-9a-f]{64})")
_BLANK = b" \t"


def settings(reading: Reading) -> str:
    """The configuration that key.c reads."""
    lines = [f"spelling={one.header}" if not one.member else f"member={one.header}/{one.member}" for one in reading.spellings]
    lines += [f"host={suffix}" for suffix in reading.hosts]
    lines += [f"hosts={reading.group}"] if reading.group else []
    lines += [f"source={one}" for one in reading.sources] + [f"peer={one}" for one in reading.peers]
    lines += [f"wrong={reading.wrong}", f"admit={reading.admit}", *(f"secret={name}" for name in reading.secrets)]
    lines += [f"audience={reading.audience}"] if reading.audience else []
    return "\n".join(lines) + "\n"


def rewritten(
    reading: Reading, headers: Headers, secrets: Sequence[bytes] = (), now: int = 0, hosts: Mapping[bytes, bytes] = MappingProxyType({})
) -> Headers:
    """The headers of a request once its key was read: all spellings say the same, or none is left.

    `secrets` are what the files of the reading hold, `now` is in seconds since 1970, `hosts` are those of endpoints and their keys.
    """
    said = [*_spelled(reading, headers, secrets, now), *_of_host(reading, headers, hosts)]
    key = said[0] if said and None not in said and len(set(said)) == 1 else None
    left = _without(_without(headers, ERROR), ATTEMPTS)
    for one in reading.spellings:
        if key or _has(headers, one):
            left = _written(left, one, key)
    return [*left, (ERROR.encode(), b"1")] if said and not key and reading.wrong == "reject" else left


def signature(secret: bytes, message: bytes, audience: bytes = b"") -> bytes:
    """What stands behind the last dot of a signed key `<key>.<expiry>.<signature>`; the message stands before it."""
    return hmac.digest(secret, message + b"." + audience if audience else message, "sha256").hex().encode()


def _spelled(reading: Reading, headers: Headers, secrets: Sequence[bytes], now: int) -> Iterator[bytes | None]:
    """Each key that a spelling gives, None for each that is not valid."""
    for one in reading.spellings if reading.admit != "none" else ():
        for value in _values(headers, one):
            stripped = value.strip(_BLANK)
            yield _signed(stripped, secrets, now, reading.audience.encode()) if reading.admit == "signed" else _valid(stripped)


def _valid(value: bytes) -> bytes | None:
    return value if KEY.fullmatch(value) else None


def _signed(value: bytes, secrets: Sequence[bytes], now: int, audience: bytes) -> bytes | None:
    parts = _SIGNED.fullmatch(value)
    if parts is None or int(parts[2]) < now:
        return None
    message = value.rpartition(b".")[0]
    good = any(hmac.compare_digest(signature(secret, message, audience), parts[3]) for secret in secrets)
    return _valid(parts[1]) if good else None


def _of_host(reading: Reading, headers: Headers, hosts: Mapping[bytes, bytes]) -> Iterator[bytes | None]:
    host = next((value for name, value in headers if name == b":authority"), b"")
    colon = host.rfind(b":")
    host = (host[:colon] if colon > host.rfind(b"]") else host).removesuffix(b".").lower()
    if reading.group and host in hosts:
        yield hosts[host]
        return
    for suffix in reading.hosts:
        if host.endswith(suffix.encode()) and len(host) > len(suffix):
            yield _valid(host.removesuffix(suffix.encode()))
            return


def _values(headers: Headers, one: Spelling) -> Iterator[bytes]:
    for value in _lines(headers, one):
        if not one.member:
            yield value
            continue
        for item in value.split(b","):
            name, given, rest = item.partition(b"=")
            if given and name.strip(_BLANK) == one.member.encode():
                yield rest.partition(b";")[0]


def _has(headers: Headers, one: Spelling) -> bool:
    return next(_values(headers, one), None) is not None


def _lines(headers: Headers, one: Spelling) -> list[bytes]:
    return [value for name, value in headers if name == one.header.encode()]


def _without(headers: Headers, name: str) -> Headers:
    return [one for one in headers if one[0] != name.encode()]


def _written(headers: Headers, one: Spelling, key: bytes | None) -> Headers:
    value = _list_with(headers, one, key) if one.member else key
    return [*_without(headers, one.header), *([(one.header.encode(), value)] if value else [])]


def _list_with(headers: Headers, one: Spelling, key: bytes | None) -> bytes:
    """All lines as one list: ours in front, as tracestate wants what was changed last, then the members of others."""
    mine = one.member.encode()
    items = [item.strip(_BLANK) for line in _lines(headers, one) for item in line.split(b",")]
    others = [item for item in items if item and not (b"=" in item and item.partition(b"=")[0].strip(_BLANK) == mine)]
    return b",".join(([mine + b"=" + key] if key else []) + others)
