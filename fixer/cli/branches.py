"""What `check` and `fix` do with commits instead of a work tree: read one, and write a branch."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.cli.runs import Options, configured, report
from fixer.errors import UsageError
from fixer.model import Each
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from fixer.deliver.gitstore import Person

_PERSON = re.compile(r"\s*([^<>\n]*[^<>\s])\s*<\s*([^<>\s]+)\s*>\s*")


class Branching(NamedTuple):
    """How a branch is made: its name, what one commit is for, the base, who signs, and who made it."""

    name: str
    each: Each = Each.UNIT
    base: str = "HEAD"
    sign_off: bool = False
    author: str = ""


def at_revision(paths: list[Path], revision: str, run: Callable[[list[Path]], int]) -> int:
    """Run something on the files of a commit as if they were the work tree; its exit code.

    Raises:
        UsageError: outside of a repository, and for what names no commit or none of its files.
    """
    from fixer import console
    from fixer.deliver.exporting import standing_in
    from fixer.deliver.gitstore import opened
    from fixer.render import text

    with opened(paths[0]) as store, standing_in(store, store.commit(revision).tree, paths) as (there, laid):
        console.show(text.skipped(laid.skipped), sys.stderr)
        return run(there)


def fix_branch(paths: list[Path], options: Options, output: str, branching: Branching, safe_only: bool) -> int:
    """Commit the fixes of a commit's files to a branch, and report; the exit code.

    The work tree is not read, and neither it nor the index nor HEAD is changed.

    Raises:
        UsageError: as `at_revision`, and for a name that no branch can have.
        FixerError: when the branch is a person's.
    """
    from fixer import app, console
    from fixer.deliver.branches import NOBODY, deliver
    from fixer.deliver.exporting import standing_in
    from fixer.deliver.gitstore import opened
    from fixer.engine import Choice
    from fixer.model import Safety

    author = person(branching.author)
    choice = Choice(True, Safety.SAFE if safe_only else Safety.REVIEW)
    with opened(paths[0]) as store:
        store.branch(branching.name)  # a name that cannot be is told before the work
        base = store.commit(branching.base)
        with standing_in(store, base.tree, paths) as (there, laid):
            settings = configured(there, options)
            result, steps = app.steps(there, settings, choice, branching.each)
        result = result._replace(skipped=(*result.skipped, *laid.skipped))
        who = author or store.person() or NOBODY
        delivered = deliver(store, branching.name, base, steps, who, branching.sign_off)
    code = report(result, output, written=True)
    console.show([[(line, "")] for line in _told(delivered.state, branching, len(delivered.commits))], sys.stderr)
    return code


def person(text: str) -> Person | None:
    """Who is meant by `Name <name@example.org>`, None where nobody is named.

    Raises:
        UsageError: for anything else.
    """
    from fixer.deliver.gitstore import Person

    found = _PERSON.fullmatch(text) if text else None
    if text and found is None:
        raise UsageError(f"--author is '{text}'; it takes a name and an address, 'Name <name@example.org>'")
    return Person(found[1], found[2]) if found is not None else None


def _told(state: str, branching: Branching, commits: int) -> list[str]:
    name = branching.name
    if state == "empty":
        return [f"nothing to commit: branch {name} was not made"]
    many = f"{commits} commit{'' if commits == 1 else 's'}"
    if state == "unchanged":
        return [f"branch {name} has these {many} already"]
    return [f"branch {name} {state}: {many} on {branching.base}; see them with: git log -p {branching.base}..{name}"]
