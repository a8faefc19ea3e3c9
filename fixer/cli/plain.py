"""The words of `fixer check` without typer, whose import takes longer than the check of a file.

Only what is plainly right is read here; with anything else typer reads the words again, and tells what is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixer.cli.runs import Options, check
from fixer.model import Goal, LowPorts, Origin

# The options of `fixer.cli.check`, with the names that they have in `Options`.
SWITCHES = {"--no-config": "no_config", "--no-ignores": "no_ignores", "--refresh": "refresh"}
VALUED = {
    "--goal": "goal",
    "--format": "output",
    "--select": "select",
    "--ignore": "ignore",
    "--config": "config",
    "--pod-security-version": "pod_security_version",
    "--ports": "ports",
    "--inspect": "inspect",
    "--rev": "rev",
    "--output-file": "output_file",
    "--baseline": "baseline",
    "--write-baseline": "write_baseline",
}
_READERS: dict[str, Any] = {"goal": Goal, "config": Path, "ports": LowPorts, "inspect": Origin}
_READERS |= {"baseline": Path, "write_baseline": Path, "output_file": lambda word: (word,)}


def run_check(words: list[str]) -> int | None:
    """Run `fixer check` with these words; its exit code, or None when they are not plainly right.

    Raises:
        UsageError: as `fixer.cli.runs.check`.
    """
    values: dict[str, Any] = {}
    paths: list[Path] = []
    rest = iter(words)
    for word in rest:
        name, eq, value = word.partition("=")
        if not word.startswith("-"):
            paths.append(Path(word))
        elif word in SWITCHES:
            values[SWITCHES[word]] = True
        elif name in VALUED:
            if not eq:
                value = next(rest, "-")
            if value.startswith("-") or (name == "--output-file" and VALUED[name] in values):
                return None
            values[VALUED[name]] = value
        else:
            return None
    if "rev" in values:
        return None  # git takes longer to start than typer
    output = values.pop("output", "text")
    try:
        options = Options(**{key: _READERS.get(key, lambda word: word)(value) for key, value in values.items()})
    except ValueError:
        return None
    return check(paths or [Path()], options, output) if output in ("text", "json") else None
