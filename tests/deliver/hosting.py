"""Repositories on a forge in a folder, and plans for them that are made by hand."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from fixer.deliver import gitremote
from fixer.deliver.plans import Plan, PlannedFile, PlannedUnit
from fixer.deliver.publish import Place
from fixer.forge.memory import Memory
from fixer.render.request import Words

NAME = "acme/shop"
BEFORE = b'FROM debian:bookworm-slim\nCMD ["sleep", "1"]\n'
AFTER = b'FROM debian:bookworm-slim\nUSER 10001:10001\nCMD ["sleep", "1"]\n'
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_NAME": "A Person" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "person@example.com" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_DATE": "2026-01-01T00:00:00Z" for who in ("AUTHOR", "COMMITTER")},
}


def git(folder: Path, *words: str, stdin: bytes = b"") -> str:
    command = ["git", "-C", str(folder), *words]
    done = subprocess.run(command, env=ENVIRONMENT, input=stdin, capture_output=True, check=True)
    return os.fsdecode(done.stdout).strip()


def commit(path: Path, files: dict[str, bytes], branch: str = "main", message: str = "Change") -> str:
    """One more commit on a branch of a bare repository, with these files and no others."""
    stream = [f"commit refs/heads/{branch}\ncommitter A <a@example.com> 1700000000 +0000\n".encode()]
    stream.append(b"data %d\n%s\n" % (len(message), message.encode()))
    if git(path, "for-each-ref", f"refs/heads/{branch}"):
        stream.append(f"from refs/heads/{branch}^0\n".encode())
    stream.append(b"deleteall\n")
    for name, data in files.items():
        quoted = os.fsencode(name).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        stream.append(b'M 100644 inline "%s"\ndata %d\n%s\n' % (quoted, len(data), data))
    git(path, "fast-import", "--quiet", "--force", stdin=b"".join(stream))
    return git(path, "rev-parse", f"refs/heads/{branch}")


def hosted(folder: Path, name: str = NAME, files: dict[str, bytes] | None = None) -> Path:
    """A bare repository on the forge of a folder."""
    path = folder / f"{name}.git"
    path.mkdir(parents=True)
    git(path, "init", "-q", "--bare", "--initial-branch=main")
    commit(path, files or {"web/Dockerfile": BEFORE, "README": b"hello\n"})
    return path


def unit(
    name: str = "web", mark: str = "0123456789", path: str = "web/Dockerfile", after: bytes = AFTER
) -> PlannedUnit:
    return PlannedUnit(
        name,
        f"nonroot/{name}-{mark}",
        Words(f"Run {name} as 10001", f"What happens to `{name}`.\n"),
        f"Run {name} as 10001\n\nBecause.\n",
        (mark,),
        (PlannedFile(path, hashlib.sha256(BEFORE).hexdigest(), after),),
    )


def plan(*units: PlannedUnit, base: str = "main") -> Plan:
    return Plan(NAME, base, "0" * 40, units)


def place(forge: Memory, name: str = NAME) -> Place:
    return Place(forge, name, gitremote.checked(str(forge.folder / f"{name}.git"), local=True))


def branches(path: Path) -> dict[str, str]:
    listed = git(path, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads/nonroot")
    return dict(line.split() for line in listed.splitlines())
