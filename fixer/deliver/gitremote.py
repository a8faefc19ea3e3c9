"""Repositories elsewhere: copied without a checkout, and given branches that nobody else has touched.

git itself is asked, with nothing of the person's or the repository's configuration, and never with a secret in its
arguments. It talks to the address that was named and to no other.
"""

from __future__ import annotations

import base64
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from fixer import masking
from fixer.deliver.gitsafe import ENVIRONMENT, SETTINGS, in_environment
from fixer.errors import FixerError, UsageError
from fixer.tuples import NamedTuple

_SECONDS = 600.0
_MOST_SAID = 300
_SCP = re.compile(r"(?![-/.])(?:[A-Za-z0-9_.-]+@)?[A-Za-z0-9.-]+:(?![/:\\-])[^\s:]+")
_LOCAL = ("localhost", "127.0.0.1", "::1")
_ID = re.compile(r"[0-9a-f]{40}")
_SETTINGS = {
    **SETTINGS,
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "maintenance.auto": "false",
    "push.gpgSign": "false",
    "push.recurseSubmodules": "no",
    "submodule.recurse": "false",
}
_KEPT = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "GIT_SSH_COMMAND", "GIT_EXEC_PATH")


class Stale(FixerError):
    """A branch is not what it was when it was looked at; nothing was changed."""


class Remote(NamedTuple):
    """An address of a repository, and what git needs to speak to it.

    `protocols` are those that git may use. `user` and `password` go to the host of `url` alone, in a header.
    """

    url: str
    protocols: tuple[str, ...] = ("https", "ssh")
    user: str = ""
    password: str = ""
    seconds: float = _SECONDS

    def __repr__(self) -> str:
        """The address alone."""
        return f"Remote({self.url!r})"


def checked(url: str, local: bool = False) -> Remote:
    """An address that git may be given.

    Args:
        url: `https://`, `ssh://`, `user@host:path`, and `http://` of this machine; where `local`, a folder too.
        local: whether somebody has named a folder of this machine.

    Raises:
        UsageError: for what git would take for an option or a command, and for passwords.
    """
    shown = masking.mask(url[:120])
    if not url or (re.search(r"[\x00-\x20\x7f]", url) and not local) or "::" in url.split("/", maxsplit=1)[0]:
        raise UsageError(f"'{shown}' is no address of a repository; give one with https:// or ssh://")
    if local and "://" not in url:
        return Remote(os.path.abspath(url), ("file",))
    if _SCP.fullmatch(url):
        return Remote(url, ("ssh",))
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise UsageError(f"'{shown}' is no address of a repository; give one with https:// or ssh://") from None
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise UsageError("an address with a password in it is not used; put the token into the environment")
    known = parts.scheme in ("https", "ssh") or (parts.scheme == "http" and host in _LOCAL)
    if not known or not re.fullmatch(r"[A-Za-z0-9.:_-]+", host) or host.startswith("-") or parts.query:
        raise UsageError(f"'{shown}' is no address that is used; give one with https:// or ssh://")
    return Remote(url, (parts.scheme,))


def current_branch(folder: Path) -> str:
    """The branch that HEAD of a repository stands for.

    Raises:
        UsageError: when it stands for a commit alone.
    """
    try:
        return _git(Remote(str(folder)), None, "-C", os.path.abspath(folder), "symbolic-ref", "--short", "HEAD")
    except FixerError:
        raise UsageError(f"{folder}: HEAD is no branch; name the one that requests go to with --base") from None


def origin_of(folder: Path) -> str:
    """The address that a repository was copied from.

    Raises:
        UsageError: when it does not say.
    """
    try:
        return _git(Remote(str(folder)), None, "-C", os.path.abspath(folder), "config", "--get", "remote.origin.url")
    except FixerError:
        raise UsageError(
            f"{folder}: has no remote 'origin', so nothing tells its forge; name it as owner/name"
        ) from None


def branches(remote: Remote, prefix: str) -> dict[str, str]:
    """The branches of a repository whose names begin so, with the ids of their commits.

    Raises:
        FixerError: when it cannot be asked.
    """
    said = _git(remote, None, "ls-remote", "--heads", "--", remote.url, f"refs/heads/{prefix}*")
    out: dict[str, str] = {}
    for line in said.splitlines():
        oid, _, name = line.partition("\t")
        if _ID.fullmatch(oid) and name.startswith(f"refs/heads/{prefix}"):
            out[name.removeprefix("refs/heads/")] = oid
    return out


