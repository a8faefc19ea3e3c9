"""The session itself: which finding is next, what an answer does, and how it is taken back. It knows no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from fixer.config import is_user
from fixer.edits.ignoring import with_ignore
from fixer.errors import FixerError, Unreadable
from fixer.model import FileChange, Safety
from fixer.rules import name_of
from fixer.session.bench import Bench, Seen
from fixer.session.items import Item
from fixer.session.record import Answer, Done, Kind, Record, Text
from fixer.session.ways import Maker, Way, named, ways


class Refused(FixerError):
    """An answer that cannot be carried out, with the reason; nothing was changed."""


class Session:
    """One person's way through the findings of some files.

    Every answer is kept in `record`; after each of them the files are looked at afresh, the one that is open at once,
    the others when they are reached.
    """

    def __init__(self, bench: Bench, record: Record, tick: Callable[[], None] = lambda: None) -> None:
        self.bench = bench
        self.record = record
        self._way = 0
        self._ways: tuple[Item, list[tuple[str, Maker]]] | None = None
        self._made: dict[int, Way] = {}
        self._left = record.left
        bench.hold(record.texts)
        self.seen: dict[str, Seen] = bench.look(bench.places, tick)
        self._stale: set[str] = set()

    # --- what is next -------------------------------------------------------------------------------------------------

    def current(self) -> Item | None:
        """The finding that is asked about now; None when all are answered."""
        for place in self.bench.places:
            if self._open(place) and place in self._stale:
                self._look([place])
            found = self._open(place)
            if found:
                return found[0]
        if self._stale:
            self._look(sorted(self._stale))
            return self.current()
        return None

    def position(self) -> tuple[int, int]:
        """The number of the finding that is asked about, and how many there are, as far as is known."""
        answered = len(self.record.done)
        return answered + 1, answered + sum(1 for _ in self.open())

    def open(self) -> Iterator[Item]:
        """The findings that are not answered, as far as is known."""
        for place in self.bench.places:
            yield from self._open(place)

    def _open(self, place: str) -> list[Item]:
        return [item for item in self.seen[place].items if not self._left.issuperset(item.marks)]

    def _look(self, places: list[str]) -> None:
        self.seen |= self.bench.look(places)
        self._stale -= set(places)

    def _changed(self, answer: Answer) -> None:
        """After an answer, or one that was taken back: where it changed a file, what was seen counts no more."""
        self._way, self._ways, self._made = 0, None, {}
        self._left = self.record.left
        if answer.texts:
            self.bench.hold(self.record.texts)
            self._stale = set(self.bench.places)
            self._look(sorted({text.place for text in answer.texts} & self._stale))

    # --- the ways out of it -------------------------------------------------------------------------------------------

    def choices(self) -> list[str]:
        """The ways out of the current finding, in words."""
        return [words for words, _ in self._makers()]

    def chosen(self) -> int:
        """The number of the way that is shown."""
        return self._way

    def way(self) -> Way | None:
        """The way that is shown, with what it makes of the files; None where there is none."""
        makers = self._makers()
        if not makers:
            return None
        try:
            if self._way not in self._made:
                self._made[self._way] = makers[self._way][1]()
            return self._made[self._way]
        except Unreadable as error:
            raise Refused(f"{self._item().lead.path}: {error.message}") from error

    def next_way(self) -> None:
        """Show the next way, behind the last one the first."""
        self._way = (self._way + 1) % max(1, len(self._makers()))

    def name_user(self, user: str) -> None:
        """Show the way with a user of these numbers, `uid` or `uid:gid`.

        Raises:
            Refused: for what is no such number.
        """
        if not is_user(user):
            raise Refused(f"'{user}' is no user; it takes numbers other than 0, for example 1000:1000")
        makers = self._makers()
        makers.append(named(self.bench, self._item(), user))
        self._way = len(makers) - 1

    def _makers(self) -> list[tuple[str, Maker]]:
        item = self.current()
        if item is None:
            return []
        if self._ways is None or self._ways[0] is not item:
            self._ways, self._made = (item, ways(self.bench, item)), {}
        return self._ways[1]

    # --- answers ------------------------------------------------------------------------------------------------------

    def yes(self) -> Answer:
        """Take the way that is shown.

        Raises:
            Refused: where it changes nothing.
        """
        return self._add(self._yes())

    def no(self) -> Answer:
        """Leave the finding."""
        return self._add(_left([self._item()]))

    def leave_file(self) -> Answer:
        """Leave all that is open of the file."""
        return self._add(_left(self._open(self._item().place)))

    def rest_of_rule(self) -> Answer:
        """Fix the finding and all others of its rule that can be fixed; where it cannot be, leave all of those."""
        item = self._item()
        rule = item.lead.rule
        if not item.repairable:
            return self._add(_left([one for one in self.open() if one.lead.rule == rule and not one.repairable]))
        return self._all(lambda one: one.lead.rule == rule)

    def rest_of_file(self) -> Answer:
        """Fix the finding and all others of its file that can be fixed."""
        place = self._item().place
        return self._all(lambda one: one.place == place)

    def ignore(self, reason: str) -> Answer:
        """Write a comment that silences the rule of the finding, with the reason.

        Raises:
            Refused: for want of a reason, and where no comment can stand.
        """
        item = self._item()
        lead = item.lead
        if not reason.strip():
            raise Refused("an ignore needs its reason, for whoever reads the file; nothing was changed")
        try:
            before = self.bench.source(item.place)
            after = with_ignore(before, lead, reason).data
        except Unreadable as error:
            raise Refused(f"{lead.path}: {error.message}") from error
        self.bench.hold({**self.record.texts, item.place: after})
        still = self.bench.look([item.place])[item.place]
        self.bench.hold(self.record.texts)
        before_it = self.seen[item.place]
        if len(still.skipped) > len(before_it.skipped) or _often(still, item) >= _often(before_it, item):
            raise Refused(f"{lead.path}: a comment here does not silence {lead.rule}; nothing was changed")
        return self._add(Answer((_done(Kind.IGNORED, item),), (), (Text(item.place, before.data, after),)))

    def edited(self, after: bytes) -> Answer:
        """Take the text that a person gave to the file.

        Raises:
            Refused: where it is the text that the file has.
        """
        item = self._item()
        before = self.bench.data(item.place)
        if after == before:
            raise Refused("the text is what it was; nothing was changed")
        return self._add(Answer((_done(Kind.EDITED, item),), (), (Text(item.place, before, after),)))

    def undo(self) -> Answer | None:
        """Take the last answer back, and tell which it was; None where there is none."""
        answer = self.record.undo()
        if answer is not None:
            self._changed(answer)
        return answer

    def _all(self, wanted: Callable[[Item], bool]) -> Answer:
        """Fix all that is wanted, as one answer that is taken back at once."""
        kept = len(self.record.answers)
        self._add(self._yes())
        tried: set[tuple[str, ...]] = set()
        while True:
            item = self._first(lambda one: wanted(one) and one.repairable and one.marks not in tried)
            if item is None:
                break
            tried.add(item.marks)
            found = self.bench.fixed(item)
            if found.texts:
                self._add(Answer((_done(Kind.FIXED, item),), (), found.texts))
        answers = self.record.answers[kept:]
        whole = Answer(
            tuple(done for one in answers for done in one.done),
            (),
            tuple(text for one in answers for text in one.texts),
        )
        self.record.answers[kept:] = [whole]
        return whole

    def _first(self, wanted: Callable[[Item], bool]) -> Item | None:
        """The first open finding that is wanted, in files as they are now."""
        for place in self.bench.places:
            if any(map(wanted, self._open(place))):
                if place in self._stale:
                    self._look([place])
                for item in self._open(place):
                    if wanted(item):
                        return item
        return None

    def _yes(self) -> Answer:
        item, way = self._item(), self.way()
        if way is None or (not way.tried.texts and way.left is None):
            raise Refused("there is nothing that could be accepted here; n leaves it, e edits the file, i ignores it")
        if way.left is not None:
            raise Refused(f"this cannot be done here: {way.left.message}")
        done = _done(Kind.FIXED, item)._replace(safety=way.safety.word)
        return Answer((done,), (), way.tried.texts)

    def _add(self, answer: Answer) -> Answer:
        self.record.answers.append(answer)
        self._changed(answer)
        return answer

    def _item(self) -> Item:
        item = self.current()
        if item is None:
            raise Refused("all findings are answered")
        return item

    # --- what comes of it ---------------------------------------------------------------------------------------------

    def changes(self) -> tuple[FileChange, ...]:
        """The files that are to be written, with those together that one answer changed."""
        together = self.record.together()
        out = []
        for text in self.record.changes():
            unit = next((f"session-{n}" for n, places in enumerate(together) if text.place in places), "")
            out.append(self.bench.change(text)._replace(unit=unit))
        return tuple(out)

    def remaining(self) -> tuple[list[Item], list[Item]]:
        """What still stands in the files as they are now: what was left, and what was not answered."""
        self._look(sorted(self._stale))
        every = [item for place in self.bench.places for item in self.seen[place].items]
        return (
            [item for item in every if self._left.issuperset(item.marks)],
            [item for item in every if not self._left.issuperset(item.marks)],
        )


def _often(seen: Seen, item: Item) -> int:
    """How many findings of a file say the same."""
    said = (item.lead.rule, item.lead.message)
    return sum((one.rule, one.message) == said for other in seen.items for one in other.findings)


def _left(items: Iterable[Item]) -> Answer:
    items = list(items)
    marks = tuple(mark for item in items for mark in item.marks)
    return Answer(tuple(_done(Kind.LEFT, item) for item in items), marks)


def _done(kind: Kind, item: Item) -> Done:
    lead = item.lead
    safety = item.safety.word if kind is Kind.FIXED and item.safety is not Safety.MANUAL else ""
    return Done(kind, f"{lead.rule} {name_of(lead.rule)}", lead.path, lead.line, lead.message, safety)
