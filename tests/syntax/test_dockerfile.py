"""The Dockerfile scanner beside BuildKit's own parser, on the cases that other parsers misread."""

from __future__ import annotations

import pytest

from fixer.errors import Unreadable
from fixer.source import SourceFile
from fixer.syntax.dockerfile import Dockerfile, parse
from tests import oracle

HARD = {
    "continuation": "FROM a\nRUN x \\\n  y \\\n z\n",
    "comments and blank lines in a continuation": "FROM a\nRUN x \\\n# c\n\n   # d\n  y\n",
    "comment at the end of a continuation": "FROM a\nRUN x \\\n  # c\n",
    "blanks behind the escape": "FROM a\nRUN x \\  \n y \\\t\n z\n",
    "file ends inside a continuation": "FROM a\nRUN x \\\n",
    "file ends behind the escape": "FROM a\nRUN x \\",
    "file ends behind blanks behind the escape": "FROM a\nRUN x \\ \t",
    "doubled escape at a line end": "FROM a\nRUN x\\\\\nRUN y\n",
    "tripled escape at a line end": "FROM a\nRUN x\\\\\\\nRUN y\n",
    "windows path at a line end": "FROM a\nWORKDIR C:\\\\\nRUN y\n",
    "escape directive": "# escape=`\nFROM a\nRUN x `\n  y\nWORKDIR C:\\\nRUN z\n",
    "escape directive with blanks and case": "#  ESCAPE = ` \r\nFROM a\r\nRUN x `\r\n y\r\n",
    "escape directive behind another": "# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nRUN x `\n y\n",
    "escape directive behind a comment": "# words\n# escape=`\nFROM a\nRUN x \\\n y\n",
    "escape directive behind an unknown one": "# foo=bar\n# escape=`\nFROM a\nRUN x \\\n y\n",
    "escape directive behind a blank line": "\n# escape=`\nFROM a\nRUN x \\\n y\n",
    "escape directive of a blank": "# escape= \nFROM a\n",
    "directive with a vertical tab": "# escape=\v\\\nFROM a\n",
    "lone escape before an instruction": "FROM a\n\\\nRUN x\n",
    "lone escapes in a continuation": "FROM a\nRUN x \\\n\\\n\\\n y\n",
    "indented instructions": "  FROM a\n\tRUN x\n",
    "lower case": 'from a as B\nrun x\ncmd ["y"]\n',
    "odd case": "FrOm a aS b\nFROM b As c\n",
    "no final newline": "FROM a\nCMD x",
    "CRLF": 'FROM a\r\nRUN x \\\r\n  y\r\n# c\r\nCMD ["z"]\r\n',
    "CRLF in some lines": "FROM a\nRUN x \\\r\n y\nCMD z\r\n",
    "carriage returns alone": "FROM a\rRUN x\nCMD y\r\r\n",
    "BOM": "\ufeffFROM a\nRUN x\n",
    "BOM before a directive": "\ufeff# escape=`\nFROM a\nRUN x `\n y\n",
    "NBSP in the arguments": "FROM a\nRUN x\u00a0y\nRUN\u00a0z q\n",
    "NBSP at both ends": "\u00a0FROM a\u00a0\n",
    "line separator": "FROM a\nRUN x\u2028y\nRUN \u2028 z\u2028\n",
    "form feed and vertical tab": "FROM a\n\fRUN\vx\n",
    "next line and separators": "FROM a\nRUN x\u0085y\nRUN x\x1cy\n",
    "JSON": 'FROM a\nCMD ["a", "b c", "\\"d\\"", "\\u00e9"]\n',
    "JSON over lines": 'FROM a\nCMD [ "a", \\\n  # c\n  "b" ]\n',
    "JSON with text behind": 'FROM a\nCMD ["a"] b\n',
    "JSON with a comma behind": 'FROM a\nCMD ["a",]\n',
    "JSON in single quotes": "FROM a\nCMD ['a']\n",
    "JSON with numbers": "FROM a\nCMD [1]\n",
    "JSON of arrays": "FROM a\nCMD [[]]\n",
    "JSON with NaN": "FROM a\nCMD [NaN]\n",
    "JSON that is empty": "FROM a\nCMD []\n",
    "JSON that never ends": 'FROM a\nCMD ["a"\n',
    "JSON with a tab in a word": 'FROM a\nCMD ["a\tb"]\n',
    "a test, not JSON": "FROM a\nRUN [ -f x ] && y\n",
    "flags": "FROM --platform=linux/amd64 a\nCOPY --from=x --chown=1:1 --link y z\n",
    "flags with quotes": "FROM a\nRUN --mount=type=bind,source=\"a b\",target=/x y\nCOPY --chown='1:1' y z\n",
    "flags with escapes": "FROM a\nCOPY --chown=a\\ b y z\n",
    "flags over lines": "FROM a\nCOPY --chown=1:1 \\\n  --link \\\n  y z\nRUN --mount=type=cache,\\\ntarget=/x y\n",
    "no flags behind the first word": "FROM a\nRUN x --mount=y\n",
    "two dashes": "FROM a\nRUN -- x\nRUN -x --y\n",
    "flags of ONBUILD": "FROM a\nONBUILD COPY --chown=1:1 x y\n",
    "NBSP before a flag": "FROM a\nCOPY \u00a0--link x y\n",
    "heredoc": "FROM a\nRUN <<EOF\nx\n# c\nUSER y \\\nEOF\nCMD z\n",
    "heredoc with tabs and quotes": 'FROM a\nRUN <<-"EOF"\n\tx $y\n\tEOF\nCMD z\n',
    "heredoc for a shell": "FROM a\nRUN python3 <<EOF\nprint()\nEOF\n",
    "heredocs, two": "FROM a\nCOPY <<one <<two /x/\n1\none\n2\ntwo\nRUN y\n",
    "heredoc with a file descriptor": "FROM a\nRUN 3<<EOF x\ny\nEOF\n",
    "heredoc with a redirection": "FROM a\nRUN <<EOF cat >/x && y\nz\nEOF\n",
    "heredoc behind a continuation": "FROM a\nRUN x \\\n  <<EOF\ny\nEOF\nRUN z\n",
    "heredoc, empty": "FROM a\nCOPY <<EOF /x\nEOF\nRUN y\n",
    "heredoc without an end": "FROM a\nRUN <<EOF\nx\n",
    "heredoc whose end is indented": "FROM a\nRUN <<EOF\n EOF\nEOF\nRUN y\n",
    "heredoc whose end is the last line": "FROM a\nRUN <<EOF\nx\nEOF",
    "heredoc with CRLF": "FROM a\r\nRUN <<EOF\r\nx\r\nEOF\r\nRUN y\r\n",
    "heredoc of ONBUILD COPY": "FROM a\nONBUILD COPY <<E /x\nhi\nE\nRUN y\n",
    "heredoc of CMD is none": "FROM a\nCMD cat <<EOF\nRUN EOF\n",
    "heredoc in JSON is none": 'FROM a\nRUN ["cat", "<<EOF"]\n',
    "heredoc in quotes is none": "FROM a\nRUN echo '<<EOF'\nRUN y\n",
    "heredoc name with a blank": "FROM a\nRUN <<'E O'\nx\nE O\nRUN y\n",
    "heredoc name partly quoted": 'FROM a\nRUN <<E"O"F\nx\nEOF\nRUN y\n',
    "here-string is none": "FROM a\nRUN cat <<<x\nRUN y\n",
    "shift is none": "FROM a\nRUN echo $((1<<2))\nRUN y\n",
    "heredoc without a name": 'FROM a\nRUN x <<\nRUN y <<-\nRUN z <<""\n',
    "heredoc on a line that BuildKit cannot read": "FROM a\nRUN <<EOF ${!x}\nRUN y\n",
    "heredoc that holds a heredoc": "FROM a\nRUN <<A\ncat <<B\nx\nB\nA\nRUN y\n",
    "comment with an escape": "FROM a\n# c \\\nRUN x\n",
    "comment in a word is none": "FROM a\nRUN x #y\nRUN a#b\n",
    "two instructions on one line": "FROM a\nUSER docker CMD /bin/bash\n",
    "ENV, both forms": 'FROM a\nENV A b  c\nENV A=b C="d e" \\\n  F=g\\ h\n',
    "ENV without a value": "FROM a\nENV A\n",
    "ENV with a lost equals sign": "FROM a\nENV A=b c\n",
    "LABEL without a value": "FROM a\nLABEL a\n",
    "ONBUILD of ENV without a value": "FROM a\nONBUILD ENV A\n",
    "an emoji": "FROM a\nLABEL x=😀 y=é\nRUN echo 😀\n",
    "a long line": "FROM a\nRUN " + "x" * 60000 + "\n",
    "a line that is too long": "FROM a\nRUN " + "x" * 65533 + "\nCMD y\n",
    "the longest line": "FROM a\nRUN " + "x" * 65531 + "\nCMD y\n",
    "many continuations": "FROM a\nRUN x" + " \\\n  y" * 2000 + "\n",
    "nothing but comments": "# a\n\n# b\n",
    "nothing": "",
}


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
def test_it_reads_what_buildkit_reads(text: str) -> None:
    assert oracle.difference(text.encode()) == ""


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        ("", "empty", "no instruction"),
        ("RUN x\n", "syntax", "before the first FROM"),
        ("ARG X\n", "syntax", "no FROM"),
        ("FROM a\nRUN x\n  apt-get clean\n", "syntax", "line 3: 'apt-get'"),
        ("FROM a\nCOPY --chwon=1 x y\n", "syntax", "line 2: COPY knows no flag '--chwon'"),
        ("FROM a\nUSER --x\n", "syntax", "USER has no argument|knows no flag"),
        ("FROM a\nCOPY --chown x y\n", "syntax", "no value"),
        ("FROM a\nCOPY --chown=1 --chown=2 x y\n", "syntax", "stands twice"),
        ("FROM a b\n", "syntax", "FROM takes"),
        ("FROM a as\n", "syntax", "FROM takes"),
        ("FROM a as 1b\n", "syntax", "no name for a stage"),
        ("FROM\n", "syntax", "FROM has no argument"),
        ("FROM a\nCOPY x\n", "syntax", "source and a destination"),
        ("FROM a\nUSER\n", "syntax", "USER has no argument"),
        ("FROM a\nVOLUME []\n", "syntax", "VOLUME"),
        ("FROM a\nSHELL bash\n", "syntax", "SHELL"),
        ("FROM a\nHEALTHCHECK x\n", "syntax", "CMD or NONE"),
        ("FROM a\nHEALTHCHECK NONE x\n", "syntax", "no arguments"),
        ("FROM a\nHEALTHCHECK CMD\n", "syntax", "needs a command"),
        ("FROM a\nONBUILD FROM b\n", "syntax", "behind ONBUILD"),
        ("FROM a\nONBUILD ONBUILD RUN x\n", "syntax", "behind ONBUILD"),
        ("FROM a\nONBUILD FOO x\n", "syntax", "'FOO'"),
        ("# escape=x\nFROM a\n", "syntax", "escape directive"),
        ("# escape=`\n# escape=`\nFROM a\n", "syntax", "stands twice"),
        ("FROM a\nRUN <<EOF\n", "syntax", "has no end"),
        ("FROM a\n\\\n", "syntax", "nothing stands"),
        ("FROM a\nRUN " + "x" * 65536 + "\n", "line-too-long", "line 2"),
        ("{{ include }}\nFROM a\n", "syntax", "line 1"),
    ],
)
def test_it_refuses_what_buildkit_refuses_behind_its_parser(text: str, reason: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as caught:
        parse(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nRUN\nCMD\nENTRYPOINT\n",
        "FROM a\nUSER a b\n",
        "FROM a\nSTOPSIGNAL a b\n",
        "FROM a\nARG a b\n",
        "FROM a AS A.b-c_1\n",
        "FROM a\nHEALTHCHECK --interval=1s NONE\n",
        "FROM a\nONBUILD RUN\n",
        "FROM a\nEXPOSE abc\n",
        "FROM a\nRUN --mount=type=cache,target=/a --mount=type=cache,target=/b x\n",
        "FROM a\nCOPY --link --parents x y\n",
        "ARG X\nFROM $X\n",
    ],
)
def test_it_takes_what_buildkit_takes(text: str) -> None:
    assert parse(text).instructions


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfeF\0R\0O\0M\0", "FROM a\n".encode("utf-16"), b"FROM a\nRUN \0x\n", b"FROM a\n" + b"#" * (4 << 20)],
    ids=["utf-16", "utf-16 with mark", "NUL", "4 MiB"],
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(SourceFile("Dockerfile", data).text)


