"""Programs that are refused a write in silence, and programs that only look so, tried with a tracer beside them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fixer.evidence import Job, Kind, Mount, Recipe, Word
from fixer.verify.engine import Bench
from fixer.verify.judge import judge
from tests.verify.conftest import QUICK, Try
from tests.verify.test_trials import shell

TRACED = QUICK._replace(trace=True, settle=0.3)
NONE = "a trace of its calls shows no refused write"
OTHER = Recipe(user="10001:10001")
BARE = Recipe(user="10001", read_only=True, cap_drop=("ALL",), no_new_privileges=True)


def python(script: str, prepare: str = "") -> str:
    """A Dockerfile whose process is a script of Python."""
    return f'FROM python:3.12-slim\nWORKDIR /app\nCOPY *.py /app/\n{prepare}CMD ["python", "/app/{script}"]\n'


MAKES = "RUN python -c \"import sqlite3; sqlite3.connect('/app/data.db').execute('create table t(a)')\"\n"
LOSES = """
import os, sqlite3, tempfile, time
print(sqlite3.connect("/app/data.db").execute("select * from t").fetchall())  # falls back to reading
try:
    with tempfile.TemporaryFile(dir="/srv") as file:
        file.write(b"x")
except OSError:
    pass
try:
    os.mkdir("/opt/cache")
    os.rmdir("/opt/cache")
except OSError:
    pass
time.sleep(60)
"""


def test_what_a_program_loses_in_silence(attempt: Try, strace: None) -> None:
    text = python("loses.py", MAKES)
    trial = attempt(text, text, {"loses.py": LOSES}, after=OTHER, options=TRACED)
    (after,) = trial.after
    assert {one.what for one in after.denied} >= {"/app/data.db", "/opt/cache"}
    assert any(one.what.startswith("/srv/") for one in after.denied), after.denied
    assert all(one.kind is Kind.PATH and one.seen.startswith("in a trace of its calls: ") for one in after.denied)
    verdict = judge(trial)
    assert verdict.word is Word.BROKEN
    assert {cause.rule for cause in verdict.causes} == {"DF007"}
    assert "nothing was refused" not in verdict.observations


HELPER = "VALUE = 1\n"
CONTENT = """
import os, tempfile, time
import helper  # leaves its byte code beside itself, if it may
for folder in ("/app", "/opt", "/tmp"):  # as libraries look for a place
    try:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"x")
        break
    except OSError:
        pass
for folder in ("/opt", "/tmp"):
    try:
        with open(folder + "/state", "w"):
            pass
        os.remove(folder + "/state")
        break
    except OSError:
        pass
if os.getuid():
    try:
        os.mkdir("/home/.app")  # the original has its home elsewhere
    except OSError:
        pass
time.sleep(60)
"""


def test_one_that_is_content_with_another_place_holds(attempt: Try, strace: None) -> None:
    files = {"content.py": CONTENT, "helper.py": HELPER}
    trial = attempt(python("content.py"), python("content.py"), files, after=OTHER, options=TRACED)
    verdict = judge(trial)
    assert verdict.word is Word.HOLDS, verdict.causes
    told = [one for one in verdict.observations if one.startswith("a trace of its calls")]
    assert any(one.endswith("may not write /opt/state, and that it writes /tmp/state instead") for one in told), told
    assert "a trace of its calls shows that it may not write /home/.app, which the original does not try" in told
    assert not any("pycache" in one for one in told)


STATIC = (
    "FROM alpine:3.20 AS tools\nFROM scratch\n"
    + "".join(f"COPY --from=tools /bin/busybox /bin/{name}\n" for name in ("sh", "sleep", "rm"))
    + "WORKDIR /state\n"
)
MADE_AND_REMOVED = 'CMD ["/bin/sh", "-c", "(echo x > one && rm one) 2>/dev/null; sleep 60"]\n'


STATICS = [(BARE, ["/state/one"])]
if os.environ.get("FIXER_ALL"):
    STATICS.append((BARE._replace(mounts=(Mount("/state", copied=False, mode=0o777),)), []))


@pytest.mark.parametrize(("after", "paths"), STATICS)
def test_a_static_program_on_nothing_with_a_read_only_root(
    attempt: Try, strace: None, after: Recipe, paths: list[str]
) -> None:
    trial = attempt(STATIC + MADE_AND_REMOVED, STATIC + MADE_AND_REMOVED, after=after, options=TRACED)
    (run,) = trial.after
    assert [one.what for one in run.denied] == paths
    assert {one.uid for one in run.processes} == {10001}
    assert (NONE in run.notes) is not bool(paths)
    assert judge(trial).word is (Word.BROKEN if paths else Word.HOLDS)


def test_one_that_goes_otherwise_with_a_tracer_is_not_judged_by_it(bench: Bench, strace: None, tmp_path: Path) -> None:
    script = "(echo x > /usr/one && rm /usr/one) 2>/dev/null; grep -q TracerPid:.0$ /proc/1/status || exit 9; sleep 60"
    before = Recipe(command=("sh", "-c", script))
    job = Job("alpine:3.20", "", before=(before,), after=(before._replace(user="10001"),))
    (after,) = bench.try_out(job, tmp_path, TRACED).after
    assert after.denied == ()
    assert after.notes == ("its calls were not traced: with strace, it ends with 9, and without, it stays up",)


def test_one_that_needs_a_set_uid_program_is_not_judged_by_a_trace(attempt: Try, strace: None) -> None:
    more = "RUN cp /bin/busybox /bin/become && chmod 4755 /bin/become && ln -s /bin/become /bin/gets-root\n"
    script = "gets-root true; (echo x > /app/one && rm /app/one) 2>/dev/null; sleep 60"
    text = shell(script, more=more)
    (after,) = attempt(text, text, after=OTHER, options=TRACED).after
    assert after.notes == ("its calls were not traced: /bin/become is set-uid, which has no effect under strace",)
