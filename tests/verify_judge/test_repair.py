"""What was refused is learnt, tried again, and written where a person can read it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixer import app, config
from fixer.config import Config, ImageConfig
from fixer.errors import UsageError
from fixer.evidence import Cause, Denied, Job, Kind, Report, Seen, Verdict, Word
from fixer.verify.jobs import Planned
from fixer.verify.repair import Lessons, Tried, learn, written
from fixer.verify.trying import Wishes
from tests.verify_judge.benches import FakeBench, as_promised, use

DOCKERFILE = "FROM debian:12\nCMD [\"/usr/bin/app\"]\n"  # fmt: skip


def refuses(path: str, unless: bytes) -> Any:
    """A program that may not write a path, unless its Dockerfile says something."""

    def acts(job: Job) -> tuple[Seen, ...]:
        if unless in job.overlay.get("Dockerfile", b""):
            return as_promised(job)
        return as_promised(job, denied=(Denied(Kind.PATH, path, "in the log"),), exit_code=1)

    return acts


def run(tmp_path: Path, files: dict[str, str], repair: bool = True) -> Report:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text.encode())
    (tmp_path / ".git").mkdir(exist_ok=True)
    found = app.config_for([tmp_path])
    wishes = Wishes(repair=tmp_path / "fixer.toml" if repair else None)
    return app.verify([tmp_path], found, wishes, lambda words: None)


def test_a_refused_path_is_learnt_and_the_next_fix_needs_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = use(monkeypatch, refuses("/var/lib/app/state.db", b"chown -R 10001:10001 /var/lib/app"))
    report = run(tmp_path, {"Dockerfile": DOCKERFILE})
    assert [one.word for one in report.verdicts] == [Word.HOLDS]
    assert report.learnt == ('[images."Dockerfile"] writable = ["/var/lib/app"]',)
    assert (tmp_path / "fixer.toml").read_text() == '[images."Dockerfile"]\nwritable = ["/var/lib/app"]\n'
    assert (tmp_path / "Dockerfile").read_text() == DOCKERFILE, "the repository itself is not written"
    assert bench.closed
    (change,) = app.fix(tmp_path).changes
    assert change.after == bench.jobs[-1].overlay["Dockerfile"]


def test_without_a_wish_nothing_is_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, refuses("/var/lib/app/db", b"/var/lib/app"))
    report = run(tmp_path, {"Dockerfile": DOCKERFILE}, repair=False)
    assert [one.word for one in report.verdicts] == [Word.BROKEN]
    assert not (tmp_path / "fixer.toml").exists()


def test_what_does_not_help_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = use(monkeypatch, refuses("/var/lib/app/db", b"nobody writes this"))
    report = run(tmp_path, {"Dockerfile": DOCKERFILE})
    assert [one.word for one in report.verdicts] == [Word.BROKEN]
    assert report.learnt == ()
    assert not (tmp_path / "fixer.toml").exists()
    assert len(bench.jobs) == 2, "the second trial taught nothing new"


def test_there_are_five_cycles_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def acts(job: Job) -> tuple[Seen, ...]:
        path = f"/data{len(bench.jobs)}/x"
        return as_promised(job, denied=(Denied(Kind.PATH, path, "in the log"),))

    bench: FakeBench = use(monkeypatch, acts)
    report = run(tmp_path, {"Dockerfile": DOCKERFILE})
    assert len(bench.jobs) == 6
    assert [one.word for one in report.verdicts] == [Word.BROKEN]
    assert report.learnt == ()


def test_one_image_that_stays_broken_does_not_stop_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def acts(job: Job) -> tuple[Seen, ...]:
        ours = job.overlay.get("a/Dockerfile", b"")
        if b"/var/lib/a" in ours:
            return as_promised(job)
        return as_promised(job, denied=(Denied(Kind.PATH, f"/var/lib/{job.dockerfile[0]}/x", "in the log"),))

    bench = use(monkeypatch, acts)
    report = run(tmp_path, {"a/Dockerfile": DOCKERFILE, "b/Dockerfile": DOCKERFILE})
    assert [one.word for one in report.verdicts] == [Word.HOLDS, Word.BROKEN]
    assert report.learnt == ('[images."a/Dockerfile"] writable = ["/var/lib/a"]',)
    assert len(bench.jobs) == 4, "no state of an image is tried twice"


def test_a_refused_port_moves_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "FROM python:3.12\nEXPOSE 80\nCMD [\"python\", \"-m\", \"http.server\", \"80\"]\n"  # fmt: skip

    def acts(job: Job) -> tuple[Seen, ...]:
        closed = () if 80 in job.moved else (Denied(Kind.PORT, "80", "in the log"),)
        return as_promised(job, denied=closed)

    use(monkeypatch, acts)
    report = run(tmp_path, {"Dockerfile": text, "fixer.toml": "# ours\nuid = 1234 # why\n"})
    assert [one.word for one in report.verdicts] == [Word.HOLDS]
    assert report.learnt == ('ports = "move"',)
    assert (tmp_path / "fixer.toml").read_text() == '# ours\nuid = 1234 # why\nports = "move"\n'
    (change,) = app.fix(tmp_path).changes
    assert b"8080" in change.after


def test_a_port_that_cannot_move_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, lambda job: as_promised(job, denied=(Denied(Kind.PORT, "80", "in the log"),)))
    report = run(tmp_path, {"Dockerfile": "FROM nginx:1.27\nCOPY site /usr/share/nginx/html\nEXPOSE 80\n"})
    assert [one.word for one in report.verdicts] == [Word.BROKEN]
    assert report.learnt == ()
    assert len(report.notes) == 1
    assert report.notes[0].startswith("Dockerfile: port 80 does not move: ")


# --- lessons ----------------------------------------------------------------------------------------------------------


def broken(kind: Kind, what: str, *keys: str) -> Tried:
    planned = Planned(Path(), Job("app", "Dockerfile"), frozenset(), keys, keys[-1], ())
    return Tried(planned, Verdict("app", "Dockerfile", Word.BROKEN, (), (Cause(kind, what, "it may not"),)))


@pytest.mark.parametrize(
    ("path", "folders"),
    [
        ("/srv/app/uploads/x.png", ["/srv/app/uploads"]),
        ("/run/app.pid", ["/run"]),
        ("/var/cache/app/1", ["/var/cache/app"]),
        ("/var/log/orders", ["/var/log/orders"]),
        ("/run/lock", ["/run/lock"]),
        ("/var/log", []),
        ("/data", ["/data"]),
        ("/state.db", []),
        ("/var/lib/x", ["/var/lib/x"]),
        ("/etc/passwd", []),
        ("/usr/lib/x/y", []),
        ("/usr/src/app/log/x", ["/usr/src/app/log"]),
        ("/root/.cache/x", []),
        ("relative/x", []),
        ("", []),
    ],
)
def test_which_folder_a_path_asks_for(path: str, folders: list[str]) -> None:
    found = learn(broken(Kind.PATH, path, "Dockerfile"), Config())
    assert [folder for _, folder in found.writable] == folders


def test_a_folder_that_was_no_help_gives_way_to_the_one_above() -> None:
    known = Config(images={"Dockerfile": ImageConfig(writable=("/run/app",))})
    assert learn(broken(Kind.PATH, "/run/app", "Dockerfile"), known).writable == (("Dockerfile", "/run"),)


def test_what_the_configuration_says_already_gets_more() -> None:
    tried = broken(Kind.PATH, "/data/x", "Dockerfile", "debian:12")
    known = Config(images={"debian:12": ImageConfig("5:5", ("/old",))})
    lessons = learn(tried, known)
    assert lessons.lay_over(known).images == {"debian:12": ImageConfig("5:5", ("/old", "/data"))}


@pytest.mark.parametrize(("port", "moves"), [("80", True), ("443/tcp", True), ("8080", False), ("", False)])
def test_which_ports_move(port: str, moves: bool) -> None:
    assert learn(broken(Kind.PORT, port, "Dockerfile"), Config()).move_ports is moves


def test_what_holds_teaches_nothing() -> None:
    planned = broken(Kind.PATH, "/data/x", "a").planned
    held = Verdict("app", "Dockerfile", Word.HOLDS, ("up",), (Cause(Kind.PATH, "/data/x", "x"),))
    assert learn(Tried(planned, held), Config()) == Lessons()


# --- writing ----------------------------------------------------------------------------------------------------------

BOTH = Lessons((("web/Dockerfile", "/data"), ("web/Dockerfile", "/run")), True)

CONFIGURATIONS = {
    "empty": ("", 'ports = "move"\n\n[images."web/Dockerfile"]\nwritable = ["/data", "/run"]\n'),
    "no-final-newline": (
        "uid = 5",
        'uid = 5\nports = "move"\n\n[images."web/Dockerfile"]\nwritable = ["/data", "/run"]\n',
    ),
    "crlf": (
        "uid = 5 # x\r\n",
        'uid = 5 # x\r\nports = "move"\r\n\r\n[images."web/Dockerfile"]\r\nwritable = ["/data", "/run"]\r\n',
    ),
    "kept-ports": (
        "ports = 'keep' # for now\n[images.a]\nuser = '5'\n",
        "ports = \"move\" # for now\n[images.a]\nuser = '5'\n"
        '\n[images."web/Dockerfile"]\nwritable = ["/data", "/run"]\n',
    ),
    "own-table": (
        "[images.'web/Dockerfile'] # ours\nuser = '5' # five\n\n# next\n[images.b]\nuser = '6'\n",
        'ports = "move"\n[images.\'web/Dockerfile\'] # ours\nuser = \'5\' # five\nwritable = ["/data", "/run"]\n'
        "\n# next\n[images.b]\nuser = '6'\n",
    ),
    "own-list": (
        '[images."web/Dockerfile"]\nwritable = ["/a"] # [old]\n',
        'ports = "move"\n[images."web/Dockerfile"]\nwritable = ["/a", "/data", "/run"] # [old]\n',
    ),
    "long-list": (
        '[images."web/Dockerfile"]\nwritable = [\n  "/a", # one\n]\n',
        'ports = "move"\n[images."web/Dockerfile"]\nwritable = [\n  "/a", # one\n  "/data", "/run"\n]\n',
    ),
    "empty-list": (
        '[images."web/Dockerfile"]\nwritable = []\n',
        'ports = "move"\n[images."web/Dockerfile"]\nwritable = ["/data", "/run"]\n',
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", list(CONFIGURATIONS))
def test_the_other_bytes_of_the_configuration_stay(case: str) -> None:
    before, after = CONFIGURATIONS[case]
    assert written(before, BOTH, project=False) == after


def test_a_project_has_it_below_its_tool() -> None:
    before = '[project]\nname = "x"\n\n[tool.fixer]\nuid = 5\n\n[tool.other]\nx = """\n[tool.fixer]\n"""\n'
    after = written(before, BOTH, project=True)
    assert after == before.replace("uid = 5\n", 'uid = 5\nports = "move"\n') + (
        '\n[tool.fixer.images."web/Dockerfile"]\nwritable = ["/data", "/run"]\n'
    )


@pytest.mark.parametrize(
    "text", ["images = {a = {user = '5'}}\n", "ports = [\n", 'images."web/Dockerfile".writable = 5\n']
)
def test_what_cannot_be_inserted_is_told_in_words(text: str) -> None:
    with pytest.raises(UsageError, match=r'write it by hand: ports = "move"; .images'):
        written(text, BOTH, project=False)


NAMES = st.text(st.sampled_from("ab/.:-_ \"'\\#[]=é\t"), min_size=1, max_size=8)
PATHS = st.text(st.sampled_from("ab/. \"'\\#]ü"), min_size=1, max_size=8).map(lambda text: f"/{text}")


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([before for before, _ in CONFIGURATIONS.values()]),
    st.lists(st.tuples(NAMES, PATHS), min_size=1, max_size=4, unique=True),
    st.booleans(),
)
def test_the_configuration_says_what_was_learnt_and_all_that_it_said(
    before: str, rows: list[tuple[str, str]], ports: bool
) -> None:
    after = written(before, Lessons(tuple(rows), ports), project=False)
    old, new = config._config(tomllib.loads(before)), config._config(tomllib.loads(after))
    assert new == Lessons(tuple(rows), ports).lay_over(old)
    for line in before.splitlines():
        assert line.partition("#")[2] in after, "no comment is lost"
