"""A container is started without the profiles that hold it back.

## What it finds
`--security-opt` with `seccomp=unconfined`, `apparmor=unconfined`, `label=disable` (`label:disable`),
`systempaths=unconfined` or `no-new-privileges=false`, and `SeccompProfile=unconfined` and `SecurityLabelDisable=true`
in a Quadlet file.

## Why it matters
The profiles forbid what programs hardly need and what most ways out of a container begin with. Without seccomp every
call of the kernel is open, and without labels every file of the host that its user may read.

## How safe the fix is
The line to use leaves the option out. It is shown, never applied: debuggers and browsers may need a profile of their
own (`--security-opt seccomp=profile.json`). For files that SELinux keeps away, `:z` or `:Z` behind the mount is the
way.

## References
CIS Docker Benchmark 1.6, 5.2, 5.3, 5.22 and 5.26; Docker, Seccomp security profiles for Docker.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Severity
from fixer.rules.base import Card
from fixer.rules.runlines import RunView, Seen, called, lower, needs
from fixer.understand.runoptions import Option
from fixer.understand.runs import Run

CARD = Card(
    id="RT007",
    name="run-unconfined",
    title="A container is started without the profiles that hold it back",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.2", "CIS Docker 5.3", "CIS Docker 5.22", "CIS Docker 5.26"),
)
_WHAT = {
    "seccomp=unconfined": ("every call of the kernel open to it", Severity.MEDIUM),
    "apparmor=unconfined": ("no profile of AppArmor", Severity.MEDIUM),
    "systempaths=unconfined": ("all of /proc and /sys open to it", Severity.MEDIUM),
    "label=disable": ("no label of SELinux", Severity.LOW),
    "no-new-privileges=false": ("setuid programs that make it root", Severity.LOW),
}
_KEYS = {"seccomp": "seccomp={}", "label-disable": "label=disable"}


def check(view: RunView) -> Iterator[Finding]:
    """One finding for each profile."""
    yield from view.findings(CARD, _seen(view))


def _seen(view: RunView) -> Iterator[Seen]:
    for run in view.runs:
        for option in run.named("security-opt", *_KEYS) if run.starts else ():
            word = _word(option)
            if word in _WHAT:
                what, rank = _WHAT[word]
                yield _at(view, run, option, f"{called(run)} has {what} ({word})", rank)


def _at(view: RunView, run: Run, option: Option, message: str, rank: Severity) -> Seen:
    risk = "a debugger or a browser may need a profile of its own"
    fix = needs(run) or view.without(run, option, f"leave out {_word(option)}", risk)
    return Seen(run, _word(option), message, lower(rank, run), "", fix)


def _word(option: Option) -> str:
    """The option as docker writes it today, whatever the file does."""
    if option.name == "label-disable":
        return "label=disable" if option.on else ""
    if option.name in _KEYS:
        return _KEYS[option.name].format(option.value)
    return option.value.lower().replace(":", "=")
