"""The examples: the diff of each is the one beside it, git takes it, and nothing is left to find afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path.name for path in (ROOT / "examples").iterdir() if path.is_dir())


def fixer(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[bytes]:
    """Run the program of this checkout."""
    command = [sys.executable, "-m", "fixer", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, timeout=120, check=False)


def copied(name: str, to: Path) -> Path:
    """Give a copy of an example, as a git repository of its own."""
    folder = to / name
    shutil.copytree(ROOT / "examples" / name, folder)
    subprocess.run(["git", "init", "--quiet", folder], check=True, timeout=60)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """Give all files below a folder, without those of git."""
    every = (path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in every if ".git" not in p.parts}


def test_each_diff_has_its_example() -> None:
    assert sorted(path.stem for path in (ROOT / "examples").glob("*.diff")) == EXAMPLES
    assert "python-debian" in EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_diff_is_the_one_beside_it(name: str) -> None:
    """`FIXER_UPDATE=1 python -m pytest tests/examples` writes it anew; read what changed before you keep it."""
    before = files(ROOT / "examples" / name)
    done = fixer("fix", f"examples/{name}")
    assert done.returncode == 0, done.stderr.decode()
    assert files(ROOT / "examples" / name) == before
    expected = ROOT / "examples" / f"{name}.diff"
    if os.environ.get("FIXER_UPDATE"):
        expected.write_bytes(done.stdout)
    assert done.stdout.decode() == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EXAMPLES)
def test_git_takes_it_and_nothing_is_left(name: str, tmp_path: Path) -> None:
    """As somebody does who types it in a clone: from the top, with the diff as it was printed."""
    folder = copied(name, tmp_path / "examples")
    shutil.rmtree(folder / ".git")
    assert fixer("check", ".", cwd=folder).returncode == 1
    diff = fixer("fix", f"examples/{name}", cwd=tmp_path).stdout
    assert diff == (ROOT / "examples" / f"{name}.diff").read_bytes()
    subprocess.run(["git", "apply", "--check", "-"], cwd=tmp_path, input=diff, check=True, timeout=60)
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=diff, check=True, timeout=60)
    applied = files(folder)
    after = fixer("check", ".", cwd=folder)
    assert after.returncode == 0, after.stdout.decode()
    again = fixer("fix", ".", cwd=folder)
    assert (again.returncode, again.stdout) == (0, b""), again.stderr.decode()
    assert files(folder) == applied


@pytest.mark.parametrize("name", EXAMPLES)
def test_written_is_what_the_diff_says(name: str, tmp_path: Path) -> None:
    written, patched = copied(name, tmp_path / "a"), copied(name, tmp_path / "b")
    diff = fixer("fix", ".", cwd=patched).stdout
    subprocess.run(["git", "apply", "-"], cwd=patched, input=diff, check=True, timeout=60)
    assert fixer("fix", "--write", ".", cwd=written).returncode == 0
    assert files(written) == files(patched)
