"""Repositories made for tests, with git itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_NAME": "A Person" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "person@example.com" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "2026-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")},
}


def git(folder: Path, *words: str, stdin: str = "") -> str:
    """What git says in a folder."""
    done = subprocess.run(
        ["git", "-C", folder, *words], env=ENVIRONMENT, input=stdin, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def bare(folder: Path, name: str) -> Path:
    """A bare repository with one commit on `main`."""
    path = folder / f"{name}.git"
    path.mkdir(parents=True)
    git(path, "init", "-q", "--bare", "--initial-branch=main")
    commit(path, "main", "Begin")
    return path


def commit(path: Path, branch: str, message: str, base: str = "") -> str:
    """One more commit on a branch, which is made from another one where that is named."""
    blob = git(path, "hash-object", "-w", "--stdin", stdin=f"{message}\n")
    tree = git(path, "mktree", stdin=f"100644 blob {blob}\tDockerfile\n")
    exists = git(path, "for-each-ref", f"refs/heads/{base or branch}")
    parent = ["-p", git(path, "rev-parse", f"refs/heads/{base or branch}")] if exists else []
    oid = git(path, "commit-tree", tree, *parent, "-m", message)
    git(path, "update-ref", f"refs/heads/{branch}", oid)
    return oid
