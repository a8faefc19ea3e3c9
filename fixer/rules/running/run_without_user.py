"""A container is started as root because nothing says otherwise.

## What it finds
`docker run`, `docker create` and the same of podman and nerdctl without `--user`, and Quadlet files without `User=`,
where the image is known to be root, in scripts, make files, CI files and units of systemd. Two kinds count: a service
(`-d`, `--restart`, a unit), and a command over a mounted work tree. A command that comes back and is given nothing of
the host is not told, nor is an image that steps down by itself, nor one of this repository, whose Dockerfile is told.

## Why it matters
Root in the container is root on the host for everything that the two share. What such a command writes into a mounted
folder belongs to root there, and the person who started it can neither change nor remove it. In CI, whose machines are
thrown away, and for podman without sudo, whose root is the person who calls it, less is at stake.

## How safe the fix is
It is shown, never applied: a script is code. Over a work tree the line to use has the user who calls it, whose home
folder the image lacks: a program that keeps caches there needs `-e HOME=/tmp`. A service gets the user that its image
ships or is made for; where nobody verified one, the reason is told instead.

## References
CIS Docker Benchmark 1.6, 4.1; Docker, Running containers, User; NIST SP 800-190, 4.4.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.imageusers import ImageUser
from fixer.model import Finding, Fix, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.runlines import WHO_CALLS, RunView, Seen, lower, needs, works_as_root
from fixer.understand.runs import Run

CARD = Card(
    id="RT001",
    name="run-without-user",
    title="A container is started as root because nothing says otherwise",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.NONROOT, Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 4.1", "NIST SP 800-190: 4.4"),
)
_HOME = "a program that writes into its home folder needs -e HOME=/tmp as well"
_REMAPPED = ("keep-id", "auto", "nomap")


def check(view: RunView) -> Iterator[Finding]:
    """One finding for each image and kind of use."""
    yield from view.findings(CARD, _seen(view))


def _seen(view: RunView) -> Iterator[Seen]:
    for run in view.runs:
        if _is_open(run):
            image = view.user(run)
            if image.root is True and not image.path and not image.steps_down and not _steps_down(image):
                yield from _at(view, run, image)


def _is_open(run: Run) -> bool:
    """Whether nothing says who a container runs as, and it is one that matters."""
    if not run.starts or run.unclear or not run.image or run.last("user") is not None or needs(run):
        return False
    space = run.last("userns")
    return space is None or not space.value.startswith(_REMAPPED)


def _steps_down(image: ImageUser) -> bool:
    return image.facts is not None and image.facts.steps_down


def _at(view: RunView, run: Run, image: ImageUser) -> Iterator[Seen]:
    if run.lasts:
        message = f"{run.image} is started as root: nothing names a user"
        severity = lower(Severity.MEDIUM, run)
        yield Seen(run, f"service {run.image}", message, severity, image.evidence, _service(view, run, image))
    elif run.over_work and not run.rootless and not works_as_root(run):
        message = f"{run.image} works as root in a folder of the host, where what it writes then belongs to root"
        fix = view.with_user(run, WHO_CALLS, "start it as the user who calls it", _HOME)
        yield Seen(run, "work", message, lower(Severity.LOW, run), image.evidence, fix)


def _service(view: RunView, run: Run, image: ImageUser) -> Fix | Refusal:
    if image.refusal is not None:
        return image.refusal
    user = f"{image.uid}" if image.gid is None else f"{image.uid}:{image.gid}"
    risk = image.risk or f"files of its volumes must belong to {image.uid}"
    return view.with_user(run, user, f"start it as {user}", risk)
