"""The documents of a file as plain values, by ruamel.yaml's own loader in YAML 1.1."""

from __future__ import annotations

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
