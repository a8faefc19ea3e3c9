"""Which forge an address means, and the keys to it in the environment.

A token is for one host, and no other gets it: not even one that says to be of the same kind.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from fixer import masking
from fixer.errors import UsageError
from fixer.forge.answers import as_name
from fixer.forge.base import Forge
from fixer.forge.http import SECONDS
from fixer.tuples import NamedTuple

KINDS = ("github", "gitlab", "gitea", "memory")
_KNOWN = {"github.com": "github", "gitlab.com": "gitlab", "gitea.com": "gitea", "codeberg.org": "gitea"}


class _Key(NamedTuple):
    """A variable with a key, and whose it is: of the first address that the environment tells, else of one host."""

    variable: str
    servers: tuple[str, ...]
    host: str = ""


# As CI, `gh` and `glab` set them. The actions of Gitea use the names of GitHub for themselves.
_KEYS = {
    "github": (
        _Key("GITHUB_TOKEN", ("GITHUB_SERVER_URL",), "github.com"),
        _Key("GH_TOKEN", ("GITHUB_SERVER_URL",), "github.com"),
        _Key("GH_ENTERPRISE_TOKEN", ("GH_HOST",)),
        _Key("GITHUB_ENTERPRISE_TOKEN", ("GH_HOST",)),
    ),
    "gitlab": (_Key("GITLAB_TOKEN", ("GITLAB_HOST", "CI_SERVER_URL"), "gitlab.com"),),
    "gitea": (
        _Key("GITEA_TOKEN", ("GITEA_URL", "GITHUB_SERVER_URL"), "gitea.com"),
        _Key("FORGEJO_TOKEN", ("FORGEJO_URL", "GITHUB_SERVER_URL"), "codeberg.org"),
        _Key("GITHUB_TOKEN", ("GITHUB_SERVER_URL",)),
    ),
}
_APP = _Key("FIXER_APP_ID", ("GH_HOST", "GITHUB_SERVER_URL"), "github.com")
_JOB = _Key("CI_JOB_TOKEN", ("CI_SERVER_URL",))
_HOMES = {"github": "https://github.com", "gitlab": "https://gitlab.com", "gitea": ""}
_SERVERS = {
    "github": ("GH_HOST", "GITHUB_SERVER_URL"),
    "gitlab": ("GITLAB_HOST", "CI_SERVER_URL"),
    "gitea": ("GITEA_URL", "FORGEJO_URL", "GITHUB_SERVER_URL"),
}
_LEAST = 8
_MOST_KEY = 1 << 16
_SCP = re.compile(r"(?:[A-Za-z0-9_.-]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>(?!/)[^:]+)")


class Target(NamedTuple):
    """Where a repository lives.

    `kind` is one of `KINDS`, `address` that of the forge's pages (a folder for `memory`), `repository` its name there,
    or that of an owner, or "" for the forge as a whole.
    """

    kind: str
    address: str
    repository: str

    @property
    def host(self) -> str:
        """The host with its port, as tokens know it."""
        return urlsplit(self.address).netloc.lower()


def target(where: str, kind: str = "") -> Target:
    """What somebody means by a repository or an owner.

    Args:
        where: an address (`https://`, `ssh://`, `git@host:owner/name`), or a name on the forge that `kind` or the
            environment tells. For `memory`: a folder, and in it the name.
        kind: one of `KINDS`, "" for what the address tells.

    Raises:
        UsageError: when it means nothing, or several things.
    """
    if kind and kind not in KINDS:
        raise UsageError(f"--forge {kind} is not known; choose one of {', '.join(KINDS)}")
    if kind == "memory":
        return _in_memory(where)
    address, path = _split(where)
    if not address:
        kind = kind or _kind_here(where)
        address = _server(kind)
    found = kind or _kind_of(address)
    # A forge may live below a path of its host.
    below = next((one for one in _told(found) if f"{address}{path}".startswith(f"{one}/")), address)
    path = f"{address}{path}".removeprefix(below) if path.startswith("/") else path
    path = path.strip("/").removesuffix(".git")
    return Target(found, below, _known_name(path) if path else "")


def _in_memory(where: str) -> Target:
    folder, owner, name = where.rsplit("/", 2) if where.count("/") >= 2 else ("", "", "")
    if not folder:
        raise UsageError(f"'{where}' is no repository of a forge in memory; give it as FOLDER/OWNER/NAME")
    return Target("memory", folder, as_name(f"{owner}/{name.removesuffix('.git')}"))


def _known_name(path: str) -> str:
    return as_name(path) if "/" in path else as_name(f"{path}/x").removesuffix("/x")


def _split(where: str) -> tuple[str, str]:
    """The address of the forge ("" where it is not told), and the path there.

    Raises:
        UsageError: for what is neither, or carries a password.
    """
    shown = masking.mask(where[:80])
    if "://" in where:
        try:
            parts = urlsplit(where)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port, parts = None, None, urlsplit("")
        if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
            raise UsageError("an address with a password in it is not used; put the token into the environment")
        if not host or parts.scheme not in ("https", "http", "ssh") or parts.query or parts.fragment:
            raise UsageError(f"'{shown}' is no address of a repository; give one with https:// or ssh://")
        if parts.scheme == "ssh":
            return f"https://{host}", parts.path
        return f"{parts.scheme}://{_with_port(host, port)}", parts.path
    scp = _SCP.fullmatch(where)
    if scp:
        return f"https://{scp['host'].lower()}", scp["path"]
    if where.startswith(("-", "/", ".", "~")) or "\\" in where:
        raise UsageError(f"'{shown}' is no repository on a forge; give it as owner/name, or with its https:// address")
    return "", where


def _with_port(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port is None else f"{name}:{port}"


def _kind_of(address: str) -> str:
    """The kind of a forge by its host.

    Raises:
        UsageError: when nothing tells.
    """
    host = urlsplit(address).netloc.lower()
    if host in _KNOWN:
        return _KNOWN[host]
    if host.endswith(".ghe.com"):
        return "github"
    here = [kind for kind in _SERVERS if host in map(_host, _told(kind))]
    if len(here) == 1:
        return here[0]
    raise UsageError(f"nothing tells what kind of forge {host} is; say --forge github, gitlab or gitea")


def _host(address: str) -> str:
    return urlsplit(address).netloc.lower()


def _kind_here(name: str) -> str:
    """The kind of forge in whose CI this runs, for a name without an address.

    Raises:
        UsageError: when it runs in none.
    """
    for variable, kind in (("GITEA_ACTIONS", "gitea"), ("FORGEJO_ACTIONS", "gitea"), ("GITHUB_ACTIONS", "github")):
        if os.environ.get(variable) == "true":
            return kind
    if os.environ.get("GITLAB_CI") == "true":
        return "gitlab"
    raise UsageError(
        f"'{name}' is no folder here, and a name alone does not tell the forge; say --forge github, gitlab or gitea,"
        " or give the whole address"
    )


def _address(variable: str, kind: str) -> str:
    """The address in a variable, "" where it has none, or one of another kind of forge."""
    in_gitea = "true" in (os.environ.get("GITEA_ACTIONS"), os.environ.get("FORGEJO_ACTIONS"))
    if variable == "GITHUB_SERVER_URL" and in_gitea != (kind == "gitea"):
        return ""
    value = os.environ.get(variable, "").strip().rstrip("/")
    return value if "://" in value or not value else f"https://{value}"


def _told(kind: str) -> Iterator[str]:
    """The addresses that the environment tells for a kind of forge."""
    return filter(None, (_address(variable, kind) for variable in _SERVERS[kind]))


def _is_for(key: _Key, where: Target) -> bool:
    """Whether a key is for the host of a target."""
    told = next(filter(None, (_address(variable, where.kind) for variable in key.servers)), "")
    return where.host == (_host(told) if told else key.host)


def _server(kind: str) -> str:
    """The address of the forge of a kind that is meant where none is named.

    Raises:
        UsageError: when nothing tells.
    """
    address = next(_told(kind), "") or _HOMES[kind]
    if not address:
        raise UsageError(f"nothing tells where {kind} is; set GITEA_URL, or give the whole address")
    return address


def connect(where: Target, seconds: float = SECONDS, anonymous: bool = False) -> Forge:
    """The forge of a target, with the rights of the key that the environment has for it.

    Args:
        where: the target.
        seconds: how long the forge may be silent.
        anonymous: whether it will do without a key, to read what is public.

    Raises:
        UsageError: when there is no key, it is none, or the client is not installed.
    """
    if where.kind == "memory":
        from fixer.forge.memory import Memory

        return Memory(Path(where.address))
    if where.kind == "github":
        return _github(where, seconds, anonymous)
    token = _token(where, anonymous)
    job = _clean(_JOB.variable) if not token and where.kind == "gitlab" and _is_for(_JOB, where) else ""
    _must_have(where, token or job, anonymous)
    if where.kind == "gitlab":
        from fixer.forge.gitlab import GitLab

        return GitLab(where.address, token or job, seconds, job=bool(job))
    from fixer.forge.gitea import Gitea

    return Gitea(where.address, token, seconds)


def _github(where: Target, seconds: float, anonymous: bool) -> Forge:
    from fixer.forge.github import App, GitHub

    number = os.environ.get("FIXER_APP_ID", "").strip()
    if number and _is_for(_APP, where):
        installation = os.environ.get("FIXER_APP_INSTALLATION", "").strip()
        if not re.fullmatch(r"[0-9]{1,18}", installation, re.ASCII):
            raise UsageError(
                "FIXER_APP_INSTALLATION has to be the number of the app's installation, as the address of its page ends"
            )
        return GitHub(where.address, App(number, _app_key(), int(installation)), seconds)
    token = _token(where, anonymous)
    _must_have(where, token, anonymous)
    return GitHub(where.address, token, seconds)


def _app_key() -> str:
    """The private key of a GitHub App.

    Raises:
        UsageError: when it is not there.
    """
    key = os.environ.get("FIXER_APP_KEY", "")
    file = os.environ.get("FIXER_APP_KEY_FILE", "")
    if not key and file:
        try:
            with Path(file).open(encoding="ascii") as stream:
                key = stream.read(_MOST_KEY)
        except (OSError, ValueError):
            raise UsageError(f"{file}: cannot be read as a key of an app; name the PEM file that GitHub made") from None
    if not key.strip():
        raise UsageError("FIXER_APP_ID needs the app's private key; set FIXER_APP_KEY or FIXER_APP_KEY_FILE")
    key = key.replace("\\n", "\n")  # as CI systems hand over several lines
    masking.register(key)
    return key


def own_variable(host: str) -> str:
    """The name of the variable for the token of one host: FIXER_TOKEN_GIT_EXAMPLE_COM for git.example.com."""
    return "FIXER_TOKEN_" + host.upper().replace("-", "__").translate(str.maketrans(".:", "__", "[]"))


def _variables(where: Target) -> list[str]:
    """The variables that may have the token for the host of a target, the first one first."""
    return [own_variable(where.host), *(key.variable for key in _KEYS[where.kind] if _is_for(key, where))]


def _token(where: Target, anonymous: bool) -> str:
    """The token for the host of a target, from the environment or who is asked for it.

    Raises:
        UsageError: for one that cannot be a token.
    """
    found = next(filter(None, map(_clean, _variables(where))), "")
    return found or ("" if anonymous else _asked(where))


def _clean(name: str) -> str:
    """The value of a variable, which is a secret from then on."""
    return _checked(os.environ.get(name, ""), name)


def _checked(value: str, name: str) -> str:
    token = value.strip()
    masking.register(token)
    if token and (len(token) < _LEAST or not re.fullmatch(r"[\x21-\x7e]+", token)):
        raise UsageError(f"{name} holds something that can be no token; set it to one, without quotes and spaces")
    return token


def _asked(where: Target) -> str:
    """What the person's own program for passwords says to a host."""
    program = os.environ.get("GIT_ASKPASS", "")
    if not program:
        return ""
    question = f"Password for '{where.address}': "
    try:
        done = subprocess.run(
            [program, question], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        raise UsageError("GIT_ASKPASS names a program that gives no password; set the token instead") from None
    return _checked(done.stdout, "what GIT_ASKPASS gives")


def _must_have(where: Target, key: str, anonymous: bool) -> None:
    if key or anonymous:
        return
    names = " or ".join(_variables(where))
    raise UsageError(f"there is no token for {where.host}; set {names} in the environment")
