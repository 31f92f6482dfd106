"""Copies of Deployments that Sandboxes declare as their forks, and how what is made is known. Knows no API server."""

from __future__ import annotations

from hashlib import blake2b

from translator.ir.value import Row

LONGEST = 63
OF, IN = "pointsman.io/fork-of", "pointsman.io/sandbox"  # labels of all that is made for a fork
DECLARED = {"pointsman.io/declared": "true"}  # label: made as a Sandbox says it, so that it may be changed and removed
ANSWERS = "pointsman.io/answers"  # annotation of a Service that leads to a fork: `SANDBOX/DEPLOYMENT/SERVICE of the baseline`
ONLY, ALL = "", "*"  # in place of the name of a container


def fork_name(baseline: str, sandbox: str) -> str:
    """Of a Deployment or Service that is made for a Sandbox."""
    return short(f"{baseline}-{sandbox}")


def short(text: str) -> str:
    """At most 63 characters, as labels and names of Services have; different where the text is."""
    if len(text) <= LONGEST and "." not in text:
        return text
    digest = blake2b(text.encode(), digest_size=4).hexdigest()
    return f"{text.replace('.', '-')[: LONGEST - 9].rstrip('-')}-{digest}"


class Source(Row, frozen=True, gc=False):
    """Where the value of a variable is from: `configMapKeyRef` and the like with its fields, as a Pod has them."""

    ref: str
    fields: tuple[tuple[str, str | bool], ...]


class OfFork(Row, frozen=True, gc=False):
    """What a variable is told of the fork of another Deployment of the Sandbox."""

    of: str
    expression: str


class Copy(Row, frozen=True, gc=False, kw_only=True):
    """One Deployment or Rollout to be copied, for these Services or, where none is named, for all that lead to it.

    `images` are (container, image); `env` (container, variable, value), without a value where it is taken away; `patch` is text, and
    `how` it is to be applied: strategic, merge or json.
    """

    of: str
    kind: str = "Deployment"
    services: tuple[str, ...] = ()
    images: tuple[tuple[str, str], ...] = ()
    env: tuple[tuple[str, str, str | Source | OfFork | None], ...] = ()
    patch: str = ""
    how: str = "strategic"


class Copies(Row, frozen=True, gc=False, kw_only=True):
    """All of one Sandbox. `born` tells it from another that had its name; `resources` are for each container."""

    namespace: str
    sandbox: str
    born: str
    copies: tuple[Copy, ...]
    resources: tuple[tuple[str, str], ...] = ()
