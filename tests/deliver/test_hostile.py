"""Repositories that mean harm: each way is tried, and where one guard stands against it, also without that guard."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from fixer import console
from fixer.deliver import exporting, gitstore
from fixer.deliver.branches import Step, deliver
from fixer.deliver.exporting import exported
from fixer.deliver.gitstore import Person, opened
from fixer.deliver.write import write
from fixer.errors import FixerError
from fixer.model import FileChange, Skipped
from tests.deliver.repos import BAD, ROOT, fixer, git, made, state, trapped

WHO = Person("A", "a@b.c")
MB = 1024 * 1024


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return made(tmp_path / "repo", {"Dockerfile": BAD})


def blob(repo: Path, data: bytes) -> str:
    return git(repo, "hash-object", "-w", "--stdin", stdin=data)


def tree(repo: Path, *rows: tuple[str, bytes, str]) -> str:
    """A tree of rows that git itself would never make."""
    data = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in rows)
    return git(repo, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=data)


def committed(repo: Path, top: str, branch: str = "odd") -> str:
    """Let a branch stand for a commit of a tree."""
    text = f"tree {top}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\nOdd\n".encode()
    oid = git(repo, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=text)
    git(repo, "update-ref", f"refs/heads/{branch}", oid)
    return oid


# --- names ----------------------------------------------------------------------------------------

OUT = [b"..", b".", b"", b".git", b".GIT", b"../../outside", b"/tmp/fixer-outside", b"a/../../../outside"]


@pytest.mark.parametrize("name", OUT, ids=ascii)
def test_a_name_that_leads_out_is_not_written_and_told(repo: Path, tmp_path: Path, name: bytes) -> None:
    bad = blob(repo, BAD)
    inner = tree(repo, ("100644", b"Dockerfile", bad), ("100644", b"config", bad))
    top = tree(repo, ("40000", name, inner), ("100644", b"Dockerfile", bad), ("100644", name, bad))
    committed(repo, top)
    before = state(tmp_path, "repo/.git/refs/heads/nonroot", "repo/.git/logs", "repo/.git/objects")
    done = fixer(repo, "check", "--rev", "odd")
    assert "odd-name" in done.stdout + done.stderr
    assert "Dockerfile" in done.stdout
    done = fixer(repo, "fix", "--branch", "nonroot/x", "--base", "odd")
    assert "created" in done.stderr, done.stderr
    assert not Path("/tmp/fixer-outside").exists()
    assert state(tmp_path, "repo/.git/refs/heads/nonroot", "repo/.git/logs", "repo/.git/objects") == before


def test_without_the_look_at_names_a_file_lands_outside(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"fixer-test-{os.getpid()}"
    top = tree(repo, ("100644", f"../{name}".encode(), blob(repo, BAD)))
    monkeypatch.setattr(exporting, "_is_path", lambda path: True)
    with opened(repo) as store, exported(store, top) as found:
        landed = found.folder.parent / name
        assert landed.exists()
        landed.unlink()


ODD = [
    b"a\nb",
    b"\x1b[31mred",
    b"-rf",
    b"--help",
    b"caf\xe9",
    b"\x07",
    b" ",
    b"a\tb",
    b"\xff\xfe",
    b"x" * 300,
    b"\xff" * 300,
    b"a\\b",
]


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_odd_names_are_files_like_others(repo: Path, name: bytes) -> None:
    bad = blob(repo, BAD)
    committed(repo, tree(repo, ("40000", name, tree(repo, ("100644", b"Dockerfile", bad)))))
    done = fixer(repo, "fix", "--branch", "nonroot/x", "--base", "odd")
    said = done.stdout + done.stderr
    assert not any(ord(sign) < 32 and sign != "\n" for sign in said), said
    assert not re.search(r"^b/", said, re.MULTILINE), "a name is told in one line"
    if len(name) > 255:
        assert "odd-name" in said
        return
    assert "created" in done.stderr, done.stderr
    raw = subprocess.run(
        ["git", "ls-tree", "-r", "-z", "--name-only", "nonroot/x"], cwd=repo, capture_output=True, check=True
    )
    assert raw.stdout == name + b"/Dockerfile\0"
    assert git(repo, "rev-parse", "nonroot/x^{tree}") != git(repo, "rev-parse", "odd^{tree}")
    text = git(repo, "log", "-1", "--format=%B", "nonroot/x")
    assert not any(ord(sign) < 32 and sign != "\n" for sign in text), text
    assert not re.search(r"^b/", text, re.MULTILINE), "a name is told in one line"


@pytest.mark.parametrize("folding", [False, True])
def test_names_that_differ_by_case_are_two_files(repo: Path, monkeypatch: pytest.MonkeyPatch, folding: bool) -> None:
    first, second = blob(repo, BAD), blob(repo, BAD + b"# second\n")
    rows = [("40000", b"A", tree(repo, ("100644", b"Dockerfile", first)))]
    rows += [("40000", b"a", tree(repo, ("100644", b"Dockerfile", second)))]
    committed(repo, tree(repo, *rows))
    if folding:
        _fold_case(monkeypatch)
    with opened(repo) as store, exported(store, git(repo, "rev-parse", "odd^{tree}")) as found:
        there = sorted(file.read_bytes() for file in found.folder.rglob("Dockerfile"))
        assert there == ([BAD] if folding else [BAD, BAD + b"# second\n"])
        assert [one.reason for one in found.skipped] == (["name-collision"] if folding else [])
    monkeypatch.undo()
    fixer(repo, "fix", "--branch", "nonroot/x", "--base", "odd")
    assert git(repo, "diff", "--name-only", "odd", "nonroot/x").split() == ["A/Dockerfile", "a/Dockerfile"]


def _fold_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files be laid as on a file system where case does not count."""
    tried = exporting._tried

    def folded(store: gitstore.GitStore, entry: gitstore.Entry, folder: Path) -> Iterator[Skipped]:
        return tried(store, entry._replace(path=entry.path.replace(b"A/", b"a/")), folder)

    monkeypatch.setattr(exporting, "_tried", folded)


