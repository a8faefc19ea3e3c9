"""The second reader: dockerfile-parse on a cleaned logical view, for what it is good at.

It reads (never writes) FROM, ARG, ENV and LABEL, one instruction a line. Where it and the scanner disagree, the file
is refused. It does not know modifiers (`${V:-x}`) nor the backtick escape, so words that use them are left to the
scanner alone. It leaves variables in the values of ARG as they are, so they are filled in here, with what it read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

from fixer.errors import Unreadable
from fixer.syntax.dockerfile import Dockerfile, Instruction

_READS = frozenset({"FROM", "ARG", "ENV", "LABEL"})
_BEYOND = re.compile(r"\$\{[^}]*[^\w}]|\\")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_DEEPEST = 8  # arguments that name arguments; people write two or three


def agree(
    dockerfile: Dockerfile,
    bases: Sequence[str | None],
    env: Mapping[str, str | None],
    build_args: Mapping[str, str] | None = None,
) -> None:
    """Compare the scanner's reading with the second reader's.

    Args:
        dockerfile: the file as the scanner read it.
        bases: the base image of each stage with variables expanded, None where it is not known.
        env: the environment that ENV instructions of the last stage give, None for values that are not known.
        build_args: values of `--build-arg` from the configuration.

    Raises:
        Unreadable: when they disagree on the instructions, a base image or a value.
    """
    items = [item for item in dockerfile if item.keyword in _READS]
    if dockerfile.escape != "\\" or any(_BEYOND.search(item.logical) or "#" in item.name for item in items):
        return
    try:
        seen, parents, values = _second(items, dict(build_args or {}))
    except Exception as error:  # it raises whatever comes, and a file that it cannot read is one they disagree about
        raise _disagreement(items[0], f"its ARG, ENV or LABEL ({error})") from error
    if seen != [item.keyword for item in items] or len(parents) != len(bases):
        raise _disagreement(items[0], "the instructions")
    for base, other in zip(bases, parents, strict=True):
        if base is not None and base != other:
            raise _disagreement(items[0], f"the base image ('{base}' or '{other}')")
    for name, value in env.items():
        if value is not None and values.get(name) != value:
            raise _disagreement(items[0], f"the value of {name} ('{value}' or '{values.get(name)}')")


def _second(items: list[Instruction], build_args: dict[str, str]) -> tuple[list[str], list[str], dict[str, str]]:
    """Keywords, base images and environment, as the second reader sees them."""
    parser = _parser(items, build_args)
    read = [entry for entry in parser.structure if entry["instruction"] != "COMMENT"]
    arguments = dict(_arguments([entry["value"] for entry in read if entry["instruction"] == "ARG"])) | build_args
    parents = [_filled(base, arguments) for base in parser.parent_images]
    return (
        [entry["instruction"] for entry in read],
        parents,
        {name: _filled(value, arguments) for name, value in parser.envs.items()},
    )


def _arguments(values: list[str]) -> Iterator[tuple[str, str]]:
    """The names and defaults of arguments that stand alone in their ARG."""
    for value in values:
        name, equals, default = value.partition("=")
        if equals and not re.search(r"\s", default.strip()):
            yield name.strip(), default.strip().strip("\"'")


def _filled(text: str, arguments: Mapping[str, str]) -> str:
    """A value in which the arguments that name other arguments are resolved."""
    for _ in range(_DEEPEST):
        found = _VARIABLE.sub(lambda match: arguments.get(match[1] or match[2], match[0]), text)
        if found == text:
            break
        text = found
    return text


def _parser(items: list[Instruction], build_args: dict[str, str]) -> Any:
    from dockerfile_parse import DockerfileParser

    text = "".join(item.logical.strip() + "\n" for item in items)
    return DockerfileParser(fileobj=BytesIO(text.encode("utf-8", "replace")), cache_content=True, build_args=build_args)


def _disagreement(item: Instruction, what: str) -> Unreadable:
    return Unreadable(
        "readers-disagree",
        f"line {item.line}: two readers disagree about {what}; write it more plainly to have it fixed",
    )
