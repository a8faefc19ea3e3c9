"""A hardened base image could take the place of this one.

## What it finds
An image that runs as root, on a base for which the curated table lists a hardened image of another maker that runs the
same software without root. One without a shell is proposed only where nothing needs one: no RUN, CMD and ENTRYPOINT in
JSON form, no script. A base with a version in its tag is told only if an alternative has versions too.

## Why it matters
Such images hold little besides the software: no package manager, often no shell, and a user other than root. There is
less to attack, and less to patch.

## How safe the fix is
It is a proposal and never applied: another maker means another distribution, other paths, other ports, and tags that
follow other rules. The instructions hold what the table knows.

## References
The table names the source of each line; CIS Docker Benchmark 4.1, 4.3.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Severity
from fixer.rules.alternatives import others, wants_base
from fixer.rules.base import Card, DockerfileView

CARD = Card(
    id="DF016",
    name="hardened-base",
    title="A hardened base image could take the place of this one",
    severity=Severity.INFO,
    goals=frozenset({Goal.HARDENED}),
    standards=("CIS Docker 4.1", "CIS Docker 4.3"),
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each base image of a root image that the table knows an alternative to."""
    told: set[int] = set()
    for decision in view.decisions:
        start = decision.image.stage.chain[0].start
        if start.index in told or not wants_base(decision):
            continue
        found = others(decision)
        if found:
            told.add(start.index)
            message = f"base image {decision.image.stage.root_base} could be {found[0].to}, which is not root"
            first, rest = found[0], tuple(one.fix for one in found[1:])
            yield view.finding(
                CARD, start, message, reason=f"facts, {first.confidence}", fix=first.fix, alternatives=rest
            )
