"""What a trial teaches: paths that an image must be able to write, ports that must move; and how that is kept.

Whoever learns something tries again, at most five times. What helped is written to the configuration, where a person
can read it, so that the next fix needs no engine.
"""

from __future__ import annotations

import json
import posixpath
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from fixer.config import Config, ImageConfig
from fixer.errors import UsageError
from fixer.evidence import Cause, Kind, Trial, Verdict, Word
from fixer.model import LowPorts
from fixer.tuples import NamedTuple
from fixer.understand.making import SYSTEM
from fixer.verify.jobs import Planned
from fixer.verify.judge import judge

CYCLES = 5

# Folders of the distribution in which a program may have files of its own.
_SHARED = frozenset({"/run", "/var/run", "/var/log", "/var/cache", "/var/spool", "/srv", "/opt", "/mnt", "/media"})
_NEVER = ("/proc", "/sys", "/dev", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/root", "/usr")
_LARGEST_LOW = 1023

Try = Callable[[Planned], Trial]


class Lessons(NamedTuple):
    """What was learnt: folders to write by the name of their image in the configuration, and whether ports move."""

    writable: tuple[tuple[str, str], ...] = ()
    move_ports: bool = False

    def and_also(self, other: Lessons) -> Lessons:
        """Both together, nothing twice."""
        both = tuple(dict.fromkeys((*self.writable, *other.writable)))
        return Lessons(both, self.move_ports or other.move_ports)

    def lay_over(self, config: Config) -> Config:
        """The configuration as it would be with them."""
        images = dict(config.images)
        for name, path in self.writable:
            old = images.get(name, ImageConfig())
            images[name] = old._replace(writable=tuple(dict.fromkeys((*old.writable, path))))
        return config._replace(images=images, ports=LowPorts.MOVE if self.move_ports else config.ports)


class Tried(NamedTuple):
    """An image, and the verdict on it."""

    planned: Planned
    verdict: Verdict


class Trials:
    """Tries images, each state of one only once.

    Args:
        attempt: tries one job with an engine.
    """

    def __init__(self, attempt: Try) -> None:
        self._attempt = attempt
        self._done: list[Tried] = []

    def of(self, some: Iterable[Planned]) -> list[Tried]:
        """The verdicts on some images, in their order."""
        return [self._one(planned) for planned in some]

    def _one(self, planned: Planned) -> Tried:
        for tried in self._done:
            if tried.planned.job == planned.job:
                return Tried(planned, tried.verdict)
        tried = Tried(planned, judge(self._attempt(planned)))
        self._done.append(tried)
        return tried


def repair(
    plan: Callable[[Config], list[Planned]], config: Config, trials: Trials, first: list[Tried]
) -> tuple[list[Tried], Lessons, list[str]]:
    """Try again with what each trial has taught, until all hold, nothing is learnt any more, or after five times.

    Args:
        plan: the images to try under a configuration.
        config: the configuration as it is.
        trials: tries them.
        first: the verdicts under that configuration.

    Returns:
        The verdicts under the configuration together with the lessons that helped, those, and sentences on ports that
        could not move.
    """
    taught: dict[tuple[str, ...], Lessons] = {}
    tried = first
    for _ in range(CYCLES):
        old = _all(taught)
        for one in tried:
            lessons = learn(one, old.lay_over(config))
            taught[_name(one.planned)] = taught.get(_name(one.planned), Lessons()).and_also(lessons)
        if _all(taught) == old:
            break
        tried = trials.of(plan(_all(taught).lay_over(config)))
    held = {_name(one.planned) for one in tried if one.verdict.word is Word.HOLDS}
    helped = _all({name: lessons for name, lessons in taught.items() if name in held})
    stuck = [one for one in tried if one.verdict.word is Word.BROKEN and any(map(_is_low_port, one.verdict.causes))]
    notes = [f"{one.verdict.image}: {one.planned.stays}" for one in stuck if one.planned.stays]
    if helped == _all(taught):
        return tried, helped, notes
    return (trials.of(plan(helped.lay_over(config))) if helped != Lessons() else first), helped, notes


def _name(planned: Planned) -> tuple[str, ...]:
    job = planned.job
    return (job.image, job.dockerfile, job.target, job.context, *(f"{name}={value}" for name, value in job.args))


def _all(taught: dict[tuple[str, ...], Lessons]) -> Lessons:
    out = Lessons()
    for lessons in taught.values():
        out = out.and_also(lessons)
    return out


# --- learning ---------------------------------------------------------------------------------------------------------


def learn(tried: Tried, config: Config) -> Lessons:
    """What one verdict teaches; nothing where it holds, or where no setting would help."""
    if tried.verdict.word is not Word.BROKEN:
        return Lessons()
    planned, causes = tried.planned, tried.verdict.causes
    name = next((key for key in planned.keys if key in config.images), planned.key)
    known = config.images.get(name, ImageConfig()).writable
    folders = _outermost(folder for cause in causes for folder in _folders(cause, known))
    move = config.ports is LowPorts.KEEP and any(_is_low_port(cause) for cause in causes)
    return Lessons(tuple((name, folder) for folder in folders), move)


def _folders(cause: Cause, known: tuple[str, ...]) -> Iterator[str]:
    """The folder that has to be writable for a path to be; none where handing it over would be too much.

    In a folder of the distribution it is the path itself, unless that looks like a file, or was `known` and no help.
    """
    if cause.kind is not Kind.PATH or not cause.what.startswith("/"):
        return
    path = posixpath.normpath(cause.what)
    above = posixpath.dirname(path)
    if any(path == one or path.startswith(f"{one}/") for one in _NEVER) and not path.startswith("/usr/src/"):
        return
    if above not in SYSTEM and above not in _SHARED:
        yield above
    elif "." not in posixpath.basename(path) and path not in (*SYSTEM, *_SHARED, *known):
        yield path
    elif above in _SHARED:
        yield above


def _outermost(folders: Iterable[str]) -> list[str]:
    found = sorted(set(folders))
    return [one for one in found if not any(one.startswith(f"{other}/") for other in found)]


def _is_low_port(cause: Cause) -> bool:
    number = cause.what.partition("/")[0]
    return cause.kind is Kind.PORT and number.isdecimal() and 0 < int(number) <= _LARGEST_LOW


# --- writing ----------------------------------------------------------------------------------------------------------

_HEADER = re.compile(r"\s*\[[^\[].*")


def written(text: str, lessons: Lessons, *, project: bool) -> str:
    """The text of a configuration with lessons in it; every other character stays.

    Args:
        text: the configuration as it is, "" for a new one.
        lessons: what was learnt.
        project: whether it is `pyproject.toml`, in which all stands below `tool.fixer`.

    Raises:
        UsageError: when it is written in a way into which nothing can be inserted.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += newline
    top = ("tool", "fixer") if project else ()
    try:
        wanted = tomllib.loads(text)
        if lessons.move_ports:
            _set_ports(lines, top, newline)
            _table(wanted, top)["ports"] = LowPorts.MOVE.value
        for name, paths in _by_name(lessons).items():
            _add_paths(lines, (*top, "images", name), paths, newline)
            entry = _table(wanted, (*top, "images", name))
            entry["writable"] = [*entry.get("writable", []), *paths]
        result = "".join(lines)
        if tomllib.loads(result) == wanted:
            return result
    except (tomllib.TOMLDecodeError, AttributeError, TypeError):
        pass
    raise UsageError(f"nothing can be inserted there; write it by hand: {'; '.join(told(lessons))}")


def told(lessons: Lessons) -> tuple[str, ...]:
    """The lessons as lines of a configuration, for people."""
    rows = ['ports = "move"'] if lessons.move_ports else []
    for name, paths in _by_name(lessons).items():
        rows.append(f"[images.{_quoted(name)}] writable = [{', '.join(map(_quoted, paths))}]")
    return tuple(rows)


def _by_name(lessons: Lessons) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for name, path in lessons.writable:
        out.setdefault(name, []).append(path)
    return out


def _table(value: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for step in path:
        value = value.setdefault(step, {})
    return value


def _quoted(word: str) -> str:
    """A word as TOML writes it."""
    return json.dumps(word, ensure_ascii=False)


def _header(line: str) -> tuple[str, ...] | None:
    """The table that a line begins, None for a line that begins none."""
    if not _HEADER.fullmatch(line.rstrip("\r\n")):
        return None
    try:
        value: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    out = []
    while isinstance(value, dict) and value:
        key, value = next(iter(value.items()))
        out.append(key)
    return tuple(out)


def _section(lines: list[str], path: tuple[str, ...]) -> tuple[int, int] | None:
    """The lines of a table without its header; those before the first header for the top; None where it is not."""
    headers = [n for n, line in enumerate(lines) if line.lstrip().startswith("[") and _is_header(lines, n)]
    if not path:
        return 0, headers[0] if headers else len(lines)
    for n in headers:
        if _header(lines[n]) == path:
            return n + 1, next((other for other in headers if other > n), len(lines))
    return None


def _is_header(lines: list[str], number: int) -> bool:
    """Whether a line begins a table, and is no part of a value of several lines: what stands above it is complete."""
    if _header(lines[number]) is None and not lines[number].lstrip().startswith("[["):
        return False
    try:
        tomllib.loads("".join(lines[:number]))
    except tomllib.TOMLDecodeError:
        return False
    return True


def _set_ports(lines: list[str], top: tuple[str, ...], newline: str) -> None:
    row = f'ports = "{LowPorts.MOVE.value}"{newline}'
    place = _section(lines, top)
    if place is None:
        _append(lines, f"[{'.'.join(top)}]", row, newline)
        return
    start, end = place
    for n in range(start, end):
        found = re.match(r"""(\s*ports\s*=\s*)(?:"[^"]*"|'[^']*')""", lines[n])
        if found is not None:
            lines[n] = f'{found[1]}"{LowPorts.MOVE.value}"{lines[n][found.end() :]}'
            return
    lines.insert(_behind_values(lines, start, end), row)


