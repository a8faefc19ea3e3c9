"""The manual page `templates/man/fixer.1`, made of the texts that `--help` shows, so that the two cannot differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from typer.main import get_command

from fixer.cli.group import arguments, options
from fixer.cli.main import app

CODES = (
    ("0", "nothing found; or all of it is fixed, written or proved"),
    ("1", "something was found, or is left for a person"),
    ("2", "an error: a word that cannot be meant, a path that does not exist, no engine"),
    ("3", "nothing to look at"),
)
FILES = (
    ("fixer.toml", "settings; or [tool.fixer] in pyproject.toml. 'fixer init' writes one that explains itself."),
    ("fixer.lock", "what images said about themselves, written by --inspect."),
    ("fixer.proof.json", "fixes that were seen to hold, written by 'fixer verify --keep'."),
    ("$XDG_STATE_HOME/fixer", "what 'fixer undo' gives back, and the ledger of pull requests."),
)
ENVIRONMENT = (
    ("NO_COLOR", "no colours. They are for terminals only, and nothing is told by colour alone."),
    ("SOURCE_DATE_EPOCH", "the date of commits."),
    ("GITHUB_TOKEN, GITLAB_TOKEN, GITEA_TOKEN, FORGEJO_TOKEN", "for pull requests, each to its own forge only."),
    ("DOCKER_HOST", "the engine of 'fixer verify'."),
)
EXAMPLES = (
    ("fixer check", "tell what runs as root."),
    ("fixer fix | git apply", "the change, read first and then applied."),
    ("fixer fix --write && fixer undo", "write it, and take it back."),
    ("fixer explain root-user", "why that is wrong, and how safe the fix is."),
)


def manual() -> str:
    """The page, as man(7) wants it."""
    group: Any = get_command(app)
    context = group.make_context("fixer", [], resilient_parsing=True)
    lines = ['.TH FIXER 1 "" "fixer" "User Commands"', ".SH NAME", "fixer \\- take containers off root"]
    lines += [".SH SYNOPSIS", ".B fixer", ".I COMMAND", "[OPTIONS] [PATH]..."]
    lines += [".SH DESCRIPTION"]
    lines += _text(
        "Reads the Dockerfiles, Kubernetes manifests and Compose files of a repository, and prints the smallest change"
        " after which their containers no longer run as root, with the reason for every change. Nothing is written"
        " without being asked for."
    )
    for title, rows in (("EXAMPLES", EXAMPLES), ("EXIT STATUS", CODES), ("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT)):
        lines += [f".SH {title}", *_rows(rows)]
    lines.append(".SH COMMANDS")
    for name in group.list_commands(context):
        lines += _command(name, group.get_command(context, name), context)
    return "\n".join([*lines, ".SH SEE ALSO", ".BR docker (1),", ".BR podman (1),", ".BR git-apply (1)", ""])


def _command(name: str, command: Any, above: Any) -> Iterator[str]:
    context = command.make_context(name, [], parent=above, resilient_parsing=True)
    usage = re.sub(r"^.*? ", "", command.get_usage(context).removeprefix("Usage: "))
    yield f'.SS "{_escaped(" ".join(usage.split()))}"'
    yield from _text(command.help)
    yield from _rows((*arguments(command, context), *options(command, context)))


def _rows(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, words in rows:
        yield ".TP"
        yield f'.B "{_escaped(term)}"'
        yield from _text(words)


def _text(words: str) -> Iterator[str]:
    yield from (_escaped(line) for line in " ".join(words.split()).replace(". ", ".\n").splitlines())


def _escaped(words: str) -> str:
    """Words that roff does not obey: no line begins with a control character, and no hyphen becomes a dash."""
    words = words.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq").replace("'", "\\(aq")
    return f"\\&{words}" if words.startswith((".", "'")) else words
