"""What the source alone costs: a process that follows an API server, keeps what it is told, and translates nothing.

Asked by `starts.py`. Prints one line of JSON: objects, seconds from here to synced, of CPU too, MiB before and after.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from contextlib import aclosing

from tests.bench.stand import memory
from xds.sources.kube.source import kube
from xds.translation import without_collector


async def follow(kubeconfig: str) -> dict[str, float]:
    source = kube(kubeconfig, None)
    await source.open()
    before, start, used, objects = memory(os.getpid()), time.perf_counter(), time.process_time(), 0
    async with aclosing(source.updates()) as updates:
        with without_collector():
            async for update in updates:
                objects += len(update.changes)
                if update.final:
                    break
        seconds, used = time.perf_counter() - start, time.process_time() - used
        del update
        gc.collect()
        return {"objects": objects, "seconds": seconds, "cpu": used, "before": before, "after": memory(os.getpid())}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(follow(sys.argv[1]))), flush=True)
