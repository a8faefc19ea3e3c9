"""Reports from the command line: formats, files, the baseline, and what goes wrong with them."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from fixer import masking
from fixer.cli import runs
from fixer.cli.main import app
from fixer.cli.options import ReportFormat
from fixer.errors import UsageError
from fixer.render import baseline
from fixer.render.report import FORMATS
from tests.render import judging

BAD = 'FROM debian:12\nWORKDIR /app\nCOPY . .\nCMD ["./run"]\n'
HELD = 'FROM nobody/knows:1\nCMD ["./run"]\n'
SCHEMA = json.loads((Path(baseline.__file__).parent / "baseline.schema.json").read_text())


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "Dockerfile").write_text(BAD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return tmp_path


def run(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def test_the_formats_are_those_that_exist() -> None:
    assert tuple(ReportFormat) == FORMATS


@pytest.mark.parametrize("name", ["sarif", "gitlab", "junit", "github", "markdown", "html"])
def test_every_format_for_check_and_fix(tree: Path, name: str) -> None:
    judge = getattr(judging, name)
    before = (tree / "Dockerfile").read_bytes()
    code, out, err = run("check", "--format", name)
    assert (code, err) == (1, "")
    judge(out)
    code, out, err = run("fix", "--diff", "--format", name)
    assert (code, err) == (0, "")
    judge(out)
    assert (tree / "Dockerfile").read_bytes() == before


def test_the_encoding_of_the_terminal_does_not_matter(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "bücher").mkdir()
    (tree / "bücher/Dockerfile").write_text(BAD)
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", out)
    assert runs.check([Path()], runs.Options(), "html") == 1
    assert "bücher/Dockerfile" in judging.html(out.buffer.getvalue().decode())


def test_several_files_beside_the_text(tree: Path) -> None:
    plain = run("check")
    files = [f"{name}=out.{name}" for name in ("sarif", "json", "html")]
    code, out, err = run("check", *(word for file in files for word in ("--output-file", file)))
    assert (code, out, err) == plain
    judging.sarif((tree / "out.sarif").read_text())
    judging.html((tree / "out.html").read_text())
    assert json.loads((tree / "out.json").read_text())["summary"]["found"] == 3
    assert (tree / "out.json").read_text() == run("check", "--format", "json")[1]


def test_a_file_without_a_format_has_that_of_the_report(tree: Path) -> None:
    (tree / "a=b").mkdir()
    code, out, _ = run("check", "--format", "gitlab", "--output-file", "a=b/report.json")
    assert code == 1
    assert out == run("check")[1]
    assert len(judging.gitlab((tree / "a=b/report.json").read_text())) == 3


def test_the_diff_is_printed_beside_the_files(tree: Path) -> None:
    plain = run("fix")
    assert run("fix", "--output-file", "html=page.html") == plain
    assert "+USER 10001:10001" in plain[1]
    assert "would be fixed" in judging.html((tree / "page.html").read_text())


def test_what_was_written_is_no_longer_told(tree: Path) -> None:
    (tree / "held").mkdir()
    (tree / "held/Dockerfile").write_text(HELD)
    code, out, _ = run("fix", "--write", "--allow-dirty", "--format", "sarif")
    paths = [
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in json.loads(out)["runs"][0]["results"]
    ]
    assert code == 1
    assert set(paths) == {"held/Dockerfile"}
    assert "USER 10001:10001" in (tree / "Dockerfile").read_text()


def test_the_page_of_what_was_written_shows_the_diff(tree: Path) -> None:
    run("fix", "--write", "--allow-dirty", "--output-file", "html=page.html", "--output-file", "markdown=page.md")
    page = (tree / "page.html").read_text()
    assert '<td class="right plus">USER 10001:10001</td>' in page
    assert "nothing left; 1 file changed" in judging.html(page)
    assert "3 fixed in 1 file of 1" in (tree / "page.md").read_text()
    assert "\n+USER 10001:10001\n" in (tree / "page.md").read_text()


def test_the_summary_of_a_step_grows(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tree / "summary.md"
    summary.write_text("# before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    run("check", "--output-file", f"markdown={summary}")
    assert summary.read_text().startswith("# before\n# fixer\n")
    run("check", "--output-file", "markdown=other.md")
    run("check", "--output-file", "markdown=other.md")
    assert (tree / "other.md").read_text().count("# fixer\n") == 1


def test_what_is_no_plain_file_is_written_through(tree: Path) -> None:
    assert run("check", "--output-file", f"sarif={os.devnull}")[0] == 1
    assert not Path(os.devnull).is_file()


def test_secrets_are_masked_in_files_too(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_forms", set())
    masking.register("debian-secret-word")
    (tree / "Dockerfile").write_text(BAD.replace("12", "debian-secret-word"))
    run("check", "--output-file", "html=page.html", "--output-file", "json=out.json")
    for name in ("page.html", "out.json"):
        text = (tree / name).read_text()
        assert "debian-secret-word" not in text
        assert masking.MASK in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--output-file", "report"], "say in which format, for example --output-file sarif=report"),
        (["--output-file", "text=report"], "say in which format"),
        (["--output-file", "sarif="], "it is no file"),
        (["--output-file", "sarif=."], "it is no file"),
        (["--output-file", "sarif=no/such/file"], "no/such is no folder"),
        (["--baseline", "none.json"], "'fixer check --write-baseline none.json' makes it"),
        (["--baseline", "Dockerfile"], "Dockerfile is no baseline"),
        (["--baseline", "a", "--write-baseline", "b"], "contradict each other"),
    ],
)
def test_mistakes_are_told_before_the_work(
    tree: Path, words: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fixer.app.report", lambda *_, **__: pytest.fail("it must not run"))
    with pytest.raises(UsageError) as error:
        run("check", *words)
    assert told in str(error.value)


def test_a_branch_is_told_as_text(tree: Path) -> None:
    with pytest.raises(UsageError, match="--branch reports as text or json"):
        run("fix", "--branch", "x", "--format", "sarif")


# --- the baseline -----------------------------------------------------------------------------------------------------


def test_a_baseline_keeps_old_findings_quiet(tree: Path) -> None:
    code, out, _ = run("check", "--write-baseline", "old.json")
    assert code == 0
    assert "1 file checked, 0 findings" in out
    assert "3 old findings of the baseline not shown" in out
    jsonschema.validate(json.loads((tree / "old.json").read_text()), SCHEMA)
    (tree / "Dockerfile").write_text(f"# moved\n\n{BAD}")
    assert run("check", "--baseline", "old.json")[0] == 0
    (tree / "Dockerfile").write_text(BAD)
    (tree / "new").mkdir()
    (tree / "new/Dockerfile").write_text(HELD)
    code, out, _ = run("check", "--baseline", "old.json", "--format", "gitlab")
    assert code == 1
    assert {row["location"]["path"] for row in judging.gitlab(out)} == {"new/Dockerfile"}


def test_a_baseline_holds_wherever_one_stands(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "web").mkdir()
    (tree / "Dockerfile").rename(tree / "web/Dockerfile")
    run("check", "--write-baseline", "old.json")
    assert run("check", "web", "--baseline", "old.json")[0] == 0
    monkeypatch.chdir(tree / "web")
    assert run("check", "Dockerfile", "--baseline", "../old.json")[0] == 0


def test_what_is_gone_from_a_baseline_is_told(tree: Path) -> None:
    run("check", "--write-baseline", "old.json")
    (tree / "Dockerfile").write_text('FROM debian:12\nUSER 10001:10001\nCMD ["./run"]\n')
    code, out, _ = run("check", "--baseline", "old.json")
    assert code == 0
    assert "3 entries of the baseline are no longer found" in out


def test_a_fix_is_the_same_with_a_baseline_and_what_is_left_is_quiet(tree: Path) -> None:
    (tree / "held").mkdir()
    (tree / "held/Dockerfile").write_text(HELD)
    diff = run("fix")
    assert diff[0] == 1
    run("check", "--write-baseline", "old.json")
    code, out, err = run("fix", "--baseline", "old.json")
    assert (code, out) == (0, diff[1])
    assert "would fix" in err
    assert "held/Dockerfile" not in err


def test_a_file_that_cannot_be_read_is_never_old(tree: Path) -> None:
    (tree / "Dockerfile").write_bytes(b"FROM\0")
    run("check", "--write-baseline", "old.json")
    assert run("check", "--baseline", "old.json")[0] == 1
