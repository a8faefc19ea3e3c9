"""Which commands need root, which step down from it, and which start system services."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from posixpath import dirname, join, normpath
from typing import Final

from fixer.lazy import regex
from fixer.syntax.shell import Command, Redirect
from fixer.syntax.shellwords import Word
from fixer.tuples import NamedTuple
from fixer.understand import shelloptions as options
from fixer.understand.shellpackages import MANAGERS, changes_system


class Need(NamedTuple):
    """Why a command needs root; ``certain`` is false when another user may have the right to it."""

    reason: str
    certain: bool


class StepDown(NamedTuple):
    """A command that goes on as another user; ``user`` is as written and empty when it is not said."""

    tool: str
    user: str
    command: Command


class Service(NamedTuple):
    """A system service that is started; ``name`` is the program or the name of the service."""

    name: str
    command: Command


# ------------------------------------------------------------------------------------------------ paths

_SYSTEM: Final = regex(r"/(?:etc|usr|bin|sbin|lib(?:32|64|x32)?|root|boot|proc|sys)(?:/|$)")
_USUALLY: Final = regex(r"/(?:opt|var|srv|home|run|mnt|media|data|app|dev)(?:/|$)")
_FREE: Final = regex(r"/(?:tmp|var/tmp|dev/(?:shm|null|zero|stdout|stderr|tty|fd))(?:/|$)")


def absolute(path: str, cwd: str | None, workdir: str | None = None) -> str | None:
    """The absolute path of a word of a command, or ``None`` when it cannot be known.

    ``cwd`` is that of the command, ``workdir`` the absolute directory in which the script starts.
    """
    if path.startswith("/"):
        plain = "//" not in path and "/." not in path and path[-1] != "/"  # as most are written
        return path if plain else normpath(path).replace("//", "/")
    if not path or path.startswith("~") or cwd == "":
        return None
    base = join(workdir or "", cwd or "")
    return normpath(join(base, path)) if base.startswith("/") else None


def path_need(path: str) -> Need | None:
    """Why writing to this absolute path needs root, or ``None``."""
    if _FREE.match(path):
        return None
    if _SYSTEM.match(path):
        return Need(f"writes to {path}", True)
    if path.count("/") == 1:
        return Need(f"writes to {path}, directly below /", path == "/" or not _USUALLY.match(path))
    return Need(f"writes to {path}", False) if _USUALLY.match(path) else None


# ------------------------------------------------------------------------------------- what is written where

_OUTPUTS: Final = frozenset({">", ">>", ">|", "&>", "&>>"})


def written_by_redirects(redirects: Sequence[Redirect]) -> Iterator[Word]:
    """Files that redirections write to."""
    for redirect in redirects:
        if redirect.operator.lstrip("0123456789") in _OUTPUTS:
            yield redirect.target


def _all_positional(rules: options.Grammar) -> Callable[[Command], list[Word]]:
    return lambda command: options.read(command.args, rules).positional


def _destination(command: Command) -> list[Word]:
    found = options.read(command.args, options.INSTALL if command.name == "install" else options.COPY)
    if "directory" in found.flags:
        return found.positional
    target = found.values.get("target-directory")
    return [target] if target is not None else found.positional[-1:]


def _moved(command: Command) -> list[Word]:
    """Both ends of ``mv`` and ``rsync``: what is moved away must be writable as well."""
    return [*options.read(command.args, options.COPY).positional]


def _last(command: Command) -> list[Word]:
    words = [word for word in command.args if not word.text.startswith("-")]
    return words[-1:] if len(words) > 1 else []


def _option(*names: str) -> Callable[[Command], list[Word]]:
    """The arguments of the given options; short ones may end a cluster or have the argument attached."""

    def find(command: Command) -> list[Word]:
        out: list[Word] = []
        for word, following in zip(command.args, (*command.args[1:], None), strict=False):
            out.extend(_argument_of(word, following, names))
        return out

    return find


def _argument_of(word: Word, following: Word | None, names: Sequence[str]) -> Iterator[Word]:
    text = word.text
    if text[:1] != "-":
        return
    for name in names:
        cluster = len(name) == 2 and re.fullmatch(r"-[A-Za-z]+", text) and text.endswith(name[1])
        if (text == name or cluster) and following is not None:
            yield following
        elif name.startswith("--") and text.startswith(name + "="):
            yield word._replace(text=text[len(name) + 1 :])
        elif len(name) == 2 and text.startswith(name) and len(text) > 2 and not cluster:
            yield word._replace(text=text[2:])


def _sed_files(command: Command) -> list[Word]:
    if not any(re.match(r"-[a-zA-Z]*i|--in-place", word.text) for word in command.args):
        return []
    words = [word for word in command.args if not word.text.startswith("-")]
    scripts = any(word.text in ("-e", "-f") for word in command.args)
    return words if scripts else words[1:]


def _dd_file(command: Command) -> list[Word]:
    return [word._replace(text=word.text[3:]) for word in command.args if word.text.startswith("of=")]


_WRITTEN: Final[dict[str, Callable[[Command], list[Word]]]] = {
    "mkdir": _all_positional(options.MKDIR),
    "touch": _all_positional(options.TOUCH),
    "rm": _all_positional(options.REMOVE),
    "rmdir": _all_positional(options.REMOVE),
    "tee": _all_positional(options.TEE),
    "chmod": lambda command: chmod_words(command)[2],
    "cp": _destination,
    "install": _destination,
    "ln": _destination,
    "mv": _moved,
    "rsync": _last,
    "git": lambda command: _last(command) if command.words[1:2] and command.words[1].text == "clone" else [],
    "tar": _option("-C", "--directory"),
    "unzip": _option("-d"),
    "curl": _option("-o", "--output", "--output-dir"),
    "wget": _option("-O", "-P", "--output-document", "--directory-prefix"),
    "sed": _sed_files,
    "dd": _dd_file,
    "truncate": _last,
}
_CHMOD_OPTION: Final = regex(r"-[Rvcf]+|--(?:recursive|verbose|changes|silent|quiet|(?:no-)?preserve-root)")


def chmod_words(command: Command) -> tuple[bool, Word | None, list[Word]]:
    """Whether a ``chmod`` is recursive, its mode (which may look like an option), and its paths."""
    recursive = False
    rest: list[Word] = []
    for word in command.args:
        if _CHMOD_OPTION.fullmatch(word.text):
            recursive = recursive or "R" in word.text or word.text == "--recursive"
        elif word.text != "--" and not word.text.startswith("--reference"):
            rest.append(word)
    return recursive, rest[0] if rest else None, rest[1:]


def written(command: Command) -> list[Word]:
    """Paths that a command creates, changes or removes, as far as its words tell."""
    finder = _WRITTEN.get(command.name)
    return [*(finder(command) if finder else ()), *written_by_redirects(command.redirects)]


# -------------------------------------------------------------------------------------------- needs root

_ACCOUNTS: Final = frozenset({
    "useradd", "adduser", "groupadd", "addgroup", "usermod", "groupmod", "userdel", "deluser", "groupdel",
    "delgroup", "chpasswd", "chgpasswd", "newusers", "gpasswd", "passwd", "chage", "chsh", "chfn", "vipw",
    "visudo", "pwconv",
})  # fmt: skip
_SYSTEM_TOOLS: Final = frozenset({
    "ldconfig", "update-ca-certificates", "update-ca-trust", "locale-gen", "update-locale", "localedef",
    "dpkg-reconfigure", "dpkg-divert", "update-alternatives", "alternatives", "debconf-set-selections",
    "add-apt-repository", "apt-add-repository", "apt-key", "apt-mark", "a2enmod", "a2dismod", "a2ensite",
    "a2dissite", "a2enconf", "a2disconf", "phpenmod", "phpdismod", "update-rc.d", "rc-update",
    "chkconfig", "systemd-tmpfiles", "systemd-sysusers", "install-info", "depmod", "mk-build-deps",
    "subscription-manager", "yum-config-manager", "dnf-config-manager", "update-crypto-policies",
    "authselect", "docker-php-ext-install", "docker-php-ext-enable", "docker-php-ext-configure",
    "docker-php-source", "install-php-extensions", "install_packages", "clean-install", "apt-install",
    "pecl", "pear", "hostnamectl", "timedatectl", "cpanm", "cpan", "luarocks",
})  # fmt: skip
KERNEL: Final = frozenset({
    "mount", "umount", "modprobe", "insmod", "rmmod", "mknod", "iptables", "ip6tables",
    "iptables-restore", "ip6tables-restore", "iptables-legacy", "iptables-nft", "nft", "ipset", "swapon",
    "swapoff", "losetup", "setenforce", "ifconfig", "brctl", "tc", "mdadm", "cryptsetup", "mkfs", "kexec",
})  # fmt: skip
SERVICES: Final = frozenset({
    "sshd", "cron", "crond", "anacron", "supervisord", "systemd", "init", "dockerd", "containerd",
    "runsvdir", "runsvdir-start", "s6-svscan", "s6-svscan-default", "runit", "runit-init", "rsyslogd",
    "syslogd", "syslog-ng", "dbus-daemon", "udevd", "systemd-udevd", "xinetd", "inetd", "monit", "openrc",
    "my_init", "busybox-init", "dropbear", "vsftpd", "proftpd", "smbd", "nmbd", "rpcbind", "rpc.nfsd",
    "rpc.mountd", "dockerd-entrypoint.sh", "circusd", "incrond", "atd", "fail2ban-server", "postfix",
    "slapd", "keepalived",
})  # fmt: skip
_CONTROLLERS: Final = frozenset({"service", "systemctl", "rc-service", "initctl", "invoke-rc.d", "rc.d"})
_STARTS: Final = frozenset({"start", "restart", "reload", "force-reload", "enable"})


def needs_root(command: Command, workdir: str | None = None) -> Need | None:
    """Why this command needs root when it runs during a build, or ``None`` when nothing says so.

    ``workdir`` is the absolute directory the script starts in, for relative paths.
    """
    reason = _NEEDS.get(command.name)
    need = reason(command) if reason is not None else None
    if need is not None and need.certain:
        return need
    found = [need] if need is not None else []
    for word in written(command):
        path = absolute(word.text, command.cwd, workdir) if word.literal or word.text.startswith("/") else None
        writes = path_need(path) if path is not None else None
        found.extend([writes] if writes is not None else [])
    return max(found, key=lambda one: one.certain, default=None)


def _always(reason: str, certain: bool = True) -> Callable[[Command], Need | None]:
    need = Need(reason, certain)
    return lambda command: None if _only_asks(command) else need


def _only_asks(command: Command) -> bool:
    return len(command.args) == 1 and command.args[0].text in (
        "--version",
        "--help",
        "-V",
        "-h",
        "--print-architecture",
    )


def _packages(command: Command) -> Need | None:
    return Need(f"{command.name} changes system packages", True) if changes_system(command) else None


def _pip(command: Command) -> Need | None:
    texts = [word.text for word in command.args]
    if "install" not in texts and "uninstall" not in texts:
        return None
    own = re.compile(r"--(?:user|target|prefix|root)\b|-t$|--dry-run")
    in_venv = re.search(r"venv|/env/|/opt/", command.words[0].text) is not None
    if in_venv or any(own.match(text) for text in texts):
        return None
    return Need("pip installs into the system's Python, unless a virtual environment is active", False)


def _module(command: Command) -> Need | None:
    """``python -m pip install``."""
    texts = [word.text for word in command.args]
    if texts[:2] == ["-m", "pip"]:
        return _pip(command._replace(words=command.words[:1] + command.words[3:]))
    if any(text.endswith("setup.py") for text in texts) and "install" in texts and "--user" not in texts:
        return Need("setup.py installs into the system's Python, unless a virtual environment is active", False)
    return None


def _global_npm(command: Command) -> Need | None:
    texts = {word.text for word in command.args}
    verbs = {"install", "i", "add", "uninstall", "update", "link", "rm", "remove"}
    anywhere = {"-g", "--global", "--location=global"} & texts
    if (anywhere and verbs & texts) or (
        command.name == "yarn" and [w.text for w in command.args[:2]] == ["global", "add"]
    ):
        return Need(f"{command.name} installs packages for everyone", True)
    return None


def _verb(verb: str, reason: str, certain: bool) -> Callable[[Command], Need | None]:
    need = Need(reason, certain)
    return lambda command: need if any(word.text == verb for word in command.args) else None


def _make(command: Command) -> Need | None:
    texts = [word.text for word in command.args]
    installs = any(re.fullmatch(r"install(?:-[\w-]+)?|altinstall", text) for text in texts)
    moved = any(re.match(r"(?:DESTDIR|PREFIX|prefix)=", text) for text in texts)
    return Need("make install writes to the system", not moved) if installs and not moved else None


def _sysctl(command: Command) -> Need | None:
    changes = any(
        word.text in ("-w", "-p", "--write", "--load", "--system") or "=" in word.text for word in command.args
    )
    return Need("sysctl changes kernel settings", True) if changes else None


def _ip(command: Command) -> Need | None:
    changes = {word.text for word in command.args} & {"add", "del", "set", "delete", "replace", "flush"}
    return Need("ip changes the network", True) if changes else None


def _steps(command: Command) -> Need | None:
    found = step_down(command)
    return None if found is None else Need(f"{found.tool} can change user only as root", True)


def _controls(command: Command) -> Need | None:
    return Need(f"{command.name} controls system services", True) if command.args else None


_NEEDS: Final[dict[str, Callable[[Command], Need | None]]] = {
    **dict.fromkeys(MANAGERS, _packages),
    **{name: _always(f"{name} changes accounts") for name in _ACCOUNTS},
    **{name: _always(f"{name} changes the system") for name in _SYSTEM_TOOLS},
    **{name: _always(f"{name} changes the kernel or its devices") for name in KERNEL},
    **dict.fromkeys(_CONTROLLERS, _controls),
    "chown": _always("chown gives files to another user"),
    "chgrp": _always("chgrp gives files to another group", False),
    "setcap": _always("setcap sets file capabilities"),
    "chroot": _always("chroot needs root"),
    "setfacl": _always("setfacl changes access to files", False),
    "sysctl": _sysctl,
    "ip": _ip,
    "pip": _pip, "pip3": _pip, "pip2": _pip,
    "python": _module, "python2": _module, "python3": _module,
    "easy_install": _always("easy_install installs into the system's Python", False),
    "npm": _global_npm, "yarn": _global_npm, "pnpm": _global_npm, "bun": _global_npm,
    "corepack": _verb("enable", "corepack writes next to node", False),
    "gem": _verb("install", "gem installs for everyone, unless GEM_HOME says otherwise", False),
    "conda": _verb("install", "conda installs into its environment", False),
    "mamba": _verb("install", "mamba installs into its environment", False),
    "playwright": _verb("install-deps", "playwright installs system packages", True),
    "npx": _verb("--with-deps", "playwright installs system packages", True),
    "make": _make, "gmake": _make, "ninja": _make,
    "cmake": _verb("--install", "cmake --install writes to the system", False),
    **dict.fromkeys(
        ("gosu", "su-exec", "setpriv", "runuser", "su", "s6-setuidgid", "setuidgid", "chpst"), _steps
    ),
}  # fmt: skip


# ------------------------------------------------------------------------------------ steps down, services


def _first_word(command: Command) -> str | None:
    word = next(iter(command.args), None)
    return None if word is None or word.text.startswith("-") else word.text


def _valued(*names: str) -> Callable[[Command], str | None]:
    find = _option(*names)
    return lambda command: next((word.text for word in find(command)), None)


_SU: Final = options.Grammar(
    "c:command= s:shell= g:group= G:supp-group= u:user= w:whitelist-environment= f:fast l:login "
    "m:preserve-environment p: P:pty T: :session-command="
)


def _su(command: Command) -> str | None:
    found = options.read([word for word in command.args if word.text != "-"], _SU)
    user = found.values.get("user") or next(iter(found.positional), None)
    return user.text if user is not None else "root"


_STEPS: Final[dict[str, Callable[[Command], str | None]]] = {
    "gosu": _first_word,
    "su-exec": _first_word,
    "setuidgid": _first_word,
    "s6-setuidgid": _first_word,
    "s6-applyuidgid": _valued("-u"),
    "chpst": _valued("-u", "-U"),
    "setpriv": _valued("--reuid", "--ruid", "--euid"),
    "runuser": _su,
    "su": _su,
    "chroot": _valued("--userspec"),
    "start-stop-daemon": _valued("-c", "--chuid", "--user", "-u"),
    "capsh": _valued("--user", "--uid"),
    "yasu": _first_word,
    "daemonize": _valued("-u"),
}  # fmt: skip


def step_down(command: Command) -> StepDown | None:
    """The user that a command goes on as when it is one that changes user, else ``None``."""
    finder = _STEPS.get(command.name)
    user = finder(command) if finder is not None else None
    if user is not None:
        return None if user in ("root", "0", "0:0", "root:root") else StepDown(command.name, user, command)
    return _sudo_user(command)


def _sudo_user(command: Command) -> StepDown | None:
    if not command.prefix:
        return None
    names = [word.text for word in command.prefix]
    if "sudo" not in names and "doas" not in names:
        return None
    user = next((word.text for word in _option("-u", "--user")(command._replace(words=command.prefix))), "root")
    return None if user in ("root", "#0") else StepDown("sudo", user, command)


def service(command: Command) -> Service | None:
    """The system service that a command starts, else ``None``."""
    if not command.words:
        return None
    program = command.words[0].text
    if program == "/init":
        return Service("s6-overlay", command)
    if command.name in SERVICES:
        return None if _only_asks(command) or _own_script(program) else Service(command.name, command)
    if command.name not in _CONTROLLERS and not program.startswith("/etc/init.d/"):
        return None
    texts = [word.text for word in command.args if not word.text.startswith("-")]
    if not _STARTS & set(texts):
        return None
    name = command.name if command.name not in _CONTROLLERS else ""
    return Service(name or next((text for text in texts if text not in _STARTS), command.name), command)


def _own_script(program: str) -> bool:
    """Whether ``init`` and the like is a file of the project, such as ``./init``."""
    folder = dirname(program)
    return folder != "" and re.search(r"/s?bin$|^(?:/usr)?/lib/systemd$", folder) is None
