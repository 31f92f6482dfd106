"""A wheel is whole: unpacked anywhere, without a checkout, it has all that the commands need."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml

from xds.installation.manifests import base, definitions

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "build" / "tools")}
    subprocess.run(build, cwd=ROOT, env=environment, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "site")
    return folder / "site"


def test_generated_code_is_in_it(unpacked: Path) -> None:
    assert (unpacked / "protos" / "envoy" / "config" / "listener" / "v3" / "listener_pb2.py").is_file()


def test_what_install_applies_is_in_it(unpacked: Path) -> None:
    script = "import sys; from xds.cli.commands import run; sys.exit(run(['install', '--dry-run', '-o', 'json']))"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([sys.executable, "-c", script], cwd=unpacked, env=environment, check=True, capture_output=True, text=True)
    found = yaml.load(done.stdout, yaml.CSafeLoader)["items"]
    assert [one["metadata"]["name"] for one in found] == [one.name for one in (*definitions(), *base())]


def test_native_module_is_where_envoy_is_told_to_look_and_the_wheel_is_for_this_kind_of_machine(unpacked: Path) -> None:
    built = ROOT / "envoy" / "modules" / "libpointsman.so"
    assert built.is_file(), "make install builds it"
    assert (unpacked / "xds" / "modules" / "libpointsman.so").read_bytes() == built.read_bytes()
    script = "from xds.dataplane import modules; print(modules())"
    done = subprocess.run([sys.executable, "-c", script], cwd=unpacked, check=True, capture_output=True, text=True)
    assert Path(done.stdout.strip()) == unpacked / "xds" / "modules"
    (told,) = unpacked.glob("*.dist-info/WHEEL")
    tag = f"py3-none-{sysconfig.get_platform().replace('-', '_')}"
    assert {"Root-Is-Purelib: false", f"Tag: {tag}"} <= set(told.read_text().splitlines())
