"""Variables in Dockerfile words: what BuildKit's shell lexer makes of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixer.syntax.expand import expand, names

if TYPE_CHECKING:
    from tests.conftest import Engine

ENV: dict[str, str | None] = {"V": "abc", "E": "", "P": "/usr/local/bin", "B": None}
TABLE = {
    "plain": "plain",
    "$V": "abc",
    "${V}": "abc",
    "x${V}y$V": "xabcyabc",
    "$U": "",
    "${U}": "",
    "$Vx": "",
    "$V.x": "abc.x",
    "${V:-x}": "abc",
    "${E:-x}": "x",
    "${U:-x}": "x",
    "${V-x}": "abc",
    "${E-x}": "",
    "${U-x}": "x",
    "${U:-}": "",
    "${V:+x}": "x",
    "${E:+x}": "",
    "${U:+x}": "",
    "${V+x}": "x",
    "${E+x}": "x",
    "${U+x}": "",
    "${V:?x}": "abc",
    "${V?x}": "abc",
    "${E?x}": "",
    "${U:-$V}": "abc",
    "${U:-${V}}": "abc",
    "${U:-${W:-${X:-y}}}": "y",
    "${U:-${V:+z}}": "z",
    "${U:-a b}": "a b",
    '${U:-"a}b"}': "a}b",
    "${U:-a:b-c}": "a:b-c",
    '"$V"': "abc",
    "'$V'": "$V",
    "\"'$V'\"": "'abc'",
    "'\"$V\"'": '"$V"',
    "a\"b\"'c'd": "abcd",
    "\\$V": "$V",
    "\\${V}": "${V}",
    '"\\$V"': "$V",
    '"a\\nb"': "a\\nb",
    '"a\\"b"': 'a"b',
    '"a\\\\b"': "a\\b",
    "a\\ b": "a b",
    "a\\\\b": "a\\b",
    "a\\nb": "anb",
    "$": "$",
    "a$": "a$",
    "$.": "$.",
    '"$"': "$",
    "$$": "",
    "$$V": "V",
    "$1": "",
}
NEWER = {  # what BuildKit 0.12 and later know
    "${P#/}": "usr/local/bin",
    "${P#*/}": "usr/local/bin",
    "${P##*/}": "bin",
    "${P%/*}": "/usr/local",
    "${P%%/*}": "",
    "${P%/}": "/usr/local/bin",
    "${V#?}": "bc",
    "${V%?}": "ab",
    "${V#x}": "abc",
    "${V#[a]}": "abc",
    "${U#x}": "",
    "${V/b/x}": "axc",
    "${P/\\//-}": "-usr/local/bin",
    "${P//local/x}": "/usr/x/bin",
    "${V/b}": "ac",
}
BROKEN = [
    "${V",
    "${",
    "${}",
    "${V:x}",
    "${V:}",
    "${V:-x",
    '"$V',
    "'$V",
    "${V^^}",
    "${.}",
    "${U:?gone}",
    "${E:?empty}",
    "${U?gone}",
]


@pytest.mark.parametrize(("word", "value"), {**TABLE, **NEWER}.items())
def test_the_table(word: str, value: str) -> None:
    assert expand(word, ENV) == value


@pytest.mark.parametrize("word", BROKEN)
def test_what_no_build_accepts_has_no_value(word: str) -> None:
    assert expand(word, ENV) is None


@pytest.mark.parametrize(
    ("word", "value"), [("$B", None), ("x$B", None), ("${B}", None), ("${B:+x}", None), ("${B#x}", None)]
)
def test_what_only_the_build_knows_has_no_value(word: str, value: str | None) -> None:
    assert expand(word, ENV) is value


@pytest.mark.parametrize(("word", "value"), [("${V:-$B}", "abc"), ("${U:+$B}", ""), ("${U:-$B}", None), ("'$B'", "$B")])
def test_an_unknown_value_matters_only_where_it_is_used(word: str, value: str | None) -> None:
    assert expand(word, ENV) == value


@pytest.mark.parametrize(
    ("word", "value"), [("C:\\x", "C:\\x"), ("`$V", "$V"), ('"`$V"', "$V"), ("\\$V", "\\abc"), ("a` b", "a b")]
)
def test_the_other_escape_character(word: str, value: str) -> None:
    assert expand(word, ENV, "`") == value


def test_names_are_told() -> None:
    assert names("$A ${B:-$C} $1 \\x ${D") == {"A", "B", "C", "D"}


@settings(max_examples=1000, deadline=None)
@given(st.text(alphabet="${}:-+?#%/\\`'\"VUEB *?[ab0 .", max_size=25), st.sampled_from(["\\", "`"]))
def test_it_never_raises(word: str, escape: str) -> None:
    value = expand(word, ENV, escape)
    assert value is None or isinstance(value, str)
    names(word)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(exclude_characters="$'\"\\`")))
def test_plain_words_stay(word: str) -> None:
    assert expand(word, ENV) == word


def test_buildkit_says_so(engine: Engine, tmp_path: Path) -> None:
    """The table itself, judged by a real build (an older frontend, which wants the colon in a modifier)."""
    words = [word for word in TABLE if not re.search(r"\s|\{[A-Z][-+?]", word)]
    labels = "".join(f"LABEL w{n}={word}\n" for n, word in enumerate(words))
    env = "".join(f"ENV {name}={value}\n" for name, value in ENV.items() if value is not None)
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\n{env}{labels}")
    built = engine.docker("build", "-q", "--network=none", tmp_path)
    assert built.returncode == 0, built.stderr
    told = engine.docker("image", "inspect", "-f", "{{json .Config.Labels}}", built.stdout.strip())
    found = json.loads(told.stdout)
    assert {word: found[f"w{n}"] for n, word in enumerate(words)} == {word: TABLE[word] for word in words}
