"""Rules and matches of a route that are not served as written: which, and how the status says so.

Source: Gateway API v1.6.1, `RouteConditionPartiallyInvalid`: what is dropped is named, after the words "Dropped Rule", and
what is served as it was before, after the words "Fall Back".
"""

from __future__ import annotations

from collections.abc import Iterable

from translator.ir.finding import Finding
from translator.ir.route import Entry


def is_refused(entry: Entry, findings: Iterable[Finding]) -> bool:
    """Whether one of the findings is about this entry: about its own match, or about all of its rule.

    Several may be about one entry, so they cannot just be counted.
    """
    match = ("matches", entry.precedence.match)
    return any(one.path[2] == entry.rule and (one.path[3:4] != ("matches",) or one.path[3:5] == match) for one in findings)


def falls_back(finding: Finding) -> bool:
    """Whether an older state is served in the place of what the finding is about."""
    return finding.code == "PM0606"


def dropped_rules(findings: Iterable[Finding]) -> str:
    """`Dropped Rule 0: …; Rule 2: …`."""
    found = list(findings)
    words = "Fall Back to the last accepted state of " if all(map(falls_back, found)) else "Dropped "
    return words + "; ".join(dict.fromkeys(f"Rule {one.path[2]}: {one.message}" for one in found))
