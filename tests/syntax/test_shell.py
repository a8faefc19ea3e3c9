"""Shell text as commands and words: real forms, places, and what is not understood."""

from __future__ import annotations

import re
from pathlib import Path

import dockerfile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixer.syntax.shell import (
    Command,
    Script,
    argv,
    commands,
    dialect,
    dialect_of_script,
    literal_word,
    parse,
    unquote,
)


def words_of(script: Script) -> list[tuple[str, ...]]:
    return [tuple(word.text for word in command.words) for command in script.commands]


def every_word(script: Script):
    for command in script.commands:
        yield from command.words
        yield from command.prefix
        yield from (redirect.target for redirect in command.redirects)
        yield from (assignment.value for assignment in command.env)
    yield from (assignment.value for assignment in script.assignments)


def check_places(text: str, script: Script) -> None:
    for word in every_word(script):
        assert 0 <= word.start <= word.end <= len(text)
        assert text[word.start : word.end] == word.raw
    for command in script.commands:
        assert 0 <= command.start <= command.end <= len(text)


COMMANDS = {
    "one": ("ls -la /x", ["ls -la /x"]),
    "list": ("a && b || c; d & e", ["a", "b", "c", "d", "e"]),
    "pipeline": ("a | b |& c", ["a", "b", "c"]),
    "continued": ("apt-get update \\\n && apt-get install -y \\\n\tx", ["apt-get update", "apt-get install -y x"]),
    "blank-lines": ("a \\\n   \\\n\\\n  && b", ["a", "b"]),
    "blanks-behind-backslash": ("a \\  \n  b", ["a b"]),
    "crlf-continued": ("a \\\r\n  b \\\r\n  && c", ["a b", "c"]),
    "crlf-lines": ("a b\r\nc d\r\n", ["a b", "c d"]),
    "last-backslash": ("a b \\\n", ["a b"]),
    "subshell": ("(cd x && y)", ["cd x", "y"]),
    "group": ("{ a; b; }", ["a", "b"]),
    "if": ("if a; then b; elif c; then d; else e; fi", ["a", "b", "c", "d", "e"]),
    "for": ("for i in 1 2; do f $i; done", ["f $i"]),
    "while": ("while a; do b; done", ["a", "b"]),
    "until": ("until a; do b; done", ["a", "b"]),
    "case": ('case "$(arch)" in x) a;; *) b;; esac', ["arch", "a", "b"]),
    "function": ("f() { a; }; f", ["a", "f"]),
    "negated": ("! a b", ["a b"]),
    "substitution": ("a $(b c) `d`", ["a $(b c) `d`", "b c", "d"]),
    "nested-substitution": ('a "$(b "$(c)")"', ['a $(b "$(c)")', "b $(c)", "c"]),
    "process-substitution": ("diff <(a) <(b)", ["diff <(a) <(b)", "a", "b"]),
    "quotes": ("a 'b c' \"d e\" f\\ g", ["a|b c|d e|f g"]),
    "glued-quotes": ("a b'c'\"d\"e", ["a bcde"]),
    "brace": ("mkdir -p /a/{b,c}", ["mkdir -p /a/{b,c}"]),
    "glob": ("rm -rf /var/lib/apt/lists/*", ["rm -rf /var/lib/apt/lists/*"]),
    "redirect-words": ("echo >&2 one two", ["echo one two"]),
    "comment": ("a # b\nc", ["a", "c"]),
    "assignment-only": ("A=1", []),
    "assignment-with-command": ("A=$(b)", ["b"]),
    "export": ("export A=1 B", ["export A=1 B"]),
    "test": ('[ "$(id -u)" = 0 ] && a', ["[ $(id -u) = 0 ]", "id -u", "a"]),
    "path": ("/usr/sbin/useradd x", ["/usr/sbin/useradd x"]),
    "sudo": ("sudo -E -u bob -H apt-get update", ["apt-get update"]),
    "sudo-assignment": ("sudo A=1 make install", ["make install"]),
    "sudo-long": ("sudo --user bob --preserve-env make", ["make"]),
    "sudo-alone": ("sudo -v", ["sudo -v"]),
    "env": ("env -i A=b -u C prog x", ["prog x"]),
    "env-alone": ("env", ["env"]),
    "exec": ("exec -a n prog", ["prog"]),
    "exec-redirect": ("exec > /var/log/x", ["exec"]),
    "time-nice": ("time nice -n 5 make", ["make"]),
    "timeout": ("timeout -s KILL 10 prog x", ["prog x"]),
    "nohup": ("nohup prog &", ["prog"]),
    "command-v": ("command -v gosu", ["command -v gosu"]),
    "command": ("command ls", ["ls"]),
    "xargs": ("find . | xargs -0 -n 1 chown app", ["find .", "chown app"]),
    "tini": ("tini -g -- server --port 80", ["server --port 80"]),
    "dumb-init": ("dumb-init server", ["server"]),
    "busybox": ("busybox adduser -D x", ["adduser -D x"]),
    "sh-c": ("sh -c 'a && b c'", ["a", "b c"]),
    "bash-lc": ('bash -lc "a; b"', ["a", "b"]),
    "bash-o": ("bash -o pipefail -c 'a | b'", ["a", "b"]),
    "bash-cluster-o": ("bash -euxo pipefail -c 'a'", ["a"]),
    "sh-file": ("sh /x.sh -c y", ["sh /x.sh -c y"]),
    "sudo-sh-c": ("sudo sh -c 'echo x > /etc/y'", ["echo x"]),
    "sh-c-escapes": ('sh -c "a \\"b c\\""', ["a|b c"]),
    "find-exec": ("find /x -type f -exec chmod 644 {} +", ["find /x -type f -exec chmod 644 {} +", "chmod 644 {}"]),
    "find-exec-sh": ("find . -exec sh -c 'a b' \\;", ["find . -exec sh -c|a b|;", "a b"]),
    "heredoc": ("cat <<EOF > /x && b\nc d\nEOF\ne", ["cat", "b", "e"]),
    "heredoc-alone": ("<<EOF\na b\nc\nEOF\n", ["a b", "c"]),
    "heredoc-alone-python": ("<<EOF\n#!/usr/bin/env python3\nimport os\nEOF\n", [""]),
    "heredoc-shell": ("bash <<'EOF'\na b\nEOF\n", ["a b"]),
    "heredoc-python": ("python3 <<EOF\nimport x\nEOF\n", ["python3"]),
    "heredoc-pipe": ("cat <<EOF | tee /x\na\nEOF\n", ["cat", "tee /x"]),
    "heredoc-crlf": ("cat <<EOF\r\na\r\nEOF\r\nb\r\n", ["cat", "b"]),
    "heredoc-tabs": ("cat <<-EOF\n\ta\n\tEOF\nb", ["cat", "b"]),
    "not-ascii": ("echo grüße && useradd jörg", ["echo grüße", "useradd jörg"]),
    "undecodable": ("echo \udce9 && b", ["echo \udce9", "b"]),
    "nul": ("a \0b && c", ["a \0b", "c"]),
    "unicode-dash": ("useradd \u2013m app", ["useradd \u2013m app"]),
    "template-marks": ("mkdir {{dir}} && b", ["mkdir {{dir}}", "b"]),
    "dollar-single": ("printf $'a\\nb'", ["printf|a\nb"]),
    "empty-word": ('adduser --gecos "" app', ["adduser|--gecos||app"]),
    "empty": ("  \n ", []),
}


