"""Shell text as commands and words, each with its place in the text.

The text comes from a ``RUN``, ``CMD`` or ``ENTRYPOINT``, or from a script. It is read with the grammar
of tree-sitter-bash, which recovers from errors: what could not be read is told by ``Script.errors``,
and the rest is still there. Nothing here knows what a command means; ``understand.shellfacts`` does.

All offsets are characters of the ``str`` given. The parser counts bytes, so it is given a copy in which
each character that is not ASCII is replaced by one ASCII letter: bytes and characters are then the same,
and undecodable bytes (surrogates) cannot make it fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from posixpath import join, normpath
from typing import TYPE_CHECKING, Any, Final

from fixer.lazy import regex
from fixer.syntax.shellwords import (
    PREFIXES,
    SHELLS,
    SPECIAL,
    Assignment,
    Dialect,
    Word,
    dialect,
    dialect_of_script,
    inside,
    literal_word,
    prefix_length,
    quoted_script,
    unquote,
)
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

__all__ = [
    "Assignment", "Command", "Dialect", "Redirect", "Script", "Word", "argv", "commands", "dialect",
    "dialect_of_script", "literal_word", "parse", "unquote",
]  # fmt: skip


class Redirect(NamedTuple):
    """A redirection: ``operator`` such as ``>``, ``>>``, ``2>``, ``<<`` and its target.

    The target of ``<<`` and ``<<-`` is the body of the here-document, that of ``<<<`` the string.
    """

    operator: str
    target: Word


class Command(NamedTuple):
    """A simple command, after prefixes such as ``sudo`` or ``env A=b`` are taken off.

    ``name`` is the last part of the path of the program; it is empty for redirections that stand alone or
    belong to a group, a loop or an ``if``. ``words`` is the argument vector with the program, without
    redirections. ``prefix`` holds the words taken off, ``env`` the assignments in front.
    ``conditional``: inside ``if``, a loop, ``case`` or a function, right of ``||``, or behind a test and
    ``&&``. ``substitution``: inside ``$( )``, backquotes or ``<( )``. ``piped``: reads from a pipe.
    ``cwd`` is what the ``cd`` before it did: ``None`` nothing, ``""`` unknown, else a directory, which may
    be relative to the one the script starts in. ``nested``: read out of ``sh -c``, ``find -exec`` and such.
    """

    name: str
    words: tuple[Word, ...]
    start: int
    end: int
    conditional: bool = False
    redirects: tuple[Redirect, ...] = ()
    substitution: bool = False
    cwd: str | None = None
    prefix: tuple[Word, ...] = ()
    env: tuple[Assignment, ...] = ()
    piped: bool = False
    nested: bool = False

    @property
    def args(self) -> tuple[Word, ...]:
        """The words behind the program."""
        return self.words[1:]


class Script(NamedTuple):
    """What a script holds. ``errors``: some of it was not understood; the commands are what is known."""

    commands: tuple[Command, ...]
    assignments: tuple[Assignment, ...]
    errors: bool


_EMPTY: Final = Script((), (), False)
_MAX_LENGTH: Final = 400_000  # characters; longer text is no script that anyone wrote
_MAX_DEPTH: Final = 120  # levels of grouping; keeps the walk far from Python's recursion limit
_MAX_NESTING: Final = 4  # sh -c inside sh -c ...


def commands(script: str) -> tuple[Command, ...]:
    """All commands of ``script`` in the order of the text; see :func:`parse`."""
    return parse(script).commands


def parse(script: str) -> Script:
    """Read ``script`` and return its commands and assignments; never raises.

    Lists, pipelines, subshells, groups, control structures, functions and substitutions are flattened.
    Prefixes (``sudo``, ``env``, ``exec``, ``time``, ``xargs``, ``tini`` ...) are taken off, and
    ``sh -c "..."``, ``find -exec`` and a here-document fed to a shell are replaced by what is inside.
    """
    return _parse(script, 0)


def argv(words: Sequence[Word]) -> Script:
    """Read a command that is given as words, such as the JSON form of ``CMD``: as :func:`parse`."""
    if not words:
        return _EMPTY
    walk = _Walk("", 0)
    walk.emit(tuple(words), words[0].start, words[-1].end)
    return walk.result(False)


# --------------------------------------------------------------------------------------------- preparing

_CONTINUATION: Final = regex(r"\\[ \t]*\r?\n")
_LAST_ESCAPE: Final = regex(r"\\\s*\Z")
_NOT_ASCII: Final = regex(r"[^\x01-\x7f]")


def _blank_before_escape(match: re.Match[str]) -> str:
    return " " * (len(match[0]) - 2) + "\\\n"


def _prepared(script: str) -> str:
    """A copy of the same length that the grammar can read.

    A backslash at the end of the text continues nothing. Carriage returns become newlines (harmless behind
    one), and blanks between a backslash and the end of its line, which Docker allows, go in front of it.
    """
    text = script if script.isascii() and "\0" not in script else _NOT_ASCII.sub("x", script)
    if "\r" in text or "\\ " in text or "\\\t" in text:
        text = _CONTINUATION.sub(_blank_before_escape, text).replace("\r\n", "\n\n")
    if text.rstrip().endswith("\\"):
        text = _LAST_ESCAPE.sub(lambda match: " " * len(match[0]), text)
    return text


@lru_cache(maxsize=1)
def _parser() -> Parser:
    # Imported here: loading the grammar takes longer than most files, and many runs never need it.
    import tree_sitter

    return tree_sitter.Parser(tree_sitter.Language(_grammar()))


def _grammar() -> Any:
    """The grammar of tree-sitter-bash, without what its package imports for queries that nobody asks for here.

    That would take longer than the grammar itself; where the package is laid out in another way, it is imported whole.
    """
    from importlib.machinery import PathFinder
    from importlib.util import find_spec, module_from_spec

    package = find_spec("tree_sitter_bash")
    folders = package.submodule_search_locations if package is not None else None
    spec = PathFinder.find_spec("tree_sitter_bash._binding", folders)
    if spec is None or spec.loader is None:
        import tree_sitter_bash

        return tree_sitter_bash.language()
    binding = module_from_spec(spec)
    spec.loader.exec_module(binding)
    return binding.language()


@lru_cache(maxsize=4096)
def _parse(script: str, nesting: int) -> Script:
    if not script or script.isspace():
        return _EMPTY
    if len(script) > _MAX_LENGTH or nesting > _MAX_NESTING:
        return Script((), (), True)
    if not script.lstrip().startswith("<<"):
        return _parse_text(script, nesting)
    # The grammar wants a command in front of a here-document; the colon is taken off again.
    shifted = _parse_text(":" + script, nesting, colon=True)
    return Script(
        tuple(_move_command(command, -1) for command in shifted.commands),
        tuple(a._replace(value=_move_word(a.value, -1)) for a in shifted.assignments),
        shifted.errors,
    )


def _parse_text(script: str, nesting: int, colon: bool = False) -> Script:
    tree = _parser().parse(_prepared(script).encode("ascii"))
    walk = _Walk(script, nesting)
    walk.colon = colon
    root = tree.root_node
    walk.visit(root)
    return walk.result(root.has_error)


def _move_word(word: Word, by: int) -> Word:
    return Word(word.text, word.raw, word.start + by, word.end + by, word.literal)


def _move_command(command: Command, by: int) -> Command:
    moved = _replaced(command, lambda word: _move_word(word, by))
    return moved._replace(start=command.start + by, end=command.end + by)


def _covered(command: Command, whole: Word) -> Command:
    """``command`` with the place of ``whole``, in which its own place is not known."""
    moved = _replaced(command, lambda word: whole._replace(text=word.text, literal=word.literal))
    return moved._replace(start=whole.start, end=whole.end)


def _replaced(command: Command, change: Callable[[Word], Word]) -> Command:
    return command._replace(
        words=tuple(map(change, command.words)),
        prefix=tuple(map(change, command.prefix)),
        redirects=tuple(Redirect(r.operator, change(r.target)) for r in command.redirects),
        env=tuple(a._replace(value=change(a.value)) for a in command.env),
    )


# ------------------------------------------------------------------------------------------ the tree walk


class _Kinds(NamedTuple):
    """Numbers of the grammar's node kinds; comparing numbers is cheaper than comparing names."""

    ids: dict[str, int]
    handlers: dict[int, Callable[[_Walk, Node], None]]
    readers: dict[int, Callable[[_Walk, Node, _Parts], None]]
    leaves: frozenset[int]
    expressions: frozenset[int]
    groups: frozenset[int]


