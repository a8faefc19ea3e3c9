"""A bench on the real engine, and a short way to try an image before and after."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fixer.evidence import Job, Recipe, Trial
from fixer.verify.engine import Bench, Options, open_bench
from tests.conftest import absent

if TYPE_CHECKING:
    from tests.conftest import Engine

QUICK = Options(timeout=30, settle=0.5, trace=False)
# They take minutes.
collect_ignore = [] if os.environ.get("FIXER_ALL") else ["test_podman_more.py"]
Try = Callable[..., Trial]


@pytest.fixture(scope="session")
def bench(engine: Engine) -> Iterator[Bench]:
    """A bench on the engine of the rig."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", engine.environment["DOCKER_HOST"])
        found = open_bench("docker", lambda _: None)
        try:
            yield found
        finally:
            found.close()


@pytest.fixture
def strace() -> None:
    """strace, which is taken into containers from this machine."""
    if shutil.which("strace") is None:
        absent("ENGINE", "strace is not installed")


@pytest.fixture
def attempt(bench: Bench, tmp_path: Path) -> Try:
    """Try a Dockerfile that becomes another one, with some files beside it."""

    def run(
        old: str,
        new: str,
        files: Mapping[str, str] = {},
        recipe: Recipe = Recipe(),  # noqa: B008 - a constant
        after: Recipe | None = None,
        options: Options = QUICK,
        **more: Any,
    ) -> Trial:
        for name, text in {"Dockerfile": old, **files}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
            (tmp_path / name).chmod(0o755)
        job = Job(
            "app",
            "Dockerfile",
            overlay={"Dockerfile": new.encode()},
            before=(recipe,),
            after=(after or recipe,),
            **more,
        )
        return bench.try_out(job, tmp_path, options)

    return run


@pytest.fixture
def address(podman: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let all that asks for an engine find Podman."""
    monkeypatch.setenv("DOCKER_HOST", podman)
    return podman


@pytest.fixture
def on_podman(address: str, tmp_path: Path) -> Iterator[Try]:
    """Try a Dockerfile that becomes another one."""
    with closing(open_bench("podman", lambda _: None)) as bench:

        def run(old: str, new: str, recipe: Recipe = Recipe(), after: Recipe | None = None, **more: Any) -> Trial:  # noqa: B008 - a constant
            (tmp_path / "Dockerfile").write_text(old)
            overlay = {"Dockerfile": new.encode()}
            job = Job("app", "Dockerfile", overlay=overlay, before=(recipe,), after=(after or recipe,))
            return bench.try_out(job, tmp_path, QUICK._replace(**more))

        yield run
