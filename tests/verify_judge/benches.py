"""An engine that is none: it says of each image what a test has told it to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fixer.evidence import Built, Job, Process, Seen, Trial
from fixer.verify import engine

Acts = Callable[[Job], tuple[Seen, ...]]


class FakeBench:
    """Builds everything, and runs each fixed image as `acts` says; the original runs as root and stays up."""

    name = "fake 1.0"

    def __init__(self, acts: Acts) -> None:
        self.acts = acts
        self.jobs: list[Job] = []
        self.options: list[engine.Options] = []
        self.closed = False

    def try_out(self, job: Job, root: Path, options: engine.Options) -> Trial:
        self.jobs.append(job)
        self.options.append(options)
        before = tuple(Seen(one, seconds=3, processes=(Process(0, 0, "app"),)) for one in job.before)
        return Trial(job, Built("sha256:a"), Built("sha256:b"), before, self.acts(job), self.name)

    def close(self) -> None:
        self.closed = True


def use(monkeypatch: pytest.MonkeyPatch, acts: Acts) -> FakeBench:
    """Let everybody who asks for an engine get this one."""
    bench = FakeBench(acts)
    monkeypatch.setattr(engine, "open_bench", lambda name, say: bench)
    return bench


def as_promised(job: Job, **changes: object) -> tuple[Seen, ...]:
    """All runs of a fixed image, as the users that it promises."""
    uid = next(iter(job.users), 0)
    run = Seen(job.after[0], seconds=3, processes=(Process(uid, uid, "app"),))
    return tuple(run._replace(recipe=one, **changes) for one in job.after)  # type: ignore[arg-type]
