"""Independent scanners on the fixed files of the corpus: what is called fixed must pass their root checks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fixer.discover import is_manifest
from fixer.model import Status
from tests.corpus.conftest import Run, judged
from tests.rigs import judge

MOVES = {"DF001", "DF002"}


def test_fixed_files_pass(judges: Callable[..., judge.Verdict], whole_run: Run, tmp_path: Path) -> None:
    """All files of which every image was moved off root; `-rP` shows what was judged, FIXER_JUDGED=FILE lists failures.

    The files must have failed before, so that the test cannot pass for want of files.
    """
    result = whole_run.first
    left = {f.path for f in result.findings if f.rule in MOVES and f.status is not Status.FIXED}
    moved = {f.path for f in result.findings if f.rule in MOVES and f.status is Status.FIXED} - left
    changes = [c for c in result.changes if c.path in moved and not is_manifest(c.path)]
    found = judged(judges, changes, "Dockerfile", tmp_path)
    before, after = found.before, found.after
    print(f"failed before: {len(before.files)} of {found.asked_before}, after: {len(after.files)} of {len(changes)}")  # noqa: T201
    for tool in sorted(before.all):
        old, new = (sum(tool in tools for tools in v.files.values()) for v in (before, after))
        print(f"  {tool}: {old} before, {new} after")  # noqa: T201
    assert after.read == len(changes) > 500
    assert len(before.files) > found.asked_before / 2
    failed = {found.names[path]: tools for path, tools in after.files.items()}
    if told := os.environ.get("FIXER_JUDGED"):
        Path(told).write_text("".join(f"{path}: {tools}\n" for path, tools in sorted(failed.items())))
    assert not failed
