"""What `plan`, `publish` and `pr` do once their words are parsed: compute, look, publish, and tell how it ended."""

from __future__ import annotations

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from fixer.cli.runs import Options, configured
from fixer.errors import FixerError, UsageError
from fixer.model import Mode, Skipped
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from fixer.deliver.fleet import Bounds
    from fixer.deliver.gitstore import GitStore
    from fixer.deliver.ledger import Ended
    from fixer.deliver.plans import Plan
    from fixer.deliver.publish import Place, Terms
    from fixer.forge.base import Forge
    from fixer.forge.find import Target


class Job(NamedTuple):
    """One repository to compute: its name or address, the kind of its forge, the base branch, and how."""

    repository: str
    kind: str = ""
    base: str = ""
    options: Options = Options()
    safe_only: bool = False


def compute(job: Job) -> Plan:
    """The plan of one repository: a folder is read from its own objects, anything else is copied without a checkout.

    Raises:
        FixerError: when it cannot be read.
    """
    from fixer.deliver import gitremote
    from fixer.deliver.gitstore import opened

    if _is_folder(job):
        with opened(Path(job.repository)) as store:
            base = job.base or gitremote.current_branch(Path(job.repository))
            return _planned(job, store, base, _tip(store, base))
    with tempfile.TemporaryDirectory(prefix="fixer-plan-", ignore_cleanup_errors=True) as folder:
        from fixer.forge.find import connect

        where = _target(job)
        remote = place_of(where, connect(where, anonymous=True)).remote
        base = job.base or gitremote.default_branch(remote)
        tip = gitremote.clone(remote, Path(folder), base)
        with opened(Path(folder)) as store:
            return _planned(job, store, base, tip)


def _tip(store: GitStore, base: str) -> str:
    """The newest commit of a branch in a folder; CI has only what was fetched."""
    try:
        return store.commit(f"refs/heads/{base}").oid
    except UsageError:
        return store.commit(f"refs/remotes/origin/{base}").oid


def _is_folder(job: Job) -> bool:
    return job.kind != "memory" and os.path.isdir(job.repository)


def _planned(job: Job, store: GitStore, base: str, tip: str) -> Plan:
    from fixer import app
    from fixer.deliver.exporting import exported
    from fixer.deliver.plans import Plan
    from fixer.engine import Choice
    from fixer.model import Safety
    from fixer.render.request import OFF

    with exported(store, store.commit(tip).tree) as found:
        off = os.path.lexists(found.folder / OFF)
        if off:
            return Plan(job.repository, base, tip, off=True)
        settings = configured([found.folder], job.options)
        choice = Choice(True, Safety.SAFE if job.safe_only else Safety.REVIEW)
        units, left, skipped = app.requests([found.folder], settings, choice)
        told = tuple(_sentence(one) for one in (*skipped, *found.skipped))
        return Plan(job.repository, base, tip, units, left, told)


def _sentence(skipped: Skipped) -> str:
    return f"{skipped.path}: {skipped.message}"


def _target(job: Job) -> Target:
    """Where a job's repository lives; a folder says so itself.

    Raises:
        FixerError: when it means nothing.
    """
    from fixer.forge.find import target

    if _is_folder(job):
        from fixer.deliver.gitremote import origin_of

        return target(origin_of(Path(job.repository)), job.kind)
    return target(job.repository, job.kind)


def place_of(where: Target, forge: Forge) -> Place:
    """Where a repository is published; a forge that names another host for it is not trusted with the token.

    Raises:
        FixerError: when it is not there, or lies elsewhere.
    """
    from urllib.parse import urlsplit

    from fixer.deliver import gitremote
    from fixer.deliver.publish import Place

    hosted = forge.repository(where.repository)
    remote = gitremote.checked(hosted.clone_url, local=where.kind == "memory")
    if where.kind != "memory" and urlsplit(hosted.clone_url).netloc.lower() != where.host:
        raise FixerError(f"{where.host} says that {hosted.name} lies at another host, which is not trusted")
    login = forge.login()
    if login is not None:
        remote = remote._replace(user=login.user, password=login.password)
    return Place(forge, hosted.name, remote)


# --- fixer plan -------------------------------------------------------------------------------------------------------


