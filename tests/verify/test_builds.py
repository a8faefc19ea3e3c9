"""What becomes of builds: which step fails, and why, told apart from what is only not to be had here."""

from __future__ import annotations

import time
from pathlib import Path

from fixer.evidence import Job
from fixer.verify.engine import Bench
from tests.conftest import Engine
from tests.verify.conftest import QUICK, Try

GOOD = "FROM alpine:3.20\nCMD true\n"


def test_a_step_that_fails_as_before(attempt: Try) -> None:
    trial = attempt("FROM alpine:3.20\nRUN echo one; echo 'E: bad thing' >&2; echo more; false\n", GOOD)
    assert trial.built_before.error == "E: bad thing"
    assert "RUN echo one" in trial.built_before.step
    assert (trial.built_after.error, trial.built_after.image_id, trial.before, trial.after) == ("", "", (), ())


def test_a_step_that_the_fix_breaks(attempt: Try) -> None:
    trial = attempt(GOOD, "FROM alpine:3.20\nUSER 10001\nRUN mkdir /x\nCMD true\n")
    assert trial.built_before.image_id
    assert "Permission denied" in trial.built_after.error
    assert "mkdir /x" in trial.built_after.step
    assert (trial.before, trial.after) == ((), ())


def test_a_file_that_is_no_dockerfile(attempt: Try) -> None:
    built = attempt("FROM alpine:3.20\nRNU x\n", GOOD).built_before
    assert "RNU" in built.error


def test_a_base_image_that_is_not_here(attempt: Try) -> None:
    built = attempt("FROM nosuch.invalid/image:1\n", GOOD).built_before
    assert (built.image_id, built.missing, built.network) == ("", "nosuch.invalid/image:1", False)


def test_a_step_that_wants_the_network(attempt: Try) -> None:
    built = attempt(
        "FROM debian:bookworm-slim\nRUN apt-get update -o Acquire::Retries=0 && apt-get install -y x\n", GOOD
    ).built_before
    assert built.network
    assert not built.missing


def test_an_address_is_not_fetched(attempt: Try) -> None:
    built = attempt("FROM alpine:3.20\nADD https://example.invalid/x /x\n", GOOD).built_before
    assert (built.network, built.untried) == (True, True)


def test_a_file_that_another_step_makes(attempt: Try) -> None:
    built = attempt("FROM alpine:3.20\nCOPY bin/app /app\n", GOOD).built_before
    assert (built.error, built.untried) == (
        "it copies bin/app, which is not in the repository; make it first",
        True,
    )


def test_a_secret(attempt: Try) -> None:
    built = attempt("FROM alpine:3.20\nRUN --mount=type=secret,id=x cat /run/secrets/x\n", GOOD).built_before
    assert built.secret


def test_a_frontend_that_cannot_be_had(attempt: Try) -> None:
    trial = attempt(f"# syntax=docker/dockerfile:1\n{GOOD}", f"# syntax=docker/dockerfile:1\n{GOOD}USER 1\n")
    assert trial.built_before.image_id
    assert "docker/dockerfile:1" in trial.built_before.notes[0]
    assert {one.uid for one in trial.after[0].processes} == {1}


def test_a_frontend_that_the_file_needs(attempt: Try) -> None:
    built = attempt("# syntax=docker/dockerfile:1\nFROM alpine:3.20\nRUN <<EOF\nfalse\nEOF\n", GOOD).built_before
    assert built.missing == "docker/dockerfile:1" or "RUN" in built.step


def test_a_build_that_takes_too_long(attempt: Try) -> None:
    begin = time.monotonic()
    mark = f"sleep 6{time.time_ns() % 10_000_000}"
    built = attempt(f"FROM alpine:3.20\nRUN {mark}\n", GOOD, options=QUICK._replace(timeout=3)).built_before
    assert built.error == "the build did not end within 3 seconds"
    assert built.untried, "who is too slow is not broken"
    assert mark in built.step
    assert time.monotonic() - begin < 600  # of the 6 million that it asks for


def test_args_and_target(attempt: Try) -> None:
    old = "FROM alpine:3.20 AS one\nARG WHO\nRUN echo $WHO > /who\nCMD cat /who; sleep 60\nFROM nosuch.invalid/x\n"
    trial = attempt(old, old, target="one", args=(("WHO", "me"),))
    assert trial.after[0].log == ("me",)


def test_a_dockerfile_beside_its_context(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a.txt").write_text("hello")
    (tmp_path / "docker/Dockerfile").write_text("FROM alpine:3.20\nCOPY a.txt /\nCMD cat /a.txt; sleep 60\n")
    trial = bench.try_out(Job("app", "docker/Dockerfile", "src"), tmp_path, QUICK)
    assert trial.before[0].log == ("hello",)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["Dockerfile", "a.txt", "docker", "src"]


def test_an_image_of_others(bench: Bench, tmp_path: Path, engine: Engine) -> None:
    trial = bench.try_out(Job("alpine:3.20", ""), tmp_path, QUICK)
    assert trial.before[0].exit_code == 0
    assert engine.docker("image", "inspect", "alpine:3.20").returncode == 0
    missing = bench.try_out(Job("nosuch.invalid/x", ""), tmp_path, QUICK)
    assert missing.built_before.missing == "nosuch.invalid/x"


def test_nothing_is_left(attempt: Try, engine: Engine) -> None:
    trial = attempt(
        "FROM alpine:3.20\nVOLUME /v\nCMD sleep 60\n", "FROM alpine:3.20\nVOLUME /v\nUSER 7\nCMD sleep 60\n"
    )
    for image in (trial.built_before.image_id, trial.built_after.image_id):
        assert engine.docker("image", "inspect", image).returncode != 0
