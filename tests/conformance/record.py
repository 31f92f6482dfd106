"""`python -m tests.conformance.record [NAME …]`: what our server says of each manifest of the suite in a cluster, for `test_folder.py`.

Asks a real API server, with real Envoys in Pods. To be run by hand when the suite or what we say changes, after `make
conformance` has held the same code to what the suite demands; read the difference before it is committed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.conformance.worlds import BASE, CASES, RECORDED, REPORTED, Document, base, comparable, documents, name_of, recording
from tests.kube.cluster import isolation
from tests.kube.cluster.cluster import Cluster
from tests.kube.cluster.programs import programs
from tests.kube.planes import serving
from tests.waiting import wait_until
from xds import crds

QUIET = 2.0  # seconds in which nothing is said anew
LONGEST = 180.0
WAITS = ("Pending", "AddressNotAssigned", "NoResources")  # said of a Gateway whose proxies are on their way
KINDS = ",".join(f"{kind.lower()}s" for kind in REPORTED).replace("policys", "policies").replace("classs", "classes")


class Recorder:
    """One cluster, and what was last said of everything in it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def kubectl(self, *arguments: str, text: str | None = None) -> str:
        return (await asyncio.to_thread(self._cluster.kubectl, *arguments, text=text)).stdout

    async def apply(self, found: Iterable[Document]) -> None:
        if wanted := list(found):
            await self.kubectl("apply", "-f", "-", text=_list(wanted))

    async def delete(self, found: Sequence[Document], kept: Iterable[str]) -> None:
        gone = [one for one in reversed(found) if name_of(one) not in set(kept)]
        if gone:
            await self.kubectl("delete", "--ignore-not-found", "-f", "-", text=_list(gone))

    async def settled(self) -> dict[str, Any]:
        """What is said of each object, once nobody is awaited and nothing was said for a while."""
        loop = asyncio.get_running_loop()
        last: dict[str, Any] = {}
        since = loop.time()

        async def holds() -> bool:
            nonlocal last, since
            found = json.loads(await self.kubectl("get", KINDS, "-A", "-o", "json"))["items"]
            now = {name_of(one): comparable(one.get("status", {})) for one in found}
            if now != last or any(_waits(one) for one in now.values()):
                last, since = now, loop.time()
            return loop.time() - since > QUIET

        await wait_until(holds, LONGEST, "statuses to be still")
        return last


def _list(found: Iterable[Document]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(found)})


def _waits(status: dict[str, Any]) -> bool:
    said = status.get("conditions", {}).get("Programmed", "")
    return any(said.startswith(f"False {reason}") for reason in WAITS)


async def record(cluster: Cluster, folder: Path, chosen: Sequence[Path]) -> None:
    async with serving(cluster, folder):
        recorder, beside = Recorder(cluster), base()
        await recorder.apply(beside)
        usual = await recorder.settled()
        write(BASE, usual)
        for path in chosen:
            found = documents(path)
            await recorder.apply(found)
            told = await recorder.settled()
            mine = {name_of(one) for one in found}
            write(path, {name: status for name, status in told.items() if name in mine or usual.get(name) != status})
            await recorder.delete(found, map(name_of, beside))
            await recorder.apply(one for one in beside if name_of(one) in mine)
            print(path.stem, flush=True)


def write(path: Path, told: dict[str, Any]) -> None:
    RECORDED.mkdir(exist_ok=True)
    text = yaml.dump(dict(sorted(told.items())), sort_keys=False, width=160, default_flow_style=None, allow_unicode=True)
    recording(path).write_text(f"# Written by tests/conformance/record.py.\n{text}")


def main(chosen: Sequence[str]) -> None:
    isolation.check()
    found = programs()
    isolation.enter()
    with tempfile.TemporaryDirectory(prefix="pointsman-record-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        with Cluster(folder, found, "--longest-grace", "3") as cluster:
            cluster.install(crds.folder())
            asyncio.run(record(cluster, folder, [path for path in CASES if not chosen or path.stem in chosen]))


if __name__ == "__main__":
    main(sys.argv[1:])
