"""The containers that a repository starts outside of manifests: lines with `docker run`, and Quadlet files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fixer.lazy import lazy, regex
from fixer.syntax.shell import Assignment, Command, argv, parse
from fixer.syntax.shellwords import Word, inside
from fixer.tuples import NamedTuple
from fixer.understand.runoptions import ENGINES, Option, Parsed, parse_run
from fixer.understand.runscripts import Scripts, Snippet, speaks_of_containers

CI = frozenset({"ci", "jenkins"})
_UNITS = frozenset({"unit", "quadlet"})
_ENGINE_NAME = regex(
    r"\$\{?(?:(?:DOCKER|PODMAN|NERDCTL)(?:_?(?:CMD|BIN|CLI|COMMAND|EXE|EXECUTABLE|BINARY))?"
    r"|(?:CONTAINER|OCI)_?(?:ENGINE|TOOL|CLI|RUNTIME|CMD|COMMAND|BIN))(?::?[-=][^}]*)?\}?",
    re.IGNORECASE,
)
_VARIABLE = regex(r"\$(?:\{([\w.-]+)(?::?-([^}$]*))?\}|(\w+))")
_STARTS = regex(r"\b(?:run|create|exec)\b")
_DEEPEST = 4  # variables in variables


class Piece(NamedTuple):
    """One word of a command, and the snippet in which its places count."""

    word: Word
    home: Snippet


class Place(NamedTuple):
    """A range of characters of one snippet."""

    home: Snippet
    start: int
    end: int


class Mount(NamedTuple):
    """A folder or file of the host in a container."""

    option: Option
    source: str
    target: str
    read_only: bool


class Run:
    """One command that starts or enters a container, or one Quadlet file.

    `kind` is that of its file, `at` the offset in the file at which it is told. `engine` is the name of the program,
    "" where a variable holds it. `image` is the reference with the variables that the file sets, None where an unknown
    option or a variable hides it. `unclear`: further options may hide in a variable. `by_root` tells that sudo starts
    it, `personal` that its unit is one of a person and not of the host. `line` is where the whole command stands.
    """

    def __init__(
        self,
        kind: str,
        pieces: list[Piece],
        parsed: Parsed,
        line: Place,
        values: Values,
        command: Command | None = None,
    ) -> None:
        self.kind = kind
        self.pieces = pieces
        self.action = parsed.action
        self.verb = parsed.verb
        self.options = parsed.options
        self.unclear = parsed.unclear
        self.line = line
        self.values = values
        self.nested = command is not None and command.nested
        self.by_root = command is not None and any(word.text in ("sudo", "doas") for word in command.prefix)
        name = "podman" if kind == "quadlet" else pieces[0].word.text.rpartition("/")[2]
        self.engine = name if name in ENGINES else ""
        self.personal = False
        self._target = parsed.target

    @lazy
    def image(self) -> str | None:
        """The image, or the container that exec enters."""
        if self._target is None:
            return None
        text = self.values.filled(self.pieces[self._target].word.text)
        return None if any(sign in text for sign in "$`{@ ") and "@sha" not in text else text

    @lazy
    def programs(self) -> tuple[str, ...]:
        """The names of the programs that it is told to start, those in `sh -c` too."""
        words = () if self._target is None else tuple(piece.word for piece in self.pieces[self._target + 1 :])
        return tuple(one.name for one in argv(words).commands if one.name)

    @property
    def at(self) -> int:
        """The offset in the file at which the command is told: its engine, or the string that it stands in."""
        first, verb = self.pieces[0], self.pieces[self.verb]
        return self.offset(first if first.home is verb.home else verb)

    def offset(self, piece: Piece) -> int:
        """Where a piece stands in the file."""
        return piece.home.at + (piece.word.start if piece.home.exact else 0)

    def named(self, *names: str) -> Iterator[Option]:
        """The options of these names."""
        return (option for option in self.options if option.name in names)

    def last(self, name: str) -> Option | None:
        """The option of a name that counts: of several the last."""
        found = list(self.named(name))
        return found[-1] if found else None

    def on(self, name: str) -> bool:
        """Whether a switch is on."""
        option = self.last(name)
        return option is not None and option.on

    @property
    def starts(self) -> bool:
        """Whether it makes a container; else it enters one."""
        return self.action != "exec"

    @property
    def in_ci(self) -> bool:
        """Whether it stands in a file of a CI system, whose machines are thrown away."""
        return self.kind in CI

    @property
    def lasts(self) -> bool:
        """Whether the container is a service, rather than a command that comes back."""
        if self.kind in _UNITS or self.on("detach"):
            return True
        restart = self.last("restart")
        return restart is not None and restart.value != "no"

    @property
    def rootless(self) -> bool:
        """Whether podman starts it for the person who calls it, so that its root is that person."""
        return self.engine.startswith("podman") and not self.by_root and (self.kind not in _UNITS or self.personal)

    @lazy
    def mounts(self) -> tuple[Mount, ...]:
        """The folders and files of the host that it is given; volumes with a name are not among them."""
        found = (_mount(option, self.values) for option in self.named("volume", "mount"))
        return tuple(mount for mount in found if mount is not None)

    @property
    def over_work(self) -> bool:
        """Whether it is given the folder in which somebody works."""
        return any(_WORK.match(mount.source) for mount in self.mounts)


_WORK = regex(
    r"\.{1,2}(?:/|$)|\$\{?(?:env\.)?(?:PWD|CURDIR|PROJECT\w*|REPO\w*|ROOT\w*|WORKSPACE|GITHUB_WORKSPACE|CI_PROJECT_DIR|HERE"
    r"|TOP\w*|BASE_?DIR|WORK\w*|SRC\w*|SCRIPT\w*|THIS\w*|DIR)\b|\$\((?:pwd|git |realpath|readlink|cd )|`pwd`"
    r"|x\$\(pwd|x\$\{?PWD|\$\{_+\}",
    re.IGNORECASE,
)


def _mount(option: Option, values: Values) -> Mount | None:
    if option.name == "mount":
        rows = (part.partition("=") for part in option.value.replace('"', "").split(","))
        said = {name.strip(): value for name, _, value in rows}
        source = said.get("source", said.get("src", ""))
        if said.get("type", "volume") != "bind" or not source:
            return None
        only = said.get("readonly", said.get("ro", "false"))
        target = said.get("target", said.get("dst", said.get("destination", "")))
        return Mount(option, values.filled(source), target, only in ("", "true", "1"))
    # a word with a substitution keeps its quotes
    source, colon, rest = _split(values.filled(option.value.replace('"', "")))
    if not colon or not source or source[0] not in "/.~$`x":
        return None
    target, _, modes = rest.partition(":")
    return Mount(option, source, target, "ro" in modes.split(","))


def _split(value: str) -> tuple[str, str, str]:
    """What stands before the first colon of a volume, which those of `${X:-y}` and `$(x)` are not."""
    depth = 0
    for at, sign in enumerate(value):
        depth += (sign in "({") - (sign in ")}")
        if sign == ":" and not depth:
            return value[:at], ":", value[at + 1 :]
    return value, "", ""


class Values:
    """The variables that a file sets once, so that their value is known wherever they are used."""

    def __init__(self, scripts: Scripts, assigned: Iterable[tuple[Assignment, Snippet]]) -> None:
        found: dict[str, list[Snippet]] = {}
        for name, snippet in scripts.variables:
            found.setdefault(name, []).append(snippet)
        for assignment, home in assigned:
            found.setdefault(assignment.name, []).append(_inside(assignment.value, home))
        self.known = {name: rows[0] for name, rows in found.items() if len({row.written for row in rows}) == 1}

    def of(self, word: str) -> Snippet | None:
        """What a word stands for that is a variable and nothing else."""
        match = _VARIABLE.fullmatch(word.strip('"'))
        return None if match is None else self.known.get(match[1] or match[3])

    def filled(self, text: str, depth: int = 0) -> str:
        """A text with the values of its variables, as far as they are known."""
        if "$" not in text or depth > _DEEPEST:
            return text

        def value(match: re.Match[str]) -> str:
            known = self.known.get(match[1] or match[3])
            if known is None or "\n" in known.shell:
                return match[2] or match[0]
            return self.filled(known.shell, depth + 1)

        return _VARIABLE.sub(value, text)


def _inside(word: Word, home: Snippet) -> Snippet:
    """The text of a value as a snippet of the same file."""
    text, offset = inside(word)
    if offset is None or not home.exact or home.shell[offset : offset + len(text)] != text:
        return Snippet(text, text, home.at, exact=False)
    written = home.written[offset : offset + len(text)]
    return Snippet(text, written, home.at + offset, quoted=word.raw.startswith('"'))


def runs_of(kind: str, scripts: Scripts) -> list[Run]:
    """The commands of a file that start or enter containers, in its order; each counts once, however often it is used.

    Args:
        kind: what `fixer.discover.run_kind` says of the path of the file.
        scripts: its shell text.
    """
    read = [(snippet, parse(snippet.shell)) for snippet in scripts.snippets if _may_start(snippet.shell, scripts)]
    values = Values(scripts, ((one, snippet) for snippet, script in read for one in script.assignments))
    found: dict[tuple[int, int], Run] = {}
    for snippet, script in read:
        for command in script.commands:
            run = _run(kind, command, snippet, values)
            if run is not None:
                found.setdefault((run.at, run.pieces[run.verb].word.start), run)
    return [found[place] for place in sorted(found)]


def _may_start(text: str, scripts: Scripts) -> bool:
    """Whether shell text may start a container; in a file with variables of its own one of them may hold all of it."""
    if _STARTS.search(text) and speaks_of_containers(text):
        return True
    engines = (name for name, snippet in scripts.variables if speaks_of_containers(snippet.shell))
    return "$" in text and any(f"{{{name}}}" in text for name in engines)


def _run(kind: str, command: Command, home: Snippet, values: Values) -> Run | None:
    if not command.words:
        return None
    pieces = _with_engine([Piece(word, home) for word in command.words], values)
    pieces = [one for piece in pieces for one in _spliced(piece, values)]
    if not pieces:
        return None
    parsed = parse_run(tuple(piece.word for piece in pieces))
    if parsed is None:
        return None
    lead = pieces[parsed.verb].home
    line = Place(home, command.start, command.end) if lead is home else Place(lead, 0, len(lead.written))
    return Run(kind, pieces, parsed, line, values, command)


_OF_A_PERSON = regex(r"^[ \t]*(?:WantedBy[ \t]*=[ \t]*default\.target|User[ \t]*=[ \t]*(?!root|0)\S)", re.MULTILINE)


def is_personal(path: str, text: str) -> bool:
    """Whether a unit belongs to a person, for whom podman starts containers without root, by its place and target."""
    before = text.partition("[Container]")[0] + text.partition("[Install]")[2] if "[Container]" in text else text
    return ".config/" in path or "/user/" in path or _OF_A_PERSON.search(before) is not None


# --- Quadlet ----------------------------------------------------------------------------------------------------------

_SECTION = regex(r"^[ \t]*\[([^\]\n]+)\]", re.MULTILINE)
_KEY = regex(r"^[ \t]*(\w+)[ \t]*=[ \t]*((?:[^\n\\]|\\\r?\n|\\.)*)", re.MULTILINE)
_KEYS = {
    "User": "user",
    "Volume": "volume",
    "Mount": "mount",
    "AddCapability": "cap-add",
    "Network": "network",
    "UserNS": "userns",
    "SeccompProfile": "seccomp",
    "SecurityLabelDisable": "label-disable",
}


def quadlet(text: str) -> list[Run]:
    """The container that a Quadlet file describes, its keys as the options that podman gets for them."""
    start = next((match for match in _SECTION.finditer(text) if match[1] == "Container"), None)
    if start is None:
        return []
    following = _SECTION.search(text, start.end())
    end = following.start() if following is not None else len(text)
    home = Snippet(text, text, 0)
    pieces = [Piece(Word(start[0], start[0], start.start(), start.end(), True), home)]
    options: list[Option] = []
    image = None
    for match in _KEY.finditer(text, start.end(), end):
        value = match[2].rstrip()
        piece = Piece(Word(value, value, match.start(), match.start(2) + len(value), True), home)
        if match[1] == "Image":
            image = piece
        elif match[1] == "PodmanArgs":
            _add_arguments(piece, value, pieces, options)
        elif match[1] in _KEYS:
            options += (Option(_KEYS[match[1]], one, len(pieces), len(pieces)) for one in _several(match[1], value))
            pieces.append(piece)
    if image is None:
        return []
    pieces.append(image)
    parsed = Parsed("run", 0, tuple(options), len(pieces) - 1, False)
    return [Run("quadlet", pieces, parsed, Place(home, start.start(), end), Values(Scripts(()), ()))]


def _several(key: str, value: str) -> list[str]:
    return value.split() if key == "AddCapability" else [value.strip("\"'")]


def _add_arguments(piece: Piece, value: str, pieces: list[Piece], options: list[Option]) -> None:
    """The options that a key hands to podman as they are; all of them stand in the one piece."""
    found = parse(f": {value}").commands
    words = found[0].words if found else ()
    parsed = parse_run((*parse("podman run").commands[0].words, *words[1:]))
    if parsed is not None:
        options += (option._replace(first=len(pieces), last=len(pieces), letter=0) for option in parsed.options)
        pieces.append(piece)


# --- variables in the place of words ----------------------------------------------------------------------------------


def _with_engine(pieces: list[Piece], values: Values) -> list[Piece]:
    """The words of a command with the engine in front, where a variable may stand for it; none where it has none."""
    for _ in range(_DEEPEST):
        name = pieces[0].word.text
        if name.rpartition("/")[2] in ENGINES:
            return pieces
        value = values.of(name)
        words = [] if value is None else _words(value)
        if not words or words[0].word.text.startswith("${__"):  # what a function of make gives, nobody knows
            break
        pieces = [*words, *pieces[1:]]
    return pieces if _ENGINE_NAME.fullmatch(pieces[0].word.text) else []


def _words(value: Snippet) -> list[Piece]:
    """The words of a value; none where it is no plain command."""
    found = parse(value.shell).commands
    plain = [command for command in found if not command.substitution]
    return [Piece(word, value) for word in plain[0].words] if len(plain) == 1 else []


def _spliced(piece: Piece, values: Values) -> list[Piece]:
    """The words of a variable that holds options, or the word itself."""
    value = None if piece.word.literal else values.of(piece.word.text)
    if value is None or not value.shell.lstrip().startswith("-"):
        return [piece]
    # The grammar wants a command in front of the words.
    words = parse(f": {value.shell}").commands[0].args
    return [Piece(_moved(word), value) for word in words]


def _moved(word: Word) -> Word:
    return word._replace(start=word.start - 2, end=word.end - 2)
