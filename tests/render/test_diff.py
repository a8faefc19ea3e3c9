"""Diffs, as git reads them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixer.model import FileChange
from fixer.render import diff as module
from fixer.render.diff import diff


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("Dockerfile", b"a/Dockerfile\n"),
        ("a b/Dockerfile", b"a/a b/Dockerfile\t\n"),
        ("a\nb", b'"a/a\\012b"\n'),
        ("\x1b[1m", b'"a/\\033[1m"\n'),
        ("\x9b1m", b'"a/\\302\\2331m"\n'),
        ('a"\\b', b'"a/a\\"\\\\b"\n'),
        ("ä", "a/ä\n".encode()),
        ("/srv/Dockerfile", b"a/srv/Dockerfile\n"),
    ],
)
def test_names(path: str, name: bytes) -> None:
    assert diff(FileChange(path, b"a\n", b"b\n")).startswith(b"--- " + name)


def test_a_diff() -> None:
    before = b"".join(b"%d\n" % n for n in range(20))
    after = before.replace(b"10\n", b"10\nnew\n")
    expected = b"--- a/x\n+++ b/x\n@@ -9,6 +9,7 @@\n 8\n 9\n 10\n+new\n 11\n 12\n 13\n"
    assert diff(FileChange("x", before, after)) == expected


LINES = st.lists(
    st.sampled_from([b"a", b"b", b"c", b"a\r", b"", b"\xff", b"-x", b"+y", b"@@ -1 +1 @@", b"\\ No newline"]),
    max_size=30,
)


@settings(max_examples=120, deadline=None)
@given(LINES, LINES, st.booleans(), st.booleans(), st.booleans())
def test_git_applies_any_diff(
    tmp_path_factory: pytest.TempPathFactory, one: list[bytes], two: list[bytes], x: bool, y: bool, long: bool
) -> None:
    before, after = (b"\n".join(lines) + (b"\n" if end else b"") for lines, end in ((one, x), (two, y)))
    if before == after or not before or not after:
        return
    folder: Path = tmp_path_factory.mktemp("git")
    (folder / "f").write_bytes(before)
    with mock.patch.object(module, "_LONG", 0 if long else 3000):
        patch = diff(FileChange("f", before, after))
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn"], cwd=folder, input=patch, capture_output=True, check=False
    )
    assert done.returncode == 0, (done.stderr, patch)
    assert (folder / "f").read_bytes() == after


def test_a_long_file_of_like_objects_has_small_hunks() -> None:
    thing = b"---\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: b\n"
    before = thing * 3000
    after = thing.replace(b"spec:\n", b"spec:\n  x:\n    y: z\n") * 3000
    lines = diff(FileChange("x", before, after)).split(b"\n")
    assert sum(line.startswith(b"+") for line in lines) == 2 * 3000 + 1
    assert sum(line.startswith(b"-") for line in lines) == 1
