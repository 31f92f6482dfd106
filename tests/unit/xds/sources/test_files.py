"""A real folder on disk: what moves in it is told, however editors, kubelets and people move it. No sleeps: updates are awaited."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.xds.sources.test_folder import Door, service
from xds.sources import files as source
from xds.sources.disk import belongs, scan
from xds.sources.files import Files, Update
from xds.sources.folder import Folder

DEADLINE = 20.0


class Watched:
    """A folder under watch, and what was told of it so far."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = Files(str(root), Folder(Door()), time.monotonic)
        self.says: dict[str, str] = {}
        self.findings: list[str] = []
        self._updates = self.files.updates()

    async def start(self) -> None:
        self._take(await anext(self._updates))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE):
            while not holds():
                self._take(await anext(self._updates))

    def _take(self, update: Update) -> None:
        for change in update.changes:
            name, spec = change.key.partition("/")[2], getattr(change.object, "spec", None)
            if spec is None:
                self.says.pop(name)
            else:
                self.says[name] = spec.type
        self.findings = [f"{one.file}:{one.at.line} {one.finding.code}" for one in update.findings]

    async def close(self) -> None:
        await self._updates.aclose()  # type: ignore[attr-defined]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Watched]:
    root = tmp_path / "files"
    root.mkdir()
    (root / "a.yaml").write_text(service("a", "1") + "\n")
    watched = Watched(root)
    await watched.start()
    yield watched
    await watched.close()


async def test_first_comes_all_there_is(world: Watched) -> None:
    assert world.says == {"a": "1"}


async def test_a_save_in_place_and_a_new_file_are_told(world: Watched) -> None:
    (world.root / "a.yaml").write_text(service("a", "2") + "\n")
    (world.root / "b.json").write_text('{"name": "b", "says": "1"}')
    await world.until(lambda: world.says == {"a": "2", "b": "1"})


async def test_an_atomic_rename_is_told(world: Watched) -> None:
    (world.root / ".a.yaml.tmp").write_text(service("a", "2") + "\n")
    (world.root / ".a.yaml.tmp").rename(world.root / "a.yaml")
    await world.until(lambda: world.says == {"a": "2"})


async def test_a_new_folder_and_its_deletion_are_told(world: Watched) -> None:
    (world.root / "sub" / "deep").mkdir(parents=True)
    (world.root / "sub" / "deep" / "b.yaml").write_text(service("b", "1") + "\n")
    await world.until(lambda: world.says == {"a": "1", "b": "1"})
    shutil.rmtree(world.root / "sub")
    await world.until(lambda: world.says == {"a": "1"})


async def test_a_config_map_is_swapped_by_its_link(world: Watched) -> None:
    for version in ("1", "2"):
        (world.root / f"..{version}").mkdir()
        (world.root / f"..{version}" / "c.yaml").write_text(service("c", version) + "\n")
    (world.root / "..data").symlink_to("..1")
    (world.root / "c.yaml").symlink_to("..data/c.yaml")
    await world.until(lambda: world.says == {"a": "1", "c": "1"})
    (world.root / "..data_tmp").symlink_to("..2")
    (world.root / "..data_tmp").rename(world.root / "..data")
    await world.until(lambda: world.says == {"a": "1", "c": "2"})


async def test_what_editors_leave_is_not_read(world: Watched) -> None:
    for litter in (".a.yaml.swp", "a.yaml~", "#a.yaml#", ".#a.yaml", "4913", "a.yaml.bak", "a.yaml.orig", ".hidden.yaml"):
        (world.root / litter).write_text("name: [broken\n")
    (world.root / "b.yaml").write_text(service("b", "1") + "\n")
    await world.until(lambda: "b" in world.says)
    assert world.findings == []


async def test_a_broken_save_is_found_and_heals(world: Watched) -> None:
    (world.root / "a.yaml").write_text("name: a\nsays: [\n")
    await world.until(lambda: world.findings == ["a.yaml:3 PM0101"])
    assert world.says == {"a": "1"}
    (world.root / "a.yaml").write_text(service("a", "1") + "\n")
    await world.until(lambda: world.findings == [])
    assert world.says == {"a": "1"}


async def test_a_file_that_the_kernel_does_not_open_is_found_and_heals(world: Watched) -> None:
    """A link to itself: root may open all else."""
    (world.root / "a.yaml").unlink()
    (world.root / "a.yaml").symlink_to("a.yaml")
    await world.until(lambda: world.findings == ["a.yaml:1 PM0101"])
    assert world.says == {"a": "1"}
    (world.root / "a.yaml").unlink()
    (world.root / "a.yaml").write_text(service("a", "2") + "\n")
    await world.until(lambda: world.findings == [] and world.says == {"a": "2"})


async def test_a_file_that_cannot_be_read_is_found_and_heals(world: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> bytes:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(source.disk, "content", refuse)
        (world.root / "a.yaml").write_text(service("a", "2") + "\n")
        await world.until(lambda: world.findings == ["a.yaml:1 PM0101"])
    assert world.says == {"a": "1"}
    (world.root / "a.yaml").touch()
    await world.until(lambda: world.findings == [] and world.says == {"a": "2"})


async def test_the_folder_gone_keeps_everything_and_comes_back(world: Watched) -> None:
    shutil.rmtree(world.root)
    await world.until(lambda: world.findings == [":1 PM0125"])
    assert world.says == {"a": "1"}
    world.root.mkdir()
    (world.root / "a.yaml").write_text(service("a", "2") + "\n")
    await world.until(lambda: world.says == {"a": "2"} and world.findings == [])
    (world.root / "a.yaml").write_text(service("a", "3") + "\n")
    await world.until(lambda: world.says == {"a": "3"})


async def test_all_files_gone_are_held_back_until_somebody_says_so(world: Watched) -> None:
    for number in range(6):
        (world.root / f"{number}.yaml").write_text(service(f"s{number}", "1") + "\n")
    await world.until(lambda: len(world.says) == 7)
    for file in world.root.glob("*.yaml"):
        file.unlink()
    await world.until(lambda: world.findings == [":1 PM0124"])
    assert len(world.says) == 7
    (world.root / ".allow-mass-deletion").touch()
    await world.until(lambda: world.says == {} and world.findings == [])


def test_a_link_to_an_ancestor_does_not_lead_round_in_circles(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.yaml").touch()
    (tmp_path / "sub" / "up").symlink_to("..")
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    assert list(scan(str(tmp_path)).files) == ["sub/a.yaml"]


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [("a.yaml", True), ("a.yml", True), ("a.json", True), (".a.yaml", False), ("a.yaml~", False), ("#a.yaml#", False), ("a.txt", False)],
)
def test_files_belong_by_their_names(name: str, is_ours: bool) -> None:
    assert belongs(name) is is_ours


@pytest.mark.parametrize("turns", range(4))
async def test_reader_that_is_cancelled_just_when_something_moves_ends(tmp_path: Path, turns: int) -> None:
    """So many turns of the loop after the move."""
    files = Files(str(tmp_path), Folder(Door()), time.monotonic)
    moves: asyncio.Queue[set[str] | None] = asyncio.Queue()
    reading = asyncio.create_task(files._next(moves))
    await asyncio.sleep(0)
    moves.put_nowait(None)
    for _ in range(turns):
        await asyncio.sleep(0)
    if reading.cancel():
        with pytest.raises(asyncio.CancelledError):
            await reading