def expected(line: str) -> tuple[str, ...]:
    """`a|b c` is two words where a word has blanks; `a b` else."""
    return tuple(line.split("|")) if "|" in line else tuple(line.split())


def loose(words: tuple[str, ...]) -> str:
    return " ".join(words).replace("|", " ")


@pytest.mark.parametrize(("text", "lines"), COMMANDS.values(), ids=COMMANDS)
def test_commands(text, lines):
    script = parse(text)
    check_places(text, script)
    found = words_of(script)
    assert [loose(words) for words in found] == [loose(expected(line)) for line in lines]
    assert not script.errors


QUOTING = {
    "plain": ("abc", "abc", True),
    "single": ("'a $b'", "a $b", True),
    "double": ('"a b"', "a b", True),
    "double-variable": ('"a $b"', "a $b", False),
    "escaped-dollar": ('"a \\$b"', "a $b", True),
    "escaped-blank": ("a\\ b", "a b", True),
    "variable": ("${A:-b}", "${A:-b}", False),
    "quoted-default": ('"${A:-"b"}"', "${A:-b}", False),
    "lone-dollar": ("a$", "a$", True),
    "price": ("a$.b", "a$.b", True),
    "substitution": ("$(a)", "$(a)", False),
    "substitution-in-single": ("'$(a)'", "$(a)", True),
    "backquotes": ("`a`", "`a`", False),
    "glob": ("*.c", "*.c", True),
    "line-end": ("a\\\nb", "ab", True),
    "line-end-in-double": ('"a\\\nb"', "ab", True),
    "backslash-in-double": ('"a\\nb"', "a\\nb", True),
    "mixed": ("a'b'\"c\"$d", "abc$d", False),
    "ansi-c": ("$'a\\tb\\x41\\101'", "a\tbAA", True),
    "open-quote": ("'a", "'a", True),
    "empty": ("''", "", True),
}


