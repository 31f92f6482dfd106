"""What one file may hold, how its words are read, and where each value stands."""

from __future__ import annotations

import textwrap

import pytest

from xds.sources import documents
from xds.sources.documents import Fault, Position


def read(text: str | bytes, form: str = "yaml") -> list[object]:
    body = text if isinstance(text, bytes) else textwrap.dedent(text).encode()
    return [one.value for piece in documents.read(body, form) for one in piece.documents]


def fault(text: str | bytes, form: str = "yaml") -> tuple[str, int | None, int | None]:
    with pytest.raises(Fault) as caught:
        read(text, form)
    at = caught.value.at
    return caught.value.code, at and at.line, at and at.column


def test_documents_are_separated_by_three_dashes_and_empty_ones_hold_nothing() -> None:
    assert read("---\na: 1\n---\n# nothing\n---\nb: 2\n...\n") == [{"a": 1}, {"b": 2}]


def test_a_list_holds_its_items() -> None:
    assert read("kind: List\nitems:\n- kind: A\n- kind: B\n") == [{"kind": "A"}, {"kind": "B"}]


def test_three_dashes_inside_a_block_of_text_do_not_cut_it() -> None:
    assert read("a: |\n  one\n  ---\n  two\nb: 1\n") == [{"a": "one\n---\ntwo\n", "b": 1}]


def test_a_file_with_directives_is_read_as_a_whole() -> None:
    assert read("%YAML 1.1\n---\na: 1\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]


def test_a_byte_order_mark_is_skipped() -> None:
    assert read(b"\xef\xbb\xbfa: 1\n") == [{"a": 1}]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None), ("~", None), ("null", None), ("yes", True), ("Off", False), ("TRUE", True), ("y", "y"),
        ("0", 0), ("-7", -7), ("0644", 420), ("0x1F", 31), ("1_000", 1000), ("0b11", 3), ("089", 89.0), ("10:30", "10:30"),
        ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("1.2.3", "1.2.3"), ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("2024-01-01", "2024-01-01"), ('"1"', "1"), ("'yes'", "yes"), ("!!str 1", "1"), ("/a", "/a"), ("=", "="), ("Infinite", "Infinite"),
    ],
)  # fmt: skip
def test_a_plain_word_means_what_it_means_to_kubectl(word: str, value: object) -> None:
    [document] = read(f"a: {word}\n")
    assert document == {"a": value}
    assert type(document["a"]) is type(value)  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: [1\nb: 2\n", ("PM0101", 2, 2), id="unclosed"),
        pytest.param("a:\n\t- b\n", ("PM0101", 2, 1), id="tab"),
        pytest.param("a: b: c\n", ("PM0101", 1, 5), id="two-colons"),
        pytest.param("a: 1\n---\nb: 'x\n", ("PM0101", 4, 1), id="unclosed-quote-in-second-document"),
        pytest.param(b"a: \xff\n", ("PM0101", 1, 4), id="not-utf-8"),
        pytest.param(b"a: b\nc: \x00\n", ("PM0101", 2, 4), id="nul"),
        pytest.param("a: 1\nb:\n  a: 1\n  a: 2\n", ("PM0122", 4, 3), id="key-twice"),
        pytest.param("a: &x 1\nb: *x\n", ("PM0121", 1, 4), id="anchor"),
        pytest.param("a: 1\n? [1]\n: 2\n", ("PM0101", 2, 3), id="key-is-a-list"),
        pytest.param("a: 1e400\n", ("PM0101", 1, 4), id="too-great"),
        pytest.param("a: .nan\n", ("PM0101", 1, 4), id="not-a-number"),
        pytest.param("a: !!python/object:os.system x\n", ("PM0101", 1, 4), id="tag"),
        pytest.param("a: " + "[" * 70 + "]" * 70, ("PM0120", 1, 67), id="deep"),
        pytest.param("[" * 200_000, ("PM0120", 1, 65), id="very-deep"),
        pytest.param("a: [" + "1," * 100_001 + "]", ("PM0120", 1, 200_001), id="many"),
    ],
)
def test_a_text_that_says_nothing_names_code_line_and_column(text: str | bytes, expected: tuple[str, int, int]) -> None:
    assert fault(text) == expected


