"""Where the API server is and how to speak to it: kubeconfig, or what a Pod is given. All of it is read by the official package.

Tokens in files, certificates and exec plugins are asked again after a 401, and a Pod's token once a minute.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from xds.sources.interface import NoClusterError

HOME = Path("~/.kube/config")


@dataclass(frozen=True, slots=True)
class Access:
    """What a request needs, at one moment. `fresh` brings the headers up to date where they age by themselves."""

    url: str
    tls: ssl.SSLContext | bool
    server_name: str | None
    proxy: str | None
    fresh: Callable[[], dict[str, str]]

    def headers(self) -> dict[str, str]:
        return self.fresh()


Load = Callable[[], Awaitable[Access]]


def loader(kubeconfig: str | None, context: str | None) -> Load:
    """How to read the configuration, each time anew: the file named, else KUBECONFIG, else ~/.kube/config, else that of a Pod."""

    async def load() -> Access:
        path = kubeconfig or os.environ.get("KUBECONFIG") or _at_home()
        if path is None and context:
            raise NoClusterError("a context needs a kubeconfig, and there is none")
        return await (_of_file(path, context) if path else _of_pod())

    return load


def _at_home() -> str | None:
    path = HOME.expanduser()
    return str(path) if path.is_file() else None


async def _of_file(path: str, context: str | None) -> Access:
    from kubernetes.aio.client import Configuration  # 1 s and 45 MiB: only for those who want it  # noqa: PLC0415
    from kubernetes.aio.config import ConfigException, load_kube_config  # noqa: PLC0415

    settings = Configuration()
    if not any(Path(one).expanduser().is_file() for one in path.split(os.pathsep) if one):  # noqa: ASYNC240 - read at once anyhow
        raise NoClusterError(f"{path} is not there")
    try:
        await load_kube_config(path, context, settings, persist_config=False)  # type: ignore[no-untyped-call]
        return _access(settings)
    except ConfigException as error:
        raise NoClusterError(f"{path}: {error}") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:  # a file that is no kubeconfig
        raise NoClusterError(f"{path} cannot be used: {' '.join(str(error).split()) or type(error).__name__}") from None


async def _of_pod() -> Access:
    from kubernetes.aio.client import Configuration  # noqa: PLC0415
    from kubernetes.aio.config import ConfigException, load_incluster_config  # noqa: PLC0415

    settings = Configuration()
    try:
        load_incluster_config(settings)  # type: ignore[no-untyped-call]
        return _access(settings)
    except (ConfigException, OSError) as error:
        raise NoClusterError(f"no kubeconfig, and not in a Pod: {error}") from None


def _access(settings: Any) -> Access:
    """The package's Configuration in our form."""

    def fresh() -> dict[str, str]:
        if settings.refresh_api_key_hook:
            settings.refresh_api_key_hook(settings)
        token = settings.api_key.get("BearerToken")
        return {"Authorization": token.replace("bearer ", "Bearer ", 1)} if token else {}

    return Access(
        url=settings.host.rstrip("/"),
        tls=_tls(settings) if settings.host.startswith("https:") else False,
        server_name=settings.tls_server_name,
        proxy=settings.proxy,
        fresh=fresh,
    )


def _tls(settings: Any) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=settings.ssl_ca_cert)
    if not settings.verify_ssl:
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    if settings.cert_file:
        tls.load_cert_chain(settings.cert_file, settings.key_file)
    return tls


class Current:
    """The access in use: read once, and anew after a server has refused it. Whoever asks meanwhile waits for the same one."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._lock = asyncio.Lock()
        self._current: Access | None = None
        self._refused: Access | None = None

    async def get(self) -> Access:
        """NoClusterError where nothing can be read at all. What cannot be read anew may be half written: the old one stays."""
        async with self._lock:
            if self._current is None or self._current is self._refused:
                try:
                    self._current = await self._load()
                except NoClusterError:
                    if self._current is None:
                        raise
            return self._current

    def refused(self, used: Access) -> None:
        """A server answered 401 to it."""
        self._refused = used
