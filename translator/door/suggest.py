"""Did you mean: the name that is nearest to a misspelt one. Knows no names of its own."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

LONGEST = 64  # a longer word is no typing mistake, and comparing it costs its square


def suggestion(word: Any, names: Iterable[str]) -> str:
    """The nearest of the names, or empty where none is near."""
    if not isinstance(word, str) or not 0 < len(word) <= LONGEST:
        return ""
    by_letters = {name.casefold(): name for name in names}
    near = get_close_matches(word.casefold(), by_letters, n=1, cutoff=0.7)
    return by_letters[near[0]] if near else ""
