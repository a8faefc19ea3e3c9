"""What the rules on commands that start containers are given: one file with its runs, and the line to use instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from textwrap import dedent

from fixer.config import Config
from fixer.ignores import Ignore, beside_lines
from fixer.imageusers import ImageUser
from fixer.lazy import regex
from fixer.model import Edit, Finding, Fix, Refusal, Safety, Severity, Span
from fixer.rules.base import Card
from fixer.source import SourceFile, apply_edits
from fixer.syntax.yaml import Document
from fixer.tuples import NamedTuple
from fixer.understand.runoptions import Option
from fixer.understand.runs import Piece, Run
from fixer.understand.runscripts import Snippet

FindUser = Callable[[str], ImageUser]
_MOST_LINES = 8
WHO_CALLS = "$(id -u):$(id -g)"


class Seen(NamedTuple):
    """What a rule saw at one run: `key` and `message` are the same wherever the same is to be said.

    `fix` is what a person should write, or why nobody can tell.
    """

    run: Run
    key: str
    message: str
    severity: Severity
    reason: str
    fix: Fix | Refusal


class RunView:
    """One file as the rules see it that starts containers by commands, or one that sets up the Docker daemon.

    `kind` is what `fixer.discover.run_kind` says of it, `daemon` holds the settings of a `daemon.json`.
    `ignores`, `known`, `selected` and `table` are as in `fixer.rules.base.DockerfileView`.
    """

    table = "runs"

    def __init__(
        self,
        source: SourceFile,
        kind: str,
        runs: list[Run],
        daemon: dict[str, object] | None,
        documents: tuple[Document, ...],
        find_user: FindUser,
        config: Config,
    ) -> None:
        self.source = source
        self.kind = kind
        self.runs = runs
        self.daemon = daemon
        self.documents = documents
        self.find_user = find_user
        self.config = config
        self.proposals: list[Proposal] = []
        self.together: dict[int, list[Fix | Refusal]] = {}
        self.ignores: list[Ignore] = []
        self.known: frozenset[str] = frozenset()
        self.selected: frozenset[str] = frozenset()

    def own_ignores(self) -> list[Ignore]:
        """The ignore comments of the file."""
        return beside_lines(self.source.text, self.documents)

    def user(self, run: Run) -> ImageUser:
        """Who the image of a run runs as."""
        return self.find_user(run.image or "")

    # --- findings -----------------------------------------------------------------------------------------------------

    def findings(self, card: Card, seen: Iterable[Seen]) -> list[Finding]:
        """What a rule saw, each thing once a file: at its first run, with the lines of the others."""
        groups: dict[str, list[Seen]] = {}
        for one in seen:
            line = self.source.place(one.run.at)[0]
            if not any(ignore.covers(line, card.id, card.name) for ignore in self.ignores):
                groups.setdefault(one.key, []).append(one)
        return [self._group(card, rows) for rows in groups.values()]

    def _group(self, card: Card, rows: list[Seen]) -> Finding:
        first = max(rows, key=lambda one: one.severity)
        self.together[id(first.fix)] = [one.fix for one in rows]
        others = sorted({self.source.place(one.run.at)[0] for one in rows if one is not first})
        here = self.source.place(first.run.at)[0]
        message = first.message + _lines([line for line in others if line != here])
        at = Span(first.run.at, first.run.at)
        return self.finding(card, at, message, fix=first.fix, reason=first.reason, severity=first.severity)

    def finding(
        self,
        card: Card,
        at: Span,
        message: str,
        *,
        fix: Fix | Refusal,
        reason: str = "",
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this file at some characters."""
        line, column = self.source.place(at.start)
        rank = card.severity if severity is None else severity
        if isinstance(fix, Refusal):
            return Finding(card.id, self.source.path, line, column, message, rank, reason, refusal=fix)
        return Finding(card.id, self.source.path, line, column, message, rank, reason, fix)

    # --- the line to use ----------------------------------------------------------------------------------------------

    def with_user(self, run: Run, user: str, title: str, risk: str) -> Fix:
        """The line with this user; an option that names another one gives way to it."""
        if run.kind == "quadlet":
            uid, _, gid = user.partition(":")
            text = f"User={uid}\nGroup={gid}" if gid else f"User={uid}"
            return Fix(title, Safety.MANUAL, risk, instructions=text)
        old = run.last("user")
        user = self._written(run, user)
        piece = run.pieces[run.verb if old is None else old.first]
        if old is None:
            edit = Edit(Span(piece.word.end, piece.word.end), f" --user {user}")
            words = f"put --user {user} right behind '{piece.word.text}'"
        else:
            start = piece.word.start + (old.letter or 0)
            before = " " if old.letter else ""
            edit = Edit(Span(start, run.pieces[old.last].word.end), f"{before}--user {user}")
            words = f"write --user {user} instead of {_shown(old)}"
        return self._proposed(run, piece, edit, Fix(title, Safety.MANUAL, risk, instructions=words))

    def without(self, run: Run, option: Option, title: str, risk: str) -> Fix:
        """The line without one option."""
        piece = run.pieces[option.first]
        if run.kind == "quadlet":
            return Fix(title, Safety.MANUAL, risk, instructions=_out_of_key(piece, option))
        fix = Fix(title, Safety.MANUAL, risk, instructions=f"leave out {_shown(option)}")
        return self._proposed(run, piece, _without(run, option), fix)

    def _proposed(self, run: Run, piece: Piece, edit: Edit, fix: Fix) -> Fix:
        """Keep what a fix changes, so that one line can hold all that is to be changed in it."""
        covered = piece is not run.pieces[0] and piece == run.pieces[0]._replace(word=piece.word)
        if not (covered and piece.word.start == run.pieces[0].word.start):  # else nobody knows the places in the string
            self.proposals.append(Proposal(fix, run, piece.home, edit))
        return fix

    def _written(self, run: Run, user: str) -> str:
        """A user as this kind of file writes it."""
        if user != WHO_CALLS:
            return user
        home = run.pieces[run.verb].home
        text = user.replace("$", "$$") if run.kind == "make" else user
        if run.kind == "jenkins" and home.quoted:
            text = text.replace("$", "\\$")
        return text if run.nested or home.quoted else f'"{text}"'

    def with_lines(self, found: Iterable[Finding]) -> list[Finding]:
        """The findings with the lines to use as instructions; one line has the changes of all findings about it."""
        found = list(found)
        told = {id(fix) for finding in found for fix in self.together.get(id(finding.fix), ())}
        proposals = {id(one.fix): one for one in self.proposals if id(one.fix) in told}
        return [self._with_line(finding, proposals) for finding in found]

    def _with_line(self, finding: Finding, proposals: dict[int, Proposal]) -> Finding:
        own = proposals.get(id(finding.fix))
        if own is None or finding.fix is None:
            return finding
        whole, start, stop = self._lines_of(own)
        beside = (one for one in proposals.values() if one.home is own.home or (one.home.exact and own.home.exact))
        edits = _apart(one.placed for one in beside if start <= one.placed.span.start <= stop)
        moved = [Edit(Span(edit.span.start - start, edit.span.end - start), edit.text) for edit in edits]
        text = _tidy(whole[start:stop], apply_edits(whole[start:stop], moved))
        fix = Fix(finding.fix.title, finding.fix.safety, finding.fix.risk, instructions=text)
        return finding._replace(fix=fix)

    def _lines_of(self, one: Proposal) -> tuple[str, int, int]:
        """A text, and where the lines of a command begin and end in it."""
        home, line = one.home, one.run.line
        whole, shift = (self.source.text, home.at) if home.exact else (home.written, 0)
        start, end = (line.start, line.end) if home is line.home else (0, len(home.written))
        stop = whole.find("\n", max(end + shift - 1, 0))
        return whole, whole.rfind("\n", 0, start + shift) + 1, len(whole) if stop < 0 else stop