def _behind_values(lines: list[str], start: int, end: int) -> int:
    """Behind the last line of a table that is no comment and not empty, so that its comments stay with it."""
    rows = [n for n in range(start, end) if lines[n].strip() and not lines[n].lstrip().startswith("#")]
    if rows:
        return rows[-1] + 1
    return start if start else end


def _add_paths(lines: list[str], path: tuple[str, ...], paths: list[str], newline: str) -> None:
    words = ", ".join(map(_quoted, paths))
    place = _section(lines, path)
    if place is None:
        steps = [step if re.fullmatch(r"[A-Za-z0-9_-]+", step) else _quoted(step) for step in path[:-1]]
        _append(lines, f"[{'.'.join([*steps, _quoted(path[-1])])}]", f"writable = [{words}]{newline}", newline)
        return
    start, end = place
    first = next((n for n in range(start, end) if re.match(r"""\s*["']?writable["']?\s*=""", lines[n])), None)
    if first is None:
        lines.insert(_behind_values(lines, start, end), f"writable = [{words}]{newline}")
        return
    for last in range(first, end):
        chunk = "".join(lines[first : last + 1])
        value = _list_in(chunk)
        if value is not None:
            lines[first : last + 1] = [_longer(chunk, words, [*value, *paths])]
            return


def _longer(chunk: str, words: str, wanted: list[Any]) -> str:
    """A list with more words at its end, wherever its last bracket and its last comma stand.

    Raises:
        TypeError: when nobody can tell.
    """
    for at in (match.start() for match in reversed(list(re.finditer(r"\]", chunk)))):
        head, rest = chunk[:at], chunk[at:]
        short = head.rstrip()
        blank = chunk[len(short) : at]
        # a comment behind the last word would swallow what stands on its line
        for text in (
            f"{short}{words}{blank}{rest}",
            f"{short} {words}{blank}{rest}",
            f"{short}, {words}{blank}{rest}",
            f"{head}  {words}\n{rest}",
            f"{head}  , {words}\n{rest}",
        ):
            if _list_in(text) == wanted:
                return text
    raise TypeError("no list")


def _list_in(text: str) -> list[Any] | None:
    """The list that a key has in a text of one key, None where it is not whole, or no list."""
    try:
        value = next(iter(tomllib.loads(text).values()), None)
    except tomllib.TOMLDecodeError:
        return None
    return value if isinstance(value, list) else None


def _append(lines: list[str], header: str, row: str, newline: str) -> None:
    blank = [newline] if lines and lines[-1].strip() else []
    lines += [*blank, f"{header}{newline}", row]


def read(file: Path) -> str:
    """The text of a configuration, with its line ends; "" where there is none.

    Raises:
        UsageError: when it cannot be read.
    """
    try:
        return file.read_bytes().decode("utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read ({error}); write by hand what was learnt") from error
