"""The documents of a file of manifests as Kubernetes reads them: cut before they are parsed, in YAML 1.1."""

from __future__ import annotations

import re
from typing import Any


class NotYaml(ValueError):
    """A text that is no YAML; `line` counts from 1, 0 when it is not known."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def load_manifests(text: str) -> list[Any]:
    """The documents of a text as plain values, by the words of YAML 1.1 as Kubernetes reads them: `yes` is true.

    Raises:
        NotYaml: when it does not parse, or has a key twice or a tag that nobody knows.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    parser = YAML(typ="safe", plug_ins=[])  # looking for plug-ins in the file system takes longer than most manifests
    parser.version = (1, 1)
    try:
        return list(parser.load_all(text))
    except (YAMLError, ValueError, RecursionError, TypeError, AttributeError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error) or type(error).__name__
        raise NotYaml(str(problem).partition("\n")[0], mark.line + 1 if mark is not None else 0) from error


# A line of three hyphens begins a document wherever it stands, in block scalars too.
_BEGIN = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
# After three dots a document may begin without hyphens, and a directive belongs to the document behind it.
_BEYOND = re.compile(r"^(?:%|\.\.\.(?!(?:\s|#[^\n]*+)*+(?:^---|\Z)))", re.MULTILINE)
_SOMETHING = re.compile(r"^[ \t]*[^\s#]", re.MULTILINE)


def documents(text: str) -> list[tuple[int, str]]:
    """The documents of a stream as texts, each with the line that it begins in, counted from 0, and nothing parsed.

    A stream with directives, or with a document behind three dots that has no hyphens, comes back in one piece.
    """
    if _BEYOND.search(text):
        return [(0, text)]
    starts = [match.start() for match in _BEGIN.finditer(text)]
    if not starts or _SOMETHING.search(text, 0, starts[0]):
        starts.insert(0, 0)
    out: list[tuple[int, str]] = []
    line = text.count("\n", 0, starts[0])
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        out.append((line, text[start:end]))
        line += text.count("\n", start, end)
    return out
