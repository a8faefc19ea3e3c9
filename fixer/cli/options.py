"""Options that commands share, as typer wants them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fixer.cli.completion import rule_lists
from fixer.model import Goal, LowPorts, Origin


class Format(StrEnum):
    """Report formats."""

    TEXT = "text"
    JSON = "json"


class ReportFormat(StrEnum):
    """The formats of what check and fix report."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITLAB = "gitlab"
    JUNIT = "junit"
    GITHUB = "github"
    MARKDOWN = "markdown"
    HTML = "html"


Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH", help="Files and folders; the current folder when none is named.", show_default=False
    ),
]
GoalOption = Annotated[
    Goal | None, typer.Option("--goal", help="What to reach (default: restricted).", show_default=False)
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to report.")]
ReportFormatOption = Annotated[ReportFormat, typer.Option("--format", help="How to report.")]
OutputFileOption = Annotated[
    list[str] | None,
    typer.Option(
        "--output-file",
        metavar="[FORMAT=]FILE",
        help="Write the report to a file, in a format of its own if one is named; may be given several times.",
        show_default=False,
    ),
]
BaselineOption = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="FILE", help="Keep quiet about the findings in this file.", show_default=False),
]
WriteBaselineOption = Annotated[
    Path | None,
    typer.Option(
        "--write-baseline",
        metavar="FILE",
        help="Write all findings of today to this file, for --baseline.",
        show_default=False,
    ),
]
SelectOption = Annotated[
    str,
    typer.Option(
        "--select",
        metavar="R,..",
        help="Only these rules, by id or name.",
        show_default=False,
        autocompletion=rule_lists,
    ),
]
IgnoreOption = Annotated[
    str,
    typer.Option("--ignore", metavar="R,..", help="Not these rules.", show_default=False, autocompletion=rule_lists),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Read this configuration.", show_default=False)
]
NoConfigOption = Annotated[bool, typer.Option("--no-config", help="Read no configuration.")]
PodSecurityVersionOption = Annotated[
    str | None,
    typer.Option(
        "--pod-security-version",
        metavar="v1.N|latest",
        help="By which version of Kubernetes to judge pods (default: latest).",
        show_default=False,
    ),
]
PortsOption = Annotated[
    LowPorts | None,
    typer.Option(
        "--ports",
        help="Leave ports below 1024 where they are (keep, the default), or move them in all files at once.",
        show_default=False,
    ),
]
NoIgnoresOption = Annotated[bool, typer.Option("--no-ignores", help="Do not honour '# fixer: ignore[..]' comments.")]
InspectOption = Annotated[
    Origin | None,
    typer.Option(
        "--inspect",
        help="Read the images that are named, and keep what they say about themselves in fixer.lock.",
        show_default=False,
    ),
]
RefreshOption = Annotated[bool, typer.Option("--refresh", help="Read images again that fixer.lock holds already.")]
RevisionOption = Annotated[
    str | None,
    typer.Option(
        "--rev",
        metavar="REF",
        help="Read the files of this commit (branch, tag or id) instead of the work tree.",
        show_default=False,
    ),
]


class ForgeKind(StrEnum):
    """The kinds of forges; `memory` is a folder of bare repositories, for trying things out."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    MEMORY = "memory"


ForgeOption = Annotated[
    ForgeKind | None,
    typer.Option("--forge", help="Of which kind the forge is (default: what its address tells).", show_default=False),
]
BaseOption = Annotated[
    str,
    typer.Option(
        "--base", metavar="BRANCH", help="Where requests go (default: the default branch).", show_default=False
    ),
]
SafeOnlyOption = Annotated[bool, typer.Option("--safe-only", help="Leave out fixes that a person should look at.")]
MostOpenOption = Annotated[
    int, typer.Option("--max-open", min=1, metavar="N", help="At most so many open requests in a repository.")
]
LabelsOption = Annotated[
    str, typer.Option("--labels", metavar="L,..", help="Labels for new requests.", show_default=False)
]
AuthorOption = Annotated[
    str, typer.Option("--author", metavar="'N <e>'", help="Who made the commits.", show_default=False)
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="FILE",
        help="The ledger of what was done (default: in the state folder).",
        show_default=False,
    ),
]
