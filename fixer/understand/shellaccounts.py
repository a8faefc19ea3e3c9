"""Users and groups that shell commands create, change and remove, by the option grammar of each tool."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from fixer.lazy import regex
from fixer.syntax.shell import Command, Word
from fixer.tuples import NamedTuple
from fixer.understand import shelloptions as options
from fixer.understand.shellvalues import Values


class UserAdd(NamedTuple):
    """A user that is created.

    ``tool`` is ``useradd`` (also the ``adduser`` that is a link to it), ``adduser`` (busybox),
    ``deb-adduser`` or ``passwd-file`` (a line appended to /etc/passwd). ``gid`` is the primary group when
    given as a number, ``group`` when given as a name (``nogroup`` where the tool falls back to it);
    ``own_group`` says that a group of the user's name is made with it. A value that is not known is ``None`` or
    empty; ``name`` is then as written and ``name_literal`` false. ``unknown_options`` are not this tool's;
    ``bad_options`` start with a dash that is no hyphen.
    """

    tool: str
    name: str
    uid: int | None
    gid: int | None
    group: str
    supplementary: tuple[str, ...]
    system: bool
    home: str | None
    command: Command
    name_literal: bool
    own_group: bool = False
    shell: str | None = None
    uid_word: Word | None = None
    gid_word: Word | None = None
    unknown_options: tuple[Word, ...] = ()
    bad_options: tuple[Word, ...] = ()


class GroupAdd(NamedTuple):
    """A group that is created; ``gid`` is ``None`` when no number is known, the rest as in :class:`UserAdd`.

    ``tool`` is ``groupadd``, ``addgroup`` (busybox), ``deb-addgroup`` or ``passwd-file``.
    """

    tool: str
    name: str
    gid: int | None
    system: bool
    command: Command
    name_literal: bool = True
    gid_word: Word | None = None
    unknown_options: tuple[Word, ...] = ()
    bad_options: tuple[Word, ...] = ()


class UserMod(NamedTuple):
    """A user or group that is changed or ``removed``, or a user who is put into ``supplementary`` groups."""

    tool: str
    name: str
    uid: int | None
    gid: int | None
    supplementary: tuple[str, ...]
    removed: bool
    command: Command


Account = UserAdd | GroupAdd | UserMod

_ADDUSERS: Final = {
    "busybox": ("adduser", options.BUSYBOX_ADDUSER),
    "debian": ("deb-adduser", options.DEBIAN_ADDUSER),
    "useradd": ("useradd", options.USERADD),
}
_ADDGROUPS: Final = {
    "busybox": ("addgroup", options.BUSYBOX_ADDGROUP),
    "debian": ("deb-addgroup", options.DEBIAN_ADDUSER),
    "useradd": ("groupadd", options.GROUPADD),
}
_MANAGERS_OF: Final = {
    "busybox": {"apk", "opkg"},
    "debian": {"apt-get", "apt", "aptitude", "dpkg"},
    "useradd": {"yum", "dnf", "microdnf", "tdnf", "zypper", "rpm"},
}
_REMOVERS: Final = frozenset({"userdel", "deluser", "groupdel", "delgroup"})
_CHANGERS: Final = {
    "usermod": options.USERMOD,
    "groupmod": options.GROUPMOD,
    "passwd": options.PASSWD,
    **dict.fromkeys(_REMOVERS, options.USERDEL),
}


class Accounts:
    """Reads the account commands of one script.

    ``family`` says whose ``adduser`` it is: ``busybox``, ``debian`` or ``useradd``; when empty, the words
    decide, and where several tools would take them, the ``managers`` of packages that the script uses.
    """

    def __init__(self, values: Values, family: str, managers: Iterable[str]) -> None:
        self.values = values
        self.family = family
        self.managers = frozenset(managers)

    def read(self, command: Command) -> Account | None:
        """The account that a command creates or changes, or ``None``."""
        reader = _READERS.get(command.name)
        return reader(self, command) if reader is not None else None

    def _on_useradd(self, command: Command) -> Account | None:
        return self._user(command, "useradd", options.read(command.args, options.USERADD))

    def _on_groupadd(self, command: Command) -> Account | None:
        return self._group(command, "groupadd", options.read(command.args, options.GROUPADD))

    def _on_adduser(self, command: Command) -> Account | None:
        tool, found = self._dialect(command, _ADDUSERS)
        if _joins(found) and tool != "useradd":
            return self._joined(command, found)
        if tool == "deb-adduser" and "group" in found.flags and "system" not in found.flags:
            return self._group(command, "deb-addgroup", found)
        return self._user(command, tool, found)

    def _on_addgroup(self, command: Command) -> Account | None:
        tool, found = self._dialect(command, _ADDGROUPS)
        if _joins(found) and tool != "groupadd":
            return self._joined(command, found)
        return self._group(command, tool, found)

    def _dialect(self, command: Command, known: dict[str, tuple[str, options.Grammar]]) -> tuple[str, options.Options]:
        """Which of the tools of that name is meant, and its words read by its grammar."""
        families = [self.family] if self.family in known else sorted(known, key=self._order(command))
        read = [(known[name][0], options.read(command.args, known[name][1])) for name in families]
        return min(read, key=lambda one: len(one[1].unknown))

    def _order(self, command: Command) -> Callable[[str], tuple[bool, bool]]:
        """Sorts first what the script's package managers point to, then what its style does."""
        long = any(word.text.startswith("--") for word in command.args)
        return lambda name: (not self.managers & _MANAGERS_OF[name], long != (name == "debian"))

    def _user(self, command: Command, tool: str, found: options.Options) -> UserAdd | None:
        if not found.positional and not found.bad:
            return None
        values = self.values
        word = found.positional[-1] if found.positional else None
        group = found.values.get("ingroup") or found.values.get("gid")
        system = "system" in found.flags
        own_group = _makes_group(tool, found, group is not None)
        falls_back = system and group is None and not own_group and tool != "useradd"
        return UserAdd(
            tool=tool,
            name=values.shown(word),
            uid=values.number(found.values.get("uid")),
            gid=values.number(group),
            group="nogroup" if falls_back else values.name(group),
            supplementary=values.names(found.values.get("groups")),
            system=system,
            home=values.value(found.values.get("home-dir") or found.values.get("home")),
            command=command,
            name_literal=values.value(word) is not None,
            own_group=own_group,
            shell=values.value(found.values.get("shell")),
            uid_word=found.values.get("uid"),
            gid_word=group,
            unknown_options=tuple(found.unknown),
            bad_options=tuple(found.bad),
        )

    def _group(self, command: Command, tool: str, found: options.Options) -> GroupAdd | None:
        if not found.positional and not found.bad:
            return None
        word = found.positional[-1] if found.positional else None
        gid = found.values.get("gid")
        return GroupAdd(
            tool=tool,
            name=self.values.shown(word),
            gid=self.values.number(gid),
            system="system" in found.flags,
            command=command,
            name_literal=self.values.value(word) is not None,
            gid_word=gid,
            unknown_options=tuple(found.unknown),
            bad_options=tuple(found.bad),
        )

    def _joined(self, command: Command, found: options.Options) -> UserMod:
        """``adduser user group`` and ``addgroup user group``."""
        user, group = (self.values.shown(word) for word in found.positional[:2])
        return UserMod(command.name, user, None, None, (group,), False, command)

    def _on_change(self, command: Command) -> Account | None:
        found = options.read(command.args, _CHANGERS[command.name])
        word = found.positional[-1] if found.positional else None
        uid, gid = (self.values.number(found.values.get(key)) for key in ("uid", "gid"))
        groups = self.values.names(found.values.get("groups"))
        removed = command.name in _REMOVERS
        if command.name == "deluser" and len(found.positional) > 1:
            # `deluser user group` takes the user out of the group.
            word, groups, removed = found.positional[0], self.values.names(found.positional[1]), False
        return UserMod(command.name, self.values.shown(word), uid, gid, groups, removed, command)

    def _on_gpasswd(self, command: Command) -> Account | None:
        found = options.read(command.args, options.GPASSWD)
        group = self.values.shown(found.positional[-1]) if found.positional else ""
        user = self.values.shown(found.values.get("add") or found.values.get("delete"))
        return UserMod(command.name, user, None, None, (group,) if group else (), False, command)

    def _on_chpasswd(self, command: Command) -> Account | None:
        return UserMod(command.name, "", None, None, (), False, command)


