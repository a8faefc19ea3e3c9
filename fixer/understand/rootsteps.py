"""Build steps that need root although somebody else runs them."""

from __future__ import annotations

import re

from fixer.lazy import regex
from fixer.syntax.dockerfile import Instruction
from fixer.syntax.shell import Command
from fixer.understand.creations import may_fail
from fixer.understand.image import Image, User
from fixer.understand.shellpackages import MANAGERS
from fixer.understand.shellroot import absolute, needs_root, path_need, written

# A RUN without one of these words needs no root for certain, so it need not be parsed.
_HINT = regex(
    r"\b(?:apt|apt-get|apk|yum|dnf|microdnf|tdnf|zypper|pacman|dpkg|rpm|adduser|useradd|addgroup|groupadd|usermod"
    r"|groupmod|userdel|deluser|chpasswd|chown|setcap|ldconfig|update-ca-certificates|update-ca-trust"
    r"|locale-gen|a2en\w+|gosu|su-exec|docker-php-ext-\w+|npm|service|systemctl|add-apt-repository"
    r"|install_packages)\b|/etc/|/usr/"
)
# These ask for root only in the usual setup; a prefix or a home of one's own is common enough.
_PERHAPS = frozenset(
    "make gmake ninja cmake cpan cpanm luarocks pecl pear yarn pnpm bun rm ln su chroot mkdir touch git tar"
    " chmod".split()
)
_CHANGES = MANAGERS | frozenset(
    "adduser useradd addgroup groupadd usermod groupmod userdel deluser chpasswd update-ca-certificates ldconfig"
    " locale-gen setcap add-apt-repository install_packages".split()
)


def root_need(image: Image, item: Instruction, user: User) -> str:
    """Why a RUN surely fails without root, in words; empty when nothing is sure.

    Args:
        image: the image of the stage that holds the RUN.
        item: the RUN.
        user: who runs it.
    """
    if not _HINT.search(item.logical) or image.dialect(item) != "posix":
        return ""
    for command in image.shell(item).commands:
        if command.nested or command.name in _PERHAPS or may_fail(item, command):
            continue
        reason = _need(image, item, user, command)
        if reason:
            return reason
    return ""


def _need(image: Image, item: Instruction, user: User, command: Command) -> str:
    if any(
        word.text in ("sudo", "doas", "fakeroot", "fakechroot", "proot")
        for word in (*command.prefix, *command.words[:1])
    ):
        return ""
    need = needs_root(command, image.stage_of(item).workdir(item))
    if need is None or not need.certain:
        return ""
    facts = image.facts
    if command.name not in _CHANGES and (facts is None or facts.runs_as_root is not True):
        return ""  # a base image that is somebody else by itself may have opened what this writes
    if command.name == "chown":
        mine = {user.name, str(user.uid), "$"} | {a.name for a in image.accounts.values() if a.uid == user.uid}
        return "" if any(owner in mine for owner in _owners(image, item, command)) else need.reason
    if command.name == "npm":
        return "" if _prefixed(image, item) else need.reason
    if command.name in _CHANGES or "writes to" not in need.reason:
        return need.reason
    return "" if _opened(image, item, command) else need.reason


def _owners(image: Image, item: Instruction, command: Command) -> list[str]:
    return [image.expand(c.owner, item) or "$" for c in image.shell(item).chowns if c.command is command] or ["$"]


def _prefixed(image: Image, item: Instruction) -> bool:
    """Whether npm's global folder may be another one than the system's, or belong to the user."""
    env = {key.lower() for key in image.stage_of(item).env(item)}
    earlier = [o.logical for stage in image.stage.chain for o in stage.body if o.index <= item.index]
    return "npm_config_prefix" in env or any(
        re.search(r"prefix|\bnvm\b|NVM_DIR|/usr/local\b", text) for text in earlier
    )


def _opened(image: Image, item: Instruction, command: Command) -> bool:
    """Whether an earlier step names one of the folders that the command writes, and so may have given it away."""
    workdir = image.stage_of(item).workdir(item)
    paths = [absolute(word.text, command.cwd, workdir) for word in written(command)]
    folders = {folder for path in paths if path and path_need(path) for folder in _parents(path)}
    earlier = [o.logical for stage in image.stage.chain for o in stage.body if o.index < item.index]
    givers = [text for text in earlier if re.search(r"chown|chmod|--chown|install\s|WORKDIR|\bacl\b|\$", text)]
    return not folders or any(folder in text for text in givers for folder in folders)


def _parents(path: str) -> list[str]:
    """The path and the folders above it, but for the one that everything lies in."""
    parts = path.strip("/").split("/")
    return ["/" + "/".join(parts[: n + 1]) for n in range(1 if len(parts) > 1 else 0, len(parts))]