def test_latin_1_goes_through_unchanged() -> None:
    data = b"FROM a\n# caf\xe9\nLABEL x=\xe9\xff\n"
    source = SourceFile("Dockerfile", data)
    tree = parse(source.text)
    assert [item.keyword for item in tree] == ["FROM", "LABEL"]
    assert source.with_text(source.text).data == data
    assert oracle.difference(data) == ""


TEXTS = [text for text in HARD.values() if oracle.parses(text.encode()) and len(text) < 5000]


def read(text: str) -> Dockerfile:
    with oracle.without_checks():
        return parse(SourceFile("Dockerfile", text.encode()).text)


@pytest.mark.parametrize("text", TEXTS)
def test_every_character_maps_back(text: str) -> None:
    for item in read(text):
        for at, ch in enumerate(item.logical):
            assert item.source[item.offset(at)] == ch


@pytest.mark.parametrize("text", TEXTS)
def test_words_and_flags_stand_where_they_say(text: str) -> None:
    tree = read(text)
    for item in tree:
        for word in item.words:
            kept = tree.text[word.span.start : word.span.end]
            assert kept == word.text or item.escape in kept
        for flag in item.flags:
            assert tree.text[flag.span.start :].startswith("--")


@pytest.mark.parametrize("text", TEXTS)
def test_the_shell_view_is_as_long_as_its_stretch(text: str) -> None:
    for item in read(text):
        assert len(item.shell) == item.logical_end - item.shell_start or not item.args


