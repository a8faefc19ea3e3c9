"""What forges answer, read by people who trust nobody: any value may be of any kind and size."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fixer.errors import UsageError
from fixer.forge.base import ForgeError, State
from fixer.forge.http import Web

_MOST_TEXT = 2_000_000
_MOST_NAME = 255
_MOST_LABELS = 200
_MOST_PAGES = 1_000
_PART = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9_.][A-Za-z0-9_.+-]*"
_NAME = re.compile(rf"{_PART}(?:/{_PART})+")
_BRANCH = re.compile(
    r"(?![-/.])(?!.*(?:\.\.|//|@\{))[^\x00-\x20\x7f-\x9f~^:?*\[\\\u2028\u2029\u202a-\u202e\u2066-\u2069]+"
)

Page = tuple[Any, Mapping[str, str]]
"""The rows of a page, as the forge gave them, and the headers of its answer."""


def as_name(text: str) -> str:
    """A repository's name, `owner/name` or with more groups, checked.

    Raises:
        UsageError: when it can be none.
    """
    if not _NAME.fullmatch(text) or len(text) > _MOST_NAME:
        raise UsageError(f"'{text[:80]}' can be no repository; give it as owner/name")
    return text


def row(value: Any) -> dict[str, Any]:
    """An object.

    Raises:
        TypeError: when it is none.
    """
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value


def number(value: Any) -> int:
    """The number of a request.

    Raises:
        TypeError: when it is none.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 53:
        raise TypeError("no number")
    return value


def state(value: Any) -> State:
    """What became of a request.

    Raises:
        ValueError: for a state that is not known.
    """
    return State(text(value))


def name(value: Any) -> str:
    """The name of a repository.

    Raises:
        TypeError: when it is none.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value) or len(value) > _MOST_NAME:
        raise TypeError("no name of a repository")
    return value


def branch(value: Any) -> str:
    """The name of a branch that git may be given.

    Raises:
        TypeError: when it is none.
    """
    if not isinstance(value, str) or not _BRANCH.fullmatch(value) or len(value) > _MOST_NAME:
        raise TypeError("no branch")
    return value


def commit(value: Any) -> str:
    """The id of a commit, "" where there is none any more.

    Raises:
        TypeError: when it is something else.
    """
    if not isinstance(value, str) or not re.fullmatch(r"(?:[0-9a-f]{40}(?:[0-9a-f]{24})?)?", value):
        raise TypeError("no commit")
    return value


def text(value: Any) -> str:
    """A text of people, "" where there is none."""
    return value[:_MOST_TEXT] if isinstance(value, str) else ""


def login(value: Any, key: str = "login") -> str:
    """The login of a person's object, "" where there is none: accounts go, their requests stay."""
    found = value.get(key) if isinstance(value, dict) else None
    return found[:_MOST_NAME] if isinstance(found, str) else ""


def labels(value: Any) -> tuple[str, ...]:
    """The names of labels, which come as texts or as objects."""
    rows = value[:_MOST_LABELS] if isinstance(value, list) else []
    names = (one.get("name") if isinstance(one, dict) else one for one in rows)
    return tuple(one[:_MOST_NAME] for one in names if isinstance(one, str) and one)


def pages(web: Web, fetch: Callable[[int], Page]) -> Iterator[dict[str, Any]]:
    """The rows of all pages; where the next page is, the forge does not decide.

    Args:
        web: who answers.
        fetch: gives the page of a number, from 1 on.

    Raises:
        ForgeError: when there is no end, or for a page that is no list of objects.
    """
    for page in range(1, _MOST_PAGES + 1):
        rows, headers = fetch(page)
        if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
            raise web.odd()
        yield from rows
        more = next((value for key, value in headers.items() if key.lower() == "link"), "")
        if not rows or not re.search(r'rel="?next"?', str(more)[:10_000]):
            return
    raise ForgeError(f"{web.host} has more pages than anybody could want; ask for less at once")