def plan(job: Job, out: Path | None) -> int:
    """Compute the plan of one repository, and write or show it; the exit code.

    Raises:
        FixerError: when it cannot be read, or the plan not be written.
    """
    from fixer.deliver.plans import to_json
    from fixer.deliver.write import replace

    found = compute(job)
    if out is not None:
        try:
            replace(out, to_json(found).encode())
        except OSError as error:
            raise FixerError(f"{out}: cannot be written ({error.strerror}); name another file") from None
    _say(_shown(found, whole=out is None))
    return 1 if found.left or found.skipped else 0


def _shown(found: Plan, whole: bool) -> Iterator[str]:
    """A plan in lines for people."""
    from fixer.render.request import OFF

    if found.off:
        yield f"{found.repository}: wants no requests: it has a file {OFF}"
    for unit in found.units:
        many = f"{len(unit.files)} file{'' if len(unit.files) == 1 else 's'}"
        yield f"{found.repository}: {unit.said.title} ({many}, branch {unit.branch})"
        if whole:
            yield from ("", *unit.said.body.splitlines(), "")
    if not found.units and not found.off:
        yield f"{found.repository}: nothing to propose"
    for line in found.skipped:
        yield f"{found.repository}: {line}"
    if found.left:
        yield f"{found.repository}: {found.left} findings are left for a person; 'fixer check' tells them"


# --- fixer publish and fixer pr ---------------------------------------------------------------------------------------


class Asked(NamedTuple):
    """What `publish` and `pr` share: the terms of requests, whether anything is published, and the ledger's file."""

    terms: Terms
    mode: Mode
    state: Path | None = None


def terms(mode: Mode, most_open: int, labels: str, author: str) -> Terms:
    """The terms of requests out of words.

    Raises:
        UsageError: for an author that is none.
    """
    from fixer.cli.branches import person
    from fixer.deliver.branches import NOBODY
    from fixer.deliver.publish import Terms

    names = tuple(dict.fromkeys(word for one in labels.split(",") if (word := one.strip())))
    return Terms(mode is Mode.DRAFT, most_open, names, person(author) or NOBODY)


def publish(file: Path, job: Job, asked: Asked) -> int:
    """Publish a plan that somebody else has computed; the exit code.

    Raises:
        FixerError: when it is none, or nothing can be published.
    """
    from fixer.deliver.fleet import Bounds
    from fixer.deliver.plans import MOST_BYTES, read

    try:
        with file.open("rb") as stream:
            found = read(stream.read(MOST_BYTES + 1))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror}); name the file that 'fixer plan' wrote") from None
    job = job._replace(repository=job.repository or _own_repository() or found.repository)
    return _run([job], asked, Bounds(), (job, found))


def _own_repository() -> str:
    """The repository in whose CI this runs: a plan has no say in that."""
    return os.environ.get("GITHUB_REPOSITORY", "") or os.environ.get("CI_PROJECT_PATH", "")


def pull_requests(jobs: list[Job], asked: Asked, bounds: Bounds) -> int:
    """Compute and publish many repositories; the exit code.

    Raises:
        FixerError: when nothing can be published.
    """
    return _run(jobs, asked, bounds)


def named(repositories: list[str], file: Path | None, owner: str, which: str, job: Job) -> list[Job]:
    """A job for each repository that is named, each once, in order.

    Args:
        repositories: names, addresses and folders.
        file: a list of more of them.
        owner: whose repositories are meant too, but for forks and archived ones.
        which: the part of them that this machine takes, "" for all.
        job: what all of them share.

    Raises:
        FixerError: when none is named, or they cannot be listed.
    """
    from fixer.deliver.fleet import listed, shard

    names = [*repositories, *(listed(file) if file is not None else ()), *(_owned(owner, job) if owner else ())]
    if not names:
        raise UsageError("no repository is named; give some, or --repos FILE, or --org NAME")
    return [job._replace(repository=name) for name in shard(dict.fromkeys(names), which)]


def _owned(owner: str, job: Job) -> Iterator[str]:
    from fixer.forge.find import connect, target

    where = target(f"{owner}/x" if job.kind == "memory" else owner, job.kind)
    forge = connect(where)
    for one in forge.repositories(where.repository.removesuffix("/x") if job.kind == "memory" else where.repository):
        if not (one.archived or one.disabled or one.fork):
            yield f"{where.address}/{one.name}"