# --- links ----------------------------------------------------------------------------------------


def test_nothing_is_written_through_a_link_of_the_same_name(repo: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    bad = blob(repo, BAD)
    link = blob(repo, str(outside).encode())
    inner = tree(repo, ("100644", b"Dockerfile", bad))
    top = tree(repo, ("120000", b"a", link), ("40000", b"a", inner), ("120000", b"Dockerfile", link))
    with opened(repo) as store, exported(store, top) as found:
        assert [one.reason for one in found.skipped] == ["name-collision"]
    assert not any(outside.iterdir())


@pytest.mark.parametrize("commit", [False, True])
def test_what_a_link_leads_out_to_is_neither_read_nor_written(tmp_path: Path, commit: bool) -> None:
    secret = tmp_path / "outside"
    (secret / "k8s").mkdir(parents=True)
    (secret / "Dockerfile").write_bytes(BAD + b"RUN echo a-secret\n")
    repo = tmp_path / "repo"
    (repo / "a").mkdir(parents=True)
    (repo / "a/Dockerfile").symlink_to(secret / "Dockerfile")
    (repo / "b").symlink_to(secret)
    (repo / "compose.yaml").symlink_to(secret / "Dockerfile")
    (repo / ".gitignore").symlink_to(secret / "Dockerfile")
    made(repo, {"c/Dockerfile": BAD})
    words = ("--rev", "HEAD") if commit else ("--write",)
    before = state(secret)
    done = fixer(repo, "fix", *words)
    assert "a-secret" not in done.stdout + done.stderr
    assert state(secret) == before
    assert (repo / "a/Dockerfile").is_symlink()
    assert "c/Dockerfile" in done.stdout + git(repo, "status", "--porcelain")


def test_a_file_that_became_a_link_is_not_written(tmp_path: Path) -> None:
    file, other = tmp_path / "Dockerfile", tmp_path / "other"
    other.write_bytes(BAD)
    file.symlink_to(other)
    with pytest.raises(FixerError, match="changed while it was being fixed"):
        write(file, FileChange("Dockerfile", BAD, b"FROM scratch\n"))
    assert file.is_symlink()
    assert other.read_bytes() == BAD


# --- submodules, objects from elsewhere -----------------------------------------------------------


def test_submodules_stay_and_nothing_of_them_is_fetched(repo: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    modules = f'[submodule "m"]\n\tpath = m\n\turl = ext::touch {mark}\n\tupdate = !touch {mark}\n'.encode()
    rows = (
        ("100644", b".gitmodules", blob(repo, modules)),
        ("100644", b"Dockerfile", blob(repo, BAD)),
        ("160000", b"m", "1" * 40),
    )
    committed(repo, tree(repo, *rows))
    git(repo, "config", "protocol.ext.allow", "always")
    git(repo, "config", "submodule.recurse", "true")
    done = fixer(repo, "fix", "--branch", "nonroot/x", "--base", "odd")
    assert "created" in done.stderr
    assert "missing-object" not in done.stderr, "nobody asks for what a submodule is"
    assert git(repo, "ls-tree", "nonroot/x", "m").split()[:3] == ["160000", "commit", "1" * 40]
    assert not mark.exists()


def _promising(repo: Path, mark: Path) -> str:
    """A commit of which a file would have to be fetched, by a command."""
    git(repo, "config", "protocol.ext.allow", "always")
    git(repo, "config", "remote.origin.url", f"ext::touch {mark}")
    git(repo, "config", "remote.origin.promisor", "true")
    git(repo, "config", "extensions.partialClone", "origin")
    git(repo, "config", "core.repositoryFormatVersion", "1")
    return tree(repo, ("100644", b"Dockerfile", blob(repo, BAD)), ("100644", b"z", "2" * 40))


def test_a_missing_object_is_not_fetched_and_told(repo: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    committed(repo, _promising(repo, mark))
    done = fixer(repo, "fix", "--branch", "nonroot/x", "--base", "odd")
    assert "missing-object" in done.stderr
    assert "created" in done.stderr
    assert not mark.exists()


def test_without_its_settings_git_would_run_a_command_for_it(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"
    top = _promising(repo, mark)
    for name in ("GIT_NO_LAZY_FETCH", "GIT_ALLOW_PROTOCOL"):
        monkeypatch.delitem(gitstore._ENVIRONMENT, name)
    with opened(repo) as store, exported(store, top) as found:
        assert [one.reason for one in found.skipped] == ["missing-object"]
    assert mark.exists()


# --- hooks, filters, monitors ---------------------------------------------------------------------


@pytest.mark.parametrize("guarded", [True, False])
def test_hooks_and_monitors_do_not_run(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    trapped(repo, tmp_path / "mark")
    if not guarded:
        monkeypatch.setattr(gitstore, "_OPTIONS", ("safe.directory=*",))
    with opened(repo) as store:
        base = store.commit("main")
        deliver(store, "x", base, [Step("Change", {b"Dockerfile": b"FROM scratch\n"})], WHO, False)
        store.modified()
    assert (tmp_path / "mark").exists() is not guarded


@pytest.mark.parametrize("guarded", [True, False])
def test_filters_do_not_run(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: bool) -> None:
    trapped(repo, tmp_path / "mark")
    if not guarded:
        monkeypatch.setattr(gitstore.GitStore, "_without_filters", lambda store: {})
    os.utime(repo / "Dockerfile", (1, 1))
    with opened(repo) as store:
        store.modified()
    assert (tmp_path / "mark").exists() is not guarded


# --- trees and commits that are damaged or have no end --------------------------------------------


def test_a_tree_without_end_is_told(repo: Path) -> None:
    inner = tree(repo, ("100644", b"Dockerfile", blob(repo, BAD)))
    for _ in range(600):
        inner = tree(repo, ("40000", b"d", inner))
    committed(repo, inner)
    done = fixer(repo, "check", "--rev", "odd")
    assert (done.returncode, "too deep" in done.stderr) == (2, True)


def test_a_tree_that_names_itself_a_billion_times_is_told(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tree(repo, ("100644", b"Dockerfile", blob(repo, BAD)))
    for _ in range(30):
        inner = tree(repo, ("40000", b"a", inner), ("40000", b"b", inner))
    monkeypatch.setattr(gitstore, "_MOST_ENTRIES", 20_000)
    with opened(repo) as store, pytest.raises(FixerError, match="more than 20,000 entries"):
        list(store.files(inner))


@pytest.mark.parametrize("data", [b"100644", b"100644 a", b"zz a\0" + b"1" * 20, b"100644 a\0123", b" \0"])
def test_a_damaged_tree_is_told(repo: Path, data: bytes) -> None:
    oid = git(repo, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=data)
    committed(repo, oid)
    done = fixer(repo, "check", "--rev", "odd")
    assert done.returncode in (2, 3), done.stderr
    assert "damaged" in done.stderr or "missing-object" in done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["tree", "blob"])
def test_a_commit_without_its_tree_is_told(repo: Path, kind: str) -> None:
    oids = {"tree": "3" * 40, "blob": blob(repo, BAD)}
    committed(repo, oids[kind])
    done = fixer(repo, "check", "--rev", "odd")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_commit_in_an_encoding_that_nobody_knows_is_read(repo: Path) -> None:
    top = git(repo, "rev-parse", "main^{tree}")
    text = f"tree {top}\nauthor A\ncommitter <\nencoding no-such\n\n".encode() + b"\xff\n"
    oid = git(repo, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=text)
    with opened(repo) as store:
        found = store.commit(oid)
    assert (found.tree, found.date, found.parents) == (top, (0, "+0000"), ())


# --- files: large, deep, and those that blow up ---------------------------------------------------

LIMITED = (
    "import resource, runpy; resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30));"
    "runpy.run_module('fixer', run_name='__main__')"
)
BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in range(ord("b"), ord("k"))
)
POD = b"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - name: c\n      image: x\n"
HARMFUL = {
    "Dockerfile.large": b"FROM debian:12\n" + b"RUN true\n" * (100 * MB // 9),
    "bomb.yaml": POD + b"---\n" + BOMB + POD,
    "deep.yaml": POD + b"  x: " + b"{a: " * 960 + b"}" * 960,
    "deeper.yaml": POD + b"  x: " + b"[" * 3_000 + b"]" * 3_000,
    "steps.yaml": POD + b"  x:\n" + b"".join(b"   " + b" " * n + b"a:\n" for n in range(1_500)),
    "deep.json": b'{"kind":"Pod","spec":{"containers":[{"image":"x"}],"x":' + b'{"a":' * 3_000 + b"1" + b"}" * 3_002,
    "open.yaml": POD + b"  x: " + b"[" * 50_000,
    "compose.yaml": b"services:\n" + BOMB.replace(b"\n", b"\n  "),
    "package.json": b"[" * 100_000 + b"]" * 100_000,
    "docker-bake.json": b'{"target":' * 50_000 + b"1" + b"}" * 50_000,
    "skaffold.yaml": b"build: " + b"{a: " * 3_000 + b"1" + b"}" * 3_000,
    "nul/Dockerfile": b"FROM debian:12\n\0\0\0USER root\n",
    "latin/Dockerfile": b"FROM debian:12\nLABEL a=\xe9\xff\n",
    "line/Dockerfile": b"FROM debian:12\nRUN " + b"a && " * 100_000 + b"true\n",
    "shell/Dockerfile": b"FROM debian:12\nRUN " + b"$(" * 3_000 + b"useradd x" + b")" * 3_000 + b"\n",
    "braces/Dockerfile": b"FROM debian:12\nRUN " + b"{ " * 3_000 + b"useradd x;" + b" };" * 3_000 + b"\n",
    "open/Dockerfile": b"FROM debian:12\nRUN " + b"$(" * 20_000 + b"\n",
    "words/Dockerfile": b"FROM debian:12\nCMD " + b"[" * 5_000 + b"]" * 5_000 + b"\n",
    "vars/Dockerfile": b"ARG a=" + b"${a:-" * 5_000 + b"\nFROM $a\n",
    "next/Dockerfile": b"FROM debian:12\nRUN " + b"\\\n" * 100_000,
}


@pytest.mark.parametrize("name", HARMFUL)
def test_a_file_that_blows_up_is_told_and_the_others_are_fixed(tmp_path: Path, name: str) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "good").mkdir()
    (tmp_path / "good/Dockerfile").write_bytes(BAD)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(HARMFUL[name])
    for words in (("check",), ("fix", "--write", "--allow-dirty")):
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            timeout=300,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr[-3000:]
        assert b"Traceback" not in done.stderr
    assert (tmp_path / "good/Dockerfile").read_bytes() != BAD


def test_a_large_file_of_a_commit_is_only_a_hole(repo: Path) -> None:
    large = blob(repo, b"FROM debian:12\n" + b"#" * (100 * MB))
    committed(repo, tree(repo, ("100644", b"Dockerfile", large), ("100644", b"a.Dockerfile", blob(repo, BAD))))
    with opened(repo) as store, exported(store, git(repo, "rev-parse", "odd^{tree}")) as found:
        info = (found.folder / "Dockerfile").stat()
        assert info.st_size > 100 * MB > info.st_blocks * 512 * 10
    done = fixer(repo, "fix", "--branch", "nonroot/x", "--base", "odd")
    assert "1 skipped: 1 too-large" in done.stderr
    assert git(repo, "diff", "--name-only", "odd", "nonroot/x") == "a.Dockerfile"


# --- what reaches the terminal, and the words of commits ------------------------------------------

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


def test_no_escape_of_a_file_reaches_the_terminal_or_a_commit(tmp_path: Path) -> None:
    text = f'FROM debian:12\nLABEL a="{EVIL}"\nWORKDIR /app{EVIL}\nUSER {EVIL}\nCMD ["./run{EVIL}"]\n'
    compose = (
        f'services:\n  "web{EVIL}":\n    image: "redis:7"\n'.replace("\x1b", "\\e")
        .replace("\x07", "\\a")
        .replace("\x9b", "\\x9b")
    )
    repo = made(
        tmp_path / "repo", {"Dockerfile": text.encode(), "compose.yaml": compose.encode(), f"a{EVIL}/Dockerfile": BAD}
    )
    for words in (("check",), ("fix", "--branch", "x"), ("check", "--rev", "x"), ("fix", "--rev", "main~0")):
        done = fixer(repo, *words)
        seen = done.stderr if words[0] == "fix" else done.stdout + done.stderr  # a diff has the bytes of the file
        assert not set("\x1b\x07\x9b") & set(seen), (words, seen)
    said = git(repo, "log", "--format=%B", "main..x")
    assert said
    assert not set("\x1b\x07\x9b") & set(said)


def test_no_escape_of_a_file_reaches_a_terminal_with_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    console.show([[(f"a{EVIL}\nb", "bold red")]], stream)
    shown = stream.getvalue()
    assert "\x1b[" in shown, "this is no terminal with colours"
    assert not re.search("\x1b\\]|\x1b\\[2J|\x9b|\x07|\n.", shown), ascii(shown)


def test_mentions_and_issues_of_a_file_do_nothing_in_a_commit(tmp_path: Path) -> None:
    repo = made(tmp_path / "repo", {"@all/Dockerfile": BAD, "b #1/Dockerfile": BAD, "fixes #2/Dockerfile": BAD})
    assert "created" in fixer(repo, "fix", "--branch", "x").stderr
    said = git(repo, "log", "--format=%B", "main..x")
    assert "@all" not in said
    assert "#1" not in said
    assert "#2" not in said


@pytest.mark.parametrize(
    "address", ["ext::sh -c 'touch mark'", "--upload-pack=touch mark", "-c", "file:///etc", "https://x/y"]
)
def test_an_address_is_no_path_and_nothing_comes_of_it(repo: Path, address: str) -> None:
    for words in (
        ("check", "--rev", "HEAD", "--", address),
        ("check", "--rev", address),
        ("fix", "--branch", "x", "--base", address),
    ):
        done = fixer(repo, *words)
        assert done.returncode == 2, done.stdout
    assert not (repo / "mark").exists()
