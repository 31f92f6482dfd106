"""NodeMatcher: by id, by metadata, all of one and any of several."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from protos.v3 import NodeMatcher
from xds.node_match import any_means, means

METADATA = ParseDict({"zone": "z1", "deep": {"on": True, "size": 3, "none": None}, "tags": ["a", "b"]}, Struct())


def matcher(fields: dict[str, Any]) -> NodeMatcher:
    return ParseDict(fields, NodeMatcher())


def at(*path: str, **value: Any) -> dict[str, Any]:
    return {"node_metadatas": [{"path": [{"key": key} for key in path], "value": value}]}


MEANT = {
    "exact id": {"node_id": {"exact": "edge-1"}},
    "prefix": {"node_id": {"prefix": "edge"}},
    "suffix": {"node_id": {"suffix": "-1"}},
    "part": {"node_id": {"contains": "ge-"}},
    "any case": {"node_id": {"exact": "EDGE-1", "ignore_case": True}},
    "regex": {"node_id": {"safe_regex": {"regex": "edge-[0-9]"}}},
    "metadata": at("zone", string_match={"exact": "z1"}),
    "deep metadata": at("deep", "on", bool_match=True),
    "number": at("deep", "size", double_match={"exact": 3}),
    "range": at("deep", "size", double_match={"range": {"start": 3, "end": 4}}),
    "null": at("deep", "none", null_match={}),
    "present": at("tags", present_match=True),
    "one of a list": at("tags", list_match={"one_of": {"string_match": {"exact": "b"}}}),
    "either": at("zone", or_match={"value_matchers": [{"bool_match": True}, {"string_match": {"prefix": "z"}}]}),
    "both": {"node_id": {"prefix": "edge"}, **at("zone", string_match={"exact": "z1"})},
}
NOT_MEANT = {
    "other id": {"node_id": {"exact": "edge"}},
    "other case": {"node_id": {"exact": "EDGE-1"}},
    "regex of a part": {"node_id": {"safe_regex": {"regex": "edge"}}},
    "broken regex": {"node_id": {"safe_regex": {"regex": "["}}},
    "no pattern": {"node_id": {}},
    "no such key": at("nothing", present_match=True),
    "key of no map": at("zone", "more", present_match=True),
    "other type": at("zone", bool_match=True),
    "absent on purpose": at("zone", present_match=False),
    "outside of a range": at("deep", "size", double_match={"range": {"start": 0, "end": 3}}),
    "no value": at("zone"),
    "one of two": {"node_id": {"exact": "other"}, **at("zone", string_match={"exact": "z1"})},
}


@pytest.mark.parametrize("fields", MEANT.values(), ids=MEANT)
def test_matcher_means_the_node(fields: dict[str, Any]) -> None:
    assert means(matcher(fields), "edge-1", METADATA)


@pytest.mark.parametrize("fields", NOT_MEANT.values(), ids=NOT_MEANT)
def test_matcher_means_another(fields: dict[str, Any]) -> None:
    assert not means(matcher(fields), "edge-1", METADATA)


def test_without_matchers_all_are_meant_and_several_are_alternatives() -> None:
    other, this = matcher({"node_id": {"exact": "other"}}), matcher({"node_id": {"exact": "edge-1"}})
    assert any_means([], "edge-1", METADATA)
    assert any_means([other, this], "edge-1", METADATA)
    assert not any_means([other], "edge-1", METADATA)
