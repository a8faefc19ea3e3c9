"""The words of a commit: what it changes, why, and what a person should look at."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from fixer.discover import is_compose
from fixer.model import Finding, Safety
from fixer.templates import render
from fixer.units import Unit, listed, services_of, users_of

_WIDTH = 72
_LONGEST_SUBJECT = 68
_USUAL = frozenset(("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"))
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
    users = all_users(unit.findings)
    return _message(_subject(unit, users), _WHY_ROOT if users else _WHY_RIGHTS, unit.findings)


def _subject(unit: Unit, users: tuple[str, ...]) -> str:
    form = "Run {} without root" if users else "Drop needless rights of {}"
    if len(users) == 1:
        form = f"Run {{}} as {users[0]}, not as root"
    for name in _called(unit):
        if len(form.format(name)) <= _LONGEST_SUBJECT:
            return form.format(name)
    return form.format("containers")


def _called(unit: Unit) -> Iterator[str]:
    """What a unit may be called, in the order of preference: people run services, and not files."""
    paths = [change.whole_path for change in unit.changes]
    if unit.services and len(paths) == 1:
        folder, _, file = paths[0].rpartition("/")
        services = listed(unit.services)
        where = paths[0] if not folder or (is_compose(file) and file not in _USUAL) else folder
        yield from (f"{services} in {tail}" for tail in _tails(where) if tail.rpartition("/")[2] != services)
        yield services
    if unit.name == "Dockerfile":  # of the whole repository, whose name nobody knows here
        yield "the image"
    yield from _tails(unit.name) if len(paths) == 1 or " " not in unit.name else (unit.name,)
    yield re.sub(r"[^\s,]*/", "", unit.name)


def _tails(path: str) -> Iterator[str]:
    """A path, and what is left of it without the first folder, the first two, ..."""
    parts = path.split("/")
    yield from ("/".join(parts[n:]) for n in range(len(parts)))


def rule_message(name: str, findings: Iterable[Finding]) -> str:
    """The message of a commit that repairs what one rule finds: its name, and what changes in each file."""
    return _message(f"Repair what {name} finds", "", findings)


def whole_message(findings: Iterable[Finding]) -> str:
    """The message of one commit with everything in it."""
    findings = tuple(findings)
    users = all_users(findings)
    subject = f"Run containers as {users[0]}, not as root" if len(users) == 1 else "Run containers without root"
    return _message(subject, _WHY_ROOT, findings)


def all_users(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The users that fixes give to images and containers, as `uid` or `uid:gid`, in order."""
    found = [user for finding in findings for user in users_of(finding)]
    # `runAsUser` says only the half of what USER says
    whole = {one.partition(":")[0] for one in found if ":" in one}
    return tuple(sorted({one for one in found if ":" in one or one not in whole}))


def _message(subject: str, why: str, findings: Iterable[Finding]) -> str:
    files: dict[str, dict[str, dict[str, None]]] = {}
    risks: dict[str, None] = {}
    for finding in findings:
        if finding.fix is None:
            continue
        files.setdefault(finding.path, {}).setdefault(finding.fix.title, {}).update(dict.fromkeys(services_of(finding)))
        if finding.fix.safety is not Safety.SAFE:
            risks[finding.fix.risk] = None
    rows = [
        {"path": harmless(path), "lines": _points(map(_title, titles, titles.values()))}
        for path, titles in sorted(files.items())
    ]
    text = render(
        "git/commit.txt", subject=harmless(subject), why=textwrap.fill(why, _WIDTH), files=rows, risks=_points(risks)
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _title(title: str, services: Iterable[str]) -> str:
    return f"{title} ({', '.join(services)})" if services else title


def _points(texts: Iterable[str]) -> list[str]:
    fill = textwrap.TextWrapper(_WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False)
    fill.break_on_hyphens = False
    return [line for text in texts for line in fill.wrap(harmless(text))]


def harmless(text: str) -> str:
    """Words from a repository in which nothing is a control character, a mention, or a word that closes issues."""
    text = re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text).encode("utf-8", "replace").decode()
    return re.sub(r"(?<![\w/.:-])([@#])(?=\w)", "\\1\u200b", text)
