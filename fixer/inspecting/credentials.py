"""The passwords that people have for registries already: those of Docker and Podman, and of their helpers."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fixer.inspecting.unseen import Unseen
from fixer.model import DENIED
from fixer.tuples import NamedTuple

_MAX_BYTES = 4 << 20
_HELPER = re.compile(r"[A-Za-z0-9._-]+")
_HELPER_SECONDS = 15
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")


class Credentials(NamedTuple):
    """A user and a password, or an identity token instead of both; none of them is ever printed."""

    user: str = ""
    password: str = ""
    identity_token: str = ""

    def __repr__(self) -> str:
        """Nothing of what it holds."""
        return "Credentials(...)"


def credentials(registry: str, repository: str) -> Credentials | None:
    """What somebody has for a repository, or None.

    Args:
        registry: the host, with its port.
        repository: the path there; Podman keeps passwords for single ones too.

    Raises:
        Unseen: when a helper that is configured for the registry does not work.
    """
    for file in _files():
        settings = _settings(file)
        found = _of(settings, registry, repository)
        if found is not None:
            return found
    return None


def _files() -> Iterator[Path]:
    """The files that Docker and Podman look at, in the order of Podman, which reads both."""
    named = os.environ.get("REGISTRY_AUTH_FILE")
    if named:
        yield Path(named)
        return
    home = Path.home()
    running = os.environ.get("XDG_RUNTIME_DIR")
    if running:
        yield Path(running) / "containers/auth.json"
    yield Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "containers/auth.json"
    yield Path(os.environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"


def _settings(file: Path) -> Mapping[str, Any]:
    """What a file holds; one that is not there or is malformed holds nothing, as for Docker itself."""
    try:
        with file.open("rb") as stream:
            found = json.loads(stream.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _of(settings: Mapping[str, Any], registry: str, repository: str) -> Credentials | None:
    names = list(_names(registry, repository))
    helpers = settings.get("credHelpers")
    helper = next((helpers[n] for n in names if n in helpers), None) if isinstance(helpers, dict) else None
    if helper is None:
        helper = settings.get("credsStore") or None
    if helper is not None:
        found = _ask(str(helper), registry)
        if found is not None:
            return found
    auths = settings.get("auths")
    if isinstance(auths, dict):
        for name in names:
            found = _entry(auths.get(name))
            if found is not None:
                return found
    return None


def _names(registry: str, repository: str) -> Iterator[str]:
    """The names that a registry may go by in such a file, the narrowest first."""
    parts = repository.split("/")
    for end in range(len(parts), 0, -1):
        yield f"{registry}/{'/'.join(parts[:end])}"
    for host in _HUB if registry in _HUB else (registry,):
        yield from (host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/", f"http://{host}")


def _entry(entry: Any) -> Credentials | None:
    if not isinstance(entry, dict):
        return None
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Credentials(identity_token=token)
    user, password = entry.get("username"), entry.get("password")
    if isinstance(user, str) and isinstance(password, str) and user:
        return Credentials(user, password)
    coded = entry.get("auth")
    if not isinstance(coded, str) or not coded:
        return None
    try:
        user, colon, password = base64.b64decode(coded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return Credentials(user, password.rstrip("\0")) if colon and user else None


def _ask(helper: str, registry: str) -> Credentials | None:
    """What a helper says; None for "nothing is known"."""
    if not _HELPER.fullmatch(helper):
        raise _helpless(helper, registry)
    program = shutil.which(f"docker-credential-{helper}")
    server = "https://index.docker.io/v1/" if registry in _HUB else registry
    if program is None:
        raise _helpless(helper, registry)
    try:
        done = subprocess.run(
            [program, "get"], input=server.encode(), capture_output=True, timeout=_HELPER_SECONDS, check=False
        )
        if done.returncode:
            return None  # every helper says in its own words that it knows nobody
        found = json.loads(done.stdout)
        user, secret = str(found["Username"]), str(found["Secret"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        # without the cause, which may show what the helper printed
        raise _helpless(helper, registry) from None
    if user == "<token>":
        return Credentials(identity_token=secret)
    return Credentials(user, secret) if user or secret else None


def _helpless(helper: str, registry: str) -> Unseen:
    name = f"docker-credential-{helper}" if _HELPER.fullmatch(helper) else "the configured one"
    return Unseen(DENIED, f"{registry}: the credential helper {name} does not work; run 'docker login {registry}'")
