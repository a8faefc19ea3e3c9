"""A container is given capabilities that open the host.

## What it finds
`--cap-add` (and `AddCapability=` in a Quadlet file) with one of the capabilities that lead out of a container or over
all of its host: ALL, SYS_ADMIN, SYS_MODULE, SYS_PTRACE, SYS_RAWIO, SYS_BOOT, SYS_TIME, SYSLOG, BPF, PERFMON, NET_ADMIN,
DAC_READ_SEARCH, MAC_ADMIN and MAC_OVERRIDE.

## Why it matters
With SYS_ADMIN a container mounts what it likes, with SYS_MODULE it loads code into the kernel, with DAC_READ_SEARCH it
reads every file of the host. To a program that is not root, they are of no use.

## How safe the fix is
The line to use leaves the option out. It is shown, never applied: what needs the capability fails. NET_ADMIN, of which
VPNs and firewalls live, is told as `low`, and in CI everything as information.

## References
CIS Docker Benchmark 1.6, 5.4; capabilities(7).
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Severity
from fixer.rules.base import Card
from fixer.rules.runlines import RunView, Seen, called, lower, needs

CARD = Card(
    id="RT004",
    name="run-capabilities",
    title="A container is given capabilities that open the host",
    severity=Severity.HIGH,
    goals=frozenset({Goal.NONROOT, Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.4",),
)
_RANKS = {
    **dict.fromkeys("ALL SYS_ADMIN SYS_MODULE SYS_RAWIO SYS_PTRACE DAC_READ_SEARCH BPF".split(), Severity.HIGH),
    **dict.fromkeys("SYS_BOOT SYSLOG PERFMON MAC_ADMIN MAC_OVERRIDE".split(), Severity.MEDIUM),
    **dict.fromkeys("NET_ADMIN SYS_TIME".split(), Severity.LOW),
}


def check(view: RunView) -> Iterator[Finding]:
    """One finding for each capability of an image."""
    yield from view.findings(CARD, _seen(view))


def _seen(view: RunView) -> Iterator[Seen]:
    for run in view.runs:
        for option in run.named("cap-add"):
            names = [one.strip().upper().removeprefix("CAP_") for one in option.value.split(",")]
            found = [name for name in names if name in _RANKS]
            if found:
                message = f"{called(run)} is given {', '.join(found)}"
                severity = lower(max(_RANKS[name] for name in found), run)
                risk = f"what of it needs {', '.join(found)} fails"
                fix = needs(run) or view.without(run, option, f"leave out {', '.join(found)}", risk)
                yield Seen(run, message, message, severity, "", fix)