def _run(jobs: list[Job], asked: Asked, bounds: Bounds, ready: tuple[Job, Plan] | None = None) -> int:
    """Publish what is ready, or else what is computed meanwhile; the exit code."""
    from fixer.deliver.ledger import Ledger, exit_code

    if asked.mode is Mode.PLAN:
        return _only_told(jobs, bounds, ready)
    ledger = Ledger(asked.state or _state() / "requests.sqlite")
    with closing(ledger), ExitStack() as stack:
        run = ledger.begin(_question(jobs, asked))
        done = ledger.done(run)
        if done:
            _say([f"{len(done)} of {len(jobs)} repositories are done already by the run that was interrupted"])
        todo = [job for job in jobs if job.repository not in done]
        desk = _Desk(stack)
        left = 0
        for job, found, why in _each(todo, bounds, ready):
            left += found.left + len(found.skipped) if found is not None else 0
            for ended in _ends(desk, job, found, why, asked.terms):
                ledger.tell(run, ended)
                _say([_line(ended)])
        ends = ledger.ends(run)
        ledger.finish(run)
    _say([_count(ends)])
    return exit_code(ends, left)


def _state() -> Path:
    from fixer.deliver.write import state_folder

    try:
        return state_folder()
    except OSError as error:
        raise FixerError(f"{error.filename}: {error.strerror}") from None


def _question(jobs: list[Job], asked: Asked) -> list[str]:
    return [asked.mode.value, *asked.terms.labels, "", *sorted(repr(job) for job in jobs)]


def _each(jobs: list[Job], bounds: Bounds, ready: tuple[Job, Plan] | None) -> Iterator[tuple[Job, Plan | None, str]]:
    """The plan of each job as it is ready, or why there is none."""
    from fixer.deliver.fleet import computed
    from fixer.deliver.plans import read

    if ready is not None:
        yield (*ready, "")
        return
    for job, found in computed(_bytes, jobs, bounds):
        try:
            yield job, read(found.data) if found.data is not None else None, found.why
        except FixerError as error:
            yield job, None, str(error)


def _bytes(job: Job) -> bytes:
    """As `compute`, for another process."""
    from fixer.deliver.plans import to_json

    return to_json(compute(job)).encode()


def _only_told(jobs: list[Job], bounds: Bounds, ready: tuple[Job, Plan] | None) -> int:
    """Show what would be published; the exit code."""
    code = 0
    for job, found, why in _each(jobs, bounds, ready):
        if found is None:
            _say([f"{job.repository}: failed: {why}"])
            code = 2
        else:
            _say(_shown(found, whole=len(jobs) == 1))
            code = max(code, 1 if found.left or found.skipped else 0)
    return code


def _ends(desk: _Desk, job: Job, found: Plan | None, why: str, terms: Terms) -> Iterator[Ended]:
    """Publish one repository, and tell how each of its units ended, and at last it itself."""
    from fixer.deliver.ledger import End, Ended, whole
    from fixer.deliver.publish import publish as published

    ends: list[Ended] = []
    try:
        if found is None:
            raise FixerError(why)
        for one in published(found, desk.place(job), terms):
            # Under the name that was given, so that the run knows what it has done.
            ends.append(one._replace(repository=job.repository))
            if one.unit:
                yield ends[-1]
    except FixerError as error:
        ends.append(Ended(job.repository, "", End.FAILED, str(error)))
    yield whole(job.repository, ends)


class _Desk:
    """The forges that a run publishes to, each with its pace, and nobody else at it under the same name."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.forges: dict[tuple[str, str], Forge] = {}

    def place(self, job: Job) -> Place:
        """Where a job is published."""
        from fixer.deliver.ledger import only_publisher
        from fixer.deliver.pace import LIMITS, Pace, Paced
        from fixer.forge.find import connect

        where = _target(job)
        key = (where.kind, where.address)
        if key not in self.forges:
            forge = connect(where)
            who = f"{forge.identity()} at {where.address}"
            calls = self.stack.enter_context(only_publisher(who, _state()))
            # A folder has no limits.
            pace = Pace((), None) if where.kind == "memory" else Pace(LIMITS, calls)
            self.forges[key] = Paced(forge, pace)
        return place_of(where, self.forges[key])


def _line(ended: Ended) -> str:
    name = f"{ended.repository}: {ended.unit}" if ended.unit else ended.repository
    return ": ".join(one for one in (name, ended.end.value, ended.why, ended.url) if one)


def _count(ends: Iterable[Ended]) -> str:
    counted = Counter(one.end.value for one in ends if not one.unit)
    return f"{counted.total()} repositories: " + ", ".join(f"{many} {end}" for end, many in sorted(counted.items()))


def _say(lines: Iterable[str]) -> None:
    from fixer import console

    console.show([(line, "")] for line in lines)
    sys.stdout.flush()
