"""Answers of any shape are read, or refused with a sentence; nothing of them reaches git unchecked."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixer.errors import UsageError
from fixer.forge import answers, gitea, github, gitlab
from fixer.forge.base import ForgeError, Request
from fixer.forge.http import Web, said
from tests.forge import test_gitea, test_github, test_gitlab

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
READERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "github": (github._request, test_github.pull()),
    "gitlab": (gitlab._request, test_gitlab.request()),
    "gitea": (gitea._request, test_gitea.pull()),
}


@pytest.fixture(scope="module")
def web() -> Web:
    return Web("https://git.example.com")


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
@settings(max_examples=200)
def test_a_request_with_any_value_is_read_or_refused(kind: str, web: Web, data: st.DataObject) -> None:
    read, row = READERS[kind]
    changed = {**row, data.draw(st.sampled_from(sorted(row))): data.draw(JSON)}
    for side in ("head", "base"):
        if isinstance(changed.get(side), dict) and data.draw(st.booleans()):
            changed[side] = {**changed[side], data.draw(st.sampled_from(["ref", "sha", "label"])): data.draw(JSON)}
    try:
        with web.understood():
            found: Request = read(changed)
    except ForgeError:
        return
    assert found.number > 0
    assert re.fullmatch(r"([0-9a-f]{40})?", found.head)
    for name in (found.branch, found.base):
        assert not name.startswith(("-", "/", "."))
        assert not re.search(r"[\s\x00-\x1f\x7f:~^?*\\]|\.\.", name)
    for text in (found.title, found.body, found.author, found.url, found.closed_by, *found.labels):
        assert isinstance(text, str)


@given(st.one_of(st.binary(max_size=200), JSON.map(lambda value: repr(value).encode())))
def test_the_words_of_any_error_are_one_short_line(data: bytes) -> None:
    words = said(data)
    assert len(words) <= 300
    assert words.isprintable() or not re.search(r"[\x00-\x1f\x7f-\x9f]", words)


@pytest.mark.parametrize(
    "name", ["main", "nonroot/web-0123456789", "feature/ü", "v1.2", "a@b", "x" * 255, "release-1.x"]
)
def test_branches(name: str) -> None:
    assert answers.branch(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "a b", "a\nb", "a\x1bb", "a\x7f", "a\u202eb", "x" * 256),
        *"-x --output=x /x .x a..b a//b a:b a~1 a^ @{u} a@{0} a\\b a? a* a[".split(),
        *(7, None, ["main"], True),
    ],
)
def test_what_is_no_branch(name: Any) -> None:
    with pytest.raises(TypeError):
        answers.branch(name)


@pytest.mark.parametrize("name", ["shop/web", "Shop/Web.js", "a/b/c", "_x/y-z", "a/.github", "1/2"])
def test_names(name: str) -> None:
    assert answers.as_name(name) == answers.name(name) == name


@pytest.mark.parametrize(
    "name", ["", "web", "/a/b", "a/b/", "a//b", "../a", "a/..", "a/.", "a b/c", "a/b?", "a/%2e", "-a/b", "a/-b"]
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(TypeError):
        answers.name(name)
    with pytest.raises(UsageError):
        answers.as_name(name)
