"""One run of `fixer verify`: plan, try, judge, repair, and keep what was seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.config import Config
from fixer.errors import UsageError
from fixer.evidence import Left, Report
from fixer.tuples import NamedTuple
from fixer.verify.jobs import Planned

if TYPE_CHECKING:
    from fixer.evidence import Trial
    from fixer.verify.engine import Bench, Options
    from fixer.verify.repair import Lessons, Tried

Plan = Callable[[Config], list[Planned]]
Say = Callable[[str], None]
Write = Callable[[Path, bytes], None]


class Wishes(NamedTuple):
    """What somebody wants of a run.

    `target` chooses one image by its name or Dockerfile, "" for all. `repair` is the configuration file to which goes
    what was learnt, None for no repair. `keep` is the file of proofs, None for none, `date` the day to write into it.
    """

    engine: str = "auto"
    target: str = ""
    options: Options | None = None
    repair: Path | None = None
    keep: Path | None = None
    date: str = ""


def verify(plan: Plan, config: Config, wishes: Wishes, say: Say, write: Write) -> Report:
    """Try all images that a plan gives, and judge.

    Args:
        plan: the images under a configuration.
        config: the configuration.
        wishes: what is wanted.
        say: told what is done.
        write: writes a file whole or not at all.

    Raises:
        UsageError: when there is no engine, nobody is called as the target says, or something cannot be written.
    """
    chosen = _chosen(plan(config), wishes.target)
    if not any(not one.job.refused for one in chosen):
        return Report(left=_left(chosen))
    from fixer.verify.engine import open_bench

    bench = open_bench(wishes.engine, say)
    try:
        return _run(plan, config, wishes, bench, write)
    finally:
        bench.close()


def _run(plan: Plan, config: Config, wishes: Wishes, bench: Bench, write: Write) -> Report:
    from fixer.verify.engine import Options
    from fixer.verify.repair import Lessons, Trials, repair, told

    options = wishes.options or Options()

    def attempt(planned: Planned) -> Trial:
        return bench.try_out(planned.job, planned.root, options)

    def tried_of(settings: Config) -> list[Planned]:
        return [one for one in _chosen(plan(settings), wishes.target) if not one.job.refused]

    trials, lessons, notes = Trials(attempt), Lessons(), list[str]()
    tried = trials.of(tried_of(config))
    if wishes.repair is not None:
        tried, lessons, notes = repair(tried_of, config, trials, tried)
    every = plan(lessons.lay_over(config))
    notes += _keep(tried, every, wishes, write)
    learnt = told(lessons)
    if learnt and wishes.repair is not None:
        _write_lessons(wishes.repair, lessons, write)
    verdicts = tuple(one.verdict for one in tried)
    left = _left(_chosen(every, wishes.target))
    return Report(verdicts, left, learnt, str(wishes.repair) if learnt else "", tuple(notes))


def _chosen(every: list[Planned], target: str) -> list[Planned]:
    if not target:
        return every
    found = [one for one in every if one.is_called(target)]
    if every and not found:
        names = ", ".join(sorted({one.job.image for one in every}))
        raise UsageError(f"--target {target}: no image of a fix is called so; there are {names}")
    return found


def _left(some: list[Planned]) -> tuple[Left, ...]:
    return tuple(Left(one.job.image, one.job.dockerfile, one.job.refused) for one in some if one.job.refused)


def _write_lessons(file: Path, lessons: Lessons, write: Write) -> None:
    from fixer.verify.repair import read, written

    try:
        text = written(read(file), lessons, project=file.name == "pyproject.toml")
        write(file, text.encode())
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be written ({error.strerror}); check its permissions") from error


def _keep(tried: list[Tried], every: list[Planned], wishes: Wishes, write: Write) -> list[str]:
    """Keep the proofs of what holds, and give sentences on what was not kept."""
    if wishes.keep is None:
        return []
    from fixer.proofs import load, text
    from fixer.verify.proofs import merged, proofs_of

    looked = [one.planned for one in tried]
    others = [one for one in every if not any(one is other or one.job == other.job for other in looked)]
    folder = wishes.keep.parent
    new, notes = proofs_of([(one.planned, one.verdict) for one in tried], others, folder, wishes.date)
    old = load(wishes.keep) if os.path.lexists(wishes.keep) else ()
    data = text(merged(old, new, looked, folder)).encode()
    try:
        if not wishes.keep.exists() or wishes.keep.read_bytes() != data:
            write(wishes.keep, data)
    except OSError as error:
        raise UsageError(f"{wishes.keep}: cannot be written ({error.strerror}); check its permissions") from error
    return notes
