"""YAML as values: the one place that imports ruamel.yaml."""

from __future__ import annotations

from typing import Any


def load_all(text: str) -> list[Any]:
    """The documents of a YAML stream as plain values; an empty list when it does not parse."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return list(YAML(typ="safe").load_all(text))
    except (YAMLError, ValueError, RecursionError, TypeError, AttributeError):
        return []
