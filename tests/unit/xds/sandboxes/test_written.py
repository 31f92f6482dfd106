"""Claims about a Sandbox made from what was typed."""

from __future__ import annotations

from typing import Any

import pytest

from xds.offline import door
from xds.sandboxes.written import Misspelled, Wish, pairs, sandbox, service

NOW = "2026-01-01T12:00:00Z"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("checkout=checkout-alice", {"name": "checkout-alice"}),
        ("checkout=checkout-alice:8080", {"name": "checkout-alice", "port": 8080}),
        ("checkout=backend/laptop", {"kind": "Backend", "name": "laptop"}),
    ],
)
def test_service_is_a_name_and_a_target(text: str, target: dict[str, Any]) -> None:
    assert service(text) == {"name": "checkout", "targetRef": target}


def test_baseline_may_be_a_backend() -> None:
    assert service("backend/legacy=backend/laptop") == {
        "name": "legacy",
        "kind": "Backend",
        "targetRef": {"kind": "Backend", "name": "laptop"},
    }
    assert service("backend/legacy=cart:80") == {"name": "legacy", "kind": "Backend", "targetRef": {"name": "cart", "port": 80}}


@pytest.mark.parametrize(
    "text", ["checkout", "=x", "checkout=", "a=b:c", "a=service/b", "a=backend/", "service/a=b", "backend/=b", "/a=b", "a=/b"]
)
def test_service_that_says_nothing_is_told(text: str) -> None:
    with pytest.raises(Misspelled, match="--service"):
        service(text)


def test_sandbox_is_let_in_as_it_is_written() -> None:
    wish = Wish(name="alice", namespace="shop", services=("a=b", "c=backend/d"), key="k", ttl="8h", labels=("team=web",))
    admitted = door().admit(sandbox(wish, NOW))
    assert admitted.findings == ()
    assert admitted.object
    assert (admitted.key, admitted.object.metadata.creation_timestamp, admitted.object.metadata.labels) == (
        "shop/alice",
        NOW,
        {"team": "web"},
    )


def test_what_is_not_said_is_not_written() -> None:
    assert sandbox(Wish(name="alice", services=("a=b",)), NOW)["spec"] == {"services": [{"name": "a", "targetRef": {"name": "b"}}]}


def test_label_is_a_pair() -> None:
    assert pairs(["a=b=c"]) == [("a", "b=c")]
    with pytest.raises(Misspelled, match="--label"):
        pairs(["a"])
