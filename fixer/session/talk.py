"""The conversation: show a finding, wait for a key, do what it says, and keep the answer."""

from __future__ import annotations

import posixpath
import shutil
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Protocol

from fixer import app
from fixer.console import plain
from fixer.errors import FixerError, Unreadable
from fixer.model import FileChange, Result, Skipped
from fixer.render.page import page
from fixer.render.text import Line, many
from fixer.session import screen
from fixer.session.items import Item
from fixer.session.kept import Keeper
from fixer.session.keys import END, TAB
from fixer.session.record import Done, Record
from fixer.session.session import Refused, Session
from fixer.session.ways import Way
from fixer.source import bytes_if_readable

_WIDEST = 100  # longer lines are hard to read
ANSWERS = {
    "y": Session.yes,
    "n": Session.no,
    "a": Session.rest_of_rule,
    "f": Session.rest_of_file,
    "d": Session.leave_file,
}


class Person(Protocol):
    """Who answers: by keys, by a line of words, and with an editor."""

    def key(self, words: str, known: Collection[str]) -> str:
        """One of the known keys, or END."""
        ...

    def line(self, words: str) -> str:
        """Some words, or END."""
        ...


class Talk:
    """One conversation over some files.

    Args:
        session: the findings and the answers.
        person: who answers.
        show: prints lines.
        keeper: keeps the answers.
        edit: gives a text to the person's editor, by the name of its file.
    """

    def __init__(
        self,
        session: Session,
        person: Person,
        show: Callable[[Iterable[Line]], None],
        keeper: Keeper,
        edit: Callable[[str, bytes], bytes],
    ) -> None:
        self.session = session
        self.person = person
        self.show = show
        self.keeper = keeper
        self.edit = edit
        self.written: tuple[FileChange, ...] = ()
        self.failed: tuple[Skipped, ...] = ()

    def run(self) -> None:
        """Ask until all is answered, or the person ends it; write what was accepted, if the person says so."""
        self._greet()
        if self.session.current() is None and not self.session.record.answers:
            self._summary(written=False)
            return
        while True:
            item = self.session.current()
            if item is None:
                self.say("all findings are answered")
            elif self._asked(item):
                continue
            if self._ended():
                return

    def say(self, words: str) -> None:
        """Print a sentence."""
        self.show(screen.sentence(words, _width()))

    def _greet(self) -> None:
        files, total = len(self.session.bench.places), sum(1 for _ in self.session.open())
        skipped = sum(len(seen.skipped) for seen in self.session.seen.values())
        more = f", {skipped} skipped (s tells)" if skipped else ""
        self.say(f"{many(files, 'file')}{more}, {many(total, 'question')}. Nothing is written before the end; ? helps.")

    # --- one finding --------------------------------------------------------------------------------------------------

    def _asked(self, item: Item) -> bool:
        """Show a finding and do what is answered; False where the person wants to end."""
        try:
            way = self.session.way()
        except Refused as refused:
            way = None
            self.say(str(refused))
        self._show(item, way)
        known = self._known(item, way)
        while True:
            key = self.person.key(self._prompt(item), known)
            if key in ("q", END):
                return False
            if key == "?":
                self.show([[(line, "")] for line in screen.HELP.split("\n")])
            elif key == "w":
                self.show([[(line, "")] for line in page(item.rule).splitlines()])
            elif key == "s":
                self._summary(written=False)
            else:
                break
        self._answer(key, item, way)
        return True

    def _prompt(self, item: Item) -> str:
        """What stands before the cursor, so that it can be seen when a long change has scrolled the rest away."""
        number, total = self.session.position()
        head, lead = f"[{number}/{total}] {item.lead.rule} ", item.lead
        room = max(10, shutil.get_terminal_size().columns - len(head) - 8)
        place = plain(f"{lead.path}:{lead.line}")
        return f"{head}{place if len(place) <= room else '...' + place[3 - room :]} > "

    def _known(self, item: Item, way: Way | None) -> list[str]:
        """The keys that make sense for a finding."""
        can = way is not None and (bool(way.tried.texts) or way.asks)
        known = ["y"] if can else []
        known += ["n", "a"] + (["f"] if can and item.repairable else []) + ["d", "i"]
        known += [TAB] if len(self.session.choices()) > 1 else []
        return [*known, "e", "w", *(["u"] if self.session.record.answers else []), "s", "q", "?"]

    def _show(self, item: Item, way: Way | None) -> None:
        width = _width()
        session = self.session
        changes = [session.bench.change(text) for text in way.tried.texts] if way is not None else []
        self.show(screen.finding(item, way, session.position(), changes, width))
        self.show(screen.other_ways(session.choices(), session.chosen(), width))
        self.show(screen.keys(self._known(item, way), item.repairable, width))

    def _answer(self, key: str, item: Item, way: Way | None) -> None:
        """Do what a key says, and keep it; what cannot be done is told, and the finding is asked about again."""
        session = self.session
        try:
            if key == TAB:
                session.next_way()
                return
            if key == "u":
                self._undo()
            elif key == "y" and way is not None and way.asks:
                self._name_user()
            elif key in ANSWERS:
                self._told(ANSWERS[key](session).done)
            elif key == "i":
                self._ignore(item)
            elif key == "e":
                after = self.edit(posixpath.basename(item.lead.path), self._proposed(item, way))
                self._told(session.edited(after).done)
        except Unreadable as error:
            self.say(f"{item.lead.path}: {error.message}")
        except FixerError as error:
            self.say(str(error))
        self.keeper.save(session.record)

    def _name_user(self) -> None:
        words = self.person.line("which user? (uid or uid:gid; nothing: go back) ").strip()
        if words and words != END:
            self.session.name_user(words)

    def _ignore(self, item: Item) -> None:
        words = self.person.line(f"why is {item.lead.rule} ignored here? (nothing: go back) ")
        if words.strip() and words != END:
            self._told(self.session.ignore(words).done)

    def _undo(self) -> None:
        answer = self.session.undo()
        if answer is not None:
            self.say("taken back:")
            self._told(answer.done)

    def _proposed(self, item: Item, way: Way | None) -> bytes:
        """The text of the file as the change that is shown would make it."""
        texts = way.tried.texts if way is not None else ()
        return next((one.after for one in texts if one.place == item.place), self.session.bench.data(item.place))

    def _told(self, done: Iterable[Done]) -> None:
        self.show(screen.answered(done, shutil.get_terminal_size().columns))

    # --- the end ------------------------------------------------------------------------------------------------------

    def _summary(self, *, written: bool) -> None:
        session = self.session
        skipped = [one for seen in session.seen.values() for one in seen.skipped]
        changes = self.written if written else session.changes()
        self.show(screen.summary(session.record.done, session.remaining(), changes, [*skipped, *self.failed], written))

    def _ended(self) -> bool:
        """The end: what was decided, and whether it is written; False where the person goes on."""
        session = self.session
        self._summary(written=False)
        changes = session.changes()
        over = session.current() is None
        if not changes:
            self._leave(over)
            return True
        known = ["y", "n", *(["u"] if over else ["c"])]
        on = "u undo the last one" if over else "c go on"
        self.say(f"Write {many(len(changes), 'file')}? y write, n only keep the answers, {on}")
        key = self.person.key(f"{' '.join(known)} > ", known)
        if key == "u":
            self._undo()
            self.keeper.save(session.record)
        if key in ("u", "c"):
            return False
        if key == "y":
            self._write(changes)
        self._leave(over and key == "y" and not self.failed)
        return True

    def _write(self, changes: tuple[FileChange, ...]) -> None:
        result = app.write_changes(Result(changes=changes))
        self.written, self.failed = result.changes, result.skipped
        if self.failed:
            self.say("some files could not be written; the answers are kept:")
        else:
            self.session.record.write()
        self._summary(written=True)
        if self.written:
            self.say("see them with 'git diff'; 'fixer undo' takes them back, 'fixer verify' tries the images")

    def _leave(self, over: bool) -> None:
        """Keep the answers, or nothing once all is answered and written."""
        if over:
            self.keeper.remove()
            return
        self.keeper.save(self.session.record)
        if self.session.record.done:
            first = "commit what was written, then " if self.written else ""
            self.say(f"the answers are kept: {first}'fixer fix -i' goes on from here")


def taken_up(keeper: Keeper, person: Person, show: Callable[[Iterable[Line]], None]) -> Record | None:
    """The record to begin with: that of the last session if the person wants it; None where the person wants to end.

    Raises:
        FixerError: when what was kept cannot be read.
    """
    record = keeper.load()
    if record is None or not record.done:
        return Record()
    stale = record.forget(_on_disk)
    pending = len(record.changes())
    words = f"A session was left here: {many(len(record.done), 'answer')}, {many(pending, 'file')} to write."
    show(screen.sentence(words, _width()))
    show([[(f"  {place}: changed since; what was answered about it is asked again", "")] for place in stale])
    show(screen.sentence("y go on from there, n begin anew and forget the answers, q end", _width()))
    key = person.key("y n q > ", ("y", "n", "q"))
    if key == "n":
        keeper.remove()
        return Record()
    return record if key == "y" else None


def _on_disk(place: str) -> bytes | None:
    path = Path(place)
    return bytes_if_readable(path.parent, path.name)


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _WIDEST)
