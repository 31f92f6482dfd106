"""What a client says of why it refuses something, as it may be shown: one line, not endless, and no key in it."""

from __future__ import annotations

from xds.kinds import SECRET, Kind

LONGEST = 500  # characters; Envoy prints a whole message after the rule that it breaks
_KEY = "-----BEGIN"
_CONTENT = "inline_"  # fields of a DataSource, in what Envoy prints of a Secret


def shown(kind: Kind, message: str) -> str:
    words = " ".join(message.split())
    for secret in (_KEY, _CONTENT) if kind is SECRET else (_KEY,):
        head, found, _ = words.partition(secret)
        words = f"{head}…" if found else words
    line = "".join(one if one.isprintable() else "�" for one in words)
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
