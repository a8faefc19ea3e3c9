"""The base image has a variant that is not root.

## What it finds
An image that runs as root, on a base whose makers offer the same without root: `:nonroot` of the distroless images,
`nginxinc/nginx-unprivileged`, the `-rootless` variants of Gitea and Docker.

## Why it matters
In such a variant the folders, the pid file and the ports are arranged for a user without rights already, by the people
who know the software best. It is often the better way than a user of one's own on top.

## How safe the fix is
It is a proposal and never applied: the variant may listen on another port, start elsewhere, or lack a tool, and the tag
must exist. The instructions name what is known to differ.

## References
GoogleContainerTools/distroless README; nginx/docker-nginx-unprivileged README.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Severity
from fixer.rules.alternatives import nonroot_variant, wants_base
from fixer.rules.base import Card, DockerfileView

CARD = Card(
    id="DF015",
    name="nonroot-variant",
    title="The base image has a variant that is not root",
    severity=Severity.INFO,
    standards=("CIS Docker 4.1",),
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each base image of a root image that has a non-root variant."""
    told: set[int] = set()
    for decision in view.decisions:
        start = decision.image.stage.chain[0].start
        if start.index in told or not wants_base(decision):
            continue
        found = nonroot_variant(decision)
        if found is not None:
            told.add(start.index)
            message = f"base image {decision.image.stage.root_base} has a variant that is not root: {found.to}"
            yield view.finding(CARD, start, message, reason=f"facts, {found.confidence}", fix=found.fix)