# Values that a log must not show: of variables and options with such names, and in addresses. Variables are no secret.
_NAME = r"\w*(?:PASSW(?:OR)?D|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|(?:API|ACCESS|PRIVATE)_?KEY)\w*="
_OPTION = r"--[\w-]*(?:passw(?:or)?d|passphrase|token|(?:api|access|secret)-key)[= ]"
_SECRET = regex(
    rf"(?P<quoted>(?P<sign>[\"'])(?:{_NAME}))[^$\"'\n]+(?P=sign)"
    rf"|(?P<named>(?:{_NAME}|{_OPTION}))(?:\"[^\"$\n]+\"|'[^'\n]*'|[^\s\"'$\\]+)"
    r"|(?<=://)(?P<user>[^\s:/@$]+:)[^\s:/@$]+(?=@)",
    re.IGNORECASE,
)


def _hidden(match: re.Match[str]) -> str:
    before = match["quoted"] or match["named"] or match["user"]
    return f"{before}***{match['sign'] or ''}"


def _tidy(before: str, after: str) -> str:
    """The lines of a command without their common indentation, without lines of nothing, and without secrets."""
    old = set(before.split("\n"))
    kept = [line for line in after.split("\n") if line in old or not _NOTHING_BUT_CONTINUED.fullmatch(line)]
    text = dedent("\n".join(kept).replace("\r\n", "\n")).strip()
    return _SECRET.sub(_hidden, text)


class Proposal(NamedTuple):
    """What a fix changes in one snippet of a run."""

    fix: Fix
    run: Run
    home: Snippet
    edit: Edit

    @property
    def placed(self) -> Edit:
        """The same in the file, or in the string where that has no exact places."""
        shift = self.home.at if self.home.exact else 0
        return Edit(Span(self.edit.span.start + shift, self.edit.span.end + shift), self.edit.text)


