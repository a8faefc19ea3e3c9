"""Dockerfile syntax: a scanner that knows the place of every character, after BuildKit's own parser.

The rules are those of the Dockerfile reference and of BuildKit's parser: parser directives, continuations with
comments and blank lines inside, heredocs, JSON forms, ONBUILD, a file that ends inside a continuation. Nothing is
thrown away: every instruction can map its logical text back to the file.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any, NoReturn

from fixer.errors import Unreadable
from fixer.lazy import lazy, regex
from fixer.model import Span
from fixer.syntax.expand import expand
from fixer.tuples import NamedTuple

KEYWORDS = frozenset(
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL"
    " USER VOLUME WORKDIR".split()
)
FLAGS: dict[str, frozenset[str]] = {
    "ADD": frozenset({"chown", "chmod", "link", "checksum", "keep-git-dir", "exclude", "unpack"}),
    "COPY": frozenset({"chown", "chmod", "link", "from", "parents", "exclude"}),
    "FROM": frozenset({"platform"}),
    "HEALTHCHECK": frozenset({"interval", "timeout", "start-period", "start-interval", "retries"}),
    "RUN": frozenset({"mount", "network", "security", "device"}),
}
_JSON_FORMS = frozenset({"ADD", "CMD", "COPY", "ENTRYPOINT", "RUN", "SHELL", "VOLUME"})
_HEREDOC_FORMS = frozenset({"ADD", "COPY", "RUN"})
_SWITCHES = frozenset({"link", "keep-git-dir", "parents", "unpack"})
_REPEATED = frozenset({"mount", "exclude", "device"})
_STAGE_NAME = regex(r"[a-z][a-z0-9_.-]*")
_NO_ARGUMENT_NEEDED = frozenset({"CMD", "ENTRYPOINT", "RUN"})
# Go's \s, which has no vertical tab.
_DIRECTIVE = regex(r"#[\t\n\f\r ]*([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*(.+?)[\t\n\f\r ]*$")
_DIRECTIVES = frozenset({"check", "escape", "syntax"})
_HEREDOC = regex(r"([0-9]*)<<(-?)([^<]*)$")
_BLANKS = regex(r"[\t\v\f\r ]+")
_MAX_LINE = 65535
# Go's unicode.IsSpace; Python's str.strip() also takes the separators 0x1c-0x1f, which Go does not.
_SPACE = (
    "\t\n\v\f\r"
    " \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_ASCII_SPACE = "\t\n\v\f\r "
# What stands behind the one blank that is usual where flags or more blanks come before the arguments.
_BEGINS_APART = _ASCII_SPACE + "-"
_WORD = regex(r"[\S\x1c-\x1f]+")  # no blank of `_SPACE`
# A flag without quotes and backslashes: printable ASCII up to a blank.
_PLAIN_FLAG = regex(r"[!#-&(-\[\]-~]++(?=[\t\n\v\f\r ]|\Z)")
# Pairs that need no closer look: NAME=value, with quotes that are closed and no escapes.
_PLAIN_PAIRS = regex(r"""(?:[\w.-]+=(?:[^\s'"\\`]|"[^"\\`]*"|'[^'\\`]*')*+(?:[ \t]++|\Z))++""", re.ASCII)
# What may set shell text apart from its stretch of file: comments, blank lines and blanks behind the escape.
_UNCLEAN = regex(r"\\[ \t\r]+\n|\n\s*(?:#|\Z)|\n\s*\n")
_BLANK_ENDS = frozenset(" \t")
_ESCAPES = frozenset("\\`")


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


_JSON = json.JSONDecoder(parse_constant=_no_constant)


class Flag(NamedTuple):
    """A builder flag such as `--chown=1:1`; `value` is None for a bare `--link`. The span covers the whole word."""

    name: str
    value: str | None
    span: Span


class Heredoc(NamedTuple):
    """A here-document; `span` covers its body without the terminator, `content` is the body as written."""

    name: str
    content: str
    span: Span
    chomp: bool
    expand: bool
    fd: int


class Word(NamedTuple):
    """A blank-separated word of an instruction's arguments, quotes and escapes still in it."""

    text: str
    span: Span


class Instruction:
    """One instruction; nothing changes it once it is made.

    `span` runs from the keyword to the end of its last line, heredocs included, without the line end; `logical` is
    its text with continuations joined; `pieces` are (logical, source) offset pairs; `open_end` tells that the file
    ends inside its continuation.
    """

    def __init__(  # noqa: PLR0913 - a dataclass takes a millisecond of every start
        self,
        index: int,
        name: str,
        keyword: str,
        line: int,
        end_line: int,
        span: Span,
        logical: str,
        pieces: tuple[tuple[int, int], ...],
        source: str,
        escape: str = "\\",
        heredocs: tuple[Heredoc, ...] = (),
        logical_end: int = 0,
        open_end: bool = False,
        args: str | None = None,
    ) -> None:
        self.index = index
        self.name = name
        self.keyword = keyword
        self.line = line
        self.end_line = end_line
        self.span = span
        self.logical = logical
        self.pieces = pieces
        self.source = source
        self.escape = escape
        self.heredocs = heredocs
        self.logical_end = logical_end
        self.open_end = open_end
        # The arguments behind the flags, blanks at both ends removed; nearly always found beside the name.
        self.args = self._find_args() if args is None else args

    def __repr__(self) -> str:
        return f"<line {self.line}: {self.logical!r}>"

    def offset(self, logical: int) -> int:
        """Where in the file the character at this logical offset stands."""
        at = bisect_right(self.pieces, (logical, 1 << 60)) - 1
        start, source = self.pieces[max(at, 0)]
        return source + logical - start

    def source_span(self, start: int, end: int) -> Span:
        """The span in the file of a logical range; an empty range stays empty."""
        if end <= start:
            at = self.offset(start)
            return Span(at, at)
        return Span(self.offset(start), self.offset(end - 1) + 1)

    @lazy
    def _split(self) -> tuple[tuple[Flag, ...], int]:
        text, at = self.logical, len(self.name) + 1
        if text[at - 1 : at] != " " or text[at : at + 1] in _ASCII_SPACE:  # more than the one blank that is usual
            match = _BLANKS.search(text, at - 1)
            if match is None:
                return (), len(text)
            at = match.end()
        return self._flags(at) if text.startswith("--", at) else ((), at)

    def _flags(self, at: int) -> tuple[tuple[Flag, ...], int]:
        flags: list[Flag] = []
        text = self.logical.rstrip(_SPACE)
        while True:
            while at < len(text) and text[at] in _ASCII_SPACE:
                at += 1
            if not text.startswith("--", at):
                return tuple(flags), at
            word, end = _flag_word(text, at)
            if word == "--":
                return tuple(flags), end
            name, eq, value = word[2:].partition("=")
            flags.append(Flag(name, value if eq else None, self.source_span(at, end)))
            at = end

    @property
    def flags(self) -> tuple[Flag, ...]:
        """The builder flags, in the order written."""
        return self._split[0]

    @lazy
    def args_start(self) -> int:
        """Logical offset of the first argument behind the flags."""
        start, text = self._split[1], self.logical
        return len(text) - len(text[start:].lstrip(_SPACE))

    def _find_args(self) -> str:
        text, at = self.logical, len(self.name) + 1
        if text[at - 1 : at] != " " or text[at : at + 1] in _BEGINS_APART:
            at = self._split[1]
        return text[at:].strip(_SPACE)

    @lazy
    def _array(self) -> list[Any] | None:
        if self.keyword not in _JSON_FORMS or not self.args.startswith("["):
            return None
        try:
            value, _ = _JSON.raw_decode(self.args)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, list) else None

    @lazy
    def json(self) -> tuple[str, ...] | None:
        """The words of a JSON form, or None for the shell form. Text behind the array is ignored, as Go does."""
        array = self._array
        return None if array is None or not all(isinstance(word, str) for word in array) else tuple(array)

    @lazy
    def texts(self) -> tuple[str, ...]:
        """The blank-separated words of the arguments as written, quotes respected and kept."""
        text = self.args
        if "'" not in text and '"' not in text and self.escape not in text:
            return tuple(text.split() if text.isprintable() else _WORD.findall(text))
        return tuple(text[a:b] for a, b in split_words(text, self.escape))

    @lazy
    def words(self) -> tuple[Word, ...]:
        """`texts` with their places in the file."""
        base, text = self.args_start, self.args
        return tuple(Word(text[a:b], self.source_span(base + a, base + b)) for a, b in split_words(text, self.escape))

    @lazy
    def trigger(self) -> Instruction | None:
        """The instruction behind ONBUILD, or None."""
        if self.keyword != "ONBUILD" or not self.args:
            return None
        start, text = self.args_start, self.logical[self.args_start :]
        name = _BLANKS.split(text, maxsplit=1)[0]
        first = bisect_right(self.pieces, (start, 1 << 60)) - 1
        pieces = ((0, self.offset(start)), *((a - start, b) for a, b in self.pieces[first + 1 :]))
        return Instruction(
            self.index, name, name.upper(), self.line, self.end_line, Span(self.offset(start), self.span.end),
            text, pieces, self.source, self.escape, self.heredocs, self.logical_end, self.open_end,
        )  # fmt: skip

    def flag(self, name: str) -> Flag | None:
        """The first flag of this name, or None."""
        for flag in self._split[0]:
            if flag.name == name:
                return flag
        return None

    @lazy
    def shell(self) -> str:
        """The shell text, as long as the stretch of file that it came from, character by character.

        It begins at `shell_start`. Comment lines and blank lines inside a continuation are blanked, a continuation
        is a backslash right before the newline, so a shell parser reads what BuildKit would hand to the shell, and
        its offsets are offsets of the file.
        """
        return _shell_view(self)

    @property
    def shell_start(self) -> int:
        """Offset in the file of the first character of `shell`."""
        return self.offset(self.args_start) if self.args else self.span.end


class Dockerfile:
    """A whole file: its instructions in order, and its parser directives (lower-case name to value)."""

    def __init__(
        self, text: str, instructions: tuple[Instruction, ...], directives: dict[str, str], escape: str
    ) -> None:
        self.text = text
        self.instructions = instructions
        self.directives = directives
        self.escape = escape

    def __iter__(self) -> Iterator[Instruction]:
        return iter(self.instructions)


def _flag_word(text: str, at: int) -> tuple[str, int]:
    """One flag word with quotes and backslashes resolved as BuildKit does, and its end."""
    plain = _PLAIN_FLAG.match(text, at)
    if plain is not None:
        return plain[0], plain.end()
    out: list[str] = []
    quote = ""
    while at < len(text):
        ch = text[at]
        if ch == "\\" and at + 1 < len(text):
            at += 1
            out.append(text[at])
        elif quote:
            if ch == quote:
                quote = ""
            else:
                out.append(ch)
        elif ch in _ASCII_SPACE:
            break
        elif ch in "'\"":
            quote = ch
        elif ch != "\\":
            if ch > "\x7f" and set(ch.encode("utf-8", "surrogateescape")) & {0x85, 0xA0}:
                raise Unreadable(
                    "syntax", f"the flag '{text[:40]}' holds a character that BuildKit cuts in two; quote it"
                )
            out.append(ch)
        at += 1
    return "".join(out), at


def split_words(text: str, escape: str = "\\") -> list[tuple[int, int]]:
    """Ranges of the blank-separated words of `text`; quotes and escapes keep blanks inside a word."""
    if "'" not in text and '"' not in text and escape not in text:
        return [m.span() for m in _WORD.finditer(text)]
    out: list[tuple[int, int]] = []
    start, at, quote = -1, 0, ""
    while at < len(text):
        ch = text[at]
        if not quote and ch in _SPACE:
            if start >= 0:
                out.append((start, at))
                start = -1
            at += 1
            continue
        if start < 0:
            start = at
        if ch == escape and quote != "'" and at + 1 < len(text):
            at += 1
        elif quote:
            quote = "" if ch == quote else quote
        elif ch in "'\"":
            quote = ch
        at += 1
    if start >= 0:
        out.append((start, len(text)))
    return out


def unquote(word: str, escape: str = "\\") -> str:
    """The value of a word: quotes removed, escapes resolved, variables left as they stand."""
    if "'" not in word and '"' not in word and escape not in word:
        return word
    out: list[str] = []
    quote, at = "", 0
    while at < len(word):
        ch = word[at]
        if ch == escape and quote != "'" and at + 1 < len(word):
            nxt = word[at + 1]
            if quote and nxt not in ('"', "$", escape):
                out.append(ch)
            out.append(nxt)
            at += 1
        elif quote and ch == quote:
            quote = ""
        elif not quote and ch in "'\"":
            quote = ch
        else:
            out.append(ch)
        at += 1
    return "".join(out)


class _Lines:
    """The physical lines of a text and where each starts.

    `telling` are those that are neither blank nor comments: number (from 0), offset, and characters without the line
    end; `next` is the place in it of the one that comes next.
    """

    def __init__(self, text: str) -> None:
        self.rows = text.split("\n")
        if not self.rows[-1]:
            self.rows.pop()
        if len(text) > _MAX_LINE:
            self._refuse_long()
        self.starts = list(accumulate([len(row) + 1 for row in self.rows], initial=0))
        # Python's own blanks are found faster, and are the same as Go's but for these.
        blanks = _SPACE if any(separator in text for separator in "\x1c\x1d\x1e\x1f") else None
        bare = [row.rstrip("\r") for row in self.rows] if "\r" in text else self.rows
        starts = self.starts
        self.telling = [
            (number, starts[number], row)
            for number, row in enumerate(bare)
            if (telling := row.lstrip(blanks)) and telling[0] != "#"
        ]
        self.next = 0

    def _refuse_long(self) -> None:
        for number, row in enumerate(self.rows, 1):
            if len(row) > _MAX_LINE:
                raise Unreadable(
                    "line-too-long",
                    f"line {number} is longer than 65,535 characters, which BuildKit refuses",
                )

    def skip(self, number: int) -> None:
        """Leave out what stands above a line."""
        while self.next < len(self.telling) and self.telling[self.next][0] < number:
            self.next += 1


def parse(text: str) -> Dockerfile:
    """Read a Dockerfile.

    Args:
        text: the decoded file without a byte order mark.

    Raises:
        Unreadable: when BuildKit would refuse the file, with the line and what is wrong there.
    """
    lines = _Lines(text)
    directives = _directives(text)
    escape = directives.get("escape", "\\")
    if escape not in _ESCAPES:
        raise Unreadable("syntax", f"line 1: the escape directive '{escape}' is neither ` nor \\; correct it")
    out: list[Instruction] = []
    while lines.next < len(lines.telling):
        out.append(_instruction(text, lines, len(out), escape))
    if not out:
        raise Unreadable("empty", "the file holds no instruction; write one, or remove the file")
    _validate(out)
    return Dockerfile(text, tuple(out), directives, escape)


def _directives(text: str) -> dict[str, str]:
    """Parser directives of the first lines; BuildKit stops at the first line that is none that it knows."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        match = _DIRECTIVE.match(text[at:end].rstrip("\r").lstrip(_SPACE))
        if match is None:
            break
        name = match[1].lower()
        if name not in _DIRECTIVES:
            break
        if name in found:
            raise Unreadable("syntax", f"the parser directive '{name}' stands twice; remove one")
        found[name] = match[2]
        at = end + 1
    return found


def _instruction(text: str, lines: _Lines, index: int, escape: str) -> Instruction:
    number, at, current = lines.telling[lines.next]
    lines.next += 1
    if not current[0].isalpha():
        at += len(current)
        current = current.lstrip(_SPACE)
        at -= len(current)
    last = current[-1]
    if last == escape or last in _BLANK_ENDS:
        return _continued(text, lines, index, (number, at, current), escape)
    name, args = _head(current)
    end = at + len(current)  # most stand on one line
    made = Instruction(
        index, name, name.upper(), number + 1, number + 1, Span(at, end), current, ((0, at),), text, escape, (), end,
        False, args,
    )  # fmt: skip
    return _with_heredocs(text, lines, made) if "<<" in current and _may_hold_heredoc(made) else made


def _continued(text: str, lines: _Lines, index: int, first: tuple[int, int, str], escape: str) -> Instruction:
    """An instruction whose first line may go on in the next one."""
    parts: list[str] = []
    pieces: list[tuple[int, int]] = []
    length = 0
    open_end = False
    number, at, current = first
    telling, following = lines.telling, lines.next
    while True:
        # The usual line has no blanks at its end; BuildKit allows them behind the escape.
        kept = current.rstrip(" \t") if current[-1] in _BLANK_ENDS else current
        if kept[-1] != escape or kept[-2:-1] == escape:
            pieces.append((length, at))
            parts.append(current)
            break
        kept = kept[:-1]
        if kept:
            pieces.append((length, at))
            parts.append(kept)
            length += len(kept)
        if following == len(telling):
            open_end = True
            break
        number, at, current = telling[following]
        following += 1
    lines.next = following
    end, logical = at + len(current), "".join(parts)
    if logical[:1] in _SPACE:  # the first physical line was only a continuation character
        lead = len(logical) - len(logical.lstrip(_SPACE))
        if lead == len(logical):
            raise Unreadable(
                "syntax", f"line {first[0] + 1}: nothing stands before or behind the '{escape}'; remove the line"
            )
        logical = logical[lead:]
        pieces = _shift(pieces, lead)
    name, args = _head(logical)
    made = Instruction(
        index, name, name.upper(), first[0] + 1, len(lines.rows) if open_end else number + 1, Span(pieces[0][1], end),
        logical, tuple(pieces), text, escape, (), end, open_end, args,
    )  # fmt: skip
    return _with_heredocs(text, lines, made) if "<<" in logical and _may_hold_heredoc(made) else made


def _head(logical: str) -> tuple[str, str | None]:
    """The name of an instruction, and its arguments where no flags and no more than one blank stand before them."""
    name, _, rest = logical.partition(" ")
    if not name.isalpha():
        return _BLANKS.split(logical.strip(_SPACE), maxsplit=1)[0], None
    return name, rest.strip(_SPACE) if rest[:1] not in _BEGINS_APART else None


def _shift(pieces: list[tuple[int, int]], lead: int) -> list[tuple[int, int]]:
    """Offsets after `lead` characters were cut from the front of the logical text."""
    kept = [(a - lead, b) for a, b in pieces if a >= lead]
    before = [(a, b) for a, b in pieces if a < lead]
    if before and (not kept or kept[0][0] > 0):
        a, b = before[-1]
        kept.insert(0, (0, b + lead - a))
    return kept


def _may_hold_heredoc(instruction: Instruction) -> bool:
    target = instruction.trigger or instruction
    return target.keyword in _HEREDOC_FORMS and target.json is None


def _with_heredocs(text: str, lines: _Lines, instruction: Instruction) -> Instruction:
    found: list[Heredoc] = []
    end, number = instruction.span.end, instruction.end_line
    for head in heredoc_heads(instruction.logical):
        body_start, terminated = min(lines.starts[number], len(text)), False
        while number < len(lines.rows):
            start, current = lines.starts[number], lines.rows[number].rstrip("\r")
            number += 1
            if (current.lstrip("\t") if head.chomp else current) == head.name:
                found.append(
                    Heredoc(
                        head.name,
                        text[body_start:start],
                        Span(body_start, start),
                        head.chomp,
                        head.expand,
                        head.fd,
                    )
                )
                terminated = True
                end = start + len(current)
                break
        if not terminated:
            raise Unreadable(
                "syntax",
                f"line {instruction.line}: the heredoc '{head.name}' has no end; add a line '{head.name}'",
            )
    if not found:
        return instruction
    lines.skip(number)
    return Instruction(
        instruction.index, instruction.name, instruction.keyword, instruction.line, number,
        Span(instruction.span.start, end), instruction.logical, instruction.pieces, text, instruction.escape,
        tuple(found), instruction.logical_end,
    )  # fmt: skip


class _Head(NamedTuple):
    name: str
    chomp: bool
    expand: bool
    fd: int


def heredoc_heads(logical: str) -> list[_Head]:
    """The here-documents that a logical line announces, in order."""
    heads: list[_Head] = []
    if _open_quote(logical) or ("${" in logical and expand(logical, {}) is None):
        return heads  # BuildKit's lexer cannot read the line, and sees no here-document in it
    for start, end in split_words(logical):
        match = _HEREDOC.match(logical[start:end])
        if match is None:
            continue
        rest = match[3].removeprefix("\ufeff")
        if len(split_words(rest)) == 1 and not _open_quote(rest):
            name = unquote(rest)
            if not name:
                continue
            heads.append(_Head(name, match[2] == "-", name == rest, int(match[1] or 0)))
    return heads


def _open_quote(text: str) -> bool:
    quote, at = "", 0
    while at < len(text):
        ch = text[at]
        if ch == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if ch == quote else quote
        elif ch in "'\"":
            quote = ch
        at += 1
    return bool(quote)


def _validate(instructions: list[Instruction]) -> None:
    """Refuse what BuildKit refuses beyond its line parser: unknown instructions and flags, no FROM."""
    seen_from = False
    for item in instructions:
        _validate_one(item)
        if item.keyword == "ONBUILD" and item.trigger is not None:
            if item.trigger.keyword in ("ONBUILD", "FROM", "MAINTAINER"):
                where = f"line {item.line}: "
                raise Unreadable("syntax", f"{where}{item.trigger.keyword} cannot stand behind ONBUILD; correct it")
            _validate_one(item.trigger)
        if item.keyword == "FROM":
            seen_from = True
        elif not seen_from and item.keyword != "ARG":
            where = f"line {item.line}: "
            raise Unreadable("syntax", f"{where}{item.name} stands before the first FROM; only ARG may")
    if not seen_from:
        raise Unreadable("syntax", "the file has no FROM; it is not a whole Dockerfile")


def _array_problem(item: Instruction) -> str:
    """What BuildKit's line parser refuses of a JSON form."""
    refused = item._array is not None and item.json is None
    return f"the JSON array of {item.name} holds more than words; BuildKit refuses it" if refused else ""


def _validate_one(item: Instruction) -> None:
    keyword = item.keyword
    if keyword not in KEYWORDS:
        _refuse(item, f"'{item.name[:40]}' is no Dockerfile instruction; a lost backslash above it is the usual cause")
    if not item.args and not item.heredocs and keyword not in _NO_ARGUMENT_NEEDED:
        _refuse(item, f"{item.name} has no argument; BuildKit refuses it")
    if "--" in item.logical and item._split[0]:
        _validate_flags(item)
    problem = _array_problem(item) if item.args.startswith("[") else ""
    arity = _ARITY.get(keyword)
    if arity is not None:
        problem = problem or arity(item)
    if problem:
        _refuse(item, problem)


def _refuse(item: Instruction, problem: str) -> NoReturn:
    raise Unreadable("syntax", f"line {item.line}: {problem}")


def _validate_flags(item: Instruction) -> None:
    known = FLAGS.get(item.keyword, frozenset())
    for flag in item.flags:
        if flag.name not in known:
            _refuse(item, f"{item.name} knows no flag '--{flag.name}'; BuildKit refuses it")
        if flag.value is None and flag.name not in _SWITCHES:
            _refuse(item, f"the flag '--{flag.name}' has no value; BuildKit refuses it")
        if flag is not item.flag(flag.name) and flag.name not in _REPEATED:
            _refuse(item, f"the flag '--{flag.name}' stands twice; BuildKit refuses it")


def _split_at_blanks(args: str) -> list[str]:
    # In printable text a space is the only blank, and Python's own way is faster.
    return args.split() if args.isprintable() else _BLANKS.split(args)


def _arity_from(item: Instruction) -> str:
    words = _split_at_blanks(item.args)
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
        return "FROM takes one image, or an image and 'AS name'; BuildKit refuses it"
    if len(words) == 3 and not _STAGE_NAME.fullmatch(words[2].lower()):
        return f"'{words[2][:40]}' is no name for a stage; BuildKit refuses it"
    return ""


def _arity_copy(item: Instruction) -> str:
    array = item.json if item.args.startswith("[") else None
    count = len(_split_at_blanks(item.args) if array is None else array)
    return "" if count >= 2 else f"{item.name} needs a source and a destination; BuildKit refuses it"


def _arity_pairs(item: Instruction) -> str:
    if " " not in item.args and "=" in item.args and item.args.isprintable():  # one pair, as most are
        return ""
    if _PLAIN_PAIRS.fullmatch(item.args):
        return ""
    words = [word for word in item.texts if word != item.escape]
    if words and "=" not in words[0]:
        enough = len(_BLANKS.split(item.args, maxsplit=1)) == 2
        return "" if enough else f"{item.name} needs a name and a value; BuildKit refuses it"
    wrong = next((word for word in words if "=" not in word), None)
    return "" if wrong is None else f"'{wrong[:40]}' is no name=value; BuildKit refuses it"


def _arity_health(item: Instruction) -> str:
    kind, *rest = _BLANKS.split(item.args, maxsplit=1)
    if kind.upper() == "NONE":
        return "HEALTHCHECK NONE takes no arguments; BuildKit refuses it" if rest else ""
    if kind.upper() != "CMD":
        return f"HEALTHCHECK takes CMD or NONE, not '{kind[:40]}'; BuildKit refuses it"
    return "" if rest else "HEALTHCHECK CMD needs a command; BuildKit refuses it"


def _arity_shell(item: Instruction) -> str:
    return "" if item.json else "SHELL takes a JSON array of words; BuildKit refuses it"


def _arity_volume(item: Instruction) -> str:
    return "VOLUME needs a path; BuildKit refuses it" if item.json == () else ""


_ARITY = {
    "ADD": _arity_copy,
    "COPY": _arity_copy,
    "ENV": _arity_pairs,
    "FROM": _arity_from,
    "HEALTHCHECK": _arity_health,
    "LABEL": _arity_pairs,
    "SHELL": _arity_shell,
    "VOLUME": _arity_volume,
}


def _shell_view(item: Instruction) -> str:
    start, end = item.shell_start, item.logical_end
    text = item.source
    stretch = text[start:end]
    if item.escape == "\\" and not item.open_end and (_is_whole(item.pieces) or _UNCLEAN.search(stretch) is None):
        return stretch
    out: list[str] = []
    at = start
    for (_, piece), following in zip(item.pieces, [*item.pieces[1:], (0, end)], strict=True):
        if following[1] <= start and following != (0, end):
            continue
        at = max(piece, start)
        stretch = text[at : following[1]]
        out.append(_blank_after_continuation(stretch, item.escape))
    return "".join(out)


def _is_whole(pieces: tuple[tuple[int, int], ...]) -> bool:
    """Whether nothing but a backslash and a newline stands between the lines of an instruction."""
    return all(source - before == at - start + 2 for (start, before), (at, source) in pairwise(pieces))


def _blank_after_continuation(stretch: str, escape: str) -> str:
    """One line that counts, with all that stands between it and the next one turned into a plain continuation."""
    head, newline, tail = stretch.partition("\n")
    if not newline:
        return head
    body = head.rstrip(" \t\r")
    if not body.endswith(escape):
        return stretch
    gap = len(head) - len(body) + 1
    return body[:-1] + " " * (gap - 1) + "\\\n" + " " * len(tail)
