"""What the commands do once their words are parsed: ask the application, print, tell the exit code.

Nothing here imports typer, so that a hook which checks one file does not pay for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from fixer import config as configuration
from fixer.config import Config
from fixer.errors import UsageError, near
from fixer.model import Goal, LowPorts, Origin, Result, Skipped
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from fixer.render.summary import Tally

_NEXT = "  'fixer verify' tells whether it holds, and 'fixer undo' takes it back"


class Options(NamedTuple):
    """The options that check and fix share."""

    goal: Goal | None = None
    select: str = ""
    ignore: str = ""
    config: Path | None = None
    no_config: bool = False
    no_ignores: bool = False
    pod_security_version: str | None = None
    ports: LowPorts | None = None
    inspect: Origin | None = None
    refresh: bool = False
    output_file: tuple[str, ...] = ()
    baseline: Path | None = None
    write_baseline: Path | None = None


def is_special(options: Options, output: str) -> bool:
    """Whether something is wanted that a run file by file cannot tell."""
    return bool(output not in ("text", "json") or options.output_file or options.baseline or options.write_baseline)


def check(paths: list[Path], options: Options, output: str = "text") -> int:
    """Check and report; the exit code.

    Raises:
        UsageError: for contradicting options, unknown rules, missing paths and configuration that cannot be meant.
    """
    from fixer import app, console
    from fixer.engine import Choice
    from fixer.render.summary import Tally

    if is_special(options, output):
        from fixer.cli import reports

        return reports.check(paths, options, output)
    settings, unread = inspected(paths, options)
    tally = Tally()
    each: Iterable[Result] = app.results(paths, settings)
    if console.watched():
        with console.progress("checking") as tick:
            each = [app.collect(app.ticked(app.outcomes(paths, settings, Choice()), tick))]
    if unread:
        each = chain(each, [Result(skipped=unread)])
    if output == "json":
        from fixer.render.json import pieces

        for piece in pieces(each, tally):
            console.text(piece)
        return tally.exit_code()
    from fixer.render import text

    for result in each:
        tally.add(result)
        console.show(text.findings(result))
    console.show(text.skipped(tally.skipped))
    console.show(text.closing(tally, fixing=False))
    return tally.exit_code()


def fix(
    paths: list[Path],
    options: Options,
    output: str = "text",
    *,
    write: bool = False,
    safe_only: bool = False,
    annotate: bool = False,
    allow_dirty: bool = False,
) -> int:
    """Fix, print the diff or write the files, and report; the exit code.

    Raises:
        UsageError: as `check`, and where files would be written over what is not committed.
    """
    from fixer import app, console
    from fixer.engine import Choice
    from fixer.model import Safety

    choice = Choice(True, Safety.SAFE if safe_only else Safety.REVIEW, annotate)
    if write and not allow_dirty:
        must_be_clean(paths)
    if is_special(options, output):
        from fixer.cli import reports

        return reports.fix(paths, options, output, choice, write)
    settings, unread = inspected(paths, options)
    with console.progress("fixing") as tick:
        result = app.collect(app.ticked(app.outcomes(paths, settings, choice), tick))
    result = result._replace(skipped=(*result.skipped, *unread))
    if write:
        result = app.write_changes(result)
    code = report(result, output, written=write)
    if write and result.changes and output == "text":
        console.show([[(_NEXT, "")]], sys.stderr)
    return code


def must_be_clean(paths: list[Path]) -> None:
    """Refuse to mix changes with those of a person that are not committed."""
    from fixer.deliver.journal import top_of

    for top in dict.fromkeys(top_of(path if os.path.isdir(path) else path.parent) for path in paths):
        if not os.path.exists(top / ".git"):
            continue
        from fixer.deliver.gitstore import NoRepository, opened

        try:
            with opened(top) as store:
                found = store.modified()
        except NoRepository:
            continue
        except UsageError as error:
            raise UsageError(f"{error}; with --allow-dirty files are written without asking git") from error
        if found:
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            what = f"{top}: {found[0]}{more} changed and not committed"
            raise UsageError(f"{what}; commit or stash that first, or give --allow-dirty")


def report(result: Result, output: str, *, written: bool) -> int:
    """Print what a fix did, or would do; the exit code."""
    from fixer.render.summary import Tally

    tally = Tally(result)
    if output == "json":
        from fixer import console
        from fixer.render.json import to_json

        console.text(to_json(result))
    else:
        show(result, tally, fixing=True, written=written)
    return tally.exit_code()


def show(result: Result, tally: Tally, *, fixing: bool, written: bool) -> None:
    """Print a result for people: the diff of a fix that is not written, the findings, what was not judged, the counts.

    What a fix tells beside its diff goes to standard error.
    """
    from fixer import console
    from fixer.render import text
    from fixer.render.diff import diff

    out = sys.stderr if fixing else sys.stdout
    for change in result.changes if fixing and not written else ():
        console.raw(diff(change))
    console.show(text.findings(result, fixing=fixing, written=written), out)
    console.show(text.skipped(result.skipped), out)
    console.show(text.closing(tally, fixing=fixing, written=written), out)


def configured(paths: list[Path], options: Options) -> Config:
    """The configuration of a run: the file, and the options over it.

    Raises:
        UsageError: for contradicting options, unknown rules, and configuration that cannot be meant.
    """
    file = config_file(paths, options)
    config = configuration.load(file) if file is not None else Config()
    config = config.with_options(
        goal=options.goal,
        select=_rules(options.select) or None,
        ignore=config.ignore | _rules(options.ignore),
        honour_ignores=False if options.no_ignores else None,
        pod_security_version=_version(options.pod_security_version),
        ports=options.ports,
    )
    known(config.select | config.ignore)
    if not paths:
        return config
    return configuration.with_kept(config, paths[0], file)


def inspected(paths: list[Path], options: Options) -> tuple[Config, tuple[Skipped, ...]]:
    """The configuration of a run with what images say about themselves, and the images that could not be read."""
    if options.refresh and options.inspect is None:
        raise UsageError("--refresh says which images to read again; say where from with --inspect engine or registry")
    config = configured(paths, options)
    if options.inspect is None:
        return config, ()
    from fixer import app

    lock = configuration.lock_for(paths[0], config_file(paths, options))
    return app.inspect(paths, config, lock, options.inspect, refresh=options.refresh)


def config_file(paths: list[Path], options: Options) -> Path | None:
    """The configuration file of a run, None for none.

    Raises:
        UsageError: for contradicting options.
    """
    file = options.config
    if file is not None and options.no_config:
        raise UsageError("--config and --no-config contradict each other; give one of them")
    if file is None and not options.no_config and paths:
        file = configuration.find(paths[0])
    return file


def _version(text: str | None) -> str | None:
    if text is not None:
        from fixer.pod_security import parse_version

        try:
            parse_version(text)
        except ValueError as error:
            raise UsageError(f"--pod-security-version: {error}") from None
    return text


def _rules(words: str) -> frozenset[str]:
    return configuration.named_rules(word.strip() for word in words.split(",") if word.strip())


def known(words: frozenset[str]) -> None:
    """Refuse a word that is no rule.

    Raises:
        UsageError: with the closest name.
    """
    if not words:
        return
    from fixer.rules import all_rules, find

    for word in sorted(words):
        if find(word) is None:
            names = [n for rule in all_rules() for n in (rule.CARD.name, rule.CARD.id)]
            raise UsageError(f"unknown rule '{word}'{near(word, names)}; 'fixer rules' lists them")
