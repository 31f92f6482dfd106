"""What an unquoted word of YAML means: text, unless it is a number, a boolean or nothing. As sigs.k8s.io/yaml reads it."""

from __future__ import annotations

import math
import re

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **{form: True for word in ("true", "yes", "on") for form in (word, word.capitalize(), word.upper())},
    **{form: False for word in ("false", "no", "off") for form in (word, word.capitalize(), word.upper())},
}
_INTEGER = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)\Z")
_DECIMAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_ENDLESS = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)|-?Infinity|NaN)\Z")


def plain(word: str) -> str | int | float | bool | None:
    """The value of an unquoted word. Raises ValueError for numbers that JSON cannot hold: infinite, or not one at all."""
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in "-+.0123456789IN":
        return word
    if _INTEGER.match(word) and len(word) < 100:
        return _integer(word.replace("_", ""))
    if _ENDLESS.match(word):
        raise ValueError(f"{word} is not a finite number")
    if not _DECIMAL.match(word):
        return word
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"{word} is not a finite number")
    return number


def _integer(word: str) -> int | str:
    digits = word.lstrip("+-")
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()  # YAML 1.1, as Kubernetes: 0644 is octal
    try:
        return int(word, 8) if octal else int(word, 0)
    except ValueError:  # an underscore alone, as in 0x_
        return word
