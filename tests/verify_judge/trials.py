"""Trials as an engine would give them, for those who judge without one."""

from __future__ import annotations

from typing import Any

from fixer.evidence import Built, Job, Port, Process, Recipe, Seen, Trial

PROCESS = Process(10001, 10001, "app")
RECIPE = Recipe()


def seen(**changes: Any) -> Seen:
    """A run as user 10001 that stays up and answers."""
    usual = Seen(RECIPE, seconds=3.0, processes=(PROCESS,), ports=(Port(8080, status=200),))
    return usual._replace(**changes)


def trial(after: Seen | None = None, before: Seen | None = None, **job: Any) -> Trial:
    """A trial whose two sides are one run; as root before."""
    after = seen() if after is None else after
    before = seen(processes=(Process(0, 0, "app"),)) if before is None else before
    made = Job("app", "Dockerfile", users=(10001,))._replace(**job)
    made = made._replace(before=(before.recipe,), after=(after.recipe,))
    return Trial(made, Built("sha256:a"), Built("sha256:b"), (before,), (after,), "docker 20.10")
