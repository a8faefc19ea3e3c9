"""No secret is shown, in whatever form and company."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer import console, masking

TOKEN = "ghp_a+b/c=d&e?f%g:h'i\"j\\k0123"
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=8).filter(
    lambda one: one == one.strip()
)
AROUND = st.text(st.characters(codec="utf-8", exclude_characters="*"), max_size=40)


@pytest.fixture(autouse=True)
def forgetful() -> None:
    masking.forget()


@given(SECRETS, AROUND, AROUND)
def test_a_secret_is_hidden_in_any_text(secret: str, before: str, after: str) -> None:
    masking.forget()
    masking.register(secret)
    shown = masking.mask(before + secret + after)
    assert secret not in shown
    assert masking.MASK in shown


@given(SECRETS, AROUND, AROUND)
def test_nothing_else_is_hidden(secret: str, before: str, after: str) -> None:
    masking.forget()
    masking.register(secret)
    if not any(form in before + after for form in masking._forms):
        assert masking.mask(before + after) == before + after


@given(SECRETS, st.binary(max_size=12), st.binary(max_size=12))
def test_base64_hides_it_not(secret: str, before: bytes, after: bytes) -> None:
    """As a header has it: `Basic` with user and token together; no more than the outermost characters stay."""
    masking.forget()
    masking.register(secret)
    data = secret.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        shown = masking.mask(encode(before + data + after).decode())
        start, end = -(-len(before) * 8 // 6), (len(before) + len(data)) * 8 // 6
        assert encode(before + data + after).decode()[start:end] not in shown


@given(st.lists(SECRETS, min_size=2, max_size=4), st.data())
def test_secrets_that_overlap_are_hidden_whole(secrets: list[str], data: st.DataObject) -> None:
    masking.forget()
    for secret in secrets:
        masking.register(secret)
    first = secrets[0]
    cut = data.draw(st.integers(1, len(first) - 1))
    overlapping = first[cut:] + "rest-of-it"
    masking.register(overlapping)
    shown = masking.mask(f"a {first}rest-of-it b")
    assert all(one not in shown for one in (*secrets, overlapping, "rest-of-it"))


@pytest.mark.parametrize(
    "form",
    [
        TOKEN,
        quote(TOKEN, safe=""),
        quote(TOKEN),
        quote_plus(TOKEN),
        re.sub("%..", lambda found: found[0].lower(), quote(TOKEN, safe="")),
        json.dumps(TOKEN)[1:-1],
        repr(TOKEN)[1:-1],
        base64.b64encode(TOKEN.encode()).decode().rstrip("="),
    ],
)
def test_forms(form: str) -> None:
    masking.register(TOKEN)
    shown = masking.mask(f"https://x/{form}?a")
    assert form not in shown
    assert shown.startswith("https://x/***")


def test_the_header_of_git_is_hidden() -> None:
    masking.register("0123456789-token")
    header = "Authorization: Basic " + base64.b64encode(b"x-access-token:0123456789-token").decode()
    assert masking.mask(header) == "Authorization: Basic eC1hY2Nlc3MtdG9rZW46***=="


def test_each_line_of_a_key_is_one() -> None:
    masking.register("-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nynVP+lmpfYNPlk6f\n-----END KEY-----\n")
    assert masking.mask("read MIIEpAIBAAKCAQEA, then ynVP+lmpfYNPlk6f") == "read ***, then ***"


@pytest.mark.parametrize("nothing", ["", " ", "\n"])
def test_nothing_is_no_secret(nothing: str) -> None:
    masking.register(nothing)
    assert masking.mask(f"a{nothing}b \n") == f"a{nothing}b \n"


def test_what_is_printed_is_masked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    masking.register(TOKEN)
    console.error(f"the token {TOKEN} is old")
    console.show([[("the token ", ""), (TOKEN[:9], "bold"), (f"{TOKEN[9:]} is old", "")]])
    console.text(f"the token {TOKEN} is old\n")
    out = capsys.readouterr()
    assert out.err == "fixer: the token *** is old\n"
    assert out.out == "the token *** is old\n" * 2


def test_what_is_printed_in_colours_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    masking.register(TOKEN)
    console.error(f"the token {TOKEN} is old")
    assert "the token *** is old" in terminal.getvalue()