_NO_KINDS: Final = _Kinds({}, {}, {}, frozenset(), frozenset(), frozenset())
_SUBSTITUTION: Final = regex(r"\$\(|`|[<>]\(")


class _Parts:
    """What belongs to one command: its words, and what the walk has to visit after it."""

    __slots__ = ("apart", "end", "env", "following", "redirects", "words")

    def __init__(self) -> None:
        self.words: list[Word] = []
        self.redirects: list[Redirect] = []
        self.env: list[Assignment] = []
        self.apart: list[Node] = []  # nodes with substitutions inside
        self.following: list[tuple[str, Node]] = []  # (operator, command) behind a here-document
        self.end = 0


def shell_input(redirects: tuple[Redirect, ...]) -> Word | None:
    """The body of the here-document among the redirections."""
    return next((r.target for r in redirects if r.operator.lstrip("0") in ("<<", "<<-")), None)


class _Walk:
    """Collects the commands of one tree; the attributes are the context of the node being visited."""

    def __init__(self, script: str, nesting: int) -> None:
        self.script = script
        self.nesting = nesting
        self.found: list[Command] = []
        self.assigned: list[Assignment] = []
        self.conditional = False
        self.substitution = False
        self.piped = False
        self.cwd: str | None = None
        self.directories: list[str | None] = []
        self.last = -1
        self.depth = 0
        self.errors = False
        self.colon = False  # the first command is a colon that is not in the source
        self.kinds = kinds = _kinds() if script else _NO_KINDS
        self.handlers = kinds.handlers
        self.readers = kinds.readers
        self.leaves = kinds.leaves

    def result(self, errors: bool) -> Script:
        return Script(tuple(self.found), tuple(self.assigned), errors or self.errors)

    # -- nodes

    def visit(self, node: Node) -> None:
        kind = node.kind_id
        if kind in self.leaves:
            return
        if self.depth >= _MAX_DEPTH:
            self.errors = True
            return
        self.depth += 1
        handler = self.handlers.get(kind)
        if handler is not None:
            handler(self, node)
        else:
            for child in node.named_children:
                self.visit(child)
        self.depth -= 1

    def visit_maybe(self, node: Node) -> None:
        """Visit what may not run: where it would have gone with ``cd`` is unknown afterwards."""
        before, cwd = self.conditional, self.cwd
        self.conditional = True
        self.visit(node)
        self.conditional = before
        if self.cwd != cwd:
            self.cwd = ""

    def visit_apart(self, node: Node) -> None:
        """Visit what has a process of its own: its ``cd`` ends with it."""
        cwd, directories = self.cwd, list(self.directories)
        self.visit(node)
        self.cwd, self.directories = cwd, directories

    def on_list(self, node: Node) -> None:
        # Lists lean to the left; a chain of a hundred && would be a hundred levels deep.
        chain: list[tuple[bool, Node]] = []
        ids = self.kinds.ids
        while node.kind_id == ids["list"]:
            children = [child for child in node.children if child.kind_id != ids["comment"]]
            alternative = any(child.kind_id == ids["||"] for child in children)
            chain.extend((alternative, child) for child in children[:0:-1] if child.is_named)
            node = children[0]
        self.visit(node)
        guarded = self.is_test(node)
        for alternative, item in reversed(chain):
            guarded = guarded and not alternative
            (self.visit_maybe if alternative or guarded else self.visit)(item)
            guarded = guarded or (not alternative and self.is_test(item))

    def is_test(self, node: Node) -> bool:
        kind = node.kind_id
        if kind == self.kinds.ids["test_command"]:
            return True
        return kind == self.kinds.ids["command"] and self.script.startswith("test ", node.start_byte)

    def on_pipeline(self, node: Node) -> None:
        before = self.piped
        for child in node.named_children:
            self.visit_apart(child)
            self.piped = True
        self.piped = before

    def on_subshell(self, node: Node) -> None:
        cwd, directories = self.cwd, list(self.directories)
        for child in node.named_children:
            self.visit(child)
        self.cwd, self.directories = cwd, directories

    def on_substitution(self, node: Node) -> None:
        before = self.substitution, self.piped
        self.substitution, self.piped = True, False
        self.on_subshell(node)
        self.substitution, self.piped = before

    def on_if(self, node: Node) -> None:
        first = True
        for child in node.children:
            if child.is_named:
                (self.visit if first else self.visit_maybe)(child)
            elif child.kind_id == self.kinds.ids["then"]:
                first = False

    def on_branches(self, node: Node) -> None:
        for child in node.named_children:
            self.visit_maybe(child)

    def on_function(self, node: Node) -> None:
        before, cwd = self.conditional, self.cwd
        self.conditional = True
        for child in node.named_children:
            self.visit(child)
        self.conditional, self.cwd = before, cwd

    def on_redirected(self, node: Node) -> None:
        parts = _Parts()
        body: Node | None = None
        for child in node.children:
            reader = self.readers.get(child.kind_id)
            if body is None and (reader is None or child.kind_id == self.kinds.ids["variable_assignment"]):
                body = child
            elif reader is not None:
                reader(self, child, parts)
        if body is None:
            self.emit_parts(parts, node.start_byte)
        elif body.kind_id == self.kinds.ids["command"]:
            self.read_command(body, parts)
        else:
            self.redirect_body(body, parts)
        self.follow(parts)

    def redirect_body(self, body: Node, parts: _Parts) -> None:
        """Visit ``body`` and give it the redirections that the grammar hung around it."""
        self.last = -1
        self.visit(body)
        if body.kind_id in self.kinds.groups or self.last < 0:
            parts.words.clear()
            self.emit_parts(parts, body.start_byte)
            return
        # The grammar puts `a && b >x` around the whole list; for the shell it is b's.
        last = self.found[self.last]
        self.found[self.last] = last._replace(
            words=last.words + tuple(parts.words),
            redirects=last.redirects + tuple(parts.redirects),
            end=max(last.end, parts.end),
        )
        self.visit_all_apart(parts)

    def follow(self, parts: _Parts) -> None:
        """Visit what stands on the line of a here-document's operator, behind it."""
        for operator, node in parts.following:
            if operator == "||":
                self.visit_maybe(node)
            elif operator == "|":
                before, self.piped = self.piped, True
                self.visit_apart(node)
                self.piped = before
            else:
                self.visit(node)

    # -- commands

    def on_command(self, node: Node) -> None:
        parts = _Parts()
        self.read_words(node, parts)
        parts.end = node.end_byte
        self.emit_parts(parts, node.start_byte)
        if parts.following:
            self.follow(parts)

    def read_command(self, node: Node, behind: _Parts) -> None:
        """Read a command node; ``behind`` holds the redirections and words that follow it."""
        parts = _Parts()
        self.read_words(node, parts)
        parts.words += behind.words
        parts.redirects += behind.redirects
        parts.apart += behind.apart
        behind.following += parts.following
        parts.end = max(node.end_byte, behind.end)
        self.emit_parts(parts, node.start_byte)

    def read_words(self, node: Node, parts: _Parts) -> None:
        """Read the children of a command. Plain words are made on the spot: nothing else is as frequent."""
        script, words, reader_of, special = self.script, parts.words, self.readers.get, SPECIAL.search
        before = -1
        for child in node.children:
            reader = reader_of(child.kind_id)
            if reader is not None:
                reader(self, child, parts)
                continue
            start, end = child.start_byte, child.end_byte
            raw = script[start:end]
            if start != before and special(raw) is None:
                words.append(Word(raw, raw, start, end, True))
            else:
                self.read_word(child, parts)
            before = end

    def read_word(self, node: Node, parts: _Parts) -> None:
        start, end = node.start_byte, node.end_byte
        raw = self.script[start:end]
        words = parts.words
        if words and words[-1].end == start:
            # One word to the shell, several nodes to the grammar.
            start = words.pop().start
            raw = self.script[start:end]
        if SPECIAL.search(raw) is None:
            words.append(Word(raw, raw, start, end, True))
            return
        text, literal = unquote(raw)
        words.append(Word(text, raw, start, end, literal))
        if _SUBSTITUTION.search(raw) is not None:
            parts.apart.append(node)

    def read_assignment(self, node: Node, parts: _Parts) -> None:
        assignment = self.assignment(node)
        parts.env.append(assignment)
        if not assignment.value.literal:
            parts.apart.append(node)

    def read_redirect(self, node: Node, parts: _Parts) -> None:
        operator = ""
        targets = 0
        for child in node.children:
            if targets == 0 and (not child.is_named or child.type == "file_descriptor"):
                operator += self.script[child.start_byte : child.end_byte]
                continue
            self.read_word(child, parts)
            targets += 1
            if targets == 1:
                # The first word behind the operator is its target, the others belong to the command.
                parts.redirects.append(Redirect(operator, parts.words.pop()))
        parts.end = max(parts.end, node.end_byte)

    def read_heredoc(self, node: Node, parts: _Parts) -> None:
        ids = self.kinds.ids
        operator, delimiter, following = "", "", ""
        for child in node.children:
            kind = child.kind_id
            text = self.script[child.start_byte : child.end_byte]
            if not operator:
                operator = text
            elif kind == ids["heredoc_start"]:
                delimiter, parts.end = text, max(parts.end, child.end_byte)
            elif kind == ids["heredoc_body"]:
                literal = delimiter[:1] in "'\"\\" or not ("$" in text or "`" in text)
                body = Word(text, text, child.start_byte, child.end_byte, literal)
                parts.redirects.append(Redirect(operator, body))
                parts.apart.append(child)
            elif not child.is_named:
                following = text
            elif kind == ids["pipeline"] and not following:
                parts.following.append(("|", child))
            elif following:
                parts.following.append((following, child))
            elif kind != ids["heredoc_end"]:
                self.readers.get(kind, _Walk.read_word)(self, child, parts)

    def on_declaration(self, node: Node) -> None:
        parts = _Parts()
        for child in node.children:
            if child.kind_id == self.kinds.ids["variable_assignment"]:
                self.assigned.append(self.assignment(child))
            self.read_word(child, parts)
        parts.end = node.end_byte
        self.emit_parts(parts, node.start_byte)

    def on_test(self, node: Node) -> None:
        parts = _Parts()
        self.read_test(node, parts)
        parts.end = node.end_byte
        self.emit_parts(parts, node.start_byte)

    def read_test(self, node: Node, parts: _Parts) -> None:
        for child in node.children:
            if child.kind_id in self.kinds.expressions and self.depth < _MAX_DEPTH:
                self.depth += 1
                self.read_test(child, parts)
                self.depth -= 1
            else:
                self.read_word(child, parts)

    def on_assignment(self, node: Node) -> None:
        self.assigned.append(self.assignment(node))
        for child in node.named_children:
            self.visit(child)

    def assignment(self, node: Node) -> Assignment:
        start, end = node.start_byte, node.end_byte
        name, _, raw = self.script[start:end].partition("=")
        text, literal = unquote(raw)
        if name.endswith("+") or raw.startswith("("):
            name, literal = name.rstrip("+"), False
        return Assignment(name, Word(text, raw, end - len(raw), end, literal), self.conditional)

    # -- what was found

    def emit_parts(self, parts: _Parts, start: int) -> None:
        if self.colon:
            self.colon = False
            parts.words.clear()
            start = 1
        if parts.words:
            self.emit(tuple(parts.words), start, parts.end, tuple(parts.redirects), tuple(parts.env))
        else:
            self.assigned.extend(parts.env)
            if parts.redirects:
                self.emit_nameless(parts, start)
        self.visit_all_apart(parts)

    def visit_all_apart(self, parts: _Parts) -> None:
        last = self.last
        for node in parts.apart:
            self.visit(node)
        self.last = last

    def emit_nameless(self, parts: _Parts, start: int) -> None:
        command = self.command("", (), start, parts.end, tuple(parts.redirects), (), ())
        body = shell_input(command.redirects)
        # A here-document with no command is, in a Dockerfile, a script for the shell.
        if body is None or len(command.redirects) > 1 or self.found:
            self.add(command)
        else:
            self.emit_nested(body, body.raw, body.start, command)

    def emit(
        self,
        words: tuple[Word, ...],
        start: int,
        end: int,
        redirects: tuple[Redirect, ...] = (),
        env: tuple[Assignment, ...] = (),
    ) -> None:
        """Take the prefixes off, look into nested scripts, and keep what is left."""
        name = words[0].text.rpartition("/")[2]
        count = 0
        if name in PREFIXES:
            count, extra = prefix_length(words)
            env += tuple(a._replace(conditional=self.conditional) for a in extra)
            name = words[count].text.rpartition("/")[2]
        command = self.command(name, words[count:], start, end, redirects, words[:count], env)
        if name in SHELLS:
            self.emit_shell(command)
        elif name == "find":
            self.emit_find(command)
        else:
            self.add(command)
            if name in _DIRECTORY_CHANGES:
                _DIRECTORY_CHANGES[name](self, command)

    def command(
        self,
        name: str,
        words: tuple[Word, ...],
        start: int,
        end: int,
        redirects: tuple[Redirect, ...],
        prefix: tuple[Word, ...],
        env: tuple[Assignment, ...],
    ) -> Command:
        return Command(
            name,
            words,
            start,
            end,
            self.conditional,
            redirects,
            self.substitution,
            self.cwd,
            prefix,
            env,
            self.piped,
        )

    def add(self, command: Command) -> None:
        self.last = len(self.found)
        self.found.append(command)

    def emit_shell(self, command: Command) -> None:
        quoted = quoted_script(command.words)
        if quoted is not None:
            inner, offset = inside(quoted)
            self.emit_nested(quoted, inner, offset, command)
            return
        body = shell_input(command.redirects)
        if body is not None and all(word.text.startswith("-") for word in command.args):
            self.emit_nested(body, body.raw, body.start, command)
        else:
            self.add(command)

    def emit_nested(self, word: Word, text: str, offset: int | None, outer: Command) -> None:
        """Keep the commands of the script ``text`` inside ``word``, or ``outer`` when it has none.

        ``offset`` is where the text starts, or ``None`` when its places are not those of the source.
        """
        foreign = text.startswith("#!") and dialect_of_script(text) != "posix"
        inner = _EMPTY if foreign else _parse(text, self.nesting + 1)
        self.errors = self.errors or inner.errors
        if not inner.commands:
            self.add(outer)
            return
        own = outer.words[: outer.words.index(word)] if word in outer.words else outer.words
        for command in inner.commands:
            moved = _covered(command, word) if offset is None else _move_command(command, offset)
            self.add(self.adopted(moved, outer, outer.prefix + own))
        if outer.redirects and word in outer.words:
            last = self.found[self.last]
            self.found[self.last] = last._replace(redirects=last.redirects + outer.redirects)

    def adopted(self, command: Command, outer: Command, prefix: tuple[Word, ...]) -> Command:
        """``command`` as part of ``outer``, whose context it inherits."""
        return command._replace(
            conditional=command.conditional or outer.conditional,
            substitution=command.substitution or outer.substitution,
            cwd=_directory(outer.cwd, command.cwd),
            prefix=prefix + command.prefix,
            env=outer.env + command.env,
            piped=command.piped or outer.piped,
            nested=True,
        )

    def emit_find(self, command: Command) -> None:
        self.add(command)
        own = self.last
        words = command.words
        starts = [i for i, word in enumerate(words) if word.text in _FIND_ACTIONS]
        for begin in starts:
            stop = next((i for i in range(begin + 1, len(words)) if words[i].text in (";", "+")), len(words))
            if stop > begin + 1:
                self.emit(words[begin + 1 : stop], words[begin + 1].start, words[stop - 1].end)
                inner = self.found[-1]
                prefix = command.prefix + words[: begin + 1] + inner.prefix
                self.found[-1] = inner._replace(prefix=prefix, nested=True)
        self.last = own

    # -- cd

    def on_cd(self, command: Command) -> None:
        target = _directory_argument(command)
        if command.name == "pushd":
            self.directories.append(self.cwd)
        self.cwd = _directory(self.cwd, target)

    def on_popd(self, _command: Command) -> None:
        self.cwd = self.directories.pop() if self.directories else ""


