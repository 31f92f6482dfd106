"""Names of resources as clients spell them: `xdstp://` names have one spelling here, and belong to a collection.

A name is a key and nothing more, except for these two rules (xRFC TP1, "xdstp:// structured resource naming"): the order of
its context parameters says nothing, and `…/dir/*` asks for all that are directly in `…/dir/` with the same parameters.
"""

from __future__ import annotations

from collections.abc import Collection

SCHEME = "xdstp:"


def canonical(name: str) -> str:
    """With its context parameters by key, as Envoy and gRPC write them. A name of another scheme is left as it is."""
    if not name.startswith(SCHEME) or "?" not in name:
        return name
    path, _, rest = name.partition("?")
    parameters, hash_, directives = rest.partition("#")
    return f"{path}?{'&'.join(sorted(parameters.split('&')))}{hash_}{directives}"


def spelled(names: Collection[str]) -> Collection[str]:
    """These, each in its one spelling; the same object where there is nothing to do."""
    return [canonical(name) for name in names] if any(name.startswith(SCHEME) for name in names) else names


def collections(name: str) -> tuple[str, ...]:
    """The glob collection that a name belongs to, if it is a name that can belong to one."""
    if not name.startswith(SCHEME):
        return ()
    path, mark, parameters = name.partition("?")
    folder, slash, last = path.rpartition("/")
    return (f"{folder}/*{mark}{parameters}",) if slash and last != "*" else ()
