"""`fixer pod-security`: judge manifests by the Pod Security Standards, without a cluster."""

from __future__ import annotations

import sys
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fixer.cli.options import Format, FormatOption, Paths
from fixer.cli.runs import Options, configured
from fixer.errors import UsageError

if TYPE_CHECKING:
    from fixer.judging import Verdict
    from fixer.model import Skipped

HELP = (
    "Judge Kubernetes manifests by the Pod Security Standards."
    " Exit code: 0 all allowed, 1 something forbidden, 2 error, 3 nothing to look at."
)


class PodLevel(StrEnum):
    """The levels that forbid something."""

    BASELINE = "baseline"
    RESTRICTED = "restricted"


LevelOption = Annotated[PodLevel, typer.Option("--level", help="By which level to judge.")]
# `--version` of the program stands before the command, this one behind it.
VersionOption = Annotated[
    str, typer.Option("--version", metavar="v1.N|latest", help="By which version of Kubernetes to judge.")
]


def command(
    paths: Paths = None,
    level: LevelOption = PodLevel.RESTRICTED,
    version: VersionOption = "latest",
    output: FormatOption = Format.TEXT,
) -> None:
    """Parse words, judge, report, set the exit code."""
    from fixer.judging import judge
    from fixer.pod_security import parse_version

    try:
        parse_version(version)
    except ValueError as error:
        raise UsageError(f"--version: {error}") from None
    paths = paths or [Path()]
    verdicts: list[Verdict] = []
    skipped: list[Skipped] = []
    for one in judge(paths, level.value, version, configured(paths, Options()).exclude):
        verdicts += one.verdicts
        skipped += one.skipped
    if output is Format.JSON:
        _print_json(verdicts)
    else:
        _print_text(verdicts)
    _print_rest(verdicts, skipped)
    if not verdicts:
        raise typer.Exit(3)
    raise typer.Exit(0 if all(verdict.allowed for verdict in verdicts) else 1)


def _print_json(verdicts: list[Verdict]) -> None:
    import json

    from fixer import console

    rows = [
        {
            "path": one.path,
            "document": one.document,
            "kind": one.kind,
            "name": one.name,
            "allowed": one.allowed,
            "violations": [violation._asdict() for violation in one.violations],
        }
        for one in verdicts
    ]
    console.text(json.dumps(rows, indent=2) + "\n")


def _print_text(verdicts: list[Verdict]) -> None:
    from fixer import console

    for one in verdicts:
        controls = ", ".join(dict.fromkeys(violation.control for violation in one.violations))
        said = ("allowed", "green") if one.allowed else (f"forbidden: {controls}", "red")
        console.show([[(one.path, "bold"), (f" [{one.document}] {one.kind}/{one.name}: ", ""), said]])


def _print_rest(verdicts: list[Verdict], skipped: list[Skipped]) -> None:
    """What was not judged, and the counts, on standard error."""
    from fixer import console

    lines = [
        [(one.path, "bold"), (": skipped ", ""), (f"[{one.reason}] ", "dim"), (one.message, "")] for one in skipped
    ]
    forbidden = sum(not one.allowed for one in verdicts)
    many = "" if len(verdicts) == 1 else "s"
    closing = f"{len(verdicts)} pod spec{many}: {len(verdicts) - forbidden} allowed, {forbidden} forbidden"
    if skipped:
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(Counter(s.reason for s in skipped).items()))
        closing += f"; {len(skipped)} skipped ({reasons})"
    console.show([*lines, [(closing, "bold")]], sys.stderr)
