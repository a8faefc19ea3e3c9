"""Streams of YAML, read by the words of YAML 1.1."""

from __future__ import annotations

import pytest

from fixer.syntax.yaml import NotYaml, load_manifests


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