@pytest.mark.parametrize(("raw", "text", "literal"), QUOTING.values(), ids=QUOTING)
def test_quoting(raw, text, literal):
    assert unquote(raw) == (text, literal)


def one(text: str, name: str) -> Command:
    return next(command for command in commands(text) if command.name == name)


CONDITIONAL = {
    "plain": ("x", False),
    "and": ("a && x", False),
    "or": ("a || x", True),
    "behind-or": ("a || b && x", False),
    "group-behind-or": ("a || { b; x; }", True),
    "if-condition": ("if x; then a; fi", False),
    "if-body": ("if a; then x; fi", True),
    "else": ("if a; then b; else x; fi", True),
    "elif-condition": ("if a; then b; elif x; then c; fi", True),
    "loop": ("for i in a; do x; done", True),
    "case": ("case a in b) x;; esac", True),
    "test-and": ("[ -f a ] && x", True),
    "test-and-and": ("[ -f a ] && b && x", True),
    "double-bracket-and": ("[[ -f a ]] && x", True),
    "test-command-and": ("test -f a && x", True),
    "test-or-then": ("[ -f a ] || b; x", False),
    "function": ("f() { x; }", True),
    "nested": ("a || sh -c 'x'", True),
    "heredoc-or": ("a <<E || x\nb\nE\n", True),
}


@pytest.mark.parametrize(("text", "is_conditional"), CONDITIONAL.values(), ids=CONDITIONAL)
def test_conditional(text, is_conditional):
    assert one(text, "x").conditional is is_conditional


DIRECTORIES = {
    "none": ("x", None),
    "absolute": ("cd /a && x", "/a"),
    "relative": ("cd a && x", "a"),
    "relative-to-known": ("cd /a && cd b/../c && x", "/a/c"),
    "line": ("cd /a\nx", "/a"),
    "home": ("cd && x", ""),
    "tilde": ("cd ~/a && x", ""),
    "variable": ('cd "$A" && x', ""),
    "relative-to-unknown": ("cd $A && cd b && x", ""),
    "absolute-after-unknown": ("cd $A && cd /b && x", "/b"),
    "back": ("cd /a && cd - && x", ""),
    "option": ("cd -P /a && x", "/a"),
    "subshell-in": ("(cd /a && x)", "/a"),
    "subshell-out": ("(cd /a); x", None),
    "pipeline-out": ("cd /a | b; x", None),
    "substitution-out": ("a $(cd /b && pwd) && x", None),
    "or-exit": ("cd /a || exit 1; x", "/a"),
    "if-out": ("if a; then cd /b; fi; x", ""),
    "pushd": ("pushd /a && x", "/a"),
    "popd": ("cd /a && pushd /b && popd && x", "/a"),
    "sh-c": ("cd /a && sh -c 'x'", "/a"),
    "sh-c-inner": ("sh -c 'cd /b && x'", "/b"),
    "sh-c-joined": ("cd /a && sh -c 'cd b && x'", "/a/b"),
    "function-out": ("f() { cd /a; }; x", None),
}


@pytest.mark.parametrize(("text", "cwd"), DIRECTORIES.values(), ids=DIRECTORIES)
def test_directory(text, cwd):
    assert one(text, "x").cwd == cwd


