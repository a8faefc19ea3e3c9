"""What is kept of a session: any answers survive, and damage is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer.session.record import Answer, Done, Kind, Record, Text, from_json, to_json

NAMES = st.text(st.characters(blacklist_categories=[]), max_size=8).map(
    lambda text: text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
)
DONE = st.builds(Done, st.sampled_from(Kind), NAMES, NAMES, st.integers(0, 9), NAMES, st.sampled_from(["", "safe"]))
TEXT = st.builds(Text, st.sampled_from(["/a", "/b", "/c\udc80"]), st.binary(max_size=4), st.binary(max_size=4))
ANSWER = st.builds(
    Answer,
    st.lists(DONE, max_size=2).map(tuple),
    st.lists(st.sampled_from("xyz")).map(tuple),
    st.lists(TEXT).map(tuple),
)


@given(st.lists(ANSWER, max_size=4), st.lists(ANSWER, max_size=2))
def test_any_answers_survive(answers: list[Answer], written: list[Answer]) -> None:
    record = Record(answers, written)
    again = from_json(json.loads(json.dumps(to_json(record))))
    assert (again.answers, again.written) == (answers, written)


def one(*texts: Text) -> Answer:
    return Answer((), (), texts)


def test_a_change_and_its_way_back_are_no_change() -> None:
    record = Record([one(Text("/a", b"1", b"2")), one(Text("/a", b"2", b"1"), Text("/b", b"x", b"y"))])
    assert record.changes() == (Text("/b", b"x", b"y"),)
    assert record.together() == [{"/a", "/b"}]


def test_a_file_that_changed_takes_with_it_what_moved_with_it() -> None:
    answers = [
        one(Text("/a", b"1", b"2")),
        one(Text("/a", b"2", b"3"), Text("/b", b"1", b"2")),
        one(Text("/b", b"2", b"3")),
        one(Text("/c", b"1", b"2")),
        Answer((), ("mark",)),
    ]
    disk: dict[str, bytes | None] = {"/a": b"other", "/b": b"1", "/c": b"1"}
    record = Record(answers)
    assert record.forget(disk.get) == ("/a", "/b")
    assert record.answers == answers[3:]
    assert Record(answers).forget({**disk, "/a": b"1"}.get) == ()
    assert Record(answers).forget({**disk, "/a": None}.get) == ("/a", "/b")


def test_what_is_written_is_not_taken_back() -> None:
    record = Record([Answer((), ("mark",), (Text("/a", b"1", b"2"),))])
    record.write()
    assert record.undo() is None
    assert record.texts == {}
    assert record.left == {"mark"}


GOOD = to_json(Record([Answer((), ("mark",), (Text("/a", b"1", b"2"),))]))


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {**GOOD, "version": 2},
        {**GOOD, "texts": {}},
        {**GOOD, "texts": dict.fromkeys(GOOD["texts"], "AAAA")},
        {**GOOD, "texts": {digest: next(iter(GOOD["texts"].values())) for digest in GOOD["texts"]}},
        {**GOOD, "answers": [{"done": [["66"]], "marks": [], "texts": []}]},
        {**GOOD, "answers": [{"done": [], "marks": 1, "texts": []}]},
        {**GOOD, "answers": [{"done": [], "marks": [], "texts": [["zz", "", ""]]}]},
    ],
)
def test_damage_is_told(raw: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_json(raw)
