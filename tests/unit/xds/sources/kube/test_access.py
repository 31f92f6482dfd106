"""Configuration, as people and Pods have it, through the official package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xds.sources.interface import NoClusterError
from xds.sources.kube.access import Access, Current, loader


def kubeconfig(folder: Path, **user: Any) -> str:
    document = {
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:6443/"}}, {"name": "d", "cluster": {"server": "http://127.0.0.1:7/x"}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}, {"name": "two", "context": {"cluster": "d", "user": "u"}}],
    }  # fmt: skip
    path = folder / "config"
    path.write_text(json.dumps(document))
    return str(path)


async def test_token_of_a_kubeconfig_goes_into_the_headers(tmp_path: Path) -> None:
    access = await loader(kubeconfig(tmp_path, token="secret"), None)()
    assert (access.url, access.headers()) == ("http://127.0.0.1:6443", {"Authorization": "Bearer secret"})


async def test_context_chooses_the_cluster(tmp_path: Path) -> None:
    assert (await loader(kubeconfig(tmp_path), "two")()).url == "http://127.0.0.1:7/x"


async def test_token_in_a_file_is_read_anew_after_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("old")
    current = Current(loader(kubeconfig(tmp_path, tokenFile="token"), None))
    used = await current.get()
    (tmp_path / "token").write_text("new")
    assert await current.get() is used
    current.refused(used)
    assert (await current.get()).headers() == {"Authorization": "Bearer new"}


async def test_exec_plugin_is_asked_for_a_token(tmp_path: Path) -> None:
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "made"}}
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "echo", "args": [json.dumps(answer)]}
    access = await loader(kubeconfig(tmp_path, exec=plugin), None)()
    assert access.headers() == {"Authorization": "Bearer made"}


async def test_configuration_that_cannot_be_read_anew_leaves_the_old_one(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, token="good")
    current = Current(loader(path, None))
    used = await current.get()
    Path(path).write_text("{")  # noqa: ASYNC240 - a few bytes
    current.refused(used)
    assert await current.get() is used


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"clusters": 5}', '{"current-context": "x", "contexts": []}'])
async def test_file_that_is_no_kubeconfig_is_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(NoClusterError, match="config"):
        await loader(str(path), None)()


async def test_nothing_at_all_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(NoClusterError, match="not in a Pod"):
        await loader(None, None)()
    with pytest.raises(NoClusterError, match="needs a kubeconfig"):
        await loader(None, "some")()


async def test_pod_uses_what_it_is_given_and_reads_its_token_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes.aio.config import incluster_config

    (tmp_path / "token").write_text("first")
    (tmp_path / "ca.crt").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    with pytest.raises(NoClusterError):  # an empty authority is none
        await loader(None, None)()
    (tmp_path / "ca.crt").write_text(_authority())
    access: Access = await loader(None, None)()
    assert (access.url, access.headers()) == ("https://10.0.0.1:443", {"Authorization": "Bearer first"})


def _authority() -> str:
    import ssl

    path = ssl.get_default_verify_paths().cafile
    assert path
    return Path(path).read_text()
