"""Which objects a patch hits."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fixer.understand.selecting import identity, is_named, is_selected, may_match

WEB = identity({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}})
PREFIXED = WEB.renamed({"namePrefix": "prod-", "namespace": "prod"}).renamed({"nameSuffix": "-2"})


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        ({}, True),
        ({"kind": "Deployment"}, True),
        ({"kind": "Deploy"}, False),
        ({"kind": "Deploy.*"}, True),
        ({"kind": "StatefulSet|Deployment", "name": "w.b"}, True),
        ({"group": "apps", "version": "v1", "kind": "Deployment", "name": "web", "namespace": "shop"}, True),
        ({"group": "batch"}, False),
        ({"version": "v1beta1"}, False),
        ({"namespace": "default"}, False),
        ({"name": "web|api"}, True),
        ({"name": "prod-web"}, False),
        ({"labelSelector": "app=other"}, True),
        ({"annotationSelector": "app=other", "name": "other"}, False),
        ({"name": ["web"]}, True),
    ],
)
def test_targets(target: dict[str, Any], hit: bool) -> None:
    assert is_selected(target, WEB) is hit


def test_all_names_that_an_object_has_had() -> None:
    for name in ("web", "prod-web", "prod-web-2"):
        assert is_selected({"name": name}, PREFIXED)
    assert not is_selected({"name": "web-2"}, PREFIXED)
    assert is_selected({"namespace": "shop"}, PREFIXED)
    assert is_selected({"namespace": "prod"}, PREFIXED)
    assert is_selected({"namespace": "default"}, identity({"kind": "Pod"}))


@pytest.mark.parametrize(
    ("patch", "hit"),
    [
        ({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}, True),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "prod-web"}}, True),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "prod"}}, True),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "test"}}, False),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w.b"}}, False),
        ({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}}, False),
        ({"apiVersion": "other/v1", "kind": "Deployment", "metadata": {"name": "web"}}, False),
        ({}, False),
    ],
)
def test_names(patch: dict[str, Any], hit: bool) -> None:
    assert is_named(patch, PREFIXED) is hit


@pytest.mark.parametrize(
    "expression",
    [
        "web",
        "we",
        "w.b",
        "w.*",
        ".*",
        ".+b",
        "we?b",
        "wex?b",
        "we+b",
        "we*?b",
        "[a-w]eb",
        "[^w]eb",
        "[vw][e][b-z]",
        "web|api",
        "api|web",
        "(api|web)",
        "(?:api|we)b",
        "(w|we)(b|eb)",
        "^web$",
        "^we",
        r"w\.b",
        "()web",
        "|",
    ],
)
def test_expressions_are_read_as_others_read_them(expression: str) -> None:
    for text in ("web", "api", "weeb", "wb", "w.b", ""):
        assert may_match(expression, text) is (re.fullmatch(expression, text) is not None)


@pytest.mark.parametrize(
    "expression", ["w{3}", r"\w+", "(web)+", "a)b", "(a", "[z-a]", "[[:alpha:]]+", "*", "a\\", "^^a"]
)
def test_what_is_not_read_may_match(expression: str) -> None:
    assert may_match(expression, "zzz")


def test_no_expression_takes_long() -> None:
    assert not may_match(".*.*" * 60 + "x", "a" * 250)
    assert not may_match("a*" * 120 + "x", "a" * 250)
    assert may_match("a" * 1000, "b")
    assert may_match("b", "a" * 1000)
