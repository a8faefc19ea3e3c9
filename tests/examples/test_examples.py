"""The examples: the diff of each is the one beside it, git takes it, and nothing is left to find afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import process

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir() and path.name != "ci")


def fixer(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[bytes]:
    """Run the program of this checkout."""
    done = process.fixer(cwd, *words, env={**process.HERE, "NO_COLOR": "1"})
    out, err = (text.encode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def copied(name: str, to: Path) -> Path:
    """Give a copy of an example, at its place in what looks like a clone of this repository."""
    folder = to / "examples" / name
    shutil.copytree(ROOT / "examples" / name, folder)
    subprocess.run(["git", "init", "--quiet", to], check=True, timeout=60)
    return folder


def apply(diff: bytes, cwd: Path) -> None:
    """Let git apply a diff; a hunk that does not fit exactly is an error."""
    subprocess.run(["git", "apply", "-"], cwd=cwd, input=diff, check=True, timeout=60)


def files(folder: Path) -> dict[str, bytes]:
    """Give all files below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_each_diff_has_its_example() -> None:
    assert sorted(path.stem for path in (ROOT / "examples").glob("*.diff")) == EXAMPLES
    assert "python-debian" in EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_diff_is_the_one_beside_it(name: str, tmp_path: Path) -> None:
    """`FIXER_UPDATE=1 python -m pytest tests/examples` writes it anew; read what changed before you keep it."""
    folder = copied(name, tmp_path)
    before = files(folder)
    done = fixer("fix", f"examples/{name}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert files(folder) == before
    expected = ROOT / "examples" / f"{name}.diff"
    if os.environ.get("FIXER_UPDATE", "") not in {"", "0"}:
        expected.write_bytes(done.stdout)
    assert done.stdout.decode() == expected.read_bytes().decode()


@pytest.mark.parametrize("name", EXAMPLES)
def test_git_takes_it_and_nothing_is_left(name: str, tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    assert fixer("check", f"examples/{name}", cwd=tmp_path).returncode == 1
    apply((ROOT / "examples" / f"{name}.diff").read_bytes(), tmp_path)
    applied = files(folder)
    after = fixer("check", f"examples/{name}", cwd=tmp_path)
    assert after.returncode == 0, after.stdout.decode()
    again = fixer("fix", f"examples/{name}", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, b""), again.stderr.decode()
    assert files(folder) == applied


@pytest.mark.parametrize("name", EXAMPLES)
def test_written_is_what_the_diff_says(name: str, tmp_path: Path) -> None:
    """Also from within the folder, where people stand who use it."""
    written, patched = copied(name, tmp_path / "a"), copied(name, tmp_path / "b")
    assert fixer("fix", "--write", cwd=written).returncode == 0
    apply(fixer("fix", cwd=patched).stdout, patched)
    assert files(written) == files(patched) != files(ROOT / "examples" / name)
