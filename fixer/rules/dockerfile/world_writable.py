"""A build step lets everybody write.

## What it finds
`chmod 777`, `666`, `a+rwx`, `o+w` and their like, `mkdir -m` and `install -m` with such a mode, `umask 000`, and
`COPY --chmod=777`, in the stages that make up the image. A folder with the sticky bit (`1777`, as /tmp has) is well.

## Why it matters
It is the usual way around "permission denied": everybody may write, so that somebody may. Whoever breaks into any
process of the container can then change the code that the others run.

## How safe the fix is
`review`: the mode loses the write access of others, and what is left belongs to the user of the image: a folder is
handed over to it (`chown`, in the step that creates the user), and `COPY` gets `--chown`. What is only started
(scripts, files below `bin`) keeps its owner; `/tmp` and `/var/tmp` get the sticky bit. It is left to a person where the
folder belongs to the system, where its name is a pattern, where the user is not known, and in JSON forms.

## References
CIS Docker Benchmark 4.8 (file permissions), chmod(1).
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import Decision
from fixer.model import Finding, Goal, Refusal, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.rules.modework import Opened, closing, opened
from fixer.rules.moving import stays
from fixer.syntax.dockerfile import Instruction

CARD = Card(
    id="DF012",
    name="world-writable",
    title="A build step lets everybody write",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.HARDENED}),
    standards=("CIS Docker 4.8",),
)
_SIGNS = ("chmod", "mkdir", "install", "umask")


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each command, COPY and ADD that opens something to everybody."""
    told: set[int] = set()
    for decision in view.decisions:
        for stage in decision.image.stage.chain:
            for item in stage.body:
                if item.index not in told and _may_open(item):
                    told.add(item.index)
                    for found in opened(decision, stage, item):
                        yield _finding(view, decision, found)


def _may_open(item: Instruction) -> bool:
    if item.keyword == "RUN":
        text = item.logical
        return bool(item.heredocs) or any(sign in text for sign in _SIGNS)
    return item.keyword in ("COPY", "ADD") and "--chmod" in item.logical


def _finding(view: DockerfileView, decision: Decision, found: Opened) -> Finding:
    what = " ".join(found.paths) if found.paths else "what this step makes"
    message = f"{found.how} lets everybody write {what}"
    fix = closing(decision, found, stays(view, decision))
    if isinstance(fix, Refusal):
        return view.finding(CARD, found.at, message, refusal=fix)
    reason = f"mode {found.mode} gives others write access"
    return view.finding(CARD, found.at, message, reason=reason, fix=fix)
