"""Agreement with Kubernetes on the fixtures by which it tests its own admission."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixer.pod_security import evaluate
from fixer.syntax.yaml import values

# At the restricted level a stricter control of another name may take the place of the one in the file's name.
STRICTER = {
    "capabilities_baseline": "capabilities_restricted",
    "hostpathvolumes": "restrictedvolumes",
    "seccompprofile_baseline": "seccompprofile_restricted",
}


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    folder = shared / "conformance" / "pod-security"
    if not folder.is_dir():
        pytest.skip("no ../shared/conformance/pod-security")
    return folder


def pods(folder: Path) -> Iterator[tuple[Any, str, str, str, str]]:
    files = sorted(folder.glob("*/v1.*/*/*.yaml"))
    assert len(files) > 700
    for file in files:
        (pod,) = values(file.read_text(encoding="utf-8"))
        level, version, verdict, name = file.relative_to(folder).parts
        yield pod, level, version, verdict, name.removesuffix(".yaml").rstrip("0123456789")


def test_every_fixture_is_judged_as_kubernetes_judges_it(fixtures: Path) -> None:
    wrong = [
        (level, version, verdict, name)
        for pod, level, version, verdict, name in pods(fixtures)
        if bool(evaluate(pod, level, version)) != (verdict == "fail")
    ]
    assert not wrong


def test_what_must_fail_fails_by_the_control_that_it_is_made_for(fixtures: Path) -> None:
    wrong = []
    for pod, level, version, verdict, name in pods(fixtures):
        controls = {found.control.lower() for found in evaluate(pod, level, version)}
        if verdict == "fail" and not controls & {name, STRICTER.get(name, name)}:
            wrong.append((level, version, name, controls))
    assert not wrong
