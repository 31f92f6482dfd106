"""One kind in two groups: whose object counts, and what is told of the other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.xds.sources.kube.lines import document, line, listed
from translator.resources.crd import EXAMPLE, GROUP
from translator.resources.sandbox import Sandbox
from xds import crds
from xds.sources.kube.groups import Groups
from xds.sources.kube.kinds import watched
from xds.sources.kube.reflector import Reflector

OURS, THEIRS = (one for one in watched(crds.shipped(), (GROUP, EXAMPLE)) if one.name == "Sandbox")


def sandbox(name: str, key: str, version: int = 1, **spec: Any) -> dict[str, Any]:
    return document(name, version, spec={"routingKey": key, "services": [{"name": "a", "targetRef": {"name": "b"}}], **spec})


class Both:
    """Both groups followed, and what comes of it."""

    def __init__(self) -> None:
        self.first, self.second = (Reflector(kind, lambda: 0.5, hold=0.0) for kind in (OURS, THEIRS))
        self.groups = Groups([self.first, self.second])

    def told(self) -> dict[str, str]:
        """The keys of Sandboxes that are told, and nothing of those that are gone."""
        moved = [each for one in (self.first, self.second) for change in one.take(0.0) for each in self.groups.counting(one, change)]
        return {each.key: each.object.routing_key if isinstance(each.object, Sandbox) else "" for each in moved}


def deleted(one: Reflector, what: dict[str, Any]) -> None:
    """And its definition stays."""
    one.feed(line("DELETED", what), 0.0)
    one.believe(one.doubted(), 0.0, going=False)


def test_kinds_of_sandboxes_are_in_each_group_and_others_are_where_they_are() -> None:
    found = [(one.known, one.group, one.crd) for one in watched(crds.shipped(), (GROUP, EXAMPLE)) if one.name in ("RouteGroup", "Backend")]
    assert found == [
        ("Backend", GROUP, f"backends.{GROUP}"),
        ("RouteGroup", GROUP, f"routegroups.{GROUP}"),
        (f"RouteGroup.{EXAMPLE}", EXAMPLE, f"routegroups.{EXAMPLE}"),
    ]
    alone = [one for one in watched(crds.shipped(), ("previews.example.org",)) if one.name == "Sandbox"]
    assert [(one.known, one.path("v1alpha1")) for one in alone] == [("Sandbox", "/apis/previews.example.org/v1alpha1/sandboxes")]


def test_objects_of_both_groups_are_told() -> None:
    both = Both()
    listed(both.first, sandbox("a", "ours"))
    listed(both.second, sandbox("b", "theirs"))
    assert both.told() == {"default/a": "ours", "default/b": "theirs"}
    assert [*both.groups.hidden()] == []


@pytest.mark.parametrize("ours_first", [True, False])
def test_of_two_with_one_name_that_of_the_first_group_counts_whichever_came_first(ours_first: bool) -> None:
    both, told = Both(), dict[str, str]()
    steps = [(both.first, "ours"), (both.second, "theirs")]
    for one, key in steps if ours_first else reversed(steps):
        listed(one, sandbox("a", key))
        told |= both.told()
    assert told == {"default/a": "ours"}
    assert [(one.code, one.key, one.severity) for one in both.groups.hidden()] == [("PM0138", "default/a", "warning")]


def test_when_the_one_that_counts_is_gone_the_other_counts() -> None:
    both = Both()
    listed(both.first, sandbox("a", "ours"))
    listed(both.second, sandbox("a", "theirs"))
    both.told()
    deleted(both.first, sandbox("a", "ours", 11))
    assert both.told() == {"default/a": "theirs"}
    deleted(both.second, sandbox("a", "theirs", 12))
    assert both.told() == {"default/a": ""}


def test_what_happens_behind_the_one_that_counts_is_not_told() -> None:
    both = Both()
    listed(both.first, sandbox("a", "ours"))
    listed(both.second, sandbox("a", "theirs"))
    both.told()
    both.second.feed(line("MODIFIED", sandbox("a", "other", 11)), 0.0)
    assert both.told() == {}
    deleted(both.second, sandbox("a", "other", 12))
    assert both.told() == {"default/a": "ours"}, "the same as before, which is no news to anybody"


@pytest.mark.parametrize(
    ("ttl", "expected"), [(3600, "3600"), ("2h", "2h"), ({"duration": "2d", "offsetFrom": "updatedAt"}, "2d"), (None, None)]
)
def test_time_to_live_is_seconds_there_or_what_it_is_with_us(ttl: Any, expected: str | None) -> None:
    both = Both()
    listed(both.second, sandbox("a", "k", **({"ttl": ttl} if ttl else {})))
    found = both.second.held.objects["default/a"]
    assert isinstance(found, Sandbox)
    assert (found.spec.ttl.duration if found.spec.ttl else None) == expected


@pytest.mark.parametrize("ttl", [[1], True, {"duration": 5}])
def test_time_to_live_that_is_none_is_told_of_its_object(ttl: Any) -> None:
    both = Both()
    listed(both.second, sandbox("a", "k", ttl=ttl), sandbox("b", "k"))
    assert [*both.second.held.objects] == ["default/b"]
    assert [*both.second.unreadable] == ["default/a"]
