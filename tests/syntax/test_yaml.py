"""YAML as a tree: documents, places, styles, and values as Kubernetes reads them."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from fixer.errors import Unreadable
from fixer.syntax.yaml import Alias, Map, Node, Scalar, Seq, load_stream, parse, parse_slice, slices, tree, values

STREAMS: list[tuple[str, list[str]]] = [
    ("", []),
    ("# nothing\n", []),
    ("a: 1\n", ["a: 1\n"]),
    ("---\na: 1\n", ["---\na: 1\n"]),
    ("a: 1\n---\nb: 1\n", ["a: 1\n", "---\nb: 1\n"]),
    ("# head\n---\na: 1\n--- # next\nb: 1\n", ["# head\n---\na: 1\n", "--- # next\nb: 1\n"]),
    ("---\n---\n", ["---\n", "---\n"]),
    ("%YAML 1.1\n---\na: 1\n...\n%YAML 1.1\n---\nb: 1\n", ["%YAML 1.1\n---\na: 1\n...\n", "%YAML 1.1\n---\nb: 1\n"]),
    ("a: 1\n...\n# tail\n", ["a: 1\n...\n"]),
    ("a: 1\n...\nb: 1\n", ["a: 1\n...\n", "b: 1\n"]),
    ("a: 1\r\n---\r\nb: 1", ["a: 1\r\n", "---\r\nb: 1"]),
    ("a: |\n  ---\n---x: 1\n---", ["a: |\n  ---\n---x: 1\n", "---"]),
    ("--- {a: 1}\n--- |\n x\n", ["--- {a: 1}\n", "--- |\n x\n"]),
]


@pytest.mark.parametrize(("text", "parts"), STREAMS)
def test_documents_are_found_without_parsing(text: str, parts: list[str]) -> None:
    found = list(slices(text))
    assert [text[slice(*part.span)] for part in found] == parts
    assert [part.number for part in found] == list(range(len(parts)))
    if "---x" not in text and "...\nb" not in text:  # which the second reader, and Kubernetes, refuse
        assert len(load_stream(text)) == len(parts)


def test_only_slices_that_matter_are_given() -> None:
    text = "kind: A\n---\nkind: B\n---\nkind: C\n"
    assert [part.number for part in slices(text, re.compile("B|C"))] == [1, 2]
    assert [d.index for d in parse(text + "---\n}\n", re.compile("kind: B"))] == [1]
    assert not list(slices(text, re.compile("D")))


SCALARS: list[tuple[str, Any]] = [
    ("yes", True), ("On", True), ("y", True), ("no", False), ("OFF", False), ("TRUE", True), ("yEs", "yEs"),
    ("~", None), ("null", None), ("", None), ("Null", None), ("none", "none"),
    ("1", 1), ("-1", -1), ("+1", 1), ("010", 8), ("0o10", 8), ("0x1F", 31), ("0b11", 3), ("1_000", 1000), ("0", 0),
    ("09", 9.0), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("1.", 1.0), (".inf", float("inf")),
    ("-.INF", float("-inf")), ("1.2.3", "1.2.3"), ("-", "-"), (".", "."), ("2001-01-01", "2001-01-01"),
    ("12:30:45", "12:30:45"), ("'1'", "1"), ('"yes"', "yes"), ("!!str 1", "1"), ("!!int '1'", 1), ("!!float 1", 1.0),
    ("! 1", "1"), ("!mine 1", "1"), ("|\n  x\n", "x\n"), ('"\\u00e9"', "é"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), [s for s in SCALARS if s[0] != "-"])
def test_values_are_those_of_kubernetes(text: str, value: Any) -> None:
    (document,) = parse(f"a: {text}")
    got = document.value["a"]
    assert (got, type(got)) == (value, type(value))


def test_aliases_and_merge_keys_are_expanded() -> None:
    (document,) = parse("a: &a {x: 1, w: 2}\nb: &b {w: 3, z: 4}\nc: {<<: [*a, *b], x: 5}\nd: *a\ne: {<<: *b}\n")
    value = document.value
    assert value["c"] == {"x": 5, "w": 2, "z": 4}
    assert value["d"] is value["a"]
    assert value["e"] == {"w": 3, "z": 4}
    entry = document.root.entries[3] if isinstance(document.root, Map) else None
    assert entry is not None
    assert isinstance(entry.value, Alias)
    assert entry.value.target.aliased
    assert document.text[slice(*entry.value.span)] == "*a"


def test_a_nest_of_aliases_costs_its_text() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    assert len(parse("\n".join(lines))[0].value) == 60
    assert parse("a: &a\n  b: *a\n")[0].value["a"]["b"] is not None


def test_keys_are_named_as_in_json() -> None:
    (document,) = parse("1: a\nyes: b\n~: c\nd: e\n'1.5': f\n? [g]\n: h\n")
    assert list(document.value) == ["1", "true", "null", "d", "1.5", "['g']"]
    assert isinstance(document.root, Map)
    assert document.root.complex_keys
    assert not document.root.duplicates
    assert parse("a: 1\n'a': 2\n")[0].root.duplicates  # type: ignore[attr-defined]
    assert parse("a: !mine 1\nb: !!str 2\n")[0].tags == {"!mine"}


def nodes(node: Node) -> list[Node]:
    """Give a node and all below it."""
    below = [n for e in node.entries for n in e] if isinstance(node, Map) else []
    below = node.items if isinstance(node, Seq) else below
    return [node, *(inner for n in below for inner in nodes(n))]


PLACES: list[tuple[str, list[str]]] = [
    ("é: &x\n  - 'b'  # c\n\n  - |\n    d\n\n# e\n", ["é: &x\n  - 'b'  # c\n\n  - |\n    d", "é",
      "&x\n  - 'b'  # c\n\n  - |\n    d", "'b'", "|\n    d"]),
    ("a:\r\n  b: \r\nc: {d: , e}\r\n",
     ["a:\r\n  b: \r\nc: {d: , e}", "a", "b:", "b", "", "c", "{d: , e}", "d", "", "e", ""]),
    ("a: |+\n  b\n\n\nc: !!map\n  d: *e\n", []),
    ('{"a": [1, {"b": "\u2028"}]}', ['{"a": [1, {"b": "\u2028"}]}', '"a"', '[1, {"b": "\u2028"}]', "1",
      '{"b": "\u2028"}', '"b"', '"\u2028"']),
    ("a: |+\n  b\n\n\nc: !!map\n  d: x y\n   z\n", ["a: |+\n  b\n\n\nc: !!map\n  d: x y\n   z", "a", "|+\n  b\n\n\n",
      "c", "!!map\n  d: x y\n   z", "d", "x y\n   z"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "written"), PLACES)
def test_every_node_knows_its_place(text: str, written: list[str]) -> None:
    if not written:
        with pytest.raises(Unreadable, match="line 6: this is no YAML: the anchor e is not defined"):
            parse(text)
        return
    for head in ("", "x: 1\n---\n"):
        document = parse(head + text)[-1]
        assert [document.text[slice(*node.span)] for node in nodes(document.root)] == written


def test_find_follows_what_is_written() -> None:
    (document,) = parse("a: &a\n- b: 1\nc: *a\n")
    found = document.find(("a", 0, "b"))
    assert isinstance(found, Scalar)
    assert (document.line(found.start), document.column(found.start)) == (2, 5)
    for path in (("c", 0), ("a", 1), ("a", "b"), ("x",), ("a", 0, "b", "c")):
        assert document.find(path) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: [\n", "line 3: this is no YAML: "),
        ("a: 1\n---\nb: c: d\n", "line 3: this is no YAML: mapping values are not allowed"),
        ("a: 1\n\tb: 2\n", "line 2: this is no YAML: "),
        ("a: 1\nb: \udc80\n", "line 2: a byte that is no UTF-8"),
        ("a: 1\nb: \x01\n", "line 2: this is no YAML: "),
    ],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(text)
    assert caught.value.reason == "syntax"
    assert caught.value.message.startswith(sentence)
    assert "\n" not in caught.value.message


def test_deep_nesting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_DEEPEST", 10_000)
    (document,) = parse("[" * 5000 + "]" * 5000)
    with pytest.raises(Unreadable, match="nested too deeply"):
        assert document.value


@pytest.mark.parametrize("text", ["[" * 2000, "{a: " * 2000, "a:\n- " + "- " * 2000, "[" * 5000 + "]" * 5000])
def test_what_is_nested_without_end_is_not_read_to_its_end(text: str) -> None:
    with pytest.raises(Unreadable, match=r"^line \d: a value is nested too deeply"):
        parse(text)


def test_time_grows_with_the_lines() -> None:
    block = "- name: x\n  image: |\n    text\n  list: [a, {b: c}]\n  # comment\n"

    def seconds(times: int) -> float:
        started = time.process_time()
        assert len(parse(block * times)[0].value) == times
        return time.process_time() - started

    small, large = min(seconds(2000) for _ in range(3)), seconds(20000)
    assert large < 40 * small


def test_the_second_reader_gives_values() -> None:
    assert load_stream("a: !mine [1]\nb: !mine {c: 1}\nd: !x e\na: 2\n")[0]["b"] == ("!mine", {"c": 1})


def test_plain_values_are_those_that_kubernetes_reads() -> None:
    assert values("a: yes\nb: off\nc: 0644\nd: 'yes'\n---\n- 1\n") == [
        {"a": True, "b": False, "c": 420, "d": "yes"},
        [1],
    ]
    assert values("}") == []


def test_the_second_reader_refuses_what_is_no_yaml() -> None:
    with pytest.raises(Unreadable, match="second YAML reader"):
        load_stream("}")


@pytest.mark.parametrize("word", ["y", "Yes", "n", "NO", "on", "Off"])
def test_a_key_that_looks_like_a_boolean_may_be_text(word: str) -> None:
    text = f"{word}: {word}\n&a true: 1\n"
    (part,) = slices(text)
    document = parse_slice(text, part, text_keys=True)
    assert list(document.value) == [word, "true"]
    assert isinstance(document.value[word], bool)
    assert document.find((word,)) is not None
    assert word not in parse_slice(text, part).value
