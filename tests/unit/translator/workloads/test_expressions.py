"""Claims about what a variable is told of another fork."""

from __future__ import annotations

from typing import Any

import pytest

from translator.ir.copy import Copies
from translator.workloads.expressions import told
from translator.workloads.patch import UnfitError

ALICE = Copies(namespace="shop", sandbox="alice", born="", copies=())


def service(name: str, *ports: int) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": one} for one in ports]}}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("{{ .Service.Host }}:{{ .Service.Port }}", "web-alice.shop.svc:80"),
        ("http://{{.Service.Host}}/", "http://web-alice.shop.svc/"),
        ("{{- .Service.Port -}}", "80"),
        ("plain", "plain"),
    ],
)
def test_host_and_first_port_of_the_service_of_the_fork_are_told(expression: str, expected: str) -> None:
    assert told(expression, "web", [service("api", 1), service("web", 80, 443)], ALICE) == expected


def test_without_a_service_of_the_name_it_is_the_first() -> None:
    assert told("{{ .Service.Host }}", "web", [service("b", 1), service("a", 2)], ALICE) == "a-alice.shop.svc"


@pytest.mark.parametrize("expression", ["{{ .Service.Name }}", "{{ .Host }}", "{{ printf .Service.Host }}", "{{ .Service.Host", "}}"])
def test_other_templates_are_told_and_not_guessed(expression: str) -> None:
    with pytest.raises(UnfitError, match="the expression"):
        told(expression, "web", [service("web", 80)], ALICE)


def test_service_without_a_port_is_told() -> None:
    with pytest.raises(UnfitError, match="Service shop/web has no port"):
        told("{{ .Service.Port }}", "web", [service("web")], ALICE)
