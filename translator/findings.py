"""Every code that a finding can carry, and what it means. Owns the words of docs/findings.md; knows nothing of who finds what.

A new code is one line in CODES: its number, title, explanation and what mends it. Codes are stable: a number is never
given a second meaning, and a code that is no longer found keeps its line. Then `make findings` writes the page anew.

PM01xx: files and the door. PM02xx: references. PM03xx: Gateways and listeners. PM04xx: routes. PM05xx: TLS. PM06xx: what
Envoy would refuse.
"""

from __future__ import annotations

from typing import NamedTuple

AREAS = {
    "PM01": "Files and the door",
    "PM02": "References",
    "PM03": "Gateways and listeners",
    "PM04": "Routes",
    "PM05": "TLS",
    "PM06": "Refused for Envoy",
}


class Meaning(NamedTuple):
    title: str
    explanation: str
    fix: str


# fmt: off
CODES: dict[str, Meaning] = {
    "PM0101": Meaning("File cannot be read", "The file is not YAML, not UTF-8, or cannot be opened. What it last held stays in force.", "Mend the file at the line named."),
    "PM0102": Meaning("Not an object", "A document is an object of Kubernetes: it needs apiVersion, kind and metadata.name, all of them text.", "Give the field that is missing."),
    "PM0103": Meaning("Kind not known", "Nothing here reads this kind, so the object changes nothing.", "Check the spelling of kind, or remove the object."),
    "PM0104": Meaning("Version not served", "The kind is known, in other versions than the one that apiVersion names.", "Use one of the versions named."),
    "PM0105": Meaning("Metadata not valid", "Names, labels, annotations and the creation time follow the rules of every Kubernetes object.", "Change the field as the message says."),
    "PM0106": Meaning("Field not known", "The kind has no such field, so its value is dropped. An API server drops it as well.", "Check the spelling, or remove the field."),
    "PM0107": Meaning("Value not allowed", "The schema of the kind does not allow this value: its type, length, range, form or choice.", "Change the value as the message says."),
    "PM0108": Meaning("Field missing", "The schema of the kind requires this field.", "Give the field."),
    "PM0109": Meaning("Rule of the kind broken", "The fields are each allowed, and together they are not: a validation rule of the kind says so.", "Change the fields as the message says."),
    "PM0110": Meaning("Item given twice", "The items of this list are told apart by their keys, or by their value, and two of them are the same.", "Remove or rename one of them."),
    "PM0111": Meaning("Secret not readable", "Values below data are base64; text goes below stringData. What a Secret holds is never shown.", "Encode the value, or move it to stringData."),
    "PM0112": Meaning("Kind not served yet", "The kind belongs to the Gateway API, and this version does not serve it. The object changes nothing.", "Remove the object, or use a kind that is served."),
    "PM0113": Meaning("Namespace not used", "Objects of this kind belong to no namespace, so the one given is dropped.", "Remove metadata.namespace."),
}
# fmt: on


def markdown() -> str:
    """docs/findings.md: a heading for each code, so that `findings.md#pm0107` leads to it."""
    lines = ["# Findings by code", "", "Written by `make findings` from `translator/findings.py`. A code never changes its meaning.", ""]
    for area, name in AREAS.items():
        held = {code: meaning for code, meaning in sorted(CODES.items()) if code.startswith(area)}
        if held:
            lines += [f"## {area}xx: {name}", ""]
        for code, meaning in held.items():
            lines += [f"### {code}", "", f"**{meaning.title}.** {meaning.explanation}", "", f"To mend it: {meaning.fix}", ""]
    return "\n".join(lines).rstrip("\n") + "\n"
