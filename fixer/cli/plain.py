"""The words of `fixer check` and `fixer fix` without typer, whose import takes longer than the work on a file.

Only what is plainly right is read here; with anything else typer reads the words again, and tells what is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixer.cli.runs import Options, check, fix
from fixer.model import Goal, LowPorts, Origin

# The options that both commands share, with the names that they have in `Options`.
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
    "--output-file": "output_file",
    "--baseline": "baseline",
}
# What only one of them has.
CHECK_VALUED = {"--write-baseline": "write_baseline"}
FIX_SWITCHES = {
    "--diff": "diff",
    "--write": "write",
    "--allow-dirty": "allow_dirty",
    "--safe-only": "safe_only",
    "--annotate": "annotate",
}
_READERS: dict[str, Any] = {"goal": Goal, "config": Path, "ports": LowPorts, "inspect": Origin}
_READERS |= {"baseline": Path, "write_baseline": Path, "output_file": lambda word: (word,)}
_Read = tuple[list[Path], Options, str, set[str]]


def run_plain(words: list[str]) -> int | None:
    """Run `fixer check` or `fixer fix` with these words, the command first.

    Returns:
        The exit code, or None when the words are another command, or not plainly right.

    Raises:
        UsageError: as `fixer.cli.runs.check` and `fix`.
    """
    if words[:1] == ["check"]:
        return _check(words[1:])
    return _fix(words[1:]) if words[:1] == ["fix"] else None


def _check(words: list[str]) -> int | None:
    read = _read(words, SWITCHES, VALUED | CHECK_VALUED)
    return check(*read[:3]) if read is not None else None


def _fix(words: list[str]) -> int | None:
    read = _read(words, SWITCHES | FIX_SWITCHES, VALUED)
    if read is None:
        return None
    paths, options, output, given = read
    if {"diff", "write"} <= given:
        return None
    return fix(paths, options, output, **dict.fromkeys(given - {"diff"}, True))


def _read(words: list[str], switches: dict[str, str], valued: dict[str, str]) -> _Read | None:
    """The paths, the options, the format, and the switches that are no `Options`; None when not plainly right."""
    values: dict[str, Any] = {}
    given: set[str] = set()
    paths: list[Path] = []
    rest = iter(words)
    for word in rest:
        name, eq, value = word.partition("=")
        if not word.startswith("-"):
            paths.append(Path(word))
        elif word in SWITCHES:
            values[SWITCHES[word]] = True
        elif word in switches:
            given.add(switches[word])
        elif name in valued:
            if not eq:
                value = next(rest, "-")
            if value.startswith("-") or (name == "--output-file" and valued[name] in values):
                return None
            values[valued[name]] = value
        else:
            return None
    output = values.pop("output", "text")
    try:
        options = Options(**{key: _READERS.get(key, lambda word: word)(value) for key, value in values.items()})
    except ValueError:
        return None
    return (paths or [Path()], options, output, given) if output in ("text", "json") else None
