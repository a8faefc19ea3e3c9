"""What a session shows, as styled lines: no meaning lies in a colour alone, and all fits 80 columns."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from fixer.model import FileChange, Safety, Skipped
from fixer.render import text
from fixer.render.diff import diff
from fixer.render.text import Line
from fixer.rules import name_of
from fixer.session.items import Item
from fixer.session.record import Done, Kind
from fixer.session.ways import Way

_SIGNS = {"+": "green", "-": "red", "@": "cyan"}
_MOST_WAYS = 6
_MOST_LEFT = 12

HELP = """\
 y    yes: take the change that is shown
 n    no: leave this finding as it is
 a    all: yes to this and the rest of this rule, in all files; where nothing
      can be changed, no to all of those
 f    file: yes to this and the rest of this file
 d    leave this and the rest of this file as it is
 i    ignore: write a comment with your reason, so that nobody asks again
 Tab  the next way: another user, another base image, a moved port
 e    edit: open the file in $VISUAL or $EDITOR, as the change would make it
 w    why: the page of the rule
 u    undo the last answer, as often as you like
 s    summary: what was decided, and what is open
 q    end: you are asked whether to write
 ?    these lines

Nothing is written before the end. Each answer is kept: a session that is
killed leaves every file as it was, and is taken up where it stopped.
After the end, 'fixer undo' gives the files their bytes back."""

SHORT = {
    "y": "yes",
    "n": "no",
    "a": "all of rule",
    "f": "rest of file",
    "d": "leave file",
    "i": "ignore",
    "Tab": "next way",
    "e": "edit",
    "w": "why",
    "u": "undo",
    "s": "summary",
    "q": "end",
    "?": "help",
}


def finding(
    item: Item, way: Way | None, place: tuple[int, int], changes: Sequence[FileChange], width: int
) -> list[Line]:
    """One finding with its place, hunk, reason, evidence and risk.

    Args:
        item: the finding, with those that stand or fall with it.
        way: the way that is shown.
        place: its number, and how many there are.
        changes: what the way makes of the files.
        width: the columns of the terminal.
    """
    lead = item.lead
    rule = f"{lead.rule} {name_of(lead.rule)}"
    can = way is not None and way.left is None and not way.asks
    safety = way.safety.word if way is not None and can else "left for a person"
    out: list[Line] = [
        [("", "")],
        [(f"[{place[0]}/{place[1]}] ", "bold"), (rule, "bold"), (f"  {lead.severity.word}, {safety}", "")],
        [(f"{lead.path}:{lead.line}:{lead.column}", "bold")],
    ]
    out += [*_wrapped(lead.message, "  ", width), [("", "")]]
    for change in changes:
        out += _hunks(change, len(changes) > 1 or change.path != lead.path)
    if changes:
        out.append([("", "")])
    if lead.reason:
        out += _row("why", lead.reason, width)
    if lead.refusal is not None and (way is None or lead.refusal.code != "manual"):  # what to do, the way tells
        out += _row("left", f"[{lead.refusal.code}] {lead.refusal.message}", width)
    if way is not None:
        out += _about(way, width)
    return [*out, *_with(way.then or item if way is not None else item, width)]


def _about(way: Way, width: int) -> Iterator[Line]:
    by_hand = way.safety is Safety.MANUAL
    yield from _row("hand" if by_hand else "fix", way.title, width)
    if way.asks:
        yield from _row("do", "y asks for the numbers, and shows what they change", width)
    elif way.left is not None:
        yield from _row("left", f"[{way.left.code}] {way.left.message}", width)
    elif by_hand:
        yield from _row("do", way.by_hand, width) if way.by_hand != way.title else ()
    elif way.risk:
        yield from _row("risk", way.risk, width)
    else:
        yield from _row("risk", "none known: the evidence covers it", width)


def _with(item: Item, width: int) -> Iterator[Line]:
    """What the same change repairs beside the finding, a rule once."""
    rules: dict[str, list[str]] = {}
    for other in item.findings[1:]:
        rules.setdefault(other.rule, []).append(str(other.line))
    each = [f"{rule} {name_of(rule)} (line {', '.join(lines)})" for rule, lines in rules.items()]
    if each:
        yield from _row("with", "; ".join(each), width)


def other_ways(choices: Sequence[str], chosen: int, width: int) -> Iterator[Line]:
    """The ways that Tab leads to, with the one that is shown marked."""
    if len(choices) < 2:
        return
    for n, words in enumerate(choices[:_MOST_WAYS]):
        mark = "*" if n == chosen else " "
        short = textwrap.shorten(words, max(20, width - 12), placeholder=" ...")
        yield [(f"  {'Tab' if n == 0 else '   '}  {mark} {n + 1} ", ""), (short, "bold" if n == chosen else "")]
    if len(choices) > _MOST_WAYS:
        yield [(f"         {len(choices) - _MOST_WAYS} more", "")]


def _hunks(change: FileChange, named: bool) -> Iterator[Line]:
    lines = diff(change).decode("utf-8", "surrogateescape").split("\n")[:-1]
    for line in lines if named else lines[2:]:
        shown = line.removesuffix("\r")
        style = "bold" if line.startswith(("--- ", "+++ ")) else _SIGNS.get(shown[:1], "")
        yield [(f"  {shown[:1]}{shown[1:].expandtabs()}", style)]


def _row(label: str, words: str, width: int) -> Iterator[Line]:
    lines = _lines(words, width - 8)
    for n, line in enumerate(lines):
        yield [(f"  {label:<6}" if n == 0 else "        ", "dim" if n == 0 else ""), (line, "")]


def sentence(words: str, width: int) -> Iterator[Line]:
    """A sentence in lines of a width."""
    yield from _wrapped(words, "", width)


def _wrapped(words: str, indent: str, width: int) -> Iterator[Line]:
    for line in _lines(words, width - len(indent)):
        yield [(f"{indent}{line}", "")]


def _lines(words: str, width: int) -> list[str]:
    """A text in lines of a width; one of several lines is a command, and stays as it is."""
    if "\n" in words:
        return words.split("\n")
    return textwrap.wrap(words, max(20, width - 1), break_on_hyphens=False) or [""]


def keys(known: Iterable[str], repairable: bool, width: int) -> Iterator[Line]:
    """The keys that make sense now, in as many lines as they need."""
    said = SHORT if repairable else {**SHORT, "a": "leave all of rule"}
    words = "  ".join(f"{key}\xa0{said[key].replace(' ', chr(0xA0))}" for key in known)
    for line in textwrap.wrap(words, max(20, width - 1), break_long_words=False):
        yield [(line.replace("\xa0", " "), "dim")]


def answered(done: Iterable[Done], width: int) -> Iterator[Line]:
    """What an answer did, a line each."""
    for one in done:
        safety = f" ({one.safety})" if one.safety else ""
        words = f"{one.kind.value:<8}{one.rule} {one.path}:{one.line}{safety}"
        yield [(words if len(words) < width else f"{words[: width - 4]}...", "")]


def summary(
    done: Sequence[Done],
    remaining: tuple[Sequence[Item], Sequence[Item]],
    changes: Sequence[FileChange],
    skipped: Sequence[Skipped],
    written: bool,
) -> Iterator[Line]:
    """What was done, and what remains.

    Args:
        done: what became of the questions.
        remaining: the findings that were left, and those that were not answered.
        changes: the files that are changed.
        skipped: the files that were not judged.
        written: whether the changes are on the disk.
    """
    kinds = Counter(one.kind for one in done)
    safe = Counter(one.safety for one in done if one.kind is Kind.FIXED)
    sorts = ", ".join(f"{n} {word}" for word, n in sorted(safe.items()) if word)
    yield [("", "")]
    yield [("Summary", "bold")]
    yield [(f"  {kinds[Kind.FIXED]:>4} fixed{f' ({sorts})' if sorts else ''}", "")]
    yield [(f"  {kinds[Kind.IGNORED]:>4} ignored with a comment, {kinds[Kind.EDITED]} edited by hand", "")]
    yield [(f"  {kinds[Kind.LEFT]:>4} left as you said", "")]
    yield [(f"  {len(remaining[1]):>4} not answered", "")]
    many = f"{len(changes) or 'no'} file{'' if len(changes) == 1 else 's'}"
    yield [(f"{many} {'written' if written else 'changed, and not written yet' if changes else 'changed'}", "bold")]
    for change in changes:
        yield [(f"    {change.path}", "")]
    yield from _still([*remaining[0], *remaining[1]])
    yield from text.skipped(skipped)


def _still(items: Sequence[Item]) -> Iterator[Line]:
    """The findings that still stand, by their rule, the most first."""
    rows = Counter((one.rule, one.severity.word) for item in items for one in item.findings)
    if not rows:
        yield [("nothing is left that was found", "green")]
        return
    yield [(f"{sum(rows.values())} still there:", "bold")]
    ordered = sorted(rows.items(), key=lambda row: (-row[1], row[0]))
    for (rule, severity), number in ordered[:_MOST_LEFT]:
        yield [(f"  {number:>4} {rule} {name_of(rule)} ({severity})", "")]
    if len(ordered) > _MOST_LEFT:
        yield [(f"       and {len(ordered) - _MOST_LEFT} more rules", "")]
