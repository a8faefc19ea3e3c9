"""The rigs themselves: an engine that builds and runs, scanners that come to a verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.rigs import judge

if TYPE_CHECKING:
    from tests.conftest import Engine

ROOTED = 'FROM alpine:3.20\nCMD ["id", "-u"]\n'
IMAGES = {
    "alpine:3.20": "0",
    "busybox": "0",
    "debian:bookworm-slim": "0",
    "gcc:13": "0",
    "nginx:1.25": "0",
    "nginx:1.27": "0",
    "node:20-slim": "0",
    "node:22-slim": "0",
    "python:3.12-slim": "0",
}


@pytest.mark.parametrize("image", IMAGES)
def test_a_base_image_runs(engine: Engine, image: str) -> None:
    done = engine.docker("run", "--rm", "--network=none", image, "id", "-u")
    assert done.stdout.strip() == IMAGES[image], done.stderr


def test_an_image_without_a_shell_is_there(engine: Engine) -> None:
    for tag, user in (("latest", ""), ("nonroot", "65532")):
        image = f"gcr.io/distroless/static:{tag}"
        assert engine.docker("image", "inspect", "-f", "{{.Config.User}}", image).stdout.strip() == user


def test_an_image_is_built_by_buildkit(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM alpine:3.20\nRUN --mount=type=tmpfs,target=/scratch touch /scratch/a\nUSER 10001:10001\n"
    )
    built = engine.docker("build", "-q", "--network=none", tmp_path)
    assert built.returncode == 0, built.stderr
    done = engine.docker("run", "--rm", "--network=none", built.stdout.strip(), "id", "-u")
    assert done.stdout.strip() == "10001"


def test_the_judges_tell_root_from_nonroot(judges: Callable[..., judge.Verdict], tmp_path: Path) -> None:
    for name, text in {"root": ROOTED, "nonroot": ROOTED.replace("CMD", "USER 10001:10001\nCMD")}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text(text)
    verdict = judges(tmp_path)
    assert verdict.read == 2
    assert verdict.files == {
        (tmp_path / "root/Dockerfile").resolve(): {"checkov": ["CKV_DOCKER_3"], "trivy": ["DS-0002"]}
    }
