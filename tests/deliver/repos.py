"""Git repositories for tests: made, set with traps, looked at to the last byte, and given to the program."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests import process

ROOT = Path(__file__).resolve().parents[2]
BAD = b'FROM debian:12\nWORKDIR /app\nCOPY . .\nCMD ["./run"]\n'
COMPOSE = b"services:\n  db:\n    image: postgres:16\n    volumes: [data:/var/lib/postgresql/data]\nvolumes:\n  data:\n"
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Ann"), ("EMAIL", "ann@example.org"), ("DATE", "1700000000 +0200"))
    },
}
HOOKS = (
    "pre-commit post-commit commit-msg prepare-commit-msg reference-transaction post-index-change post-checkout"
    " post-rewrite pre-auto-gc"
).split()


def git(cwd: Path, *words: str | bytes, stdin: bytes = b"", fails: bool = False) -> str:
    """What git says, without any configuration of the person."""
    done = subprocess.run(
        ["git", *words], cwd=cwd, env={**os.environ, **GIT}, input=stdin, capture_output=True, timeout=120, check=False
    )
    assert fails or done.returncode == 0, done.stderr
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def fill(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files below a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def made(folder: Path, files: Mapping[str, bytes] | None = None, *options: str) -> Path:
    """A repository on branch main with one commit of all that the folder holds."""
    folder.mkdir(parents=True, exist_ok=True)
    fill(folder, files or {})
    git(folder, "init", "-q", "-b", "main", *options)
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-qm", "Start")
    return folder


def fixer(cwd: Path, *words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, as somebody without configuration of git."""
    home = {"HOME": str(cwd), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return process.fixer(cwd, *words, env={**os.environ, "PYTHONPATH": str(ROOT), **home, **env})


def trapped(repo: Path, mark: Path) -> None:
    """Set all by which a repository can have something run: each of it would make a mark."""
    script = f"#!/bin/sh\necho \"$0\" >>'{mark}'\ncat\nexit 0\n"
    trap = repo / ".git" / "trap.sh"
    trap.write_text(script)
    trap.chmod(0o755)
    for name in HOOKS:
        hook = repo / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(script)
        hook.chmod(0o755)
    more = repo / ".git" / "more"
    more.write_text(
        f'[filter "more"]\n\tclean = {trap}\n\tsmudge = {trap}\n\trequired = true\n[core]\n\tpager = {trap}\n'
    )
    for key, value in {
        "core.fsmonitor": str(trap),
        "core.sshCommand": str(trap),
        "core.editor": str(trap),
        "core.askPass": str(trap),
        "credential.helper": f"!{trap}",
        "include.path": str(more),
        "alias.rev-parse": f"!{trap}",
        "alias.status": f"!{trap}",
        "filter.one.clean": str(trap),
        "filter.one.smudge": str(trap),
        "filter.two.process": str(trap),
        "filter.two.required": "true",
        "filter.odd=name.clean": str(trap),
        "diff.one.textconv": str(trap),
        "diff.external": str(trap),
        "gpg.program": str(trap),
        "commit.gpgSign": "true",
        "protocol.ext.allow": "always",
        "remote.origin.url": f"ext::{trap}",
        "uploadpack.packObjectsHook": str(trap),
    }.items():
        git(repo, "config", key, value)
    (repo / ".git" / "info").mkdir(exist_ok=True)
    (repo / ".git" / "info" / "attributes").write_text(
        "* filter=one diff=one\n*.yml filter=two\n*.yaml filter=more\nDockerfile filter=odd=name\n"
    )


def state(repo: Path, *but: str) -> dict[str, tuple[int, int, str]]:
    """Everything of a repository, its `.git` too: mode, time of change, and what it holds. Objects are left out."""
    found = {}
    for folder, folders, names in os.walk(repo):
        folders[:] = [one for one in folders if os.path.relpath(os.path.join(folder, one), repo) != ".git/objects"]
        for name in names:
            path = os.path.join(folder, name)
            shown = os.path.relpath(path, repo)
            if not shown.startswith(but):
                info = os.lstat(path)
                data = os.readlink(path).encode() if os.path.islink(path) else Path(path).read_bytes()
                found[shown] = (info.st_mode, info.st_mtime_ns, hashlib.sha256(data).hexdigest())
    return found
