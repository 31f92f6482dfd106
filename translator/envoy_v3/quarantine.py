"""What is served in the place of what a proxy refused: what it accepted before, or nothing. Knows no tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from protos.v3 import framed, unframed
from translator.envoy_v3.anatomy import Anatomy, Form, cut
from translator.ir.finding import Finding, Path
from translator.ir.output import fingerprint
from translator.ir.quarantine import Poison, Quarantined


class Verdict(NamedTuple):
    """`body` is what to serve, None for nothing; `found` are the poisons that are in what was made."""

    body: bytes | None
    found: tuple[Poison, ...] = ()


def judged(row: Quarantined | None, body: bytes, form: Form | None = None) -> Verdict:
    """`form` says how the resource is taken apart, if it can be."""
    if row is None:
        return Verdict(body)
    digest = fingerprint(body)
    whole = _newest(one for one in row.poisons if not one.part and one.digest == digest)
    if whole:
        return Verdict(body if whole.doubted else whole.good or None, (whole,))
    return _without_parts(row, cut(form, body), body) if form else Verdict(body)


def judged_routes(row: Quarantined | None, framed_routes: bytes) -> Verdict:
    """The routes of one entry, which stand and fall together."""
    digests = {fingerprint(route) for _, _, route in unframed(framed_routes)} if row else set()
    found = _newest(one for one in (row.poisons if row else ()) if one.digest in digests)
    if found is None:
        return Verdict(framed_routes)
    return Verdict(framed_routes if found.doubted else found.good or None, (found,))


def _newest(found: Iterable[Poison]) -> Poison | None:
    return next(iter(reversed(tuple(found))), None)


def _without_parts(row: Quarantined, whole: Anatomy, body: bytes) -> Verdict:
    poisons = {one.digest: one for one in row.poisons if one.part}
    found = tuple(poisons[digest] for digest in dict.fromkeys(part.digest for part in whole.parts()) if digest in poisons)
    acting = {one.digest: one.good for one in found if not one.doubted}
    return Verdict(replaced(whole, acting) if acting else body, found)


def replaced(whole: Anatomy, instead: Mapping[str, bytes]) -> bytes | None:
    """With other bytes, framed, in the place of some parts, by digest; None where no part is left of a resource that is nothing else."""
    form, body, left = whole.form, [], 0
    for one in whole.members:
        if isinstance(one, bytes):
            body.append(one)
        elif form.group_kind is None or one.head.digest not in instead:
            parts = [instead[part.digest] if part.digest in instead else framed(form.part, part.body) for part in one.parts]
            left += sum(map(bool, parts))
            inner = one.head.body + b"".join(parts)
            body.append(inner if form.group is None else framed(form.group, inner))
    return b"".join(body) if left or form.group is not None else None


def told(one: Poison, what: str, kind: str, key: str, path: Path = ()) -> Finding:
    """What to say of it to whoever wrote the object. Envoy's words are the text."""
    if one.here:
        message = f"PM0608: a proxy cannot listen there, others are served it: {one.message}"
        return Finding(code="PM0608", kind=kind, key=key, message=message, path=path, fix="give it another port, or free this one there")
    if one.doubted:
        message = f"PM0607: one proxy refuses {what}, others are served it: {one.message}"
        return Finding(code="PM0607", kind=kind, key=key, message=message, path=path, severity="warning")
    code, then = ("PM0606", "what it accepted before is served") if one.good else ("PM0605", "it is left out")
    return Finding(code=code, kind=kind, key=key, message=f"{code}: Envoy refuses {what}, {then}: {one.message}", path=path)
