"""The copy of the context: what the engine's own client sends, and nothing from outside."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer.verify.context import Ignore, Unpacked, dockerfile_text, pack
from tests.conftest import Engine

DOCKERFILE = ("Dockerfile", b"FROM scratch\n")


def packed(
    root: Path, folder: str = "", overlay: Mapping[str, bytes] = {}, most: int = 1 << 20, dockerfile: str = "Dockerfile"
) -> tuple[str, dict[str, tarfile.TarInfo], dict[str, bytes]]:
    out = io.BytesIO()
    found = pack(root, folder, (dockerfile, b"FROM scratch\n"), overlay, out, most)
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        members = {entry.name: entry for entry in tar}
        files = {name: tar.extractfile(entry).read() for name, entry in members.items() if entry.isreg()}  # type: ignore[union-attr]
    return found.dockerfile, members, files


def test_modes_links_and_owners(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("x")
    (tmp_path / "run.sh").chmod(0o750)
    (tmp_path / "out").symlink_to("/etc/passwd")
    (tmp_path / "folder").mkdir()
    (tmp_path / "away").symlink_to("/etc")
    os.mkfifo(tmp_path / "pipe")
    name, members, files = packed(tmp_path)
    assert name == "Dockerfile"
    assert sorted(members) == ["Dockerfile", "away", "folder", "out", "run.sh"]
    assert members["run.sh"].mode == 0o750
    assert (members["run.sh"].uid, members["run.sh"].gid) == (0, 0)
    assert (members["out"].issym(), members["out"].linkname) == (True, "/etc/passwd")
    assert members["away"].issym()
    assert files == {"Dockerfile": b"FROM scratch\n", "run.sh": b"x"}


def test_files_of_the_fix_take_the_place_of_others(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app/conf").write_text("old")
    (tmp_path / "app/conf").chmod(0o700)
    (tmp_path / "beside").write_text("x")
    overlay = {"app/conf": b"new", "app/more": b"more", "beside": b"other"}
    _, members, files = packed(tmp_path, "app", overlay, dockerfile="app/Dockerfile")
    assert files == {"Dockerfile": b"FROM scratch\n", "conf": b"new", "more": b"more"}
    assert members["conf"].mode == 0o700
    assert (tmp_path / "app/conf").read_text() == "old"


def test_a_dockerfile_elsewhere_or_ignored_comes_along(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    name, _, files = packed(tmp_path, "src", dockerfile="docker/Dockerfile")
    assert files == {name: b"FROM scratch\n"}
    (tmp_path / ".dockerignore").write_text("Dockerfile\n")
    name, _, files = packed(tmp_path)
    assert name != "Dockerfile"
    assert files[name] == b"FROM scratch\n"


def test_the_rules_of_its_own_dockerfile_come_first(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    (tmp_path / ".dockerignore").write_text("a\n")
    (tmp_path / "Dockerfile.dockerignore").write_text("b\n")
    assert sorted(packed(tmp_path)[1]) == [".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "a"]


def test_what_is_too_large_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 3000)
    with pytest.raises(Unpacked, match=r"\.dockerignore"):
        packed(tmp_path, most=2000)


@pytest.mark.parametrize("folder", ["../elsewhere", "link", "nosuch", "file"])
def test_a_folder_that_is_none_of_the_tree(tmp_path: Path, folder: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    (root / "file").touch()
    with pytest.raises(Unpacked):
        packed(root, folder)


def test_a_dockerfile_that_is_a_link_out_is_not_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("secret")
    (root / "Dockerfile").symlink_to(tmp_path / "secret")
    with pytest.raises(Unpacked):
        dockerfile_text(root, "Dockerfile", {})


FILES = [
    "a.txt",
    "b.md",
    "README.md",
    "src/a.txt",
    "src/deep/a.txt",
    "src/deep/b.md",
    "node_modules/x/i.js",
    ".git/HEAD",
    "x-y",
]
RULES = [
    "*.md\n!README.md",
    "**/*.md",
    "src\n!src/deep/a.txt",
    "*\n!src",
    "**\n!src/deep",
    "*/deep",
    "/src/deep/",
    "node_modules\n.git",
    "# a.txt\n\n  a.txt  ",
    "src/*/a.txt",
    "**/a.txt\n!a.txt",
    "?.txt",
    "[ab].*",
    "[^a].md",
    "src/**",
    "./a.txt",
    "src/../b.md",
    "x\\-y",
    "**/deep/**",
]


@pytest.mark.parametrize("rules", RULES)
def test_the_engine_agrees_about_what_is_ignored(tmp_path: Path, engine: Engine, rules: str) -> None:
    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(file)
    (tmp_path / ".dockerignore").write_text(rules)
    out = tmp_path.parent / f"{tmp_path.name}-out"
    done = engine.docker(
        "build",
        "-q",
        "--network=none",
        f"--output=type=local,dest={out}",
        "-f-",
        tmp_path,
        stdin=b"FROM scratch\nCOPY . /\n",
    )
    assert done.returncode == 0, done.stderr
    theirs = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    _, members, _ = packed(tmp_path, dockerfile="elsewhere/Dockerfile")
    ours = {name for name, entry in members.items() if entry.isreg()} - {".fixer.Dockerfile", "elsewhere/Dockerfile"}
    assert ours == theirs


@given(st.text(alphabet="ab*?[]!/\\.#- \n", max_size=30), st.text(alphabet="ab/.", min_size=1, max_size=10))
def test_no_rule_breaks_it(text: str, path: str) -> None:
    with contextlib.suppress(Unpacked):
        assert Ignore(f"{text}\n**").ignores(path)
