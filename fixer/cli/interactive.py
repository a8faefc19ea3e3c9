"""What `fixer fix -i` does once its words are parsed."""

from __future__ import annotations

import sys
from pathlib import Path

from fixer.cli.runs import Options, inspected, must_be_clean
from fixer.errors import UsageError
from fixer.model import Result, Safety


def fix_interactive(paths: list[Path], options: Options, safe_only: bool, annotate: bool, allow_dirty: bool) -> int:
    """Ask about one finding after the other; the exit code, as that of `fix`.

    Raises:
        UsageError: without a terminal, and as `fix`.
        FixerError: when the answers cannot be kept.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("fix -i asks questions; run it at a terminal, or leave out -i to get the diff")
    from fixer import console
    from fixer.engine import Choice
    from fixer.render import text
    from fixer.render.summary import Tally
    from fixer.session.bench import Bench
    from fixer.session.editor import edit
    from fixer.session.kept import Keeper
    from fixer.session.keys import Keyboard
    from fixer.session.session import Session
    from fixer.session.talk import Talk, taken_up

    if not allow_dirty:
        must_be_clean(paths)
    settings, unread = inspected(paths, options)
    console.show(text.skipped(unread))
    keeper, person = Keeper(paths), Keyboard()
    record = taken_up(keeper, person, console.show)
    if record is None:
        return 1
    choice = Choice(True, Safety.SAFE if safe_only else Safety.REVIEW, annotate)
    with console.progress("looking") as tick:
        session = Session(Bench(paths, settings, choice), record, tick)
    talk = Talk(session, person, console.show, keeper, edit)
    talk.run()
    left = [item for items in session.remaining() for item in items]
    skipped = tuple(one for seen in session.seen.values() for one in seen.skipped)
    files = sum(seen.judged for seen in session.seen.values())
    findings = tuple(finding for item in left for finding in item.findings)
    code = Tally(Result(findings, (*skipped, *unread, *talk.failed), (), files)).exit_code()
    return max(code, 1) if session.changes() and code == 0 else code
