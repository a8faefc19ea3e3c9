"""What strace tells of a program: where it wrote, where it was refused to write, and what of that a fix has cost it.

Nothing here runs anything. A program can make up what its trace says, as it can make up its log.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

from fixer.evidence import Denied, Kind
from fixer.lazy import regex
from fixer.tuples import NamedTuple
from fixer.understand.making import below
from fixer.verify.refusals import dispensable
from fixer.verify.said import tidy

SEEN = "in a trace of its calls: "
_REFUSED = frozenset({"EACCES", "EPERM", "EROFS"})
_KERNELS = ("/dev", "/proc", "/sys")
_WRITING = regex(r"\bO_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b")
_ONLY_READS = regex(r"\d+ +open(?:at2?)?\((?!.*\bO_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)\b).*\bO_RDONLY\b")
_LINE = regex(r"(\d+) +(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)")
_UNFINISHED = "<unfinished ...>"
_PIECE = regex(r'"(?:[^"\\]|\\.)*"|<(?:[^<>\\]|\\.)*>|[^"<>()\[\]{},]+|.')
_RESULT = regex(r" *= (-?\d+)(?: (E[A-Z0-9]+)\b)?")
_STRING = regex(r'"((?:[^"\\]|\\.)*)"')
_FOLDER = regex(r"(?:AT_FDCWD|\d+)<((?:[^<>\\]|\\.)*)>")
_SOCKET = regex(r'sun_path=("(?:[^"\\]|\\.)*")')
_DEVICE = regex(r"S_IF(?:CHR|BLK)")
_ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|[0-7]{1,3}|.)")
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}
_WORD = regex(r"\w{6,}|\w*\d\w*", re.ASCII)
_NUMBER = regex(r"[0-9a-f]+", re.IGNORECASE)
_FORKS = ("clone", "clone3", "fork", "vfork")
_SHARED = "CLONE_FS"  # with it a child and its parent are always in the same folder
_UNNAMED = "*.tmp"  # for a file that is made without a name
_MOST_LINE = 1 << 16  # characters: two names of the longest kind, with all of their escapes
_MOST_PATHS = 3  # of one observation
_MOST_REFUSALS = 50


class Shape(NamedTuple):
    """What a call does, and which of its arguments are the folder (-1 for none) and the name that it writes."""

    what: str
    folder: int
    name: int


_SHAPES: Mapping[str, Shape] = {
    "open": Shape("open", -1, 0),
    "openat": Shape("open", 0, 1),
    "openat2": Shape("open", 0, 1),
    "creat": Shape("open", -1, 0),
    "mkdir": Shape("mkdir", -1, 0),
    "mkdirat": Shape("mkdir", 0, 1),
    "unlink": Shape("unlink", -1, 0),
    "unlinkat": Shape("unlink", 0, 1),
    "rmdir": Shape("unlink", -1, 0),
    "rename": Shape("rename", -1, 1),
    "renameat": Shape("rename", 2, 3),
    "renameat2": Shape("rename", 2, 3),
    "link": Shape("link", -1, 1),
    "linkat": Shape("link", 2, 3),
    "symlink": Shape("symlink", -1, 1),
    "symlinkat": Shape("symlink", 1, 2),
    "truncate": Shape("truncate", -1, 0),
    "mknod": Shape("mknod", -1, 0),
    "mknodat": Shape("mknod", 0, 1),
    "utime": Shape("utime", -1, 0),
    "utimes": Shape("utime", -1, 0),
    "futimesat": Shape("utime", 0, 1),
    "utimensat": Shape("utime", 0, 1),
}
# What strace is asked for: those, and what tells where a relative name belongs. No machine has all of them.
ASKED = ",".join(f"?{name}" for name in (*_SHAPES, *_FORKS, "bind", "chdir", "fchdir", "execve", "execveat"))


class Call(NamedTuple):
    """A call that asks for writing: what it does, its path, its error ("" where it was allowed), how it opens."""

    what: str
    path: str
    error: str = ""
    how: str = ""


class Told(NamedTuple):
    """What a trace tells: the calls that ask for writing, in their order, and the programs that were started."""

    writes: tuple[Call, ...] = ()
    programs: tuple[str, ...] = ()


class Lost(NamedTuple):
    """What a fix has cost: paths that the original could write, and sentences about other refusals."""

    denied: tuple[Denied, ...] = ()
    notes: tuple[str, ...] = ()


# --- reading ----------------------------------------------------------------------------------------------------------


def read(text: str, workdir: str) -> Told:
    """Read what `strace -f -y` has written; what is not understood is left out.

    `workdir` is the folder in which the program starts.
    """
    reader = _Reader(workdir)
    for line in text.split("\n"):
        # most of what programs open they only read
        if len(line) <= _MOST_LINE and not _ONLY_READS.match(line):
            reader.line(line)
    return Told(tuple(reader.writes), tuple(dict.fromkeys(filter(None, reader.programs))))


class _Reader:
    """Puts unfinished calls together, and knows in which folder each process is."""

    def __init__(self, workdir: str) -> None:
        self.writes: list[Call] = []
        self.programs: list[str] = []
        self._start = workdir or "/"
        self._folders: dict[str, list[str]] = {}  # a list of one for each process; threads have it in common
        self._pending: dict[str, tuple[str, str]] = {}

    def line(self, line: str) -> None:
        """Read one line."""
        found = _LINE.fullmatch(line)
        if found is None:
            return
        pid, resumed, name, rest = found.groups()
        if resumed is not None:
            name, rest = resumed, self._pending.pop(pid, ("", ""))[1] + rest
        if rest.endswith(_UNFINISHED):
            self._pending[pid] = name, rest.removesuffix(_UNFINISHED)
            return
        arguments, behind = _arguments(rest)
        result = _RESULT.match(behind)
        if result is not None:
            self._call(pid, name, arguments, result[1], result[2] or "")

    def _call(self, pid: str, name: str, arguments: list[str], result: str, error: str) -> None:
        if name in _SHAPES:
            self._wrote(_SHAPES[name], pid, arguments, error)
        elif name == "bind":
            self._bound(pid, arguments, error)
        elif error:
            return
        elif name in _FORKS:
            self._folders.setdefault(result, self._inherited(pid, " ".join(arguments)))
        elif name == "chdir":
            self._folder(pid)[0] = self._path(pid, "", arguments[0])
        elif name == "fchdir":
            self._folder(pid)[0] = _base(arguments[0])
        elif name == "execve":
            self.programs.append(self._path(pid, "", arguments[0]))
        elif name == "execveat" and len(arguments) > 1:
            self.programs.append(self._path(pid, arguments[0], arguments[1]))

    def _wrote(self, shape: Shape, pid: str, arguments: list[str], error: str) -> None:
        if len(arguments) <= shape.name:
            return
        behind = " ".join(arguments[shape.name + 1 :])
        how = "|".join(_WRITING.findall(behind)) if shape.what == "open" else ""
        # what creat does needs no flags, and has a mode alone
        if (shape.what == "open" and not how and "O_" in behind) or (shape.what == "mknod" and _DEVICE.match(behind)):
            return
        path = self._path(pid, arguments[shape.folder] if shape.folder >= 0 else "", arguments[shape.name])
        if "O_TMPFILE" in how:
            path = path and posixpath.join(path, _UNNAMED)
        if path:
            self.writes.append(Call(shape.what, path, error, how))

    def _bound(self, pid: str, arguments: list[str], error: str) -> None:
        """A socket of the file system."""
        found = _SOCKET.search(arguments[1]) if len(arguments) > 1 else None
        path = self._path(pid, "", found[1]) if found is not None else ""
        if path:
            self.writes.append(Call("bind", path, error))

    def _path(self, pid: str, folder: str, name: str) -> str:
        """The path that a call means, "" where nobody can tell."""
        told = _STRING.fullmatch(name)
        if told is None and name != "NULL":
            return ""
        base = _base(folder) or self._folder(pid)[0]
        path = posixpath.join(base, _decoded(told[1]) if told is not None else "")
        return posixpath.normpath(f"/{path.lstrip('/')}") if path.startswith("/") else ""

    def _folder(self, pid: str) -> list[str]:
        """The folder in which a process is; one that is new here is a child of who is making one just now."""
        if pid not in self._folders:
            parents = [(one, rest) for one, (name, rest) in self._pending.items() if name in _FORKS and one != pid]
            self._folders[pid] = self._inherited(*parents[-1]) if parents else [self._start]
        return self._folders[pid]

    def _inherited(self, parent: str, how: str) -> list[str]:
        folder = self._folder(parent)
        return folder if _SHARED in how else list(folder)


def _arguments(text: str) -> tuple[list[str], str]:
    """The arguments of a call, from behind its bracket on, and what stands behind the bracket that ends them."""
    out, depth, at = [""], 0, 0
    for piece in _PIECE.finditer(text):
        word, at = piece[0], piece.end()
        if word in ")]}":
            if depth == 0:
                break
            depth -= 1
        elif word in "([{":
            depth += 1
        elif word == "," and depth == 0:
            out.append("")
            continue
        out[-1] += word
    return [one.strip() for one in out], text[at:]


def _base(folder: str) -> str:
    found = _FOLDER.match(folder)
    return _decoded(found[1]) if found is not None else ""


def _decoded(text: str) -> str:
    """A name without the escapes of strace."""
    return _ESCAPE.sub(_byte, text.encode()).decode("utf-8", "replace") if "\\" in text else text


def _byte(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if len(code) == 3 and code.startswith(b"x"):
        return bytes([int(code[1:], 16)])
    if code[0] in b"01234567":
        return bytes([int(code, 8) & 255])
    return _LETTERS.get(code, code)


# --- comparing --------------------------------------------------------------------------------------------------------


def refused(told: Told, written: Collection[str] = ()) -> tuple[Call, ...]:
    """What a program was refused to write, each path once, and was not allowed later in another way.

    What programs do without is not among it, nothing in the kernel's own folders, and nothing of `written`: what the
    same program has written without a tracer.
    """
    return tuple(call for _, call in _refusals(told, written))


def _refusals(told: Told, written: Collection[str]) -> Iterator[tuple[int, Call]]:
    """The refusals, each with its number among the calls."""
    allowed = {call.path: at for at, call in enumerate(told.writes) if not call.error}
    seen: set[str] = set()
    for at, call in enumerate(told.writes):
        if call.error not in _REFUSED or call.path in seen or allowed.get(call.path, -1) > at:
            continue
        seen.add(call.path)
        beside = dispensable(call.path) or any(below(call.path, one) for one in _KERNELS)
        if not beside and not any(below(path, call.path) for path in written):
            yield at, call


def lost(after: Told, before: Told, written: Collection[str] = ()) -> Lost:
    """What a fixed program was refused, where the original was allowed the same call.

    A program that is content with another place has lost nothing: one that then does the same to a file of that name
    elsewhere, where the original does not. What the original does not try, or is refused too, is no loss either; in a
    folder in which it has lost something it may well be another attempt at that, and is not told.
    """
    old = _Original(before, after)
    denied: list[Denied] = []
    moved: dict[str, list[str]] = {}
    untried: list[str] = []
    for at, call in islice(_refusals(after, written), _MOST_REFUSALS):
        path, other = tidy(call.path, 200), old.instead(call, after.writes[at + 1 :])
        if (call.what, call.path) in old.refused:
            continue
        if other:
            moved.setdefault(tidy(other, 200), []).append(path)
        elif old.did(call):
            denied.append(Denied(Kind.PATH, path, SEEN + " ".join(filter(None, (call.what, call.how, call.error)))))
        else:
            untried.append(path)
    folders = {posixpath.dirname(one.what) for one in denied}
    new = [path for path in untried if posixpath.dirname(path) not in folders]
    return Lost(tuple(denied), tuple(islice(_sentences(moved, new), _MOST_PATHS)))


def _sentences(moved: Mapping[str, list[str]], new: list[str]) -> Iterator[str]:
    head = "a trace of its calls shows that it may not write"
    for other, paths in moved.items():
        yield f"{head} {_listed(paths)}, and that it writes {other} instead"
    if new:
        yield f"{head} {_listed(new)}, which the original does not try"


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - _MOST_PATHS} more" if len(paths) > _MOST_PATHS else ""
    return ", ".join(paths[:_MOST_PATHS]) + more


class _Original:
    """What the original did, beside a fixed program that was refused something."""

    def __init__(self, before: Told, after: Told) -> None:
        self.refused = {(call.what, call.path) for call in before.writes if call.error in _REFUSED}
        self._paths = {call.path for call in before.writes}
        self._done = {(call.what, call.path) for call in before.writes if not call.error}
        self._masked = {(what, _masked(path)) for what, path in self._done}
        others = {call.path for call in after.writes}
        self._once = {(what, _masked(path)) for what, path in self._done if path not in others}

    def did(self, call: Call) -> bool:
        """Whether it did this, or the same to a file whose name each run makes up."""
        made_up = call.path not in self._paths and (call.what, _masked(call.path)) in self._once
        return made_up or (call.what, call.path) in self._done

    def instead(self, call: Call, later: Iterable[Call]) -> str:
        """Where the fixed program did later what it was refused, and the original did not; "" for nowhere."""
        named = (call.what, call.path) in self._done
        known, key = (self._done, posixpath.normpath) if named else (self._masked, _masked)
        name = key(posixpath.basename(call.path))
        for one in later:
            alike = one.what == call.what and key(posixpath.basename(one.path)) == name
            if alike and not one.error and (one.what, key(one.path)) not in known:
                return one.path
        return ""


def _masked(path: str) -> str:
    """A path with what may be made up in its name left open: numbers, and all but the start of longer words."""
    folder, name = posixpath.split(path)
    masked = _WORD.sub(lambda word: "*" if _NUMBER.fullmatch(word[0]) else f"{word[0][:2]}*", name)
    return posixpath.join(folder, masked)
