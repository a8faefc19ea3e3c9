"""What the log of a container says about what it was refused, in the words of shells, languages and servers."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from fixer.evidence import Denied, Kind
from fixer.lazy import regex
from fixer.verify.said import tidy

_ANY_CASE = re.IGNORECASE
# What an interpreter keeps beside its modules if it may, and does without if it may not.
_DISPENSABLE = regex(r"(?:^|/)__pycache__(?:/|$)|\.py[co](?:\.\d+)?$")
_MOST = 50  # a log of one complaint, over and over, is one complaint
_REFUSED = regex(
    r"permission denied|permissionerror|operation not permitted|read-only file system|readonly database"
    r"|\bE(?:ACCES|PERM|ROFS)\b|AccessDeniedException|not permitted|unable to open database file"
    r"|must be run as root|must be root|be suid to work|be setuid root|effective uid is not 0"
    r"|no new privileges|not writable|access to the path .* is denied",
    _ANY_CASE,
)
# Rights within a database or of a key, which have nothing to do with the user of the process.
_OTHER_RIGHTS = regex(
    r"permission denied (?:for (?:table|relation|schema|database|sequence|function|view|column|type|language) "
    r"|to (?:create|alter|drop|grant|set) [^/]*$|\(publickey|\(password)",
    _ANY_CASE,
)
_PORT = regex(
    r"\bbind(?:ing)?\b|(?<![\w-])listen(?:ing|er)?(?![\w-])|make_sock|(?:Bind|Socket)Exception|\bsocket\.bind"
    r"|server_bind|could not bind"
    r"|(?:start|open).{0,20} port",
    _ANY_CASE,
)
_NUMBERS = (
    regex(r"(?:\]|\d|\*|\b0\.0\.0\.0|::|localhost|[\s'\"(])[:](\d{1,5})\b"),
    regex(r"\bport[\s:='\"]{1,3}(\d{1,5})\b", _ANY_CASE),
    regex(r"\(\s*'[^']*'\s*,\s*(\d{1,5})\s*\)"),
)
_USER = regex(
    r"\bset(?:e|re|res|fs)?[ug]id\b|\bsetgroups\b|\binitgroups\b|failed switching to|be suid to work|be setuid root"
    r"|effective uid is not 0|no new privileges|must be run as root|must be root|cannot set (?:user|groups)"
    r"|cannot set [ug]id|switch user|drop(?:ping)? (?:root )?privileges|\bseteuid\b",
    _ANY_CASE,
)
_OWNER = regex(r"\bl?f?chown\b|changing ownership|change ownership|changing group", _ANY_CASE)
_MODE = regex(
    r"\bf?chmod\b|chang(?:e|ing) permissions|setting times|preserving (?:times|permissions)|\butime", _ANY_CASE
)
# Where in a program, or in what it was doing, a complaint arose; none of this is what was refused.
_ASIDE = regex(
    r"^\S+:\d+:in [`'][^']*': "  # Ruby
    r"| (?:at|in) \S+(?: (?:on )?line \d+|:\d+(?::\d+)?)(?:, <\w*> (?:line|chunk) \d+)?\.?$"  # Perl, PHP
    r"|thread '[^']*' panicked at \S+:\d+:\d+:|called `[^`]*` on an `\w+` value"  # Rust
    r"|, client: .*$"  # nginx
    r"| with working directory '[^']*'"  # .NET
)
_WHY = r"(?:permission denied|operation not permitted|read-only file ?system)"
# How one program or language says it, the path between words of its own.
_SAID = (
    regex(  # Go, and who says it in the same way
        r"\b(?:open|mkdir|l?stat|unlink(?:at)?|remove|chdir|readlink|(?:fork/)?exec|(?:rename|link|symlink) \S+)"
        rf" ([^\s:'\"]+): {_WHY}",
        _ANY_CASE,
    ),
    regex(r"FileNotFoundException: (.+?) \("),
    regex(r"AccessDeniedException: (?:.+ -> )?([^\s:]+)"),
    regex(rf"\b\w+\((?:[^(),]+,(?! ))?([^(),]+)(?:, O_\w+)?\)(?: failed)?: (?:failed to open \w+: )?{_WHY}", _ANY_CASE),
    regex(r"denied @ \w+ - (?:\(.+, )?(.+?)\)?(?: \(Errno::\w+\))?$"),
    regex(rf"^[^\s:]+: (?:line )?\d+: (?:(?:cd|exec): )?(?!cannot )([^:'\"]+): (?:cannot execute: )?{_WHY}", _ANY_CASE),
)
_UNIX = regex(r"\bunix:(?://)?(?=/)")
_REDIS = regex(r"(?<!\S)(\S+) \(in server root dir (\S+)\)")
_NO_NAMES = frozenset(
    {"file", "dir", "directory", "folder", "socket", "log", "logfile", "database", "device", "stream"}
)
_QUOTED = regex(r"['\"`\u2018]((?:/|\./|\.\./)?[^'\"`\u2018\u2019\s][^'\"`\u2018\u2019]*)['\"`\u2019]")
_BARE = regex(r"(?<![\w.:/-])(/[^\s:'\",;()\[\]]+)")
_BEFORE_COLON = regex(
    r"(?:cannot|could not) (?:create|open|touch|remove|write|stat|access|overwrite)(?: or create append-only dir)?"
    r" ([^\s:'\"]+):",
    _ANY_CASE,
)
_BETWEEN = regex(
    r"^(?:chown|chgrp|chmod|touch|mkdir|rmdir|rm|cp|mv|ln|cat|tee|install|tar|sed|dd|truncate): ([^\s:'\"]+): ",
    _ANY_CASE,
)
_FIELD = regex(
    r"\s*(?:code|errno|syscall|path|address|port): \S+$|npm (?:ERR!|error) (?:code|errno|syscall|path|dest) "
)
_EPERM = regex(r"operation not permitted|\bEPERM\b", _ANY_CASE)
_CALL = regex(
    r"\b([lf]?chown|chroot|u?mount|set(?:res|re|e)?[ug]id|setgroups|initgroups|chmod|utime|mknod|socket|sethostname"
    r"|nice|setpriority|mlockall|setns|unshare|pivot_root|kill|ioctl|settimeofday|clock_settime)\("
)
_GONE = regex(
    r"no such file or directory|\bENOENT\b|executable file not found|command not found|: not found$|cannot find module"
    r"|ModuleNotFoundError|cannot open file|FileNotFoundError|NoSuchFileException|exec format error",
    _ANY_CASE,
)
_NO_PROGRAM = regex(
    r"executable file not found|command not found|: not found$|no module named|cannot find module", _ANY_CASE
)
_NAMED = regex(
    r"(?:exec:? |sh: (?:(?:line )?\d+: )?|: line \d+: |cannot find module |module named )['\"]?([\w./@+-]+)", _ANY_CASE
)
_OPERATIONS = regex(
    r"\b(mount|umount|chroot|pivot_root|mknod|ping|iptables|ip6tables|nft|ip|route|ifconfig|tcpdump|setcap|sysctl|renice"
    r"|nice|hwclock|date|swapon|insmod|modprobe|socket|sethostname|hostname|settimeofday|ptrace|unshare|setns|mlock\w*"
    r"|setrlimit|ulimit|RTNETLINK|raw socket)\b",
    _ANY_CASE,
)


def dispensable(path: str) -> bool:
    """Whether programs go on as well when they may not write a path."""
    return _DISPENSABLE.search(path) is not None


def refusals(log: Iterable[str], workdir: str = "/") -> tuple[Denied, ...]:
    """What the lines of a log complain of, each thing once, in their order.

    `workdir` is the folder in which the container starts, to which names without a leading `/` belong.
    """
    found: dict[tuple[Kind, str], Denied] = {}
    recent: list[str] = []
    for line in log:
        for kind, what in _one(line.replace("can't", "cannot").replace("Can't", "Cannot"), workdir, recent):
            what = tidy(what, 200)
            found.setdefault((kind, what), Denied(kind, what, f"in the log: {tidy(line, 200)}"))
        if len(found) >= _MOST:
            break
        recent = [*recent[-2:], line]
    return tuple(found.values())


def _one(line: str, workdir: str, recent: list[str]) -> Iterator[tuple[Kind, str]]:
    if _FIELD.match(line) or _OTHER_RIGHTS.search(line):
        return  # a part of an error that is told whole in another line, or no concern of the system's users
    if _REFUSED.search(line):
        yield _unnamed(line, workdir, recent) or _refused(line, workdir)
    elif _GONE.search(line):
        yield Kind.MISSING, _name(line) if _NO_PROGRAM.search(line) else _path(line, workdir) or _name(line)


def _unnamed(line: str, workdir: str, recent: list[str]) -> tuple[Kind, str] | None:
    """An operation that only root may do and that its complaint does not name: the lines above it may show its call.

    Such a complaint (EPERM) is not one about the permissions of a path (EACCES), even where it names one.
    """
    named = any(pattern.search(line) for pattern in (_PORT, _OWNER, _USER, _MODE, _OPERATIONS))
    if named or not _EPERM.search(line):
        return None
    calls = [call for above in recent for call in _CALL.findall(above)]
    name = calls[-1] if calls else ""
    if _USER.search(name):
        return Kind.USER, name
    return Kind.CAPABILITY, f"{name} {_path(line, workdir)}".strip()


def _refused(line: str, workdir: str) -> tuple[Kind, str]:
    number = _port(line)
    if _PORT.search(line) and not _path_of_socket(line):
        return Kind.PORT, number
    path = _path(line, workdir)
    if _OWNER.search(line):
        return Kind.CAPABILITY, f"chown {path}".strip()
    if _USER.search(line):
        found = _USER.search(line)
        return Kind.USER, found.group(0).lower() if found else ""
    if _MODE.search(line):
        return Kind.CAPABILITY, f"chmod {path}".strip()
    operation = _OPERATIONS.search(line)
    if operation and not path:
        return Kind.CAPABILITY, operation.group(1)
    if operation and ("not permitted" in line.lower() or line.startswith(f"{operation.group(1)}:")):
        return Kind.CAPABILITY, f"{operation.group(1)} {path}".strip()
    return Kind.PATH, path


def _path_of_socket(line: str) -> bool:
    """Whether it binds a socket of the file system, which is a path and no port."""
    return ("unix" in line.lower() or ".sock" in line) and not _port(line)


def _port(line: str) -> str:
    for pattern in _NUMBERS:
        for found in pattern.finditer(line):
            if 0 < int(found.group(1)) < 65536:
                return str(int(found.group(1)))
    return ""


def _path(line: str, workdir: str) -> str:
    """The path that a complaint names, "" when it names none."""
    line = _UNIX.sub("", _ASIDE.sub("", line.replace('\\"', '"')))
    line = _REDIS.sub(r"\2/\1", line)
    # What a program complains about stands last: `sh: 1: cannot create /x: Permission denied`.
    for pattern in (*_SAID, _QUOTED, _BEFORE_COLON, _BETWEEN, _BARE):
        found = [one for one in pattern.findall(line) if _like_a_path(one, pattern is _BARE)]
        if found:
            return _whole(found[-1], workdir)
    return ""


def _like_a_path(text: str, bare: bool) -> bool:
    if text.startswith(("///", "http:", "https:")) or "\n" in text or len(text) > 300 or text in _NO_NAMES:
        return False
    if not text.strip("/") or _REFUSED.search(text):
        return text == "/"
    if bare:
        return text not in ("/bin/sh", "/bin/bash")
    return "/" in text or "." in text.strip(".") or text.isidentifier()


def _whole(path: str, workdir: str) -> str:
    whole = posixpath.normpath(posixpath.join(workdir or "/", path.rstrip(".,")))
    return f"/{whole.lstrip('/')}" if whole.startswith("//") else whole


def _name(line: str) -> str:
    found = _NAMED.search(line)
    return found.group(1) if found else tidy(line, 80)
