"""Package managers of systems: what they are told to do, and with which packages."""

from __future__ import annotations

from typing import Final

from fixer.lazy import regex
from fixer.syntax.shell import Command
from fixer.understand import shelloptions as options

# Managers with a verb (`apt-get install`), and managers whose verb is an option (`dpkg -i`): the options
# that install, and those that change something at all.
_VERB_MANAGERS: Final = frozenset({
    "apt-get", "apt", "aptitude", "apk", "yum", "dnf", "dnf5", "microdnf", "tdnf", "zypper", "opkg", "swupd",
})  # fmt: skip
_FLAG_MANAGERS: Final = {
    "pacman": (
        regex(r"-S[yuw]*|--sync|-U|--upgrade"),
        regex(r"-[SUR][a-hj-rt-z]*|--sync|--remove|--upgrade"),
    ),
    "dpkg": (
        regex(r"-i|--install"),
        regex(r"-[irPa]|--(?:install|unpack|configure|remove|purge|(?:add|remove)-architecture)"),
    ),
    "rpm": (
        regex(r"-[a-zA-Z]*[iUF][a-zA-Z]*|--install|--upgrade"),
        regex(r"-(?![a-zA-Z]*q)[a-zA-Z]*[iUFe][a-zA-Z]*|--(?:install|upgrade|erase|import|rebuilddb)"),
    ),
}
MANAGERS: Final = _VERB_MANAGERS | _FLAG_MANAGERS.keys() | {"emerge", "xbps-install", "urpmi"}

_INSTALLS: Final = frozenset({"install", "add", "in", "localinstall", "groupinstall", "reinstall", "build-dep"})
_QUERIES: Final = frozenset({
    "info", "search", "list", "show", "policy", "query", "help", "version", "dot", "download", "source",
    "changelog", "provides", "repoquery", "repolist", "lr", "se", "if", "audit", "stats", "fetch", "index",
    "verify", "manifest",
})  # fmt: skip
_OPTIONS: Final = options.Grammar(
    "t:virtual|target-release= X:repository= p:root= c:config-file= o:option= y: q: f: d: v: :setopt= "
    ":enablerepo= :disablerepo= :installroot= :releasever= :repositories-file= :arch= :repo= :from= :config= "
    ":keys-dir="
)


def changes_system(command: Command) -> bool:
    """Whether a package manager is asked for more than information."""
    patterns = _FLAG_MANAGERS.get(command.name)
    if patterns is not None:
        return any(patterns[1].fullmatch(word.text) for word in command.args)
    if command.name not in _VERB_MANAGERS:
        return bool(command.args)
    words = options.read(command.args, _OPTIONS).positional
    return bool(words) and words[0].text not in _QUERIES


def packages(command: Command) -> tuple[str, ...] | None:
    """The packages that a package manager is told to install, or ``None`` when it does something else."""
    patterns = _FLAG_MANAGERS.get(command.name)
    if patterns is not None:
        installs = any(patterns[0].fullmatch(word.text) for word in command.args) and changes_system(command)
        return tuple(word.text for word in command.args if not word.text.startswith("-")) if installs else None
    words = options.read(command.args, _OPTIONS).positional
    if command.name in _VERB_MANAGERS and (not words or words[0].text not in _INSTALLS):
        return None
    return tuple(word.text for word in (words[1:] if command.name in _VERB_MANAGERS else words))
