"""What takes longer on Podman: applications of the proving ground, and what is slow; with FIXER_ALL=1."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from fixer import app
from fixer.evidence import Kind, Mount, Recipe, Word
from fixer.verify.trying import Wishes
from tests.e2e.ground import APPS, cases
from tests.verify.conftest import QUICK, Try
from tests.verify.test_podman import built, of, shell

TRIED = {
    "hardened-compose": Word.HOLDS,
    "log-directory": Word.BROKEN,
    "node-build-to-nginx": Word.HOLDS,
    "python-http-80": Word.HOLDS,
    "worker-in-workdir": Word.HOLDS,
}


@pytest.mark.parametrize("name", TRIED)
def test_an_application_gets_the_verdict_of_docker(name: str, address: str, tmp_path: Path) -> None:
    case = next(one for one in cases() if one.name == name)
    shutil.copytree(APPS / name / "app", tmp_path / "app")
    (tmp_path / "app/.git").mkdir()
    report = app.verify([tmp_path / "app"], case.config, Wishes(engine="podman", options=QUICK), lambda _: None)
    assert [one.word for one in report.verdicts] == [TRIED[name]], report.verdicts
    assert all(one.engine.startswith("podman ") for one in report.verdicts)


def test_what_is_refused_in_silence_is_seen_in_a_trace(on_podman: Try, strace: None) -> None:
    text = shell("(: >> /etc/passwd) 2>/dev/null; sleep 60")
    (after,) = on_podman(text, f"{text}USER 10001\n", trace=True).after
    assert [(one.kind, one.what) for one in after.denied] == [(Kind.PATH, "/etc/passwd")]
    assert after.denied[0].seen.startswith("in a trace of its calls: open ")


def test_a_user_of_the_image_is_told_by_its_number(on_podman: Try) -> None:
    text = shell("sleep 60", "RUN addgroup -g 77 some && adduser -D -H -u 66 -G some one\n")
    trial = on_podman(text, f"{text}USER one\n")
    assert {(one.uid, one.gid) for one in trial.after[0].processes} == {(66, 77)}
    assert trial.after[0].written == ()


def test_a_tmpfs_of_the_user(on_podman: Try) -> None:
    text = shell("ls -lnd /run; touch /run/x || exit 4; sleep 60")
    recipe = Recipe(user="7:7", read_only=True, mounts=(Mount("/run", "tmpfs", options="uid=7,gid=7,mode=700"),))
    (before,) = on_podman(text, text, recipe).before
    assert (before.exit_code, before.log[0].split()[2:4]) == (None, ["7", "7"])


def test_a_build_that_takes_too_long_is_ended(on_podman: Try) -> None:
    late = built(on_podman, f"FROM alpine:3.20\nRUN sleep 3{time.time_ns() % 100_000}\n", timeout=3)
    assert (late.untried, late.error) == (True, "the build did not end within 3 seconds")


def test_a_smoke_command_that_does_not_end(on_podman: Try) -> None:
    (before,) = on_podman(shell("sleep 60"), shell("sleep 60"), smoke="sleep 55", timeout=4).before
    assert before.smoke == 124


def test_a_health_check_that_fails(on_podman: Try) -> None:
    recipe = Recipe(healthcheck=("CMD-SHELL", "false"))
    (before,) = on_podman(shell("sleep 60"), shell("sleep 60"), recipe, timeout=8).before
    assert before.health == "unhealthy"


def test_what_broke_is_repaired(address: str, tmp_path: Path) -> None:
    script = "d=$(printf /%s data); touch $d/here || exit 3; sleep 60"  # no file says where it writes
    files = {"Dockerfile": shell(script, "RUN mkdir $(printf /%s data)\n")}
    report = of(tmp_path, files, repair=tmp_path / "fixer.toml")
    assert [one.word for one in report.verdicts] == [Word.HOLDS], report.verdicts
    assert "/data" in (tmp_path / "fixer.toml").read_text()


def test_the_health_check_is_asked(on_podman: Try) -> None:
    recipe = Recipe(healthcheck=("CMD-SHELL", "true"))
    (before,) = on_podman(shell("sleep 60"), shell("sleep 60"), recipe).before
    assert before.health == "healthy"
