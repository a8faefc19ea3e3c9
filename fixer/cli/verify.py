"""`fixer verify`: build and run the images before and after the fix, and tell whether it holds."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fixer.cli.options import ConfigOption, GoalOption, NoConfigOption, Paths, PortsOption
from fixer.errors import UsageError

if TYPE_CHECKING:
    from fixer.cli.runs import Options as RunOptions
    from fixer.evidence import Report
    from fixer.verify.engine import Options
    from fixer.verify.trying import Wishes

HELP = (
    "Build and run the images before and after the fix, and tell whether it holds. The repository is not written."
    " Exit code: 0 all hold, 1 one does not, or cannot be proved here, 2 error or no engine, 3 nothing to verify."
)
_LONGEST = 3600


class Engine(StrEnum):
    """The engines that can be asked."""

    AUTO = "auto"
    DOCKER = "docker"
    PODMAN = "podman"
    BUILDAH = "buildah"


class VerifyFormat(StrEnum):
    """The formats of a report."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


EngineOption = Annotated[Engine, typer.Option("--engine", help="What builds and runs.")]
TargetOption = Annotated[
    str,
    typer.Option(
        "--target", metavar="IMAGE", help="Only this image, by its name or its Dockerfile.", show_default=False
    ),
]
TimeoutOption = Annotated[
    int, typer.Option("--timeout", metavar="S", min=1, max=_LONGEST, help="Seconds for each build and each run.")
]
SmokeOption = Annotated[
    str,
    typer.Option(
        "--smoke", metavar="CMD", help="Run this in each container too; 0 passes, and no shell reads it.",
        show_default=False,
    ),
]  # fmt: skip
NetworkOption = Annotated[bool, typer.Option("--network", help="Let builds use the network.")]
RepairOption = Annotated[
    bool, typer.Option("--repair", help="Learn from what was refused, try again, and write what helped to fixer.toml.")
]
KeepOption = Annotated[
    Path | None,
    typer.Option(
        "--keep",
        metavar="FILE",
        help="Keep proofs here, so that these fixes count as safe (default: fixer.proof.json, where it is).",
        show_default=False,
    ),
]
DateOption = Annotated[
    str,
    typer.Option("--date", metavar="YYYY-MM-DD", help="The day to write into the proofs.", show_default=False),
]
FormatOption = Annotated[VerifyFormat, typer.Option("--format", help="How to report.")]


def command(
    paths: Paths = None,
    engine: EngineOption = Engine.AUTO,
    target: TargetOption = "",
    goal: GoalOption = None,
    timeout: TimeoutOption = 120,
    smoke: SmokeOption = "",
    network: NetworkOption = False,
    repair: RepairOption = False,
    keep: KeepOption = None,
    date: DateOption = "",
    output: FormatOption = VerifyFormat.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    config: ConfigOption = None,
    no_config: NoConfigOption = False,
    ports: PortsOption = None,
) -> None:
    """Parse words, try, print, set the exit code."""
    import sys

    from fixer import app, console
    from fixer.cli.runs import Options, configured

    paths = paths or [Path()]
    options = Options(goal, config=config, no_config=no_config, ports=ports)
    settings = configured(paths, options)
    wishes = _wishes(paths, options, engine.value, target, repair, keep, _day(date))
    wishes = wishes._replace(options=_trial_options(timeout, smoke, network))
    report = app.verify(paths, settings, wishes, lambda words: console.show([[(words, "dim")]], sys.stderr))
    raise typer.Exit(_show(report, VerifyFormat.JSON if as_json else output))


def _wishes(
    paths: list[Path], options: RunOptions, engine: str, target: str, repair: bool, keep: Path | None, date: str
) -> Wishes:
    from fixer import config as configuration
    from fixer.cli.runs import config_file
    from fixer.verify.trying import Wishes

    if repair and options.no_config:
        raise UsageError("--repair writes what it learns to fixer.toml, and --no-config reads none; give one of them")
    file = config_file(paths, options)
    if keep is None:
        usual = configuration.proofs_for(paths[0], file)
        keep = usual if os.path.lexists(usual) and not options.no_config else None
    folder = paths[0] if os.path.isdir(paths[0]) else paths[0].parent
    return Wishes(engine, target, None, (file or folder / configuration.FILE) if repair else None, keep, date)


def _trial_options(timeout: int, smoke: str, network: bool) -> Options:
    import shlex

    from fixer.verify.engine import Options

    try:
        shlex.split(smoke)
    except ValueError as error:
        raise UsageError(f"--smoke: {error}; quote it as a shell would") from None
    return Options(timeout=timeout, smoke=smoke, network=network)


def _day(text: str) -> str:
    from datetime import date

    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError(f"--date: '{text}' is no day; write it as 2026-01-31") from None


def _show(report: Report, output: VerifyFormat) -> int:
    from fixer import console
    from fixer.render import verify as render

    if output is VerifyFormat.JSON:
        console.text(render.to_json(report))
    elif output is VerifyFormat.MARKDOWN:
        console.text(render.markdown(report))
    else:
        console.show(render.text(report))
    return render.exit_code(report)
