"""What shell text means: who is created with which uid, what is installed, owned, written and started."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from fixer.syntax.shell import Command, Script, Word, dialect, parse
from fixer.tuples import NamedTuple
from fixer.understand import shelloptions as options
from fixer.understand.shellaccounts import (
    ACCOUNT_FILES,
    TOOLS,
    Account,
    Accounts,
    GroupAdd,
    UserAdd,
    UserMod,
    account_lines,
)
from fixer.understand.shellpackages import MANAGERS, packages
from fixer.understand.shellports import Port, ports
from fixer.understand.shellroot import (
    Need,
    Service,
    StepDown,
    chmod_words,
    needs_root,
    service,
    step_down,
    written,
    written_by_redirects,
)
from fixer.understand.shellsigns import Sign, script_signs
from fixer.understand.shellvalues import Expand, Values, expander

__all__ = [
    "Chmod", "Chown", "GroupAdd", "Install", "Mkdir", "Need", "Paths", "Port", "Service", "SetCap",
    "ShellFacts", "Sign", "StepDown", "UserAdd", "UserMod", "Write", "dialect", "facts", "needs_root",
    "ports", "script_signs",
]  # fmt: skip


class Chown(NamedTuple):
    """``chown``, ``chgrp`` (with an empty ``owner``) or ``install -o``; values are expanded where known.

    What is not known is as written.
    """

    owner: str
    group: str
    paths: tuple[str, ...]
    recursive: bool
    command: Command
    owner_word: Word | None = None


class Chmod(NamedTuple):
    """``chmod``; ``mode`` is as written."""

    mode: str
    paths: tuple[str, ...]
    recursive: bool
    command: Command


class Mkdir(NamedTuple):
    """``mkdir`` or ``install -d``; ``mode`` is empty without one."""

    paths: tuple[str, ...]
    mode: str
    parents: bool
    command: Command


class Paths(NamedTuple):
    """Paths that a ``touch``, ``rm`` or ``rmdir`` (the ``tool``) is given."""

    tool: str
    paths: tuple[str, ...]
    command: Command


class Install(NamedTuple):
    """System packages that are installed, as written."""

    manager: str
    packages: tuple[str, ...]
    command: Command


class SetCap(NamedTuple):
    """File capabilities that are set on one file."""

    caps: str
    path: str
    command: Command


class Write(NamedTuple):
    """A file or folder that is written; ``how`` is ``redirect`` or the program."""

    path: str
    how: str
    command: Command


class ShellFacts(NamedTuple):
    """What a script does, each in the order of the text. ``errors``: some of it was not understood.

    ``sudo`` holds the commands that run through sudo or doas.
    """

    users: tuple[UserAdd, ...] = ()
    groups: tuple[GroupAdd, ...] = ()
    user_mods: tuple[UserMod, ...] = ()
    chowns: tuple[Chown, ...] = ()
    chmods: tuple[Chmod, ...] = ()
    mkdirs: tuple[Mkdir, ...] = ()
    touches: tuple[Paths, ...] = ()
    removes: tuple[Paths, ...] = ()
    writes: tuple[Write, ...] = ()
    installs: tuple[Install, ...] = ()
    setcaps: tuple[SetCap, ...] = ()
    step_downs: tuple[StepDown, ...] = ()
    services: tuple[Service, ...] = ()
    sudo: tuple[Command, ...] = ()
    commands: tuple[Command, ...] = ()
    errors: bool = False


def facts(
    script: str, expand: Expand | None = None, env: Mapping[str, str] | None = None, family: str = ""
) -> ShellFacts:
    """What ``script`` does.

    Args:
        script: shell text for a POSIX shell.
        expand: gives the value of a word with variables, such as ``app-${UID:-1}``, or ``None``.
        env: values of variables; used when ``expand`` is not given, with ``${NAME:-default}`` understood.
        family: whose ``adduser`` it is: ``busybox``, ``debian`` or ``useradd``. Without it the words decide.

    Returns:
        The facts; never raises. Values that are assigned once in the script itself are known.
    """
    parsed = parse(script)
    if not parsed.commands:
        return ShellFacts(errors=parsed.errors)
    return _Collector(parsed, expand or expander(env or {}), family).collect()


class _Lists:
    """The growing lists behind :class:`ShellFacts`, under the same names."""

    def __init__(self) -> None:
        self.users: list[UserAdd] = []
        self.groups: list[GroupAdd] = []
        self.user_mods: list[UserMod] = []
        self.chowns: list[Chown] = []
        self.chmods: list[Chmod] = []
        self.mkdirs: list[Mkdir] = []
        self.touches: list[Paths] = []
        self.removes: list[Paths] = []
        self.writes: list[Write] = []
        self.installs: list[Install] = []
        self.setcaps: list[SetCap] = []
        self.step_downs: list[StepDown] = []
        self.services: list[Service] = []
        self.sudo: list[Command] = []


class _Collector:
    """Goes over the commands of one script and sorts what they do."""

    def __init__(self, script: Script, expand: Expand, family: str) -> None:
        self.script = script
        self.out = _Lists()
        self.values = Values(script, expand)
        managers = {command.name for command in script.commands} & MANAGERS
        self.accounts = Accounts(self.values, family, managers)

    def collect(self) -> ShellFacts:
        for command in self.script.commands:
            handler = _HANDLERS.get(command.name)
            if handler is not None:
                handler(self, command)
            self.general(command)
        lists: dict[str, Any] = {name: tuple(found) for name, found in vars(self.out).items()}
        return ShellFacts(**lists, commands=self.script.commands, errors=self.script.errors)

    def general(self, command: Command) -> None:
        """What any command may do."""
        for word in written_by_redirects(command.redirects):
            self.write(word, "redirect", command)
        if command.prefix and command.prefix[0].text in ("sudo", "doas"):
            self.out.sudo.append(command)
        down = step_down(command)
        if down is not None:
            self.out.step_downs.append(down)
        started = service(command)
        if started is not None:
            self.out.services.append(started)

    def shown(self, words: list[Word]) -> tuple[str, ...]:
        return tuple(map(self.values.shown, words))

    # -- accounts

    def on_account(self, command: Command) -> None:
        self.account(self.accounts.read(command))

    def account(self, found: Account | None) -> None:
        if isinstance(found, UserAdd):
            self.out.users.append(found)
        elif isinstance(found, GroupAdd):
            self.out.groups.append(found)
        elif found is not None:
            self.out.user_mods.append(found)

    def sources(self, command: Command) -> Iterator[Word]:
        """The words whose text a command may write: its own, its here-document's, and those of its feeder."""
        every = self.script.commands
        at = next(index for index, other in enumerate(every) if other is command)
        group = [c for c in every if not command.name and command.start <= c.start < command.end]
        for one in (command, *(every[at - 1 : at] if command.piped else ()), *group):
            yield from one.args
            yield from (r.target for r in one.redirects if r.operator.startswith("<<"))

    # -- files

    def write(self, word: Word, how: str, command: Command) -> None:
        path = self.values.shown(word)
        self.out.writes.append(Write(path, how, command))
        if path in ACCOUNT_FILES and how in ("redirect", "tee"):
            for source in dict.fromkeys(self.sources(command)):
                for found in account_lines(path, self.values.shown(source), source, command):
                    self.account(found)

    def on_chown(self, command: Command) -> None:
        found = options.read(command.args, options.CHOWN)
        words = found.positional
        recursive = "recursive" in found.flags
        if "reference" in found.values or not words:
            self.chown(("", ""), words, recursive, command, None)
            return
        owner, group = _owner(self.values.shown(words[0]))
        pair = ("", owner) if command.name == "chgrp" else (owner, group)
        self.chown(pair, words[1:], recursive, command, words[0])

    def chown(
        self,
        owner: tuple[str, str],
        words: list[Word],
        recursive: bool,
        command: Command,
        owner_word: Word | None,
    ) -> None:
        self.out.chowns.append(Chown(*owner, self.shown(words), recursive, command, owner_word))

    def on_chmod(self, command: Command) -> None:
        recursive, mode, words = chmod_words(command)
        if mode is not None:
            self.out.chmods.append(Chmod(mode.text, self.shown(words), recursive, command))

    def on_mkdir(self, command: Command) -> None:
        found = options.read(command.args, options.MKDIR)
        if found.positional:
            self.mkdir(found, "parents" in found.flags, command)

    def mkdir(self, found: options.Options, parents: bool, command: Command) -> None:
        words, mode = found.positional, self.values.shown(found.values.get("mode"))
        self.out.mkdirs.append(Mkdir(self.shown(words), mode, parents, command))

    def on_install(self, command: Command) -> None:
        found = options.read(command.args, options.INSTALL)
        owner, group = found.values.get("owner"), found.values.get("group")
        if "directory" in found.flags:
            self.mkdir(found, True, command)
        else:
            self.on_write(command)
        if owner or group:
            pair = self.values.shown(owner), self.values.shown(group)
            self.chown(pair, _paths(command), False, command, owner or group)

    def on_touch(self, command: Command) -> None:
        self.out.touches.append(self.paths(command))

    def on_remove(self, command: Command) -> None:
        self.out.removes.append(self.paths(command))

    def paths(self, command: Command) -> Paths:
        words = _paths(command)
        return Paths(command.name, self.shown(words), command)

    def on_write(self, command: Command) -> None:
        for word in _paths(command):
            self.write(word, command.name, command)

    def on_setcap(self, command: Command) -> None:
        words = options.read(command.args, options.SETCAP).positional
        for caps, path in zip(words[::2], words[1::2], strict=False):
            shown = self.values.shown
            self.out.setcaps.append(SetCap(shown(caps), shown(path), command))

    def on_manager(self, command: Command) -> None:
        found = packages(command)
        if found is not None:
            self.out.installs.append(Install(command.name, found, command))


