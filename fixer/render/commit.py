"""The words of a commit: what it changes, why, and what a person should look at."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

from fixer.model import Finding, Safety, SetKey, SetUser
from fixer.templates import render
from fixer.units import Unit

_WIDTH = 72
_LONGEST_SUBJECT = 68
_WHY_ROOT = (
    "A process that runs as root in a container is root on the node as soon as it breaks out, and may change every "
    "file of the image before that."
)
_WHY_RIGHTS = "What a container may do beyond its work helps only those who break into it."


def message(unit: Unit) -> str:
    """The message of the commit of one unit: subject, reason, what changes in each file, and the risks.

    Returns:
        Lines of at most 72 characters where words allow it, without anything that git or a forge would act upon.
    """
    users = users_of(unit.findings)
    subject = f"Run {unit.name} as {users[0]}, not as root" if len(users) == 1 else ""
    if not users:
        subject = f"Take rights that it does not need from {unit.name}"
    if not subject:
        subject = f"Run {unit.name} without root"
    if len(subject) > _LONGEST_SUBJECT:
        subject = "Run containers without root" if users else "Take rights from containers that they do not need"
    return _message(subject, _WHY_ROOT if users else _WHY_RIGHTS, unit.findings)


def rule_message(name: str, findings: Iterable[Finding]) -> str:
    """The message of a commit that repairs what one rule finds: its name, and what changes in each file."""
    return _message(f"Repair what {name} finds", "", findings)


def whole_message(findings: Iterable[Finding]) -> str:
    """The message of one commit with everything in it."""
    findings = tuple(findings)
    users = users_of(findings)
    subject = f"Run containers as {users[0]}, not as root" if len(users) == 1 else "Run containers without root"
    return _message(subject, _WHY_ROOT, findings)


def users_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The users that fixes give to images and containers, as `uid` or `uid:gid`, in order."""
    found: list[str] = []
    for finding in findings:
        for change in finding.fix.changes if finding.fix is not None else ():
            if isinstance(change, SetUser):
                found.append(change.user)
            elif isinstance(change, SetKey) and change.key in ("runAsUser", "user") and change.value:
                found.append(str(change.value))
    # `runAsUser` says only the half of what USER says
    whole = {one.partition(":")[0] for one in found if ":" in one}
    return tuple(sorted({one for one in found if ":" in one or one not in whole}))


def _message(subject: str, why: str, findings: Iterable[Finding]) -> str:
    files: dict[str, dict[str, None]] = {}
    risks: dict[str, None] = {}
    for finding in findings:
        if finding.fix is None:
            continue
        files.setdefault(finding.path, {})[finding.fix.title] = None
        if finding.fix.safety is not Safety.SAFE:
            risks[finding.fix.risk] = None
    rows = [{"path": harmless(path), "lines": _points(titles)} for path, titles in sorted(files.items())]
    text = render(
        "git/commit.txt", subject=harmless(subject), why=textwrap.fill(why, _WIDTH), files=rows, risks=_points(risks)
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _points(texts: Iterable[str]) -> list[str]:
    fill = textwrap.TextWrapper(_WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False)
    fill.break_on_hyphens = False
    return [line for text in texts for line in fill.wrap(harmless(text))]


def harmless(text: str) -> str:
    """Words from a repository in which nothing is a control character, a mention, or a word that closes issues."""
    text = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text).encode("utf-8", "replace").decode()
    return re.sub(r"(?<![\w/.:-])([@#])(?=\w)", "\\1\u200b", text)
