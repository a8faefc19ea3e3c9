"""The shell text inside of files that are no shell: recipes of make, strings of CI files, lines of units.

Whatever the file, a snippet keeps its places: what the grammar of the shell must not see (prefixes of make, templates
of CI systems) is masked by as many characters as it has, and what is written stays beside it for people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from fixer.lazy import regex
from fixer.syntax.shell import dialect_of_script
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from fixer.syntax.yaml import Document, Node


class Snippet(NamedTuple):
    """Shell text of a file: `shell` is what the shell reads, `written` what stands there, both of one length.

    `at` is its offset in the file. `exact` tells that `written` is the very text of the file from there on; else the
    places in it are its own, as those of a string with escapes. `quoted` tells that it stands in double quotes.
    """

    shell: str
    written: str
    at: int
    exact: bool = True
    quoted: bool = False


class Scripts(NamedTuple):
    """The snippets of a file with the variables that it sets outside of them, and the documents where it is YAML."""

    snippets: tuple[Snippet, ...]
    variables: tuple[tuple[str, Snippet], ...] = ()
    documents: tuple[Document, ...] = ()


_TEMPLATE = regex(r"\$?\{\{.*?\}\}|\$\[\[.*?\]\]")


def _hidden(match: re.Match[str]) -> str:
    """A variable that is as long as what it hides."""
    return "${" + "_" * (len(match[0]) - 3) + "}"


def _masked(text: str) -> str:
    return _TEMPLATE.sub(_hidden, text) if "{{" in text or "$[[" in text else text


def scripts_of(kind: str, text: str) -> Scripts:
    """The shell text of a file.

    Args:
        kind: what `fixer.discover.run_kind` says of its path.
        text: the decoded text.

    Raises:
        Unreadable: for a CI file that is no YAML.
    """
    return _READERS[kind](text)


def _shell(text: str) -> Scripts:
    if dialect_of_script(text) != "posix":
        return Scripts(())
    return Scripts((Snippet(_masked(text), text, 0),))


# --- make and just ----------------------------------------------------------------------------------------------------

_LOGICAL = regex(r"(?:[^\n\\]|\\(?:\r?\n|.)|\\)*", re.DOTALL)
_MAKE_VARIABLE = regex(r"[ ]*(?:export[ ]+|override[ ]+)*([\w.-]+)[ \t]*(?::{0,3}|\?|\+)=[ \t]*")
_JUST_VARIABLE = regex(r"(?:export[ ]+)?([\w-]+)[ \t]*:=[ \t]*")
_RECIPE = regex(r"[\t @+-]*")
_NAME = regex(r"[\w.-]+")


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a text with those that continue them, each with its offset."""
    at = 0
    while at < len(text):
        found = _LOGICAL.match(text, at)
        end = found.end() if found is not None else len(text)
        yield at, text[at:end]
        at = end + 1


def _make(text: str) -> Scripts:
    return _recipes(text, "\t", _MAKE_VARIABLE, _without_make)


def _just(text: str) -> Scripts:
    return _recipes(text, (" ", "\t"), _JUST_VARIABLE, _masked)


def _recipes(
    text: str, indent: str | tuple[str, ...], variable: re.Pattern[str], mask: Callable[[str], str]
) -> Scripts:
    snippets: list[Snippet] = []
    variables: list[tuple[str, Snippet]] = []
    for at, line in _logical_lines(text):
        recipe = line.startswith(indent)
        found = (_RECIPE if recipe else variable).match(line)
        if found is None:
            continue
        written = line[found.end() :].rstrip()
        if not recipe and len(written) > 1 and written[0] == written[-1] and written[0] in "\"'" and mask is _masked:
            snippet = Snippet(mask(written[1:-1]), written[1:-1], at + found.end() + 1, quoted=written[0] == '"')
        else:
            snippet = Snippet(mask(written), written, at + found.end())
        if recipe:
            snippets.append(snippet)
        else:
            variables.append((found[1], snippet))
    return Scripts(tuple(snippets), tuple(variables))


def _without_make(text: str) -> str:
    """What the shell of a recipe reads: variables of make as its own, calls of its functions as unknown ones."""
    if "$" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        found = text.find("$", at)
        if found < 0:
            break
        out.append(text[at:found])
        following = text[found + 1 : found + 2]
        at = found + 2
        if following == "$":
            apart = found == 0 or text[found - 1].isspace()
            out.append(" $" if apart else "x$")
        elif following in ("(", "{"):
            end = _closing(text, found + 1)
            name = text[found + 2 : end - 1]
            out.append("${" + (name if _NAME.fullmatch(name) else "_" * len(name)) + "}")
            at = end
        else:
            out.append("$" + following)
    return "".join(out) + text[at:]


def _closing(text: str, opening: int) -> int:
    """Behind the bracket that closes the one at an offset, or behind the text."""
    pair = {"(": ")", "{": "}"}[text[opening]]
    depth = 0
    for at in range(opening, len(text)):
        depth += (text[at] == text[opening]) - (text[at] == pair)
        if not depth:
            return at + 1
    return len(text)


# --- units of systemd -------------------------------------------------------------------------------------------------

_EXEC = regex(r"^[ \t]*Exec(?:Start|StartPre|StartPost|Reload|Condition)[ \t]*=[ \t]*[-@:+!|]*", re.MULTILINE)
_UNIT_COMMENT = regex(r"(?<=\n)[ \t]*[#;][^\n]*(?=\n)")