def _paths(command: Command) -> list[Word]:
    """Paths that the words of a command write to, without its redirections."""
    return written(command._replace(redirects=()))


def _owner(text: str) -> tuple[str, str]:
    """User and group of ``user:group``; ``user.group``, the old form, counts only without a colon."""
    if ":" in text:
        user, _, group = text.partition(":")
        return user, group
    match = re.fullmatch(r"([A-Za-z_][\w-]*|\d+)\.([A-Za-z_][\w-]*|\d+)", text)
    return (match[1], match[2]) if match else (text, "")


_WRITERS: Final = (
    "tee", "cp", "mv", "ln", "sed", "tar", "curl", "wget", "unzip", "dd", "git", "rsync", "truncate",
)  # fmt: skip
_HANDLERS: Final[dict[str, Callable[[_Collector, Command], None]]] = {
    **dict.fromkeys(TOOLS, _Collector.on_account),
    **dict.fromkeys(MANAGERS, _Collector.on_manager),
    **dict.fromkeys(_WRITERS, _Collector.on_write),
    "chown": _Collector.on_chown,
    "chgrp": _Collector.on_chown,
    "chmod": _Collector.on_chmod,
    "mkdir": _Collector.on_mkdir,
    "install": _Collector.on_install,
    "touch": _Collector.on_touch,
    "rm": _Collector.on_remove,
    "rmdir": _Collector.on_remove,
    "setcap": _Collector.on_setcap,
}
