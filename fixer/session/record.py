"""The answers of a session: what each of them did, what the files hold after all of them, and the way back."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

from fixer.source import MAX_BYTES
from fixer.tuples import NamedTuple

VERSION = 1


class Kind(StrEnum):
    """What an answer did."""

    FIXED = "fixed"
    LEFT = "left"
    IGNORED = "ignored"
    EDITED = "edited"


class Done(NamedTuple):
    """What became of one question, for the summary: `safety` is that of the fix, "" where there was none."""

    kind: Kind
    rule: str
    path: str
    line: int
    what: str
    safety: str = ""


class Text(NamedTuple):
    """The bytes of one file, by its absolute path, before and after an answer."""

    place: str
    before: bytes
    after: bytes


class Answer(NamedTuple):
    """One key that was pressed: what it did, the findings that it leaves (by their marks), and what it changed."""

    done: tuple[Done, ...]
    marks: tuple[str, ...] = ()
    texts: tuple[Text, ...] = ()


class Record:
    """All answers of a session in their order. `written` holds those whose changes are on the disk already."""

    def __init__(self, answers: Iterable[Answer] = (), written: Iterable[Answer] = ()) -> None:
        self.answers = list(answers)
        self.written = list(written)

    def undo(self) -> Answer | None:
        """Take the last answer back, and tell which it was; None where there is none that is not written."""
        return self.answers.pop() if self.answers else None

    @property
    def done(self) -> tuple[Done, ...]:
        """What became of all questions that were answered."""
        return tuple(done for answer in (*self.written, *self.answers) for done in answer.done)

    @property
    def left(self) -> frozenset[str]:
        """The marks of the findings that are left alone."""
        return frozenset(mark for answer in (*self.written, *self.answers) for mark in answer.marks)

    @property
    def texts(self) -> dict[str, bytes]:
        """What files hold after all answers, by their absolute paths, as far as they were changed."""
        return {text.place: text.after for answer in self.answers for text in answer.texts}

    def changes(self) -> tuple[Text, ...]:
        """Each file that is another one than before the session."""
        first: dict[str, bytes] = {}
        for answer in self.answers:
            for text in answer.texts:
                first.setdefault(text.place, text.before)
        now = self.texts
        return tuple(Text(place, first[place], now[place]) for place in sorted(now) if now[place] != first[place])

    def together(self) -> list[set[str]]:
        """The files that one answer changed at once, as far as those are several."""
        out: list[set[str]] = []
        for answer in self.answers:
            places = {text.place for text in answer.texts}
            if len(places) > 1:
                apart = [other for other in out if not other & places]
                out = [*apart, places.union(*(other for other in out if other & places))]
        return out

    def write(self) -> None:
        """Count all answers as written: their changes are on the disk."""
        self.written += [answer._replace(texts=()) for answer in self.answers]
        self.answers = []

    def forget(self, read: Callable[[str], bytes | None]) -> tuple[str, ...]:
        """Take back the answers that changed files which are no longer what they were then.

        Args:
            read: tells what a file holds now; None where it cannot be read.

        Returns:
            The files, by their absolute paths, in order.
        """
        stale = {text.place for text in reversed(self.changes()) if read(text.place) != text.before}
        while True:
            gone = [answer for answer in self.answers if any(text.place in stale for text in answer.texts)]
            places = stale | {text.place for answer in gone for text in answer.texts}
            if places == stale:
                break
            stale = places
        self.answers = [answer for answer in self.answers if answer not in gone]
        return tuple(sorted(stale))


# --- as JSON ----------------------------------------------------------------------------------------------------------


def to_json(record: Record) -> dict[str, Any]:
    """A record as plain values; each text is kept once."""
    pool: dict[str, str] = {}
    return {
        "version": VERSION,
        "answers": [_answer(answer, pool) for answer in record.answers],
        "written": [_answer(answer, pool) for answer in record.written],
        "texts": pool,
    }


def _answer(answer: Answer, pool: dict[str, str]) -> dict[str, Any]:
    texts = [[_name(one.place), _kept(one.before, pool), _kept(one.after, pool)] for one in answer.texts]
    done = [[_name(word) if isinstance(word, str) else word for word in one] for one in answer.done]
    return {"done": done, "marks": list(answer.marks), "texts": texts}


def _name(word: str) -> str:
    """A word of any bytes as one that JSON in UTF-8 can hold."""
    return word.encode("utf-8", "surrogateescape").hex()


def _kept(data: bytes, pool: dict[str, str]) -> str:
    digest = hashlib.sha256(data).hexdigest()
    if digest not in pool:
        pool[digest] = base64.b64encode(zlib.compress(data)).decode()
    return digest


def from_json(raw: Any) -> Record:
    """The record that `to_json` told.

    Raises:
        ValueError: for anything else.
    """
    try:
        if raw["version"] != VERSION:
            raise ValueError("it was kept by another version of fixer")
        pool = {digest: _text(digest, packed) for digest, packed in raw["texts"].items()}
        return Record([_read(one, pool) for one in raw["answers"]], [_read(one, pool) for one in raw["written"]])
    except (KeyError, TypeError, AttributeError, RecursionError, zlib.error) as error:
        raise ValueError(f"it is damaged ({error})") from error


def _text(digest: str, packed: str) -> bytes:
    opened = zlib.decompressobj()
    data = opened.decompress(base64.b64decode(packed), MAX_BYTES)
    if not opened.eof or hashlib.sha256(data).hexdigest() != digest:
        raise ValueError("a text in it is damaged")
    return data


def _read(raw: Mapping[str, Any], pool: Mapping[str, bytes]) -> Answer:
    done = []
    for kind, rule, path, line, what, safety in raw["done"]:
        kind, rule, path, what, safety = map(_word, (kind, rule, path, what, safety))
        done.append(Done(Kind(kind), rule, path, int(line), what, safety))
    texts = tuple(Text(_word(place), pool[before], pool[after]) for place, before, after in raw["texts"])
    return Answer(tuple(done), tuple(map(str, raw["marks"])), texts)


def _word(word: str) -> str:
    return bytes.fromhex(word).decode("utf-8", "surrogateescape")