@pytest.mark.parametrize(
    ("text", "shell"),
    [
        ("FROM a\nRUN x \\\n  y\n", "x \\\n  y"),
        ("FROM a\nRUN x \\  \n# c\n\n  y\n", "x   \\\n" + " " * 5 + "  y"),
        ("# escape=`\nFROM a\nRUN x `\n  y\n", "x \\\n  y"),
        ("FROM a\nRUN --network=none x\n", "x"),
    ],
)
def test_the_shell_view_is_what_the_shell_gets(text: str, shell: str) -> None:
    item = parse(text).instructions[-1]
    assert item.shell.split() == shell.split()
    assert "#" not in item.shell


def test_the_trigger_of_onbuild() -> None:
    text = 'FROM a\nONBUILD \\\n  COPY --chown=1:1 ["a b", "c"]\n'
    trigger = parse(text).instructions[1].trigger
    assert trigger is not None
    assert (trigger.keyword, trigger.json) == ("COPY", ("a b", "c"))
    flag = trigger.flag("chown")
    assert flag is not None
    assert text[flag.span.start : flag.span.end] == "--chown=1:1"
    assert trigger.span.start == text.index("COPY")


def test_directives_are_told() -> None:
    tree = parse("# syntax=docker/dockerfile:1\n# check=skip=all\n# escape=`\nFROM a\n")
    assert tree.directives == {"syntax": "docker/dockerfile:1", "check": "skip=all", "escape": "`"}
    assert tree.escape == "`"
