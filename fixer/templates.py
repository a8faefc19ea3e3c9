"""The texts that the program fills in: one place finds them, one place renders them.

They lie in `templates/` at the top of the repository and ship inside the package as `fixer/templates/`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def folder() -> Path:
    """The folder of the templates: inside the installed package, or beside it in a checkout."""
    inside = Path(__file__).with_name("templates")
    return inside if inside.is_dir() else Path(__file__).parents[1] / "templates"


@cache
def read_template(name: str) -> str:
    """The text of the template `name`, a path below `templates/` with forward slashes.

    Raises FileNotFoundError for a name that does not exist.
    """
    return (folder() / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    # jinja2 costs more time to import than most checks take: only a run that writes something pays for it.
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(read_template),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),  # the others are commands and Markdown
    )


def render(name: str, /, **values: object) -> str:
    """The template `name` filled with `values`; a value that is missing raises jinja2.UndefinedError."""
    return _environment().get_template(name).render(**values)
