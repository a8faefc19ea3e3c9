"""How an account is made in the images of each family.

The commands are templates in `templates/users/`, one for each style; the field `style` of a family in
`data/families.json` says which one it uses:

    shadow    groupadd and useradd: Debian, Ubuntu, the Red Hat family, Amazon, SUSE, Photon, Azure, Arch
    busybox   addgroup and adduser of busybox: Alpine, Wolfi, busybox
    append    lines appended to /etc/group and /etc/passwd, where there is only a shell: ubi-micro
    none      no account: scratch, distroless (a number is enough there), Windows, Nix
"""

from __future__ import annotations

import re
from functools import cache

from fixer.facts.images import Family, ImageFacts
from fixer.facts.images import family as find_family
from fixer.templates import render
from fixer.tuples import NamedTuple

# What both groupadd and busybox accept without complaint.
_NAME = r"[a-z_][a-z0-9_-]{0,30}"
_LARGEST_ID = 2**31 - 1
# LAST_ID of busybox's default configuration: its adduser refuses more.
_LARGEST_BUSYBOX_ID = 60000


def is_name(text: str) -> bool:
    """Whether the tools of every image make an account of this name."""
    return re.fullmatch(_NAME, text) is not None


class _NewUser(NamedTuple):
    name: str
    uid: int
    gid: int
    group: str
    home: bool


class NewUser(_NewUser):
    """An account to make. `home` says whether it gets a home folder; without one it is /nonexistent.

    A `gid` of 0 means the group root that is there already. Raises ValueError for names and numbers that no
    image accepts: not [a-z_][a-z0-9_-]*, longer than 31, uid 0, or above 2147483647.
    """

    __slots__ = ()

    def __new__(cls, name: str, uid: int, gid: int, group: str, home: bool = False) -> NewUser:
        """Check and make; see the class."""
        for word in (name, group):
            if not is_name(word):
                raise ValueError(f"'{word}' is no name for a user or group")
        if not 0 < uid <= _LARGEST_ID or not 0 <= gid <= _LARGEST_ID:
            raise ValueError(f"{uid}:{gid} are no numbers for a new user")
        return super().__new__(cls, name, uid, gid, group, home)


def style(family: str, facts: ImageFacts | None = None) -> str:
    """How accounts are made: shadow, busybox, append, or none when there is no way or no need.

    Costs nothing, so it can be asked before `creation` is. Raises KeyError for an unknown family.
    """
    if facts is not None and facts.shell is False:
        return "none"
    return find_family(family).style


def creation(
    family: str,
    facts: ImageFacts | None,
    user: NewUser,
    *,
    installed: frozenset[str] = frozenset(),
    guarded: bool = False,
) -> tuple[str, ...]:
    """The shell commands that make `user`, each one line, for one RUN as root, joined with ` && `.

    () when no account is needed or can be made. A tool that the image lacks is installed first, unless
    `installed` (packages and commands that the Dockerfile has brought already) has it; where nobody knows
    whether it is there, the installation is guarded. `guarded` makes every command do nothing when its
    account exists, for a base about which nothing is known; otherwise a taken number fails the build.

    Raises KeyError for an unknown family, ValueError for a number that the tools of the family refuse.
    """
    kin = find_family(family)
    chosen = style(family, facts)
    if chosen == "none":
        return ()
    if chosen == "busybox" and max(user.uid, user.gid) > _LARGEST_BUSYBOX_ID:
        raise ValueError(
            f"adduser of {family} images refuses {user.uid}:{user.gid}: no number above {_LARGEST_BUSYBOX_ID}"
        )
    install = _installation(kin, facts, installed) if chosen == "shadow" else ""
    return _render(chosen, kin.nologin, user, install, guarded)


def _installation(kin: Family, facts: ImageFacts | None, installed: frozenset[str]) -> str:
    """What brings useradd: a command, guarded when it may be there, or "" when it is."""
    if not kin.install_command or {kin.install_package, "useradd"} & installed:
        return ""
    if facts is None:
        # the family alone is known: images of one family differ, so "it is there" is not certain
        present = False if kin.useradd is False else None
    else:
        present = None if facts.confidence == "inferred" else facts.useradd
    if present:
        return ""
    if present is False:
        return kin.install_command
    return f"{{ command -v useradd >/dev/null || {{ {kin.install_command}; }}; }}"


@cache
def _render(chosen: str, nologin: str, user: NewUser, install: str, guarded: bool) -> tuple[str, ...]:
    text = render(f"users/{chosen}.j2", user=user, nologin=nologin, install=install, guarded=guarded)
    return tuple(line for line in text.splitlines() if line)
