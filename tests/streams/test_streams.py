"""Every script of this folder, replayed: what the stream answers is what stands below the rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.streams.script import World, replay

SCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_stream_answers_as_the_script_says(path: Path, request: pytest.FixtureRequest) -> None:
    text = path.read_text()
    now = replay(text, World().run)
    if request.config.getoption("--update-streams"):
        path.write_text(now)
    assert now == text or request.config.getoption("--update-streams")
