"""sudo makes the user root again.

## What it finds
In the images that run: a sudoers line with NOPASSWD, sudo among the installed packages, a user who is put into a group
that amounts to root (`sudo`, `wheel`, `docker`). And, in any stage, `sudo` in front of a command that root runs anyway.

## Why it matters
A user who may call sudo without a password is root with one more word; USER then only looks like protection. With
`allowPrivilegeEscalation: false` sudo stops working altogether, and a program that counts on it breaks.

## How safe the fix is
`sudo` in front of a command that root runs does nothing and is taken away (`safe`). A RUN that only writes the sudoers
line is removed when nothing in the file calls sudo as somebody else (`review`: people and scripts may). The rest is
told with what to do.

## References
CIS Docker Benchmark 4.8 and 5.26 (no-new-privileges); Pod Security Standards, restricted: Privilege Escalation.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.decide import Decision
from fixer.lazy import regex
from fixer.model import Finding, Fix, RemoveInstruction, ReplaceText, Safety, Severity, Span
from fixer.rules.base import Card, DockerfileView
from fixer.syntax.dockerfile import Instruction
from fixer.syntax.shell import Command
from fixer.understand.image import Image, holds
from fixer.understand.users import word_span

CARD = Card(
    id="DF011",
    name="sudo",
    title="sudo makes the user root again",
    severity=Severity.MEDIUM,
    standards=("CIS Docker 4.8", "PSS restricted: Privilege Escalation"),
)
_SIGNS = ("sudo", "NOPASSWD", "wheel", "usermod", "gpasswd", "addgroup")
_GROUP = regex(r"(?<![\w./-])(?:wheel|docker)(?![\w./-])")
_GROUPS = frozenset({"sudo", "wheel", "docker"})
_HARMLESS = frozenset({"-E", "-H", "-n", "-S", "-EH", "-HE", "--preserve-env", "--set-home", "--non-interactive"})
_WRITERS = frozenset({"echo", "printf", "tee", "chmod", "mkdir", "cat"})


def check(view: DockerfileView) -> Iterator[Finding]:
    """Findings on sudo in the images that run, and on needless sudo in every stage."""
    text = view.source.text
    if not holds(text, _SIGNS):
        return
    for image in view.images.values():
        for item in image.stage.of("RUN"):
            if text.find("sudo", item.span.start, item.span.end) >= 0:
                yield from _needless(view, image, item)
    told: set[int] = set()
    for decision in view.decisions:
        for stage in decision.image.stage.chain:
            for item in stage.of("RUN"):
                if item.index not in told and _hints(text, item.span):
                    told.add(item.index)
                    yield from _granted(view, decision, item)


def _hints(text: str, span: Span) -> bool:
    """Whether a step may have to do with it."""
    step = text[span.start : span.end]
    if "sudo" in step or "NOPASSWD" in step:
        return True
    return ("wheel" in step or "docker" in step) and _GROUP.search(step) is not None


def _needless(view: DockerfileView, image: Image, item: Instruction) -> Iterator[Finding]:
    if image.user_at(item).root is not True:
        return
    changes = [change for command in image.shell(item).sudo if (change := _without(item, command)) is not None]
    if changes:
        fix = Fix("take sudo away", Safety.SAFE, "", tuple(dict.fromkeys(changes)))
        message = "sudo does nothing in a step that root runs"
        yield view.finding(
            CARD, changes[0].span, message, reason=image.user_at(item).evidence, fix=fix, severity=Severity.LOW
        )


def _without(item: Instruction, command: Command) -> ReplaceText | None:
    """Take `sudo` and the options that mean nothing for root away; None where it goes on as somebody else."""
    if command.prefix[0].raw != "sudo" or len(command.prefix) + len(command.words) < 2:
        return None
    rest = [*command.prefix[1:], *command.words]
    while len(rest) > 1 and rest[0].text in _HARMLESS:
        rest = rest[1:]
    start, end = word_span(item, command.prefix[0]), word_span(item, rest[0])
    if start is None or end is None or rest[0].text.startswith("-"):
        return None
    return ReplaceText(Span(start.start, end.start), "")


def _granted(view: DockerfileView, decision: Decision, item: Instruction) -> Iterator[Finding]:
    """What a RUN does so that a user may become root."""
    shell = decision.image.shell(item)
    nopasswd = "NOPASSWD" in item.logical or any("NOPASSWD" in doc.content for doc in item.heredocs)
    if nopasswd:
        message = "a sudoers line with NOPASSWD lets a user become root without a word"
        yield view.finding(CARD, item, message, reason="sudo asks for nothing then", fix=_no_rule(decision, item))
    elif any(package == "sudo" for install in shell.installs for package in install.packages):
        message = "sudo is installed, a program that makes its caller root"
        yield view.finding(
            CARD,
            item,
            message,
            fix=_told("take sudo out of the packages, and let the build switch with USER"),
            severity=Severity.LOW,
        )
    adds = [(user.name, _GROUPS & set(user.supplementary)) for user in shell.users]
    adds += [(mod.name, _GROUPS & set(mod.supplementary)) for mod in shell.user_mods if not mod.removed]
    for name, groups in adds:
        if groups:
            message = f"{name} joins group {' and '.join(sorted(groups))}, whose members can become root"
            yield view.finding(
                CARD, item, message, fix=_told("leave the user out of that group"), severity=Severity.INFO
            )


def _told(what: str) -> Fix:
    return Fix(what, Safety.MANUAL, "people and scripts may count on it", instructions=what)


def _no_rule(decision: Decision, item: Instruction) -> Fix:
    """Remove a RUN that only writes the line, unless something calls sudo as somebody who is not root."""
    image = decision.image
    commands = image.shell(item).commands
    only = bool(commands) and all(c.name in _WRITERS and not c.conditional for c in commands) and not item.heredocs
    others = [o for stage in image.stage.chain for o in stage.body if o.index != item.index]
    called = any(
        "sudo" in o.logical
        and o.keyword in ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK", "ONBUILD")
        and not _installs(image, o)
        for o in others
    )
    scripts = any("sudo" in script.text for script in decision.running.scripts)
    if not only or called or scripts or image.stage.children or "sudoers" not in item.logical:
        return _told("remove the sudoers line; do what needs root before USER")
    risk = "people and scripts that call sudo in the container can no longer do so"
    return Fix("remove the sudoers line", Safety.REVIEW, risk, (RemoveInstruction(item.index),))


def _installs(image: Image, item: Instruction) -> bool:
    """Whether a RUN only names sudo as a package or a group, and calls it nowhere."""
    return item.keyword == "RUN" and not image.shell(item).sudo
