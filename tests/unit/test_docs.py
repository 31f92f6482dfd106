"""What pages show and name is there: commands with their options, targets of make, links, files, tests, golden cases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from xds.cli.commands import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*/README.md")), *sorted(ROOT.glob("*/*/README.md"))]
OURS = ("xds", "translator", "tests", "docs", "deploy", "envoy", "protos", "locks")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code(page: Path) -> Iterator[str]:
    """Blocks line by line, whether fenced or indented, and what stands between backticks."""
    text = page.read_text()
    yield from re.findall(r"^(?:    |\$ ).*$", text, re.MULTILINE)
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", text)


def commands(line: str) -> Iterator[list[str]]:
    """Words of each command of ours in a line, without what follows in a shell."""
    for said in re.findall(r"(?:^|[\s(/])pointsman ((?:[a-z-]+\b)[^|;#>&\n]*)", line):
        yield said.partition("…")[0].split()


def taken(command: Any, words: list[str]) -> tuple[list[str], set[str]]:
    """The names of the command, and all options that it and those before it have."""
    names, options = list[str](), set[str]()
    for word in words:
        options |= {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
        inner = getattr(command, "commands", {})
        if word in inner:
            names, command = [*names, word], inner[word]
        elif not inner:
            break
    return names, options | {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help", "-h"}


def test_what_a_page_shows_of_a_command_is_found() -> None:
    assert list(commands("    $ .venv/bin/pointsman status gw/edge -o yaml | less")) == [["status", "gw/edge", "-o", "yaml"]]
    names, options = taken(get_command(app), ["sandbox", "--group", "a.example", "list", "-n", "shop"])
    assert names == ["sandbox", "list"]
    assert {"--group", "-n", "--files"} <= options
    assert "--webhook" not in options


@every_page
def test_commands_that_a_page_shows_have_these_options(page: Path) -> None:
    root: Any = get_command(app)
    for line in code(page):
        for words in commands(line):
            if words and words[0] in root.commands:
                names, options = taken(root, words)
                unknown = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)} - options
                assert not unknown, f"pointsman {' '.join(names)} has no {unknown}"


@every_page
def test_targets_of_make_that_a_page_names_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {target for line in code(page) for target in re.findall(r"(?:^|\s)make ([a-z-]+)", line)} <= targets


@every_page
def test_links_and_files_that_a_page_names_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = {link for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text) if "://" not in link}
    files = set(re.findall(rf"`((?:{'|'.join(OURS)})/[\w./-]+)`", text))
    made = {"envoy/modules/libpointsman.so"}
    assert [one for one in links if not (page.parent / one).exists()] == []
    assert [one for one in files - made if not (ROOT / one).exists() and not (page.parent / one).exists()] == []


@every_page
def test_places_inside_of_pages_that_links_name_are_there(page: Path) -> None:
    for link, place in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text()):
        if "://" not in link:
            target = (page.parent / link) if link else page
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}
            assert place in anchors, f"{link}#{place}"


@pytest.fixture(scope="module")
def tests() -> set[str]:
    return {name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())}


@every_page
def test_tests_and_golden_cases_that_a_page_names_are_there(page: Path, tests: set[str]) -> None:
    text = page.read_text()
    assert set(re.findall(r"`(test_\w+)`", text)) - tests == set()
    assert [one for one in re.findall(r"golden `([^`]+)`", text) if not [*(ROOT / "tests" / "golden").glob(f"{one}*")]] == []
