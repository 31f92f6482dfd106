"""The image: its Dockerfile is done step by step, and what comes of it serves as its own user, with nothing of the checkout in sight."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.image.building import ROOT, Image, let_through, stages
from tests.kube.cluster import isolation
from tests.ports import free_port
from tests.waiting import wait_until

PLACE = "/opt/pointsman"
SOON = 120.0  # seconds; a quiet machine needs four
TEXT = (ROOT / "deploy" / "image" / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    try:
        isolation.check()
    except isolation.NoIsolationError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    scratch = tmp_path_factory.mktemp("image")
    made = Image(scratch)
    made.build(TEXT, PLACE)
    yield made
    shutil.rmtree(scratch)  # half a gigabyte


@asynccontextmanager
async def started(image: Image, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """As a container runtime would: its entry point, looked for on its own PATH."""
    log = (image.scratch / "log").open("wb")
    command = image.command([*image.entrypoint, *arguments], PLACE, image.at)
    process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        log.close()


async def test_image_serves_a_folder_through_its_own_envoy_and_ends_when_it_is_told(image: Image) -> None:
    port, admin = free_port(), f"127.0.0.1:{free_port()}"
    async with aiohttp.ClientSession() as session, started(image, "demo", "--run", "--port", str(port), "--admin", admin) as process:

        async def answers() -> bool:
            assert process.returncode is None, (image.scratch / "log").read_text()[-3000:]
            try:
                async with session.get(f"http://127.0.0.1:{port}/", timeout=aiohttp.ClientTimeout(total=3)) as answer:
                    return answer.status == 200
            except (aiohttp.ClientError, TimeoutError):
                return False

        await wait_until(answers, SOON, "the demo to answer")
        user = image.user.partition(":")[0]
        running = [Path(f"/proc/{one}") for one in _descendants(process.pid)]
        assert {_user(one) for one in running} == {user}
        envoys = [one for one in running if (one / "exe").readlink().name == "envoy"]
        assert [one for one in envoys if "libpointsman.so" in (one / "maps").read_text()] == envoys != []
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), SOON) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)


def test_its_user_has_a_name_and_may_write_nothing_of_the_image(image: Image) -> None:
    done = image.run(["sh", "-c", f"id -un; touch {PLACE}/x 2>/dev/null || echo refused"], PLACE, image.at)
    assert done.stdout.split() == ["pointsman", "refused"]


def test_what_is_imported_is_what_was_copied_and_the_compiler_left_nothing(image: Image) -> None:
    where = "import xds, protos.v3, translator; print(xds.__file__)"
    assert image.run(["python", "-c", where], PLACE, image.at).stdout.strip() == f"{PLACE}/xds/__init__.py"
    assert not (image.folder / "build").exists()
    assert not list((image.folder / "envoy").rglob("*.o"))


def test_envoy_on_its_path_is_envoy_itself(image: Image) -> None:
    done = image.run(["envoy", "--version"], PLACE, image.at)
    assert "/1.40." in done.stdout
    assert (image.folder / ".venv" / "bin" / "envoy").is_symlink()


def test_server_in_it_knows_what_install_applies_and_every_command(image: Image) -> None:
    done = image.run([*image.entrypoint, "install", "--dry-run", "-o", "yaml", "--image", "example/pointsman:1"], PLACE, image.at)
    assert done.returncode == 0, done.stdout
    assert "example/pointsman:1" in done.stdout


@pytest.mark.parametrize(
    ("path", "through"),
    [
        ("xds/app.py", True), ("Makefile", True), ("protos/missing/a/b.proto", True), ("protos/v3.py", True), ("tests/x.py", False),
        ("protos/envoy/a.py", False), ("protos/google", False), ("envoy/modules/libpointsman.so", False), (".git/config", False),
        ("xds/__pycache__/app.pyc", False),
    ],
)  # fmt: skip
def test_ignored_files_are_those_that_docker_would_ignore(path: str, through: bool) -> None:
    assert let_through((ROOT / ".dockerignore").read_text(), path) is through


def test_instruction_that_is_not_known_here_is_no_step_left_out() -> None:
    with pytest.raises(ValueError, match="HEALTHCHECK"):
        stages("FROM a\nHEALTHCHECK NONE\n")


def _descendants(pid: int) -> list[int]:
    parents = {int(one.parent.name): _line(one, "PPid") for one in Path("/proc").glob("[0-9]*/status")}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == str(one)]
    return found


def _line(status: Path, name: str) -> str:
    """Of a process that may end meanwhile."""
    try:
        return next(line.split()[1] for line in status.read_text().splitlines() if line.startswith(f"{name}:"))
    except (OSError, StopIteration):
        return ""


def _user(process: Path) -> str:
    return _line(process / "status", "Uid")