def _apart(edits: Iterable[Edit]) -> list[Edit]:
    """The edits in order, without those that reach into one before them."""
    out: list[Edit] = []
    at = 0
    for edit in sorted(set(edits), key=lambda e: (e.span.start, -e.span.end, e.text)):
        start, end = max(edit.span.start, at), edit.span.end
        if edit.text == "" and start < end:  # two that take neighbours away may both want the blank between them
            out.append(Edit(Span(start, end), ""))
        elif edit.span.start >= at:
            out.append(edit)
        at = max(at, end)
    return out


def _out_of_key(piece: Piece, option: Option) -> str:
    """What to do with the key of a Quadlet file."""
    line = piece.home.written[piece.word.start : piece.word.end]
    shown = _shown(option) if line.startswith("PodmanArgs") else option.value
    alone = line.partition("=")[2].strip() in (shown, shown.replace(" ", "=")) or option.name not in ("cap-add", shown)
    return f"remove the line {line}" if alone and not line.startswith("PodmanArgs") else f"take {shown} out of {line}"


def _shown(option: Option) -> str:
    return f"--{option.name} {option.value}".rstrip()


_BLANKS = regex(r"[ \t]*")
_REST = regex(r"[ \t]*\\{0,2}[ \t]*(?:\r?\n|$)")  # two in the strings of Jenkins
_NOTHING_BUT_CONTINUED = regex(r"[ \t]*\\{1,2}[ \t]*\r?")


def _without(run: Run, option: Option) -> Edit:
    """Take an option away: with its line where it stands alone in it, else with the blanks before or behind it."""
    piece, last = run.pieces[option.first], run.pieces[option.last]
    text, start, end = piece.home.written, piece.word.start, last.word.end
    if option.letter:
        return Edit(Span(start + option.letter, end), "")
    above = text.rfind("\n", 0, start) + 1
    rest = _REST.match(text, end)
    if above and not text[above:start].strip() and rest is not None:
        return Edit(Span(above, rest.end()), "")
    if not text[above:start].strip():
        blanks = _BLANKS.match(text, end)
        return Edit(Span(start, end if blanks is None else blanks.end()), "")
    while text[start - 1] in " \t":
        start -= 1
    return Edit(Span(start, end), "")


def _lines(lines: list[int]) -> str:
    if not lines:
        return ""
    more = f" and {len(lines) - _MOST_LINES} more" if len(lines) > _MOST_LINES else ""
    return f" (line{'' if len(lines) == 1 else 's'} {', '.join(map(str, lines[:_MOST_LINES]))}{more} too)"


def lower(severity: Severity, run: Run) -> Severity:
    """How bad something is at a run.

    That of a service counts in full; less is that of a command that comes back, and that of podman where root is a mere
    person. On the machines of CI, which are thrown away, it is information.
    """
    if run.in_ci:
        return Severity.INFO
    return Severity(max(Severity.LOW, severity - (not run.lasts) - run.rootless))


def called(run: Run) -> str:
    """What a finding calls a run: its image, else the program."""
    return run.image or "this container"


def is_root(user: str) -> bool:
    """Whether the value of --user names root."""
    return user.partition(":")[0] in ("root", "0")


# What takes root by itself, and what may take it because of the files that it is about.
_INSTALLS = frozenset(
    "apt apt-get apk yum dnf microdnf zypper pacman chown chgrp useradd adduser groupadd setcap mount umount nsenter"
    " chroot sysctl modprobe iptables".split()
)
_HANDLES = frozenset("chmod mkdir cp rm mv install ln touch tar dd rsync find".split())


def works_as_root(run: Run) -> bool:
    """Whether the command of a run installs something, or does nothing but hand over files, which takes root."""
    entry = run.last("entrypoint")
    names = [*([entry.value.rpartition("/")[2]] if entry is not None and entry.value else []), *run.programs]
    return any(name in _INSTALLS for name in names) or (bool(names) and _HANDLES.issuperset(names))


# Images that need the host for what they are made for, by their names, and what a person can do about it.
_NEEDS = (
    (
        regex(r"(?:^|/)(?:binfmt|qemu-user-static)(?:[:@]|$)"),
        "registers interpreters in the kernel of the host, which needs that once; start nothing else in this way",
    ),
    (
        regex(r"dind|buildkit|buildx|kaniko|kindest|/kind\b|k3s|k3d|minikube|systemd|^docker(?::|$)|/docker:"),
        "makes containers; give it a rootless variant, or a machine of its own",
    ),
    (
        regex(r"cadvisor|node[-_]exporter|datadog|netdata|falco"),
        "watches the host; start it there without a container, or keep it apart from all others",
    ),
)


def needs(run: Run) -> Refusal | None:
    """Why a container keeps what it has of the host: what it is made for needs that."""
    image = run.image or ""
    why = next((words for names, words in _NEEDS if names.search(image)), None)
    return None if why is None else Refusal("needs-host", f"{image} {why}")
