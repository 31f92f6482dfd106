"""Does what a Dockerfile says, in roots made of mounts: this machine stands for the base image, and apt-get for nothing.

A stage is a root of its own that ends with the process that runs in it. Of the machine it has programs and libraries, a copy of
/etc that it may change, and the folder that the image is about; of the checkout it has what is copied and let through. Needs root.
Source: the Dockerfile reference, for the instructions that ours has; unshare(2).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
BOUND = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "proc", "dev")
AS_IT_IS = "if [ -L /{0} ]; then cp -P /{0} .; elif [ -d /{0} ]; then mkdir {0}; mount --rbind /{0} {0}; fi"
PYTHON = Path(sys.base_prefix)


@dataclass
class Stage:
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)  # instruction and what follows it


def stages(text: str) -> list[Stage]:
    """ValueError where there is an instruction that is not known here."""
    found = list[Stage]()
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append(Stage(rest.partition(" AS ")[2] or str(len(found))))
        elif word and not word.startswith("#"):
            if word not in {"RUN", "COPY", "WORKDIR", "ENV", "USER", "ENTRYPOINT"}:
                raise ValueError(f"{word} is not known here")
            found[-1].steps.append((word, " ".join(rest.split())))
    return found


def let_through(ignore: str, path: str) -> bool:
    """What .dockerignore says of a path: the last line that means it, or a folder that it is in, decides."""
    through = True
    for line in filter(None, map(str.strip, ignore.splitlines())):
        pattern = re.escape(line.lstrip("!").rstrip("/")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        if re.fullmatch(f"{pattern}(?:/.*)?", path):
            through = line.startswith("!")
    return through


@dataclass
class Image:
    """What is being built: `folder` is /opt/pointsman of it."""

    scratch: Path
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "0:0"
    at: str = "/"
    entrypoint: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        return self.scratch / "opt"

    def build(self, text: str, place: str) -> None:
        """`place` is the folder in the image that is made by the first stage and is all that the last one takes of it."""
        shutil.copytree("/etc", self.scratch / "etc", symlinks=True)
        self.folder.mkdir()
        first, last = stages(text)
        for word, rest in first.steps:
            if word == "COPY":
                *sources, to = rest.split()
                self._copy(sources, self.folder / to)
            elif word == "RUN":
                self._ran(rest, place, place)
        for word, rest in last.steps:
            self._finish(word, rest, f"--from={first.name} {place} {place}", place)

    def _finish(self, word: str, rest: str, copies: str, place: str) -> None:
        match word:
            case "RUN":
                self._ran(rest, place, "/")
            case "COPY":
                assert rest == copies, f"the result takes something else than {copies}"
            case "ENV":
                self.environment |= dict(one.split("=", 1) for one in shlex.split(rest))
            case "USER":
                self.user = rest
            case "WORKDIR":
                self.at = rest
            case "ENTRYPOINT":
                self.entrypoint = tuple(json.loads(rest))

    def _ran(self, step: str, place: str, at: str) -> None:
        """Packages of the base image's system are this machine's own."""
        if not step.startswith("apt-get "):
            done = self.run(["sh", "-c", step], place, at, building=True)
            assert done.returncode == 0, f"{step}: {done.stdout[-3000:]}"

    def _copy(self, sources: list[str], to: Path) -> None:
        ignore = (ROOT / ".dockerignore").read_text()
        for source in sources:
            for path in _files(ROOT / source):
                name = str(path.relative_to(ROOT))
                if let_through(ignore, name):
                    at = to / (path.name if path == ROOT / source else path.relative_to(ROOT / source))
                    at.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(path, at)

    # In the root -------------------------------------------------------------------------------------------------------

    def run(self, command: list[str], place: str, at: str, *, building: bool = False) -> subprocess.CompletedProcess[str]:
        """To its end."""
        wrapped = self.command(command, place, at, building=building)
        return subprocess.run(wrapped, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600)

    def command(self, command: list[str], place: str, at: str, *, building: bool = False) -> list[str]:
        """What starts this in the root: while it is built as root with the environment of whoever builds, then as its user with its own."""
        named = dict(os.environ) | {"PATH": f"{PYTHON}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"} if building else self.environment
        for away in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            named = {name: value for name, value in named.items() if name != away}
        user, _, group = self.user.partition(":")
        drop = [] if building else ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
        lines = ["set -e", f"R={shlex.quote(str(self.scratch))}/root", "mkdir -p $R", "mount -t tmpfs -o mode=755 tmpfs $R", "cd $R"]
        lines += [AS_IT_IS.format(one) for one in BOUND]
        lines += ["mkdir -p tmp run var root opt etc", "chmod 1777 tmp", "mount --bind $R/../etc etc"]
        lines += [_bind(self.folder, place, writable=building)]
        lines += [_bind(PYTHON, str(PYTHON))] if not PYTHON.is_relative_to("/usr") else []
        lines += [_bind(one, str(one)) for one in Path("/").glob("opt/*") if str(one) != place] if building else []
        lines += [
            "exec " + shlex.join(["chroot", ".", *drop, "env", "-i", f"--chdir={at}", *(f"{k}={v}" for k, v in named.items()), *command])
        ]
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", "\n".join(lines)]


def _bind(source: Path, target: str, *, writable: bool = False) -> str:
    at = shlex.quote(target.lstrip("/"))
    make = f"mkdir -p {at}" if source.is_dir() else f"mkdir -p $(dirname {at}); touch {at}"
    return f"{make}; mount --rbind {shlex.quote(str(source))} {at}" + ("" if writable else f"; mount -o remount,ro,bind {at}")


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from (one for one in sorted(path.rglob("*")) if one.is_file())
