"""What a folder says: which file counts, what stays when one breaks, what waits, and what is held back. No clock, no disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from translator.ir.finding import Finding
from translator.resources.core import Service, ServiceSpec
from translator.resources.meta import Metadata, Object
from xds.sources.documents import Position
from xds.sources.folder import PATIENCE, QUIET, Folder


@dataclass(frozen=True)
class Admission:
    kind: str
    key: str
    object: Object | None
    findings: tuple[Finding, ...] = ()


class Door:
    """Admits `{name, says}`; refuses `{bad: …}`, and warns of `{odd: …}`."""

    asked = 0

    def admit(self, document: Any) -> Admission:
        self.asked += 1
        if "name" not in document:
            severity = "warning" if "odd" in document else "error"
            finding = Finding(code="PM0102", kind="", key="", message="not an object", path=tuple(document)[:1], severity=severity)
            return Admission("", "", None, (finding,))
        key = f"default/{document['name']}"
        spec = ServiceSpec(type=str(document.get("says", "")))
        return Admission(document.get("kind", "Service"), key, Service(metadata=Metadata(name=document["name"]), spec=spec))

    def defaulted(self, document: Any) -> Any:
        return document


class World:
    """A folder and a clock that stands still until told."""

    def __init__(self, **settings: bool) -> None:
        self.folder, self.now = Folder(Door(), **settings), 100.0

    def save(self, path: str, *documents: str) -> list[str]:
        return self.write(path, "---\n".join(f"{one}\n" for one in documents))

    def write(self, path: str, text: str) -> list[str]:
        self.folder.take(path, text.encode(), self.now)
        return self.told()

    def gone(self, *paths: str) -> list[str]:
        for path in paths:
            self.folder.gone(path, self.now)
        return self.told()

    def after(self, seconds: float) -> list[str]:
        self.now += seconds
        return self.told()

    def told(self) -> list[str]:
        self.folder.tick(self.now)
        changes = self.folder.changes(self.now)
        return [f"{one.key.partition('/')[2]}={one.object.spec.type if isinstance(one.object, Service) else 'gone'}" for one in changes]

    def findings(self) -> list[str]:
        return [f"{one.file}:{one.at.line}:{one.at.column} {one.finding.code}" for one in self.folder.findings(self.now)]


def service(name: str, says: str = "") -> str:
    return f"name: {name}\nsays: '{says}'"


def test_what_is_good_is_taken_at_once_and_told_once() -> None:
    world = World()
    assert world.save("a.yaml", service("x", "1"), service("y", "1")) == ["x=1", "y=1"]
    assert world.save("a.yaml", service("x", "2"), service("y", "1")) == ["x=2"]
    assert world.save("a.yaml", service("x", "2"), service("y", "1")) == []
    assert world.folder.due() == pytest.approx(world.now + QUIET)
    assert world.after(QUIET) == []
    assert world.folder.due() is None


def test_one_edit_in_a_file_of_many_objects_asks_the_door_once() -> None:
    world = World()
    world.save("a.yaml", *(service(f"s{n}") for n in range(100)))
    door = world.folder._door
    door.asked = 0  # type: ignore[attr-defined]
    assert world.save("a.yaml", *(service(f"s{n}", "new" if n == 50 else "") for n in range(100))) == ["s50=new"]
    assert door.asked == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("broken", "finding"),
    [
        pytest.param("name: x\nsays: [1\n", "a.yaml:3:1 PM0101", id="syntax"),
        pytest.param("name: x\nname: y\n", "a.yaml:2:1 PM0122", id="key-twice"),
        pytest.param("name: &x y\n", "a.yaml:1:7 PM0121", id="anchor"),
        pytest.param("name: z\n---\nbad: 1\n", "a.yaml:3:1 PM0102", id="refused-by-the-door"),
    ],
)
def test_a_broken_save_keeps_what_the_file_said_and_holds_up_nothing_else(broken: str, finding: str) -> None:
    world = World()
    world.save("a.yaml", service("x", "1"), service("y", "1"))
    world.save("b.yaml", service("b", "1"))
    world.after(QUIET)
    assert "x=gone" not in world.write("a.yaml", broken)
    assert world.findings() == [], "a file half written is no finding yet"
    assert world.save("b.yaml", service("b", "2")) == ["b=2"]
    assert world.after(60) == []
    assert world.findings() == [finding]
    assert {"default/x", "default/y"} <= {key for _, key in world.folder.objects()}


def test_a_mended_file_clears_its_finding_at_once() -> None:
    world = World()
    world.save("a.yaml", service("x", "1"))
    world.write("a.yaml", "name: [\n")
    world.after(QUIET)
    assert world.findings() == ["a.yaml:2:1 PM0101"]
    assert world.save("a.yaml", service("x", "2")) == ["x=2"]
    assert world.findings() == []


def test_a_finding_says_since_when_the_old_state_is_served() -> None:
    world = World()
    world.save("a.yaml", service("x", "1"))
    good = world.now
    world.after(30)
    world.write("a.yaml", "name: [\n")
    world.after(QUIET)
    [located] = world.folder.findings(world.now)
    assert located.since == good


def test_a_warning_removes_nothing_from_what_the_rest_of_the_file_may_do() -> None:
    world = World()
    world.save("a.yaml", service("x"), service("y"))
    world.save("a.yaml", service("x"), "odd: 1")
    assert world.after(QUIET) == ["y=gone"]
    assert world.findings() == ["a.yaml:4:1 PM0102"]


def test_a_file_half_written_loses_no_object() -> None:
    world = World()
    world.save("a.yaml", service("x", "1"), service("y", "1"))
    world.after(QUIET)
    assert world.write("a.yaml", "") == []
    assert world.after(0.1) == []
    assert world.write("a.yaml", service("x", "2") + "\n") == ["x=2"]
    assert world.after(0.3) == []
    assert world.save("a.yaml", service("x", "2"), service("y", "2")) == ["y=2"]
    assert world.after(60) == []


def test_a_text_that_lost_its_last_newline_waits_until_it_is_quiet() -> None:
    world = World()
    world.save("a.yaml", service("x", "100"))
    assert world.write("a.yaml", "name: x\nsays: 10") == []
    assert world.after(QUIET / 2) == []
    assert world.after(QUIET / 2) == ["x=10"]


def test_a_text_that_never_had_a_last_newline_is_taken_at_once() -> None:
    world = World()
    assert world.write("a.yaml", "name: x\nsays: a") == ["x=a"]
    assert world.write("a.yaml", "name: x\nsays: b") == ["x=b"]


def test_an_object_that_left_its_file_is_gone_when_it_is_quiet() -> None:
    world = World()
    world.save("a.yaml", service("x"), service("y"))
    assert world.save("a.yaml", service("x")) == []
    assert world.folder.due() == pytest.approx(world.now + QUIET)
    assert world.after(QUIET) == ["y=gone"]


def test_a_file_saved_by_renaming_loses_nothing() -> None:
    world = World()
    world.save("a.yaml", service("x", "1"))
    assert world.gone("a.yaml") == []
    assert world.after(0.05) == []
    assert world.save("a.yaml", service("x", "2")) == ["x=2"]
    assert world.after(60) == []


def test_a_renamed_file_changes_nothing() -> None:
    world = World()
    world.save("a.yaml", service("x"))
    assert world.gone("a.yaml") + world.save("b.yaml", service("x")) + world.after(60) == []
    assert world.folder.where("Service", "default/x", ("says",)) == ("b.yaml", Position(2, 1))


def test_the_path_that_sorts_first_counts_in_any_order_of_arrival() -> None:
    first, second = World(), World()
    first.save("a.yaml", service("x", "a")), first.save("b.yaml", service("x", "b"))
    second.save("b.yaml", service("x", "b")), second.save("a.yaml", service("x", "a"))
    for world in (first, second):
        world.after(QUIET)
        assert world.folder.objects()["Service", "default/x"].spec.type == "a"  # type: ignore[attr-defined]
        assert world.findings() == ["b.yaml:1:1 PM0123"]


def test_the_second_file_counts_when_the_first_lets_go() -> None:
    world = World()
    world.save("a.yaml", service("x", "a"))
    world.save("b.yaml", service("x", "b"))
    world.after(QUIET)
    assert world.gone("a.yaml") == ["x=b"]
    assert world.findings() == []


def test_the_first_of_two_in_one_file_counts() -> None:
    world = World()
    assert world.save("a.yaml", service("x", "1"), service("x", "2")) == ["x=1"]
    world.after(QUIET)
    assert world.findings() == ["a.yaml:4:1 PM0123"]


def test_an_unreadable_file_keeps_its_objects_and_heals() -> None:
    world = World()
    world.save("a.yaml", service("x", "1"))
    world.folder.unreadable("a.yaml", "cannot be read: Permission denied", world.now)
    assert world.after(60) == []
    assert world.findings() == ["a.yaml:1:1 PM0101"]
    assert world.save("a.yaml", service("x", "1")) == []
    assert world.findings() == []


def test_a_folder_that_cannot_be_listed_is_a_finding_until_it_can() -> None:
    world = World()
    world.save("sub/a.yaml", service("x"))
    world.folder.blind({"sub": "cannot list the folder"}, world.now)
    assert world.findings() == []
    assert world.after(QUIET) == []
    assert world.findings() == ["sub:1:1 PM0125"]
    world.folder.blind({}, world.now)
    assert world.findings() == []
    assert world.folder.due() is None


def populated(count: int, **settings: bool) -> World:
    world = World(**settings)
    for number in range(count):
        world.save(f"{number}.yaml", service(f"s{number}"))
    world.after(QUIET)
    return world


@pytest.mark.parametrize(
    ("there", "leave", "held"),
    [(8, 4, False), (8, 5, True), (5, 5, True), (4, 4, False), (10, 5, False), (10, 6, True), (100, 50, False), (100, 51, True)],
)
def test_more_than_half_and_at_least_five_are_held_back(there: int, leave: int, held: bool) -> None:
    world = populated(there)
    world.gone(*(f"{number}.yaml" for number in range(leave)))
    assert len(world.after(60)) == (0 if held else leave)
    assert world.findings() == ([":1:1 PM0124"] if held else [])
    assert world.folder.due() is None


def test_what_is_held_back_goes_when_it_is_meant() -> None:
    world = populated(8)
    world.gone(*(f"{number}.yaml" for number in range(8)))
    assert world.after(60) == []
    world.folder.allow_mass_deletion = True
    assert len(world.after(0)) == 8
    assert world.findings() == []


def test_what_is_held_back_is_forgotten_when_it_returns() -> None:
    world = populated(8)
    world.gone(*(f"{number}.yaml" for number in range(8)))
    world.after(60)
    for number in range(8):
        assert world.save(f"{number}.yaml", service(f"s{number}")) == []
    assert world.after(60) == []
    assert world.findings() == []


def test_what_is_no_longer_many_is_not_held_back() -> None:
    world = populated(8)
    world.gone(*(f"{number}.yaml" for number in range(8)))
    world.after(60)
    for number in range(5):
        world.save(f"{number}.yaml", service(f"s{number}"))
    assert sorted(world.after(60)) == ["s5=gone", "s6=gone", "s7=gone"]


def test_the_guard_looks_at_each_kind_alone() -> None:
    world = populated(20)
    for number in range(6):
        world.save(f"other{number}.yaml", f"kind: Secret\nname: o{number}")
    world.after(QUIET)
    world.gone(*(f"other{number}.yaml" for number in range(6)), "1.yaml")
    assert world.after(QUIET) == ["s1=gone"]
    assert world.findings() == [":1:1 PM0124"]


def test_a_folder_removed_file_by_file_is_seen_as_one_deletion() -> None:
    world = populated(10)
    for number in range(10):
        assert world.gone(f"{number}.yaml") == []
        assert world.after(PATIENCE / 20) == []
    assert world.after(60) == []
    assert world.findings() == [":1:1 PM0124"]


def test_with_leave_given_everything_may_go() -> None:
    world = populated(8, allow_mass_deletion=True)
    world.gone(*(f"{number}.yaml" for number in range(8)))
    assert len(world.after(QUIET)) == 8


def test_what_is_gone_is_not_kept_waiting_for_ever_by_other_moves() -> None:
    world = populated(20)
    told: list[str] = []
    for number in range(9):
        told += world.gone(f"{number}.yaml") + world.after(QUIET * 0.9)
    assert len(told) >= 4


@pytest.mark.parametrize("text", ["[1]\n", "text\n", "7\n"])
def test_a_document_that_is_no_object_is_a_finding(text: str) -> None:
    world = World()
    world.save("a.yaml", service("x"))
    assert world.write("a.yaml", text) + world.after(QUIET) == []
    assert world.findings() == ["a.yaml:1:1 PM0102"]
    assert world.folder.objects()
