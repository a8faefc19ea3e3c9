"""Wrong fixes, planted in images that are really built and run: each is found, and its cause is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fixer import app
from fixer.evidence import Kind, Recipe, Word
from fixer.verify.engine import Options
from fixer.verify.judge import judge
from fixer.verify.trying import Wishes
from tests.conftest import Engine
from tests.e2e.ground import APPS, Case, cases
from tests.verify.conftest import Try
from tests.verify.test_trials import SERVER, SHELL, SLOW, server, shell

WRITES = "echo x > /app/state || exit 3; sleep 60"
STEPS = "su -s /bin/sh nobody -c id || setpriv --reuid 5 id || exit 4; sleep 60"
CHOWNS = "touch f && chown 5 f || exit 5; sleep 60"
BARE = Recipe(cap_drop=("ALL",), no_new_privileges=True)


@pytest.mark.parametrize(
    ("old", "new", "after", "kind", "what"),
    [
        pytest.param(shell(WRITES), shell(WRITES, "10001"), None, Kind.PATH, "/app/state", id="a-path"),
        pytest.param(server(80), server(80, "10001"), None, Kind.PORT, "80", id="a-port"),
        pytest.param(shell(STEPS), shell(STEPS, "10001"), None, Kind.USER, "", id="a-user"),
        pytest.param(
            shell("sleep 60"), f'{SHELL}USER 10001\nCMD ["/app/start"]\n', None, Kind.MISSING, "/app/start", id="a-file"
        ),
        pytest.param(shell(CHOWNS), shell(CHOWNS), BARE, Kind.CAPABILITY, "chown", id="a-capability"),
        pytest.param(shell("sleep 60"), f"{SHELL}RUN false\n", None, Kind.BUILD, "false", id="a-build"),
        pytest.param(shell("sleep 60"), shell("sleep 1", "10001"), None, Kind.EXIT, "", id="an-end"),
    ],
)
def test_a_wrong_fix_is_found(attempt: Try, old: str, new: str, after: Recipe | None, kind: Kind, what: str) -> None:
    verdict = judge(attempt(old, new, {"s.py": SERVER}, after=after, options=SLOW, users=(10001,)))
    assert verdict.word is Word.BROKEN
    assert kind in {cause.kind for cause in verdict.causes}, verdict.causes
    assert any(cause.kind is kind and what in cause.what for cause in verdict.causes), verdict.causes


def test_one_that_stays_root_does_not_hold(attempt: Try) -> None:
    verdict = judge(attempt(shell("sleep 60"), shell("sleep 61"), users=(10001,)))
    assert verdict.word is Word.BROKEN
    assert {cause.kind for cause in verdict.causes} == {Kind.USER}


def test_what_never_worked_is_not_blamed_on_the_fix(attempt: Try) -> None:
    assert judge(attempt(shell("exit 7"), shell("exit 7", "10001"))).word is Word.BROKEN_BEFORE
    assert judge(attempt(f"{SHELL}RUN false\n", f"{SHELL}RUN false\nUSER 10001\n")).word is Word.BROKEN_BEFORE
    assert judge(attempt("FROM nowhere.invalid/x:1\n", "FROM nowhere.invalid/x:1\nUSER 1\n")).word is Word.NOT_PROVABLE


# --- the whole command, on applications of the proving ground -------------------------------------------------------


def copied(name: str, folder: Path) -> tuple[Case, Path]:
    case = next(one for one in cases() if one.name == name)
    shutil.copytree(APPS / name / "app", folder / "app")
    (folder / "app/.git").mkdir()  # the top of a repository of its own
    return case, folder / "app"


@pytest.mark.parametrize(("name", "trace"), [("sqlite-in-app", False), ("hardened-compose", True)])
def test_an_application_is_seen_to_hold(
    name: str, trace: bool, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.environment["DOCKER_HOST"])
    case, folder = copied(name, tmp_path)
    wishes = Wishes(options=Options(trace=trace))
    report = app.verify([folder], case.config, wishes, lambda _: None)
    assert [verdict.word for verdict in report.verdicts] == [Word.HOLDS], report.verdicts
    assert all(verdict.observations for verdict in report.verdicts)
    assert all(any("trace" in one for one in verdict.observations) is trace for verdict in report.verdicts)


def test_repair_learns_what_no_file_says(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.environment["DOCKER_HOST"])
    _, folder = copied("log-directory", tmp_path)
    wishes = Wishes(options=Options(timeout=60, trace=False))
    broken = app.verify([folder], app.config_for([folder]), wishes, lambda _: None)
    assert [verdict.word for verdict in broken.verdicts] == [Word.BROKEN]
    repaired = app.verify(
        [folder], app.config_for([folder]), wishes._replace(repair=folder / "fixer.toml"), lambda _: None
    )
    assert [verdict.word for verdict in repaired.verdicts] == [Word.HOLDS]
    assert "/var/log/orders" in (folder / "fixer.toml").read_text()
    (change,) = app.fix(folder).changes
    assert b"/var/log/orders" in change.after, "the next fix needs no engine"
