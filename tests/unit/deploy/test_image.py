"""The Dockerfile, as far as it can be judged without building it: what it copies, who it runs as, what it relies on."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from translator.planes.pods import USER
from xds import dataplane

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "deploy" / "image" / "Dockerfile").read_text()
LINES = [" ".join(line.split()) for line in TEXT.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
BUILD, FINAL = ([line for line in part.splitlines() if line] for part in re.split(r"^FROM .*$", "\n".join(LINES), flags=re.MULTILINE)[1:])


def copied() -> list[str]:
    """What the build stage takes of the checkout."""
    return [source for line in BUILD if line.startswith("COPY ") for source in line.split()[1:-1]]


def test_everything_that_is_copied_is_there_and_let_through() -> None:
    through = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for source in copied():
        assert (ROOT / source).exists(), source
        assert source in through, source


def test_packages_and_what_they_are_built_with_are_copied() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {*wheel["packages"], "locks", "envoy", "deploy", "Makefile", "pyproject.toml"} <= set(copied())


def test_both_stages_are_the_same_glibc_and_a_python_that_we_support() -> None:
    images = re.findall(r"^FROM (\S+)", "\n".join(LINES), re.MULTILINE)
    assert len(images) == 2
    assert len(set(images)) == 1
    assert "alpine" not in images[0]
    assert "latest" not in images[0]
    assert re.fullmatch(r"python:3\.1[1-9]-slim-\w+", images[0])


def test_it_runs_as_the_user_that_pods_are_told_to_and_never_as_root() -> None:
    users = [line.partition(" ")[2] for line in FINAL if line.startswith("USER ")]
    assert users == [f"{USER}:{USER}"]
    assert any(f"useradd --uid {USER} --gid {USER}" in line for line in FINAL)


def test_compiler_and_caches_stay_behind() -> None:
    [installed] = [line for line in FINAL if "apt-get" in line]
    assert installed.endswith("install --yes --no-install-recommends nftables && rm -rf /var/lib/apt/lists/*"), "for `pointsman intercept`"
    assert any("rm -rf build" in line for line in BUILD)


def test_envoy_is_found_on_the_path_and_our_module_where_envoy_looks() -> None:
    environment = next(line for line in FINAL if line.startswith("ENV "))
    assert "PATH=/opt/pointsman/.venv/bin:" in environment
    assert "/usr/sbin" in environment, "where nft is"
    link = next(line for line in BUILD if line.startswith("RUN ln -sf"))
    assert "print(binary())" in link
    assert link.endswith(" .venv/bin/envoy")
    assert "ENVOY_DYNAMIC_MODULES_SEARCH_PATH=/opt/pointsman/envoy/modules" in environment
    assert dataplane.MODULES[1].relative_to(ROOT) == Path("envoy/modules")


def test_entry_point_is_the_command_of_the_package() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert FINAL[-1] == f'ENTRYPOINT ["{next(iter(scripts))}"]'