_DIRECTORY_CHANGES: Final[dict[str, Callable[[_Walk, Command], None]]] = {
    "cd": _Walk.on_cd,
    "pushd": _Walk.on_cd,
    "popd": _Walk.on_popd,
}
_FIND_ACTIONS: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


def _directory_argument(command: Command) -> str:
    """The literal target of a ``cd``, else ``""``."""
    args = [word for word in command.args if not re.fullmatch(r"-[LPe@-]+", word.text)]
    if len(args) != 1 or not args[0].literal or args[0].text[:1] in ("", "~", "-", "+"):
        return ""
    return args[0].text


def _directory(cwd: str | None, target: str | None) -> str | None:
    """Where ``cd target`` leads from ``cwd``; both as in :attr:`Command.cwd`."""
    if target is None:
        return cwd
    if not target or target.startswith("/"):
        return normpath(target) if target else ""
    if cwd == "":
        return ""
    return normpath(join(cwd or "", target))


# ------------------------------------------------------------------------------------- the grammar's kinds

_HANDLERS: Final[dict[str, Callable[[_Walk, Node], None]]] = {
    "list": _Walk.on_list,
    "pipeline": _Walk.on_pipeline,
    "subshell": _Walk.on_subshell,
    "command_substitution": _Walk.on_substitution,
    "process_substitution": _Walk.on_substitution,
    "if_statement": _Walk.on_if,
    "while_statement": _Walk.on_branches,
    "for_statement": _Walk.on_branches,
    "c_style_for_statement": _Walk.on_branches,
    "case_statement": _Walk.on_branches,
    "function_definition": _Walk.on_function,
    "redirected_statement": _Walk.on_redirected,
    "command": _Walk.on_command,
    "declaration_command": _Walk.on_declaration,
    "unset_command": _Walk.on_declaration,
    "test_command": _Walk.on_test,
    "variable_assignment": _Walk.on_assignment,
}
_READERS: Final[dict[str, Callable[[_Walk, Node, _Parts], None]]] = {
    "variable_assignment": _Walk.read_assignment,
    "file_redirect": _Walk.read_redirect,
    "herestring_redirect": _Walk.read_redirect,
    "heredoc_redirect": _Walk.read_heredoc,
}
_LEAVES: Final = (
    "word", "raw_string", "number", "comment", "variable_name", "string_content", "simple_expansion",
    "ansi_c_string", "heredoc_start", "heredoc_end", "heredoc_content", "test_operator", "regex",
    "special_variable_name", "file_descriptor",
)  # fmt: skip
_EXPRESSIONS: Final = (
    "binary_expression", "unary_expression", "parenthesized_expression", "negated_command",
    "ternary_expression", "postfix_expression",
)  # fmt: skip
_GROUPS: Final = (
    "subshell", "compound_statement", "if_statement", "while_statement", "for_statement",
    "c_style_for_statement", "case_statement", "function_definition",
)  # fmt: skip
_OTHERS: Final = ("heredoc_body", "pipeline", "list")
_TOKENS: Final = ("||", "then")


@lru_cache(maxsize=1)
def _kinds() -> _Kinds:
    language = _parser().language
    assert language is not None
    names = {*_HANDLERS, *_READERS, *_LEAVES, *_EXPRESSIONS, *_GROUPS, *_OTHERS}
    ids = {name: language.id_for_node_kind(name, True) or -1 for name in names}
    ids.update((token, language.id_for_node_kind(token, False) or -1) for token in _TOKENS)
    return _Kinds(
        ids=ids,
        handlers={ids[name]: handler for name, handler in _HANDLERS.items()},
        readers={ids[name]: reader for name, reader in _READERS.items()},
        leaves=frozenset(ids[name] for name in _LEAVES),
        expressions=frozenset(ids[name] for name in _EXPRESSIONS),
        groups=frozenset(ids[name] for name in _GROUPS),
    )