def _unit(text: str) -> Scripts:
    return Scripts(tuple(Snippet(_without_comments(one), one, at) for at, one in _exec_lines(text)))


def _exec_lines(text: str) -> Iterator[tuple[int, str]]:
    for match in _EXEC.finditer(text):
        end = match.end()
        while True:
            stop = text.find("\n", end)
            line = text[end : len(text) if stop < 0 else stop]
            goes_on = line.rstrip("\r").endswith("\\") or line.lstrip().startswith(("#", ";"))
            if stop < 0 or not goes_on:
                break
            end = stop + 1
        written = text[match.end() : len(text) if stop < 0 else stop].rstrip()
        if written:
            yield match.end(), written


def _without_comments(text: str) -> str:
    """The same without the comments between the lines of a command, which systemd leaves out."""
    masked = _UNIT_COMMENT.sub(lambda match: " " * (len(match[0]) - 1) + "\\", text)
    return _masked(masked)


# --- CI ---------------------------------------------------------------------------------------------------------------

_SCRIPTS = frozenset(
    "run script scripts before_script after_script command commands cmd cmds bash sh install before_install"
    " after_install after_success after_failure before_deploy args inlinescript build_script test_script before_build"
    " after_build before_test after_test pre post".split()
)
_ENGINES = ("docker", "podman", "nerdctl", "DOCKER", "PODMAN", "CONTAINER")


def speaks_of_containers(text: str) -> bool:
    """Whether a text names a program that starts containers, or a variable that may hold one."""
    return any(word in text for word in _ENGINES)


def _ci(text: str) -> Scripts:
    from fixer.syntax.yaml import parse

    documents = tuple(parse(text))
    found = [one for document in documents for one in _strings(text, document.root, "")]
    return Scripts(tuple(snippet for snippet in found if snippet is not None), (), documents)


def _strings(text: str, node: Node, key: str) -> Iterator[Snippet | None]:
    """The scripts below a node, which stands under a key."""
    from fixer.syntax.yaml import Map, Scalar, Seq

    pending: list[tuple[Node, str]] = [(node, key)]
    while pending:
        node, key = pending.pop()
        if isinstance(node, Map):
            rows = [(value, name.text.lower() if isinstance(name, Scalar) else "") for name, value in node.entries]
            pending += rows[::-1]
        elif isinstance(node, Seq):
            pending += [(item, key) for item in node.items][::-1]
        elif isinstance(node, Scalar) and key in _SCRIPTS and speaks_of_containers(node.text):
            yield _scalar(text, node.style, node.inner, node.end, node.text)


_HEADER = regex(r"[|>][^\n]*\n")
_FOLD = regex(r"(?<=\S)[ \t]*\r?\n(?=([ \t]*)\S)")


def _scalar(text: str, style: str, start: int, end: int, value: str) -> Snippet | None:
    """The text of a scalar with its places: as it stands there, or as it is read where escapes move them."""
    written = text[start:end]
    if style in ("|", ">"):
        header = _HEADER.match(written)
        if header is None:
            return None
        body = written[header.end() :]
        shell = body if style == "|" else _folded(body)
        return Snippet(_masked(shell), body, start + header.end())
    if not style:
        return Snippet(_masked(_folded(written)), written, start)
    inner = written[1:-1]
    if ("\\" in inner and style == '"') or (style == "'" and "''" in inner):
        return Snippet(_masked(value), value, start, exact=False)
    return Snippet(_masked(_folded(inner)), inner, start + 1, quoted=style == '"')


def _folded(text: str) -> str:
    """The same with blanks for the line ends that YAML folds: those between lines of one indentation."""
    if "\n" not in text:
        return text
    first = re.match(r"[ \t]*", text)
    indent = len(first[0]) if first is not None else 0
    # a plain scalar begins behind its key, so that its own lines tell nothing
    plain = indent == 0

    def fold(match: re.Match[str]) -> str:
        return " " * len(match[0]) if plain or len(match[1]) == indent else match[0]

    return _FOLD.sub(fold, text)


_GROOVY = regex(
    r"\b(?:sh|bat)\b[ \t]*\(?[ \t\r\n]*(?:(?:returnStdout|returnStatus|label)[^,\n]*,\s*)*(?:script\s*:\s*)?"
    r"(?P<quote>'''|\"\"\"|'|\")(?P<text>.*?)(?<!\\)(?P=quote)",
    re.DOTALL,
)
_DOLLAR_APART = regex(r"(?<!\S)\\\$")
_ESCAPED = regex(r"\\([$'\"\\])")


def _groovy(text: str) -> Scripts:
    out: list[Snippet] = []
    for match in _GROOVY.finditer(text):
        written = match["text"]
        if any(sign in written for sign in ("\\'", '\\"', "\\n")):
            value = _ESCAPED.sub(r"\1", written)
            out.append(Snippet(value, value, match.start("text"), exact=False))
        else:
            shell = _DOLLAR_APART.sub(" $", written).replace("\\$", "x$").replace("\\\\\n", " \\\n")
            out.append(Snippet(shell, written, match.start("text"), quoted=match["quote"][0] == '"'))
    return Scripts(tuple(out))


_READERS: dict[str, Callable[[str], Scripts]] = {
    "shell": _shell,
    "make": _make,
    "just": _just,
    "unit": _unit,
    "ci": _ci,
    "task": _ci,
    "jenkins": _groovy,
}
