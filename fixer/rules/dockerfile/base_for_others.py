"""The image is made for others to build on, and they inherit its user.

## What it finds
An image that names no CMD and no ENTRYPOINT, on a distribution or a language base, which starts nothing of its own
either, and that is not root or will not be. What it is for is to stand behind FROM in other files.

## Why it matters
USER is inherited: `apt-get install` in a file that starts from this image fails once the image is not root any more.

## How safe the fix is
There is nothing to apply here; the instructions are for the other files. The move off root of such an image is `review`
for the same reason.

## References
Dockerfile reference, USER and FROM.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import Decision
from fixer.facts import ImageRef
from fixer.model import Finding, Fix, Safety, Severity
from fixer.rules.base import Card, DockerfileView

CARD = Card(
    id="DF018",
    name="base-for-others",
    title="The image is made for others to build on, and they inherit its user",
    severity=Severity.INFO,
)
# Distributions and languages: what they start by themselves is a shell or an interpreter.
_STARTS_NOTHING = frozenset(
    "alpine debian ubuntu fedora centos rockylinux almalinux amazonlinux oraclelinux archlinux busybox ubi8 ubi9 ubi10"
    " ubi-minimal ubi8-minimal ubi9-minimal opensuse leap tumbleweed bci-base photon wolfi-base python node golang ruby"
    " rust php perl openjdk eclipse-temurin amazoncorretto maven gradle buildpack-deps gcc swift elixir erlang haskell"
    " julia r-base dotnet/sdk dotnet/runtime dotnet/aspnet dotnet/runtime-deps base-debian12 java-base-debian12".split()
)
_DAEMONS = ("apache", "fpm")  # tags of php and others that start a server


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each image that starts nothing and has, or gets, a user other than root."""
    for decision in view.decisions:
        image = decision.image
        if image.entrypoint is None and image.cmd is None and _starts_nothing(decision):
            yield from _finding(view, decision)


def _starts_nothing(decision: Decision) -> bool:
    base = decision.image.stage.root_base
    if base is None:
        return False
    try:
        ref = ImageRef.parse(base)
    except ValueError:
        return False
    name = ref.repository if ref.repository.startswith("dotnet/") else ref.repository.rpartition("/")[2]
    return name in _STARTS_NOTHING and not any(word in ref.tag for word in _DAEMONS)


def _finding(view: DockerfileView, decision: Decision) -> Iterator[Finding]:
    identity = decision.identity
    if identity is None:
        return
    message = f"the image starts nothing by itself, and what is built on it inherits user {identity.user}"
    fix = Fix(
        "USER root before steps that need it, in the files that start from this image",
        Safety.MANUAL,
        "their steps that need root fail otherwise",
        instructions="in each file that starts from this image: USER root before the steps that need it,"
        f" USER {identity.user} behind them",
    )
    at = decision.image.own_user or decision.image.stage.start
    yield view.finding(CARD, at, message, reason="neither the file nor its base image names a program", fix=fix)
