"""Every script of this folder, replayed: what the stream answers is what stands below the rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.streams.script import SotwWorld, World, replay

SCRIPTS = sorted(Path(__file__).parent.glob("*.txt"))
VARIANTS = {"Delta and SotW.": ("delta", "sotw"), "SotW.": ("sotw whole",)}


def variants(path: Path) -> tuple[str, ...]:
    """What the second line says the script holds for; delta if it says nothing."""
    return VARIANTS.get(path.read_text().splitlines()[1], ("delta",))


@pytest.mark.parametrize(
    ("path", "variant"), [pytest.param(path, one, id=f"{path.stem}-{one}") for path in SCRIPTS for one in variants(path)]
)
def test_stream_answers_as_the_script_says(path: Path, variant: str, request: pytest.FixtureRequest) -> None:
    text = path.read_text()
    world = World() if variant == "delta" else SotwWorld(keeps=variant == "sotw whole")
    now = replay(text, world.run)
    if request.config.getoption("--update-streams"):
        path.write_text(now)
    assert now == text or request.config.getoption("--update-streams")
