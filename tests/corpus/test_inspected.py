"""Whatever images say about themselves: fixes hold, and a second run with the same lock changes nothing."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from fixer import app
from fixer import config as configuration
from fixer.config import Config
from fixer.engine import Choice
from fixer.inspecting import references
from fixer.lock import Inspection, Login, text
from fixer.repository import Repository, Scope

REPOSITORIES = [
    "GoogleCloudPlatform+microservices-demo",
    "argoproj+argo-workflows",
    "docker+awesome-compose",
    "kubernetes+examples",
]
ACCOUNTS = (Login("root", 0, 0, "/root"), Login("svc", 1200, 1201, "/srv"), Login("ubuntu", 1000, 1000, "/"))
USERS: list[dict[str, Any]] = [
    {"user": ""},
    {"user": "1654"},
    {"user": "65532:65532"},
    {"user": "svc", "accounts": ACCOUNTS, "groups": MappingProxyType({"team": 1201})},
    {"user": "gone", "accounts": ACCOUNTS},
]
REST: list[dict[str, Any]] = [
    {"ports": ("80/tcp", "8443/tcp")},
    {"volumes": ("/data", "/var/lib/app")},
    {"entrypoint": ("/docker-entrypoint.sh",), "cmd": ("serve",)},
    {"env": MappingProxyType({"PATH": "/bin", "APP_HOME": "/srv/app"}), "workdir": "/srv"},
]


def made_up(reference: str) -> Inspection:
    """Make up what an image says, always the same for the same one."""
    digest = hashlib.sha256(reference.encode()).hexdigest()
    number = int(digest, 16)
    more = {**USERS[number % len(USERS)], **REST[number // len(USERS) % len(REST)]}
    return Inspection(reference, f"sha256:{digest}", "linux/amd64", "registry", **more)


@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_second_run_changes_nothing(shared: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "repository"
    shutil.copytree(shared / "corpus" / name, folder, symlinks=True)
    found = references(Repository(app.tree_of(folder, Config()), Scope(Config(), Choice(), [folder])))
    assert len(found) > 10
    (folder / configuration.LOCK).write_text(text({reference: made_up(reference) for reference in found}))
    first = app.write_changes(app.fix(folder))
    assert first.changes
    assert any("read from the image" in finding.reason for finding in first.findings)
    second = app.fix(folder)
    assert second.changes == ()
    assert len(second.findings) <= len(first.findings)
