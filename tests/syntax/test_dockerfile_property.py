"""Made-up Dockerfiles: whatever BuildKit takes, the scanner takes and reads alike; what it refuses, it refuses."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings

from fixer.errors import Unreadable
from fixer.source import SourceFile
from fixer.syntax.dockerfile import parse
from tests import oracle
from tests.dockerfiles import dockerfiles, mutations, scraps


@settings(max_examples=300, deadline=None)
@given(dockerfiles())
def test_whole_files(data: bytes) -> None:
    assert oracle.difference(data) == ""
    parse(SourceFile("Dockerfile", data).text)


@settings(max_examples=600, deadline=None)
@given(mutations())
def test_damaged_files(data: bytes) -> None:
    assert oracle.difference(data) == ""


@settings(max_examples=600, deadline=None)
@given(scraps())
def test_scraps(data: bytes) -> None:
    assert oracle.difference(data) == ""


@settings(max_examples=300, deadline=None)
@given(scraps() | mutations())
def test_what_it_takes_buildkit_takes(data: bytes) -> None:
    with suppress(Unreadable):
        parse(SourceFile("Dockerfile", data).text)
        assert oracle.parses(data)
