"""A step that creates a user fails, or creates somebody else.

## What it finds
`useradd`, `groupadd`, `adduser` and `addgroup` that cannot work in this base image: a number or a name that the image
has given away already (uid 1000 in `ubuntu:24.04` and `node`), a command that it does not have (`adduser` in Debian 13
and Ubuntu 24.04, `useradd` in Alpine and `ubi-minimal`), options of another family's command, and dashes that a word
processor has made (`\u2013uid`), which are no option at all.

## Why it matters
The build fails, or a user is created that nobody asked for, and USER then names one that does not exist.

## How safe the fix is
A false dash becomes a hyphen (`safe`). A taken number becomes a free one where it stands nowhere else in the file, and
`adduser` becomes the `useradd` that does the same where every option has its like (`review`). All else is told with
its remedy. Only facts that were verified for this very base image count; behind `userdel`, `||`, `if` and scripts that
cannot be read there is no finding.

## References
useradd(8), adduser(8); BusyBox, adduser; Ubuntu 24.04 release notes (user `ubuntu` in the image).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fixer.decide import free_number
from fixer.model import Finding, Fix, Refusal, ReplaceText, Safety, Severity, Span
from fixer.rules.base import Card, DockerfileView
from fixer.understand.creations import (
    Creation,
    Taken,
    as_shadow,
    creations,
    hyphens,
    lacks_tool,
    taken,
    uses_of,
    wrong_options,
)
from fixer.understand.shelloptions import FALSE_DASHES
from fixer.understand.users import word_span

CARD = Card(
    id="DF005",
    name="broken-user-creation",
    title="A step that creates a user fails",
    severity=Severity.HIGH,
    standards=("CIS Docker 4.1",),
)
_DASHES = "".join(FALSE_DASHES)


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each command that cannot create whom it shall."""
    for image in view.images.values():
        for one in creations(image):
            found = _judge(view, one)
            if found is not None:
                message, answer = found
                at = word_span(one.item, one.command.words[0]) or one.item
                fix, refusal = (answer, None) if isinstance(answer, Fix) else (None, answer)
                yield view.finding(CARD, at, message, reason=image.family_evidence, fix=fix, refusal=refusal)


def _judge(view: DockerfileView, one: Creation) -> tuple[str, Fix | Refusal] | None:
    name, base = one.command.name, one.image.stage.root_base
    if one.add.bad_options:
        words = " ".join(word.text for word in one.add.bad_options)
        return f"{name}: {words} begins with a dash that is no hyphen", _dashes(one)
    if lacks_tool(one):
        return f"base image {base} has no {name}", _other_tool(one)
    wrong = wrong_options(one)
    if wrong:
        words = " ".join(word.text for word in wrong)
        message = f"{name} of base image {base} has no option {words}"
        return message, Refusal(
            "other-family", f"write the options that {name} has in this image; they differ from family to family"
        )
    held = taken(one)
    if held is not None:
        owner = "group" if held.what.startswith(("gid", "group")) else "user"
        return f"{name}: {held.what} {held.value} belongs to {owner} {held.owner} of base image {base}", _free(
            view, one, held
        )
    return None


def _dashes(one: Creation) -> Fix | Refusal:
    changes: list[ReplaceText] = []
    for word in one.add.bad_options:
        place, text = word_span(one.item, word), hyphens(one, word)
        if place is None or text is None:
            return Refusal("unclear-option", f"write {word.text} with hyphens")
        old = re.match(f"[{_DASHES}-]+", word.raw)
        if old is None:
            return Refusal("unclear-option", f"write {word.text} with hyphens")
        changes.append(ReplaceText(Span(place.start, place.start + old.end()), text))
    return Fix("write hyphens", Safety.SAFE, "", tuple(changes))


def _other_tool(one: Creation) -> Fix | Refusal:
    facts, first = one.image.facts, one.command.words[0]
    assert facts is not None
    if one.command.name in ("useradd", "groupadd"):
        other = "adduser and addgroup of busybox" if facts.adduser == "busybox" else ""
        remedy = f"use {other}, or install" if other else "install"
        return Refusal("tool-missing", f"{remedy} {facts.install_package or 'shadow'} in this step first")
    text = as_shadow(one)
    place = word_span(one.item, first._replace(end=first.end))
    script_end = one.command.words[-1]
    last = word_span(one.item, script_end)
    if not facts.useradd or text is None or place is None or last is None or one.command.nested:
        return Refusal(
            "tool-missing",
            "use useradd and groupadd, which the image has"
            if facts.useradd
            else "install the package that has it first",
        )
    risk = "useradd does the same with the defaults of this image; look at the shell and the home folder"
    return Fix(
        f"use {text.split()[0]} instead of {one.command.name}",
        Safety.REVIEW,
        risk,
        (ReplaceText(Span(place.start, last.end), text),),
    )


def _free(view: DockerfileView, one: Creation, held: Taken) -> Fix | Refusal:
    remedy = Refusal(
        "taken", f"use {held.owner} of the base image, choose something free, or remove {held.owner} before"
    )
    if held.word is None or held.word.text != held.value:
        return remedy
    number = int(held.value)
    if any(d.identity is not None and d.identity.uid == number for d in view.moving):
        return remedy
    uses = list(uses_of(one.image.stage, one.image, number))
    places = [word_span(item, word) for item, word in uses]
    mentions = len(re.findall(rf"(?<![\d.]){number}(?![\d.])", view.source.text))
    if None in places or mentions != len(places):
        return remedy
    other = free_number(one.image, view.config.uid)
    changes = tuple(ReplaceText(place, str(other)) for place in places if place is not None)
    risk = f"volumes and manifests that name {number} must follow"
    return Fix(f"use {other} instead of {number}", Safety.REVIEW, risk, changes)