REDIRECTS = {
    "out": ("x > /a", [(">", "/a")]),
    "append": ("x >> '/a b'", [(">>", "/a b")]),
    "both": ("x > /a 2>&1", [(">", "/a"), ("2>&", "1")]),
    "all": ("x &> /a", [("&>", "/a")]),
    "clobber": ("x >| /a", [(">|", "/a")]),
    "in": ("x < /a", [("<", "/a")]),
    "last-of-list": ("a && x > /a", [(">", "/a")]),
    "last-of-pipeline": ("a | x > /a", [(">", "/a")]),
    "in-front": ("> /a x y", [(">", "/a")]),
    "heredoc": ("x <<E > /a\nb\nE\n", [(">", "/a"), ("<<", "b\n")]),
    "herestring": ("x <<< 'a b'", [("<<<", "a b")]),
    "sh-c": ("sh -c 'a; x' > /a", [(">", "/a")]),
}


@pytest.mark.parametrize(("text", "redirects"), REDIRECTS.values(), ids=REDIRECTS)
def test_redirects(text, redirects):
    assert [(r.operator, r.target.text) for r in one(text, "x").redirects] == redirects


@pytest.mark.parametrize("text", ["{ a; } > /x", "(a) > /x", "for i in 1; do a; done > /x", "if a; then b; fi > /x"])
def test_redirect_of_a_group_is_a_command_without_a_name(text):
    nameless = one(text, "")
    assert [r.target.text for r in nameless.redirects] == ["/x"]
    assert "a" in [command.name for command in commands(text)]


def test_names_prefixes_and_flags():
    command = one("A=1 sudo -u bob B=2 /usr/sbin/useradd x", "useradd")
    assert [word.text for word in command.prefix] == ["sudo", "-u", "bob", "B=2"]
    assert [(a.name, a.value.text) for a in command.env] == [("A", "1"), ("B", "2")]
    assert not command.nested
    assert not command.piped
    assert [word.text for word in command.args] == ["x"]
    assert one("a | b", "b").piped
    assert one("a $(b)", "b").substitution
    assert one("sh -c 'b'", "b").nested
    assert one("find . -exec b {} ;", "b").nested


def test_assignments():
    script = parse("A=1; B='x y' C=$D; if a; then E=2; fi; export F=3; G+=4")
    found = {a.name: (a.value.text, a.value.literal, a.conditional) for a in script.assignments}
    assert found == {
        "A": ("1", True, False),
        "B": ("x y", True, False),
        "C": ("$D", False, False),
        "E": ("2", True, True),
        "F": ("3", True, False),
        "G": ("4", False, False),
    }


def test_places_inside_a_quoted_script():
    text = 'sudo bash -c "useradd -u 5 \\\n  $NAME"'
    command = one(text, "useradd")
    check_places(text, parse(text))
    assert [word.raw for word in command.words] == ["useradd", "-u", "5", "$NAME"]
    assert [word.literal for word in command.words] == [True, True, True, False]


def test_places_of_an_escaped_script_are_those_of_the_whole_word():
    text = 'sh -c "a \\"b\\""'
    command = one(text, "a")
    assert {word.raw for word in command.words} == {'"a \\"b\\""'}
    check_places(text, parse(text))


def test_places_are_characters():
    text = "echo 'äöü€😀' && chown app /d"
    word = one(text, "chown").words[2]
    assert text[word.start : word.end] == "/d"


def test_errors_are_told_and_the_rest_is_read():
    script = parse("useradd x && foo )")
    assert script.errors
    assert one("useradd x && foo )", "useradd").words[1].text == "x"
    assert parse("if a; then").errors
    assert parse("echo 'open").errors


def test_deep_and_long_scripts_do_not_raise():
    assert parse("(" * 3000 + "a" + ")" * 3000).errors
    assert len(parse(" && ".join(["a"] * 3000)).commands) == 3000
    assert parse("a " * 300_000).errors
    nested = "a"
    for _ in range(8):
        nested = "sh -c " + "'" + nested.replace("'", "'\\''") + "'"
    assert parse(nested).commands


def test_argv():
    source = '["/bin/sh", "-c", "exec gosu app server > /log"]'
    given_words = [literal_word(raw[1:-1], raw, source.index(raw)) for raw in re.findall(r'"[^"]*"', source)]
    (command,) = argv(given_words).commands
    assert [word.text for word in command.words] == ["gosu", "app", "server"]
    for word in command.words:
        assert source[word.start : word.end] == word.raw
    under_tini = argv([literal_word("tini", '"tini"', 0), literal_word("x", '"x"', 8)])
    assert [c.name for c in under_tini.commands] == ["x"]
    assert argv([]).commands == ()


