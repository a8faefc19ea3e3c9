"""What people install: a wheel that works in an environment of its own, and holds the templates."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}


def build(kind: str, out: Path) -> Path:
    """Build with what is installed here, so that nothing has to be fetched for it."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.iterdir()
    return built


def sources(folder: str) -> dict[str, bytes]:
    """Read what a folder of the repository holds."""
    files = (p for p in sorted((ROOT / folder).rglob("*")) if p.is_file() and "__pycache__" not in p.parts)
    return {p.relative_to(ROOT).as_posix(): p.read_bytes() for p in files}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel with its dependencies, and give the folder of its commands."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(home, with_pip=True)
    command = [str(home / "bin/python"), "-m", "pip", "install", "--quiet", str(wheel)]
    done = subprocess.run(command, env=CLEAN, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    return home / "bin"


def fixer(installed: Path, cwd: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [installed / "fixer", *arguments],
        cwd=cwd,
        env=CLEAN,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_wheel_holds_the_package_and_the_templates_only(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {n for n in archive.namelist() if ".dist-info/" not in n}
        licence = [n for n in archive.namelist() if n.endswith("/licenses/LICENSE")]
        templates = {name: archive.read(f"fixer/{name}") for name in sources("templates")}
        (manual,) = [n for n in names if n.endswith(".data/data/share/man/man1/fixer.1")]
        assert archive.read(manual) == (ROOT / "templates/man/fixer.1").read_bytes()
    assert licence
    assert templates
    assert templates == sources("templates")
    assert names == {manual, *sources("fixer"), *(f"fixer/{name}" for name in templates)}


def test_the_sdist_can_be_tested(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("examples", "fixer", "man", "templates", "tests"):
        assert sources(folder).keys() <= names, folder
    assert {"LICENSE", "README.md", "CHANGELOG.md", "Dockerfile", ".dockerignore", "pyproject.toml"} <= names


def test_it_tells_its_version(installed: Path, wheel: Path, tmp_path: Path) -> None:
    done = fixer(installed, tmp_path, "--version")
    assert done.returncode == 0, done.stderr
    assert wheel.name.split("-")[1] in done.stdout


def test_it_explains_its_rules(installed: Path, tmp_path: Path) -> None:
    done = fixer(installed, tmp_path, "explain", "root-user")
    assert done.returncode == 0, done.stderr
    assert "root-user" in done.stdout


def test_it_shows_a_diff_and_changes_nothing(installed: Path, tmp_path: Path) -> None:
    dockerfile = tmp_path / "elsewhere" / "Dockerfile"
    dockerfile.parent.mkdir()
    dockerfile.write_bytes(b'FROM debian:bookworm-slim\nCMD ["sleep", "1"]\n')
    before = dockerfile.read_bytes()
    done = fixer(installed, tmp_path, "fix", dockerfile, "--diff")
    assert done.returncode in {0, 1}, done.stderr
    assert "\n+USER " in done.stdout, done.stdout + done.stderr
    assert dockerfile.read_bytes() == before


def test_its_templates_are_found(installed: Path, tmp_path: Path) -> None:
    """The package's own reader is asked, far from the repository."""
    names = [name.removeprefix("templates/") for name in sources("templates")]
    code = (
        "import sys, fixer.templates\n"
        "print(fixer.templates.folder())\n"
        "for name in sys.argv[1:]: fixer.templates.read_template(name)\n"
    )
    command = [str(installed / "python"), "-c", code, *names]
    done = subprocess.run(command, cwd=tmp_path, env=CLEAN, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(installed.parent)
