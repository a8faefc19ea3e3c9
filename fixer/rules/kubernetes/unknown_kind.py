"""Nobody knows what makes pods of an object.

## What it finds
An object of a kind that no facts know, which holds what looks like a pod spec and would violate the restricted level as
a pod.

## Why it matters
Some operator makes pods of it, and they run as what it says, or as what it leaves out. A checker that knows the usual
kinds alone never looks there.

## How safe the fix is
There is none. What an operator takes over from such a part, and what it sets itself, only its documentation tells, and
its API may refuse the fields. Set by hand what the sentence lists, as far as that kind has it.

## References
Pod Security Standards; Kubernetes, Custom Resources.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Refusal, Severity
from fixer.pod_security import Level, evaluate
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.pods import Pod

CARD = Card(
    id="KS019",
    name="unknown-kind",
    title="Nobody knows what makes pods of an object",
    severity=Severity.MEDIUM,
    standards=("PSS restricted",),
)
_NONROOT = frozenset({"runAsNonRoot", "runAsUser", "allowPrivilegeEscalation"})


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each pod spec of a kind that nobody knows."""
    whole = view.config.goal in (Goal.RESTRICTED, Goal.HARDENED)
    for pod in view.strangers:
        found = evaluate(pod.template, Level.RESTRICTED, view.config.pod_security_version)
        # The words of Kubernetes: the control, and what of the object is wrong in parentheses.
        reasons = [one.message.partition(" (")[0] for one in found if whole or one.control in _NONROOT]
        if reasons:
            yield _finding(view, pod, ", ".join(dict.fromkeys(reasons)))


def _finding(view: ManifestView, pod: Pod, reasons: str) -> Finding:
    name = view.names[pod.key]
    message = f"{name}: nobody knows what makes pods of this, and they would violate: {reasons}"
    kind = pod.template.kind
    refusal = Refusal(
        "unknown-kind",
        f"look up how {kind} sets security contexts, and set by hand what is violated: {reasons}",
    )
    return view.finding(CARD, pod.at(pod.path), message, fix=refusal)
