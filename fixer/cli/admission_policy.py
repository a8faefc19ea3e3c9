"""`fixer admission-policy`: a policy that makes a cluster refuse what the fixes take away."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import typer

from fixer.cli.pod_security import PodLevel
from fixer.errors import UsageError

HELP = (
    "Print a ValidatingAdmissionPolicy with its binding, for Kubernetes 1.30 or newer, which judges the pods of a"
    " cluster as 'fixer check' judges manifests: fixer admission-policy | kubectl apply -f -"
)

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


class Action(StrEnum):
    """What the API server does about an object that the policy forbids."""

    DENY = "Deny"
    WARN = "Warn"
    AUDIT = "Audit"


LevelOption = Annotated[PodLevel, typer.Option("--level", help="Which level pods have to satisfy.")]
NamespaceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--namespace",
        metavar="NAME",
        help="Only in this namespace; may be given again (default: all but those of the cluster itself).",
        show_default=False,
    ),
]
ActionOption = Annotated[
    Action, typer.Option("--action", case_sensitive=False, help="What to do about an object that is forbidden.")
]


def command(
    level: LevelOption = PodLevel.RESTRICTED,
    namespace: NamespaceOption = None,
    action: ActionOption = Action.DENY,
) -> None:
    """Parse words, print the policy."""
    from fixer import console
    from fixer.templates import render

    names = list(dict.fromkeys(namespace or []))
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError(f"--namespace: '{name}' is no name of a namespace: lower-case letters, digits and -")
    values = {"level": level.value, "namespaces": names, "action": action.value}
    console.text(render("kubernetes/admission-policy.yaml.j2", **values))