DIALECTS = {
    "default": ([], "posix"),
    "sh": (["/bin/sh", "-c"], "posix"),
    "bash": (["/bin/bash", "-o", "pipefail", "-c"], "posix"),
    "ash": (["/bin/ash", "-eo", "pipefail", "-c"], "posix"),
    "busybox": (["/busybox/sh", "-c"], "posix"),
    "powershell": (["powershell", "-Command", "$ErrorActionPreference = 'Stop';"], "powershell"),
    "pwsh": (["pwsh", "-Command"], "powershell"),
    "windows-path": (["C:\\Program Files\\PowerShell\\pwsh.exe", "-c"], "powershell"),
    "cmd": (["cmd", "/S", "/C"], "cmd"),
    "cmd-exe": (["CMD.EXE", "/C"], "cmd"),
    "python": (["python3", "-c"], "other"),
    "env": (["/usr/bin/env", "-S", "bash", "-c"], "posix"),
    "conda": (["conda", "run", "-n", "x", "/bin/bash", "-c"], "other"),
}


@pytest.mark.parametrize(("shell", "name"), DIALECTS.values(), ids=DIALECTS)
def test_dialect(shell, name):
    assert dialect(shell) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("echo x", "posix"),
        ("#!/bin/sh -e\n", "posix"),
        ("#!/usr/bin/env bash\r\n", "posix"),
        ("#!/usr/bin/env -S bash -e\n", "posix"),
        ("#! /bin/dash\n", "posix"),
        ("\ufeff#!/bin/bash\n", "posix"),
        ("#!/usr/bin/with-contenv bash\n", "posix"),
        ("#!/command/with-contenv bashio\n", "posix"),
        ("#!/usr/bin/env python3\n", "other"),
        ("#!/usr/bin/python3 -u\n", "other"),
        ("#!/usr/bin/env pwsh\n", "powershell"),
        ("#!/usr/bin/execlineb -P\n", "other"),
        ("#!/usr/bin/env node\n", "other"),
    ],
)
def test_dialect_of_a_script(text, name):
    assert dialect_of_script(text) == name


_PIECES = [
    "useradd", " ", "-u", "1000", "&&", "||", ";", "|", "(", ")", "{", "}", "'", '"', "`", "$(", "$X", "${Y:-z}", "\\",
    "\\\n", "\n", "\r\n", "<<EOF", "EOF", "<", ">", ">>", "if", "then", "fi", "for", "do", "done", "case", "esac", "#",
    "sh -c ", "sudo ", "find . -exec ", "{} +", "é", "\udcff", "\ud800", "\0", "[ ", " ]", "A=1", "cd /x", "!", "*",
]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=25).map("".join) | st.text(max_size=60))
def test_any_text_is_read_without_raising(text):
    check_places(text, parse(text))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text("abz/.-_0=:@%+,", min_size=1, max_size=8).filter(lambda w: "=" not in w), min_size=1, max_size=6)
)
def test_plain_words_come_back(words):
    words[0] = "prog"
    (command,) = parse(" ".join(words)).commands
    assert [word.text for word in command.words] == words


def run_texts(paths: list[Path]) -> list[str]:
    found: dict[str, None] = {}
    for path in paths:
        try:
            items = dockerfile.parse_string(path.read_text("utf-8", "surrogateescape"))
        except (dockerfile.GoParseError, UnicodeError):
            continue
        for item in items:
            if item.cmd.upper() == "RUN" and not item.json and item.value:
                tail = "".join(f"\n{doc.content}{doc.name}" for doc in item.heredocs)
                found[item.value[0] + tail] = None
    return list(found)


def test_corpus(corpus_dockerfiles: list[Path]):
    texts = run_texts(corpus_dockerfiles)
    failed = 0
    for text in texts:
        script = parse(text)
        check_places(text, script)
        failed += script.errors
        assert script.errors or script.commands or script.assignments or not text.strip()
    assert len(texts) > 1000
    # What fails are templates, and PowerShell that no SHELL instruction announces.
    assert failed / len(texts) < 0.04