def default_branch(remote: Remote) -> str:
    """The name of the branch that a repository is about.

    Raises:
        FixerError: when it has none, or cannot be asked.
    """
    said = _git(remote, None, "ls-remote", "--symref", "--", remote.url, "HEAD")
    found = re.search(r"^ref: refs/heads/(\S+)\tHEAD$", said, re.MULTILINE)
    if found is None:
        raise FixerError(f"{remote.url}: has no default branch; name one with --base")
    return found[1]


def clone(remote: Remote, folder: Path, branch: str) -> str:
    """Copy the newest commit of a branch into a new bare repository; the id of that commit.

    Raises:
        FixerError: when there is no such branch, or it cannot be fetched.
    """
    _git(remote, None, "init", "--quiet", "--bare", "--template=", "--", str(folder))
    return fetch(remote, folder, branch, 1)


def fetch(remote: Remote, folder: Path, branch: str, depth: int) -> str:
    """Bring the last commits of a branch into a copy; the id of the newest.

    Raises:
        FixerError: when there is no such branch, or it cannot be fetched.
    """
    here = f"refs/fixer/{branch}"
    words = ["fetch", "--quiet", "--no-tags", f"--depth={depth}", "--no-write-fetch-head"]
    _git(remote, folder, *words, "--", remote.url, f"+refs/heads/{branch}:{here}")
    return _git(remote, folder, "rev-parse", "--verify", "--quiet", here)


def push(remote: Remote, folder: Path, branch: str, new: str, old: str) -> None:
    """Let a branch stand for a commit, if it still stands for what it did.

    Args:
        remote: where.
        folder: the copy that has the commit.
        branch: the name of the branch.
        new: the id of the commit, "" to delete the branch.
        old: the id of the one that it stands for, "" when there is no such branch.

    Raises:
        Stale: when somebody was faster.
        FixerError: when it is refused.
    """
    name = f"refs/heads/{branch}"
    words = ["push", "--porcelain", "--no-verify", f"--force-with-lease={name}:{old}"]
    try:
        _git(remote, folder, *words, "--", remote.url, f"{new}:{name}")
    except FixerError as error:
        if re.search(r"stale info|already exists|cannot lock ref|fetch first|remote ref does not exist", str(error)):
            raise Stale(f"branch '{branch}' was changed by somebody meanwhile; it was left as it is") from error
        raise


def _git(remote: Remote, folder: Path | None, *words: str) -> str:
    """What git says to some words.

    Raises:
        FixerError: with its own words, in which no secret is.
    """
    command = ["git", *([f"--git-dir={folder}"] if folder is not None else []), *words]
    try:
        done = subprocess.run(
            command,
            env=_environment(remote),
            cwd="/",  # whatever lies in the person's folder has no say
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=remote.seconds,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("there is no git here; install it") from None
    except subprocess.TimeoutExpired:
        raise FixerError(f"{remote.url}: git had no answer in {remote.seconds:.0f} seconds; try again later") from None
    if done.returncode:
        said = (done.stderr + done.stdout).decode("utf-8", "replace")
        raise FixerError(f"{remote.url}: {_why(said)}")
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def _why(said: str) -> str:
    """What git has against it, in one line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    told = [line for line in lines if re.match(r"(fatal|error|remote|!)", line)] or lines or ["git says nothing"]
    told.sort(key=lambda line: not line.startswith("!"))
    return masking.mask("; ".join(told)[:_MOST_SAID])


def _environment(remote: Remote) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _KEPT}
    settings = dict(_SETTINGS)
    if remote.password and urlsplit(remote.url).scheme in ("https", "http"):
        text = base64.b64encode(f"{remote.user}:{remote.password}".encode()).decode()
        masking.register(remote.password)
        masking.register(text)
        settings[f"http.{_origin(remote.url)}/.extraHeader"] = f"Authorization: Basic {text}"
    own = {
        "GIT_ASKPASS": "true",
        "GIT_ALLOW_PROTOCOL": ":".join(remote.protocols),
        "GIT_LFS_SKIP_SMUDGE": "1",
    }
    return kept | in_environment(settings) | ENVIRONMENT | own


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
