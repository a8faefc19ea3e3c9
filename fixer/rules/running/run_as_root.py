"""A container is started as root by name or number.

## What it finds
`--user root`, `-u 0` and all other ways to write it (`-u=root`, `-uroot`, `-itu root`, `0:0`) at `docker run`,
`docker create` and the same of podman and nerdctl, and `User=root` in a Quadlet file. A command that comes back and
hands files over or installs something (`chown`, `mkdir`, `apt-get`) is not told: that is what root is for.

## Why it matters
It overrules what the image says, and makes root of a program whose makers took care that it is not.

## How safe the fix is
It is shown, never applied: somebody wrote this on purpose. Where the image has a user of its own, or nobody knows, the
line to use leaves the option out, so that the image decides; else it names the user that the image ships or is made
for, and over a work tree the one who calls it. In CI it is told as information.

## References
CIS Docker Benchmark 1.6, 4.1; Docker, Running containers, User.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Fix, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.runlines import WHO_CALLS, RunView, Seen, called, is_root, lower, needs, works_as_root
from fixer.understand.runoptions import Option
from fixer.understand.runs import Run

CARD = Card(
    id="RT002",
    name="run-as-root",
    title="A container is started as root by name or number",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.NONROOT, Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 4.1",),
)
_RISK = "what of it needs root fails; give that a step of its own"


def check(view: RunView) -> Iterator[Finding]:
    """One finding for each image."""
    yield from view.findings(CARD, _seen(view))


def _seen(view: RunView) -> Iterator[Seen]:
    for run in view.runs:
        user = run.last("user")
        if user is None or not run.starts or not is_root(user.value):
            continue
        if run.lasts or not works_as_root(run):
            message = f"{called(run)} is started as root ({user.value})"
            severity = lower(Severity.MEDIUM, run)
            yield Seen(run, f"{run.image}", message, severity, "", needs(run) or _fix(view, run, user))


def _fix(view: RunView, run: Run, user: Option) -> Fix | Refusal:
    image = view.user(run)
    if image.root is not True:
        return view.without(run, user, "let the image decide who it runs as", _RISK)
    if run.over_work:
        return view.with_user(run, WHO_CALLS, "start it as the user who calls it", _RISK)
    if image.refusal is not None or image.uid is None:
        return image.refusal or view.without(run, user, "let the image decide who it runs as", _RISK)
    name = f"{image.uid}" if image.gid is None else f"{image.uid}:{image.gid}"
    return view.with_user(run, name, f"start it as {name}", _RISK)
