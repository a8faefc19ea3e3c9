"""Commands that write nothing but what they are told to, and nowhere but in a few folders."""

from __future__ import annotations

from posixpath import normpath

from fixer.syntax.shell import Command, Script
from fixer.understand.making import below

_HARMLESS = frozenset(
    ": [ [[ basename cat cut date dig dirname du echo env exit expr false getent grep head hostname id kill ls nc"
    " nslookup pause pg_isready ping printenv printf ps pwd read return seq set shift sleep stat tail test tr trap"
    " true uname wait wc which whoami yes".split()
)
# Without these options the two print what they fetch, or look only.
_CURL_WRITES = ("-o", "-O", "--output", "--remote-name", "-c", "--cookie-jar", "-D", "--dump-header", "-K", "--config")
_NOWHERE = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr"})


def harmless(script: Script, folders: tuple[str, ...]) -> bool:
    """Whether all that a script does is known, and none of it writes a file outside of `/dev` and some folders."""
    known = bool(script.commands) and not script.errors
    return known and all(_harmless(command, folders) for command in script.commands)


def _harmless(command: Command, folders: tuple[str, ...]) -> bool:
    for redirect in command.redirects:
        target = redirect.target.text
        goes = target in _NOWHERE or any(below(normpath(target), folder) for folder in folders)
        if ">" in redirect.operator and "&" not in redirect.operator and not (redirect.target.literal and goes):
            return False
    if not command.name:
        return bool(command.redirects)
    words = [word.text for word in command.args]
    if command.name == "curl":
        return not any(_is_option(word, _CURL_WRITES) for word in words)
    if command.name == "wget":
        return "--spider" in words or any(_to_stdout(words, n) for n in range(len(words)))
    return command.name in _HARMLESS


def _is_option(word: str, options: tuple[str, ...]) -> bool:
    """Whether a word is one of some options, or begins with a bundle of letters that holds one."""
    if word.startswith("--"):
        return word.partition("=")[0] in options
    return word.startswith("-") and any(f"-{letter}" in options for letter in word[1:])


def _to_stdout(words: list[str], n: int) -> bool:
    """Whether the word at a place tells wget to print, as `-O -`, `-qO-` and `-O /dev/null` do."""
    word = words[n]
    if word.startswith("-") and not word.startswith("--") and "O" in word:
        target = word.partition("O")[2] or (words[n + 1] if n + 1 < len(words) else "")
        return target == "-" or target in _NOWHERE
    return word in ("--output-document=-", "--output-document=/dev/null")
