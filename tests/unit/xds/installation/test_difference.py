"""What a change is, and what the API server's own books are not."""

from __future__ import annotations

import pytest

from xds.installation.difference import differences


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param({"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, ["spec.replicas 1 → 2"], id="value"),
        pytest.param({}, {"spec": {"a": "x"}}, ["spec nothing → 1 fields"], id="new-field"),
        pytest.param({"a": [1, 2]}, {"a": [1, 3]}, ["a[1] 2 → 3"], id="item"),
        pytest.param({"a": [1]}, {"a": [1, 3]}, ["a 1 items → 2 items"], id="length"),
        pytest.param({"a": "x" * 50}, {"a": 1}, [f"a {'x' * 39}… → 1"], id="long-value"),
        pytest.param({"a": "x=1\ny=2"}, {"a": "x=1\ny=3"}, ["a[1] y=2 → y=3"], id="line-of-a-text"),
        pytest.param({"metadata": {"labels": {"a": "b"}}}, {"metadata": {}}, ["metadata.labels 1 fields → nothing"], id="label"),
        pytest.param({"b": 1, "a": 1}, {"b": 2, "a": 2}, ["a 1 → 2", "b 1 → 2"], id="in-order"),
        pytest.param({"a": 1}, {"a": 1}, [], id="same"),
        pytest.param({"status": {"a": 1}}, {"status": {"a": 2}}, [], id="status"),
        pytest.param(
            {"metadata": {"resourceVersion": "1", "generation": 1}},
            {"metadata": {"resourceVersion": "2", "generation": 2, "managedFields": [1]}}, [], id="books",
        ),
    ],
)  # fmt: skip
def test_difference_is_said_by_path(before: dict[str, object], after: dict[str, object], said: list[str]) -> None:
    assert differences(before, after) == said
