"""No test of this folder has the keys of who runs it, and none leaves one behind."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from fixer import masking

THEIRS = ("GITHUB_", "GH_", "GITLAB_", "CI_", "GITEA_", "FORGEJO_", "FIXER_TOKEN_", "FIXER_APP_", "GIT_ASKPASS")


@pytest.fixture(autouse=True)
def stranger(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Be somebody who has no tokens, no password files and no proxy."""
    for name in list(os.environ):
        if name.startswith(THEIRS) or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    yield
    masking.forget()
