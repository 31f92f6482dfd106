"""What is told of a bug: the kind of error, and the place in our code. Never its text, and no values: what a Secret holds may
be among them. POINTSMAN_DEBUG=1 shows the rest to whoever started the command.
"""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb

_ROOT, _PACKAGES = Path(__file__).parents[1], ("xds", "translator", "protos")


def told(error: BaseException | None) -> str:
    """`ZeroDivisionError at xds/stream.py:120 in receive`."""
    if error is None:
        return "it ended without an error"
    frames = extract_tb(error.__traceback__)
    places = [(frame, Path(frame.filename)) for frame in frames]
    ours = [
        f"{path.relative_to(_ROOT)}:{frame.lineno} in {frame.name}"
        for frame, path in places
        if any(path.is_relative_to(_ROOT / one) for one in _PACKAGES)
    ]
    return f"{type(error).__name__} at {ours[-1]}" if ours else type(error).__name__
