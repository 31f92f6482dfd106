"""One container: a process in the network of its Pod, in a root that holds the programs of this machine and nothing it may change.

The root is made of mounts in a space of its own, so that they end with the process.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.kube.cluster.node.images import Image
from tests.kube.cluster.node.logs import Log

BOUND = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr")  # of the machine; all else is empty
AS_IT_IS = "if [ -L /{0} ]; then cp -P /{0} .; elif [ -d /{0} ]; then mkdir {0}; mount --rbind /{0} {0}; fi"
READABLE = 0o005  # by everybody
KILLED = 137


@dataclass
class Place:
    """Where a container lives: the network of its Pod by name (none: that of the node), its folder, the files of the Pod, and
    folders of the machine that are to be seen where they are.
    """

    network: str
    folder: Path
    pod: Path
    shown: Sequence[str] = ()


@dataclass
class Container:
    spec: Mapping[str, Any]
    image: Image
    place: Place
    log: Log
    environment: Mapping[str, str]
    user: int | None = None  # none: as the node runs
    restarts: int = 0
    started: str = ""
    ready: bool = False
    process: asyncio.subprocess.Process | None = None
    failures: dict[str, int] = field(default_factory=dict)  # of probes, in a row

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def exit(self) -> int | None:
        """The code with which it ended; none while it runs. Of a signal, as shells say it."""
        if self.process is None or self.process.returncode is None:
            return None
        return self.process.returncode if self.process.returncode >= 0 else 128 - self.process.returncode

    async def start(self) -> None:
        self.place.folder.mkdir(parents=True, exist_ok=True)
        script = self.place.folder / "run.sh"
        script.write_text(self._script())
        inside = ["ip", "netns", "exec", self.place.network] if self.place.network else ["unshare", "--mount", "--propagation", "private"]
        self.process = await asyncio.create_subprocess_exec(
            *inside, "sh", str(script), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.failures.clear()
        self.log.follow(self.process.stdout)

    def signal(self, which: int) -> None:
        if self.running and self.process:
            with suppress(ProcessLookupError):
                self.process.send_signal(which)

    async def end(self, grace: float) -> None:
        """Asked to, and then made to."""
        self.signal(signal.SIGTERM)
        if self.process:
            try:
                async with asyncio.timeout(grace):
                    await self.process.wait()
            except TimeoutError:
                self.signal(signal.SIGKILL)
                await self.process.wait()

    async def run(self, command: Sequence[str]) -> int:
        """A command inside, as a hook or a probe: its exit code."""
        if not self.running or not self.process:
            return KILLED
        inside = ["nsenter", "--target", str(self.process.pid), "--mount", "--net", "--root", "--wd"]
        environment = [f"{name}={value}" for name, value in self.environment.items()]
        started = await asyncio.create_subprocess_exec(
            *inside, "env", "-i", *environment, *command, stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            return await started.wait()
        finally:
            if started.returncode is None:
                started.kill()

    # The script that becomes the process ------------------------------------------------------------------------------

    def _script(self) -> str:
        root, lines = self.place.folder / "root", ["set -e"]
        root.mkdir(exist_ok=True)
        lines += [f"R={shlex.quote(str(root))}", "mount -t tmpfs -o mode=755 tmpfs $R", "cd $R"]
        lines += [AS_IT_IS.format(one) for one in BOUND]
        lines += ["mkdir proc dev sys etc var run tmp .etc", "chmod 1777 tmp run", "ln -s ../run var/run", "ln -s ../tmp var/tmp"]
        lines += ["mount --rbind /proc proc", "mount --rbind /dev dev", "mount --rbind /sys sys", "mount --bind /etc .etc"]
        lines += ["for one in /etc/*; do ln -s /.etc/${one#/etc/} etc/; done", "rm -f etc/hosts etc/resolv.conf"]
        lines += [f"cp {shlex.quote(str(self.place.pod))}/hosts {shlex.quote(str(self.place.pod))}/resolv.conf etc/"]
        for source, target in self._mounts():
            lines += _bind(source, target)
        if self.spec.get("securityContext", {}).get("readOnlyRootFilesystem"):
            lines.append("mount -o remount,ro,bind $R")
        drop = [] if self.user is None else ["setpriv", *_as_user(self.user, self.place.shown)]
        environment = [f"{name}={value}" for name, value in self.environment.items()]
        at = self.spec.get("workingDir", "/")
        lines.append("exec " + shlex.join(["chroot", str(root), *drop, "env", "-i", f"--chdir={at}", *environment, *self._command()]))
        return "\n".join(lines) + "\n"

    def _mounts(self) -> list[tuple[Path, str]]:
        volumes = [(self.place.pod / "volumes" / one["name"] / one.get("subPath", ""), one["mountPath"]) for one in self._volume_mounts()]
        image = [(Path(source), target) for target, source in self.image.files.items()]
        return [*volumes, *((Path(one), one) for one in self.place.shown), *image]  # a checkout may lie in /tmp, where a volume is

    def _volume_mounts(self) -> list[dict[str, str]]:
        return list(self.spec.get("volumeMounts", ()))

    def _command(self) -> list[str]:
        command = self.spec.get("command") or list(self.image.entrypoint)
        arguments = self.spec["args"] if "args" in self.spec else list(self.image.arguments)
        return [expanded(one, self.environment) for one in (*command, *arguments)]


def _as_user(user: int, shown: Sequence[str]) -> list[str]:
    """Who he is; and that he may read what is shown even where it is private to whoever runs the node, as a fresh checkout can be."""
    private = any(Path(one).stat().st_mode & READABLE != READABLE for one in shown)
    reads = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"] if private else []
    return [f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs", *reads]


def _bind(source: Path, target: str) -> list[str]:
    """Mount points are made in the new root, never on the machine."""
    at = shlex.quote(target.lstrip("/"))
    make = f"mkdir -p {at}" if source.is_dir() else f"mkdir -p $(dirname {at}); touch {at}"
    return [make, f"mount --rbind {shlex.quote(str(source))} {at}"]


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """$(NAME) as Kubernetes has it: an unknown name stays."""
    return re.sub(r"\$\$|\$\(([\w.-]+)\)", lambda found: "$" if found[0] == "$$" else environment.get(found[1], found[0]), text)
