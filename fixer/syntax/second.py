"""The second reader: dockerfile-parse on a cleaned logical view, for what it is good at.

It reads (never writes) FROM, ARG, ENV and LABEL, one instruction a line. Where it and the scanner disagree, the file
is refused. It does not know modifiers (`${V:-x}`) nor the backtick escape, so words that use them are left to the
scanner alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

from fixer.errors import Unreadable
from fixer.syntax.dockerfile import Dockerfile, Instruction

_READS = frozenset({"FROM", "ARG", "ENV", "LABEL"})
_BEYOND = re.compile(r"\$\{[^}]*[^\w}]|\\")


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


def _second(items: list[Instruction], build_args: dict[str, str]) -> tuple[list[str], list[str], Mapping[str, str]]:
    """Keywords, base images and environment, as the second reader sees them."""
    parser = _parser(items, build_args)
    keywords = [entry["instruction"] for entry in parser.structure if entry["instruction"] != "COMMENT"]
    return keywords, list(parser.parent_images), parser.envs


def _parser(items: list[Instruction], build_args: dict[str, str]) -> Any:
    from dockerfile_parse import DockerfileParser

    text = "".join(item.logical.strip() + "\n" for item in items)
    return DockerfileParser(fileobj=BytesIO(text.encode("utf-8", "replace")), cache_content=True, build_args=build_args)


def _disagreement(item: Instruction, what: str) -> Unreadable:
    return Unreadable(
        "readers-disagree",
        f"line {item.line}: two readers disagree about {what}; write it more plainly to have it fixed",
    )
