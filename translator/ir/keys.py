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
    whose spellings differ or hold no key. `admit` says whose spellings count; hosts always do. `secrets` are names of files.
    """

    spellings: tuple[Spelling, ...]
    hosts: tuple[str, ...] = ()
    wrong: Literal["reject", "strip"] = "reject"
    admit: Literal["all", "signed", "none"] = "none"
    secrets: tuple[str, ...] = ()