def _joins(found: options.Options) -> bool:
    """Whether the words are a user and a group; a word behind an unknown option may be its argument."""
    return len(found.positional) > 1 and not found.unknown


def _makes_group(tool: str, found: options.Options, given: bool) -> bool:
    """Whether a group with the user's name is made together with the user."""
    if tool == "useradd":
        return "user-group" in found.flags or not (given or "no-user-group" in found.flags)
    if tool == "deb-adduser" and "system" in found.flags:
        return "group" in found.flags and not given
    return not given and "system" not in found.flags


_READERS: Final[dict[str, Callable[[Accounts, Command], Account | None]]] = {
    "useradd": Accounts._on_useradd,
    "adduser": Accounts._on_adduser,
    "groupadd": Accounts._on_groupadd,
    "addgroup": Accounts._on_addgroup,
    **dict.fromkeys(_CHANGERS, Accounts._on_change),
    "gpasswd": Accounts._on_gpasswd,
    "chpasswd": Accounts._on_chpasswd,
}
TOOLS: Final = frozenset(_READERS)

# ------------------------------------------------------------------------- lines of /etc/passwd, /etc/group

_START: Final = r"(?:^|(?<=[\n\s'\"]))(?P<name>[A-Za-z_$][\w.{}$-]*):[^:\s]*:"
_PASSWD_LINE: Final = regex(_START + r"(?P<uid>[\w${}()-]+):(?P<gid>[\w${}()-]+):[^:\n]*:(?P<home>[^:\n]*):")
_GROUP_LINE: Final = regex(_START + r"(?P<gid>[\w${}()-]+):(?![^:\s]*:)")


def account_lines(path: str, text: str, word: Word, command: Command) -> list[UserAdd | GroupAdd]:
    """Users or groups in ``text``, the text of ``word``, that ``command`` adds to the file ``path``."""
    if path == "/etc/passwd":
        return [_line_user(match, word, command) for match in _PASSWD_LINE.finditer(text)]
    return [_line_group(match, command) for match in _GROUP_LINE.finditer(text)]


ACCOUNT_FILES: Final = frozenset({"/etc/passwd", "/etc/group"})


def _line_user(match: re.Match[str], word: Word, command: Command) -> UserAdd:
    return UserAdd(
        tool="passwd-file",
        name=match["name"],
        uid=_int(match["uid"]),
        gid=_int(match["gid"]),
        group="",
        supplementary=(),
        system=False,
        home=match["home"],
        command=command,
        name_literal="$" not in match["name"],
    )


def _line_group(match: re.Match[str], command: Command) -> GroupAdd:
    return GroupAdd("passwd-file", match["name"], _int(match["gid"]), False, command, "$" not in match["name"])


def _int(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
