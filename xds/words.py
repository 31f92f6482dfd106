"""What a client says of why it refuses something, as it may be shown: one line, not endless, and no key in it."""

from __future__ import annotations

import re

from xds.kinds import SECRET, Kind

LONGEST = 500  # characters
_KEY = "-----BEGIN"
_CONTENT = "inline_"  # fields of a DataSource, in what Envoy prints of a Secret
# Envoy prints the whole message before the rule that it breaks, and of bytes that are no message the bytes
_DUMP = re.compile(r"goo\.gle/debug\w*\s*\n(.*?)(?:\n: |\Z)", re.DOTALL)
_NAME = re.compile(r'^(?:cluster_)?name: "([^"\n]*)"', re.MULTILINE)


def shown(kind: Kind, message: str) -> str:
    words = " ".join(_DUMP.sub(_named, message).split()).removesuffix(":")
    for secret in (_KEY, _CONTENT) if kind is SECRET else (_KEY,):
        head, found, _ = words.partition(secret)
        words = f"{head}…" if found else words
    line = "".join(one if one.isprintable() else "�" for one in words)
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]}…{line[1 - LONGEST // 2 :]}"  # the end says what is wrong


def _named(dump: re.Match[str]) -> str:
    """Of a message that is printed only its name."""
    name = _NAME.search(dump[1])
    return f"{name[1]}: " if name else ""