def test_billion_laughs_are_refused_before_they_expand() -> None:
    laughs = "a: &a [x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9))
    assert fault(laughs)[0] == "PM0121"


def test_too_many_bytes_are_not_even_looked_at() -> None:
    assert fault(b"#" * (documents.MAX_BYTES + 1)) == ("PM0120", None, None)


def test_the_limit_of_values_is_that_of_the_whole_file_also_where_pieces_are_known() -> None:
    text = ("a: [" + "1," * 60_000 + "]\n").encode()
    [piece] = documents.read(text, "yaml")
    with pytest.raises(Fault, match="more than 100,000"):
        documents.read(text + b"---\n" + text, "yaml", {piece.text: piece})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"a": 1, "b": [true, null]}', [{"a": 1, "b": [True, None]}], id="object"),
        pytest.param('{"a": "\\ud83d\\ude00"}', [{"a": "\N{GRINNING FACE}"}], id="surrogates"),
        pytest.param('{"kind": "List", "items": [{"a": 1}]}', [{"a": 1}], id="list"),
        pytest.param("  \n", [], id="empty"),
    ],
)
def test_json_is_read_as_json(text: str, expected: list[object]) -> None:
    assert read(text, "json") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"a": 1,\n "b" 2}', ("PM0101", 2, 6), id="syntax"),
        pytest.param('{"a": 1, "a": 2}', ("PM0122", None, None), id="key-twice"),
        pytest.param('{"a": 1e400}', ("PM0101", None, None), id="too-great"),
        pytest.param('{"a": NaN}', ("PM0101", None, None), id="not-a-number"),
        pytest.param("[" * 100_000, ("PM0120", None, None), id="very-deep"),
        pytest.param('{"a":' * 70 + "1" + "}" * 70, ("PM0120", None, None), id="deep"),
    ],
)
def test_json_that_says_nothing_is_a_fault(text: str, expected: tuple[str, int | None, int | None]) -> None:
    assert fault(text, "json") == expected


TEXT = b"""a: 1
---
kind: X
spec:
  rules:
  - name: one
  - name: two
    refs: [{port: 1}, {port: 2}]
---
kind: List
items:
- kind: Y
  spec: {b: 1}
"""


@pytest.mark.parametrize(
    ("piece", "path", "line", "column"),
    [
        pytest.param(0, (), 1, 1, id="root"),
        pytest.param(1, ("spec",), 4, 1, id="field"),
        pytest.param(1, ("spec", "rules", 1), 7, 5, id="item"),
        pytest.param(1, ("spec", "rules", 1, "refs", 1, "port"), 8, 24, id="flow"),
        pytest.param(1, ("spec", "rules", 1, "absent", "more"), 7, 5, id="the-last-part-there-is"),
        pytest.param(1, ("spec", "rules", 9), 5, 3, id="no-such-item"),
        pytest.param(1, ("spec", 0), 4, 1, id="not-a-list"),
        pytest.param(2, ("items", 0, "spec", "b"), 13, 10, id="item-of-a-list"),
    ],
)
def test_a_path_leads_to_line_and_column_of_the_file(piece: int, path: tuple[str | int, ...], line: int, column: int) -> None:
    assert documents.locate(documents.read(TEXT, "yaml")[piece], path) == Position(line, column)


def test_a_path_into_the_second_document_of_a_file_with_directives_is_found() -> None:
    [piece] = documents.read(b"%YAML 1.1\n---\na: 1\n---\nb:\n  c: 2\n", "yaml")
    assert documents.locate(piece, (*piece.documents[1].path, "b", "c")) == Position(6, 3)


def test_a_piece_of_the_same_bytes_is_not_parsed_again_and_moves_with_its_line() -> None:
    [first, second] = documents.read(b"a: 1\n---\nb: 2\n", "yaml")
    known = {first.text: first, second.text: second}
    [changed, same] = documents.read(b"a: 1\nc: 3\n---\nb: 2\n", "yaml", known)
    assert same.documents is second.documents
    assert (changed.documents[0].value, same.line) == ({"a": 1, "c": 3}, 2)
