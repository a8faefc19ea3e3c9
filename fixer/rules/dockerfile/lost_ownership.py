"""A step changes a folder behind the VOLUME that declares it.

## What it finds
`chown`, `chmod`, `chgrp` of a path at or below a VOLUME that an instruction above (or the base image) has declared.

## Why it matters
The classic builder, Podman's `--format docker` and kaniko throw such a change away when the step ends; BuildKit keeps
it. The same file makes two different images, and in one of them the user cannot write the volume.

## How safe the fix is
`review`: VOLUME moves below the last step that touches its folder; nothing else changes. Where VOLUME belongs to the
base image, stands in another stage, or names a variable, the finding only says what to do.

## References
Dockerfile reference, VOLUME, "Changing the volume from within the Dockerfile".
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from fixer.model import Finding, Fix, InsertLine, RemoveInstruction, Safety, Severity
from fixer.rules.base import Card, DockerfileView
from fixer.syntax.dockerfile import Instruction
from fixer.understand.image import Image
from fixer.understand.making import below
from fixer.understand.shellroot import absolute
from fixer.understand.stages import Stage

CARD = Card(
    id="DF021",
    name="lost-ownership",
    title="A step changes a folder behind the VOLUME that declares it",
    severity=Severity.LOW,
)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each RUN that changes owner or mode of what is a volume already."""
    told: set[int] = set()
    for decision in view.decisions:
        image = decision.image
        inherited = image.base_volumes
        if not image.volumes and not inherited:
            continue
        for stage in image.stage.chain:
            for item in stage.of("RUN"):
                if item.index not in told and (
                    "chown" in item.logical or "chmod" in item.logical or "chgrp" in item.logical
                ):
                    told.add(item.index)
                    yield from _judge(view, image, stage, item, inherited)


def _judge(
    view: DockerfileView, image: Image, stage: Stage, item: Instruction, inherited: tuple[str, ...]
) -> Iterator[Finding]:
    paths = _changed(image, stage, item)
    for volume, declared in image.volumes:
        hit = next((p for p in paths if below(p, volume)), None)
        if hit is not None and declared.index < item.index:
            message = f"{hit} changes behind VOLUME {volume} of line {declared.line}, which not every builder keeps"
            yield view.finding(CARD, item, message, fix=_fix(view, image, stage, item, declared))
            return
    for volume in inherited:
        hit = next((p for p in paths if below(p, volume)), None)
        if hit is not None:
            base = f"base image {image.stage.root_base}"
            message = f"{hit} changes behind VOLUME {volume} of {base}, which not every builder keeps"
            yield view.finding(CARD, item, message, fix=_told(volume))
            return


def _changed(image: Image, stage: Stage, item: Instruction) -> list[str]:
    shell = image.shell(item)
    out: list[str] = []
    changes = [(c.command.cwd, c.paths) for c in shell.chowns] + [(c.command.cwd, c.paths) for c in shell.chmods]
    for cwd, words in changes:
        for word in words:
            value = stage.expand(word, item)
            path = absolute(value.rstrip("*"), cwd, stage.workdir(item)) if value else None
            if path is not None:
                out.append(posixpath.normpath(path))
    return out


def _told(volume: str) -> Fix:
    what = f"build with BuildKit, or use another folder than {volume}; a container that is root once can hand it over"
    return Fix(what, Safety.MANUAL, "the folder may be full already", instructions=what)


def _fix(view: DockerfileView, image: Image, stage: Stage, item: Instruction, declared: Instruction) -> Fix:
    """Move VOLUME below the last step of the stage that changes something in it."""
    text = view.source.text[declared.span.start : declared.span.end]
    above = view.source.text[: declared.span.start].rstrip(" \t").rstrip("\r\n").rpartition("\n")[2]
    volumes = [path for path, at in image.volumes if at is declared]
    steps = [o for o in stage.of("RUN") if any(below(p, v) for p in _changed(image, stage, o) for v in volumes)]
    if declared not in stage.body or "\n" in text or "$" in text or above.lstrip().startswith("#"):
        what = f"move VOLUME from line {declared.line} below this step"
        return Fix(what, Safety.MANUAL, "the folder may be full already", instructions=what)
    last = max((o.index for o in steps), default=item.index)
    risk = "with the classic builder a new volume now starts with what the build made"
    return Fix(
        "move VOLUME below the step",
        Safety.REVIEW,
        risk,
        (RemoveInstruction(declared.index), InsertLine(last, "after", text)),
    )
