"""Streams of YAML: cut where they may be cut, and read as Kubernetes reads them."""

from __future__ import annotations

import pytest

from fixer.syntax.yaml import NotYaml, documents, load_manifests


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a: 1\n", [0]),
        ("---\na: 1\n", [0]),
        ("# c\n\n---\na: 1\n---\nb: 2\n", [2, 4]),
        ("---\n---\na: 1\n", [0, 1]),
        ("--- a\n---\tb\n", [0, 1]),
        ("a: |\n  ---\n---x: 1\n", [0]),
        ("a: 1\r\n---\r\nb: 2\r\n", [0, 1]),
        ("---\na: 1\n...\n# c\n---\nb: 1\n... # d\n", [0, 4]),
        ("%YAML 1.1\n---\na: 1\n---\nb: 1\n", [0]),
        ("", [0]),
        ("a: 1\n---", [0, 1]),
    ],
)
def test_documents(text: str, lines: list[int]) -> None:
    found = documents(text)
    assert [line for line, _ in found] == lines
    for line, piece in found:
        assert "".join(text.splitlines(keepends=True)[line:]).startswith(piece)


@pytest.mark.parametrize(
    "text", ["a: 1\n---\nb: 2\n", "# c\n---\n---\nx\n", "---\na: 1\n...\n---\nb: 1\n...\n", "--- |\n x\n"]
)
def test_what_was_cut_is_what_the_whole_stream_holds(text: str) -> None:
    assert [value for _, piece in documents(text) for value in load_manifests(piece)] == load_manifests(text)


def test_many_comments_behind_dots_take_no_time() -> None:
    assert len(documents("...\n" + "# x #\n" * 20_000 + "b: 1\n")) == 1


def test_words_are_those_of_yaml_1_1() -> None:
    (found,) = load_manifests("a: yes\nb: off\nc: 0644\nd: 'yes'\n")
    assert found == {"a": True, "b": False, "c": 420, "d": "yes"}


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: 1\na: 2\n", 2), ("a: !Ref b\n", 1), ('a: 1\nb: "x\n', 3), ("a: 1\n b: 2\n", 2), ("a: 2020-13-45", 0)],
)
def test_what_is_no_yaml_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(NotYaml) as caught:
        load_manifests(text)
    assert caught.value.line == line
    assert caught.value.problem
    assert "\n" not in caught.value.problem
