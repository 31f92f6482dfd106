"""Routing keys: in which spellings requests carry one, and whose are believed."""

from __future__ import annotations

from typing import Literal

from translator.ir.value import Row

HEADER = "x-route-key"  # the spelling that routes are chosen by, whatever others there are


class Spelling(Row, frozen=True, gc=False, order=True):
    """A header, in lower case. With `member` it is a list, as W3C baggage is, and that member's value is the key."""

    header: str
    member: str = ""


class Reading(Row, frozen=True, gc=False, kw_only=True):
    """How a listener reads keys. The first spelling is the one that routes are chosen by.

    `hosts` are suffixes such as `.preview.example.com`: the label in front of one is a key. `wrong` says what becomes of a request
    whose spellings differ or hold no key. `admit` says whose spellings count; hosts always do. `secrets` are names of files;
    with an `audience` keys must be signed for it.
    `group` is the RouteGroup whose endpoints give keys to further hosts. Clients from `sources` (ranges of addresses), and those
    whose certificate has one of `peers` as its first DNS name or URI, are believed whatever `admit` says.
    """

    spellings: tuple[Spelling, ...]
    hosts: tuple[str, ...] = ()
    wrong: Literal["reject", "strip"] = "reject"
    admit: Literal["all", "signed", "none"] = "none"
    secrets: tuple[str, ...] = ()
    audience: str = ""
    group: str = ""
    sources: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()


class Sticky(Row, frozen=True, gc=False, order=True):
    """By what a share is decided: the value of a header (lower case) or of a cookie, or the address of the client. "": by nothing."""

    by: Literal["", "header", "cookie", "source"] = ""
    name: str = ""


class KeyRule(Row, frozen=True, gc=False, order=True, kw_only=True):
    """Which requests of a key one fork takes: a path that is one of `exact` or below one of `prefixes`, or any where there are
    none, and all headers (lower case) there once and equal. Of 100 of them `weight` go there, the others to the baseline; which
    these are is drawn for each anew, but for those that have what the share is sticky by.
    """

    prefixes: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    weight: int = 100
    sticky: Sticky = Sticky()

    @property
    def takes_all(self) -> bool:
        return not (self.prefixes or self.exact or self.headers) and self.weight == 100


class KeyRules(Row, frozen=True, gc=False):
    """The rules of one key at one upstream. `fork` is what names of its clusters begin with; / and the place of the rule follow."""

    fork: str
    rules: tuple[KeyRule, ...]


class KeyHost(Row, frozen=True, gc=False, order=True):
    """Requests to this host have this key, at listeners that read those of the RouteGroup."""

    group: str
    host: str
    key: str


class KeyWay(Row, frozen=True, gc=False, order=True):
    """Where requests of a key go, for a proxy without the native module. Without a cluster what fits goes to the baseline."""

    key: str
    place: int
    cluster: str
    rule: KeyRule
