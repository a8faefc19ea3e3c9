"""`fixer inspect IMAGE...`: what images say about themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fixer.cli.options import Format, FormatOption
from fixer.cli.runs import Options, configured
from fixer.errors import UsageError
from fixer.model import Origin

if TYPE_CHECKING:
    from fixer.inspecting import Unseen
    from fixer.lock import Inspection
    from fixer.render.text import Line

HELP = (
    "Tell what images say about themselves: who they run as, ports, volumes, command."
    " Exit code: 0 all read, 1 one could not be read, 2 error."
)

Images = Annotated[list[str], typer.Argument(metavar="IMAGE", help="References of images.", show_default=False)]
FromOption = Annotated[Origin, typer.Option("--from", help="Where to read them.")]


def command(images: Images, origin: FromOption = Origin.REGISTRY, output: FormatOption = Format.TEXT) -> None:
    """Parse words, read, print, set the exit code."""
    from fixer.facts import ImageRef
    from fixer.inspecting import Unseen, inspect_all, reader

    try:
        names = list(dict.fromkeys(str(ImageRef.exact(text)) for text in images))
    except ValueError as error:
        raise UsageError(f"{error}; write it as docker pull takes it") from None
    config = configured([Path()], Options())
    found = inspect_all(names, reader(origin.value, config), config.inspect_timeout)
    answers = {name: found[name] for name in names}
    if output is Format.JSON:
        _print_json(answers)
    else:
        _print_text(answers)
    raise typer.Exit(any(isinstance(one, Unseen) for one in answers.values()))


def _print_json(answers: dict[str, Inspection | Unseen]) -> None:
    import json

    from fixer import console
    from fixer.inspecting import Unseen
    from fixer.lock import to_dict

    rows = [
        {"image": name, "reason": one.reason, "message": one.message}
        if isinstance(one, Unseen)
        else {"image": name, **to_dict(one)}
        for name, one in answers.items()
    ]
    console.text(json.dumps(rows, indent=2) + "\n")


def _print_text(answers: dict[str, Inspection | Unseen]) -> None:
    import sys

    from fixer import console
    from fixer.inspecting import Unseen

    for name, one in answers.items():
        if isinstance(one, Unseen):
            console.show([[(name, "bold"), (f": not read [{one.reason}] {one.message}", "")]], sys.stderr)
        else:
            console.show([[(name, "bold")], *_lines(one)])


def _lines(one: Inspection) -> list[Line]:
    rows = {
        "digest": one.digest,
        "platform": one.platform,
        "user": _user(one),
        "ports": ", ".join(one.ports),
        "volumes": ", ".join(one.volumes),
        "entrypoint": _shown(one.entrypoint),
        "cmd": _shown(one.cmd),
        "workdir": one.workdir,
        "env": _shown(tuple(f"{name}={value}" for name, value in sorted(one.env.items()))),
    }
    return [[(f"    {title:<11}", "dim"), (text, "")] for title, text in rows.items() if text]


def _user(one: Inspection) -> str:
    from fixer.facts import laid_over

    facts = laid_over(None, one)
    word = one.user or "root"
    if facts.runs_as_root is None:
        return f"{word}, whom its passwd file does not have"
    numbers = ":".join(str(number) for number in (facts.default_uid, facts.default_gid) if number is not None)
    return word if word in (numbers, str(facts.default_uid)) else f"{word} ({numbers})"


def _shown(words: tuple[str, ...]) -> str:
    import shlex

    return shlex.join(words)
