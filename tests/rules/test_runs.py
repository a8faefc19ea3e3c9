"""What a run over files with commands gives: exit codes, JSON, ignore comments, and lines that are told once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fixer import app
from fixer.model import Severity
from fixer.render.json import to_json
from fixer.source import SourceFile
from tests.process import fixer


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("docker run -d --privileged example.org/a/b", 1),
        ("docker run --rm example.org/a/b", 3),
        ("docker exec -u root a chown b c", 0),
        ("echo docker", 3),
    ],
)
@pytest.mark.parametrize("command", ["check", "fix"])
def test_exit_codes(tmp_path: Path, command: str, line: str, code: int) -> None:
    (tmp_path / "run.sh").write_text(f"{line}\n")
    assert fixer(tmp_path, command).returncode == code


def test_nothing_is_written(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("docker run --privileged example.org/a/b\n")
    assert fixer(tmp_path, "fix", "--write").returncode == 1
    assert script.read_text() == "docker run --privileged example.org/a/b\n"


def test_a_line_with_several_findings_is_written_once(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("docker run -d \\\n  --privileged \\\n  --pid host example.org/a/b\n")
    for command in ("check", "fix"):
        done = fixer(tmp_path, command)
        words = done.stdout + done.stderr
        assert words.count("          docker run -d \\\n            example.org/a/b\n") == 1


def test_json_has_the_whole_line(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("docker run -d --privileged --pid host example.org/a/b\n")
    report = json.loads(to_json(app.check(tmp_path)))
    assert {f["rule"] for f in report["findings"]} == {"RT003", "RT005"}
    assert {f["fix"]["instructions"] for f in report["findings"]} == {"docker run -d example.org/a/b"}


def test_an_ignored_finding_leaves_its_option_in_the_line(tmp_path: Path) -> None:
    text = "# fixer: ignore[RT003] a module\ndocker run -d --privileged --pid host example.org/a/b\n"
    (tmp_path / "run.sh").write_text(text)
    (finding,) = app.check(tmp_path).findings
    assert finding.fix is not None
    assert finding.fix.instructions == "docker run -d --privileged example.org/a/b"


def test_an_ignore_comment_that_silences_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("# fixer: ignore[RT003] old\ndocker run -d --pid host example.org/a/b\n")
    assert [f.rule for f in app.check(tmp_path).findings] == ["DF020", "RT005"]


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  # fixer: ignore[RT003] it loads a module\n  script:\n    - docker run --privileged example.org/a/b\n",
        "a:\n  script:\n    - docker run --privileged example.org/a/b # fixer: ignore[run-privileged] a module\n",
        "a:\n  script:\n    - |\n      # fixer: ignore a module\n      docker run --privileged example.org/a/b\n",
    ],
)
def test_ignores_in_ci_files(text: str) -> None:
    assert app.check(SourceFile(".gitlab-ci.yml", text.encode())).findings == ()


def test_an_image_that_this_run_takes_off_root_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM python:3.12\nCOPY app.py .\nCMD ["python", "app.py"]\n')
    (tmp_path / "run.sh").write_text("docker build -t mine .\ndocker run -d mine\n")
    assert {f.path for f in app.check(tmp_path).findings} == {"Dockerfile"}


def test_a_user_of_the_configuration_is_used(tmp_path: Path) -> None:
    (tmp_path / "fixer.toml").write_text('[images."nginx"]\nuser = "101:101"\n')
    (tmp_path / "run.sh").write_text("docker run -d -u root nginx:1.27\n")
    (finding,) = app.check(tmp_path).findings
    assert finding.fix is not None
    assert finding.fix.instructions == "docker run -d nginx:1.27"


def line_to_use(line: str) -> str:
    (finding,) = app.check(SourceFile("run.sh", f"{line}\n".encode())).findings
    assert finding.fix is not None
    return finding.fix.instructions


@pytest.mark.parametrize(
    ("line", "use"),
    [
        ("docker run -d --privileged -e PASSWORD=hunter2 x/y", "docker run -d -e PASSWORD=*** x/y"),
        ("docker run -d --privileged -e 'A_TOKEN=a b' x/y", "docker run -d -e 'A_TOKEN=***' x/y"),
        ('docker run -d --privileged -e API_KEY="a b" x/y', "docker run -d -e API_KEY=*** x/y"),
        ("docker run -d --privileged x/y --password hunter2", "docker run -d x/y --password ***"),
        ("docker run -d --privileged x/y http://me:hunter2@z", "docker run -d x/y http://me:***@z"),
        ("docker run -d --privileged -e TOKEN=$TOKEN x/y", "docker run -d -e TOKEN=$TOKEN x/y"),
        ("docker run -d --privileged --secret id=x x/y", "docker run -d --secret id=x x/y"),
    ],
)
def test_a_secret_is_not_shown(line: str, use: str) -> None:
    assert line_to_use(line) == use


@pytest.mark.parametrize(
    ("line", "use"),
    [
        ("docker run --privileged x; docker run --privileged x", "docker run x; docker run x"),
        ("docker run -it --privileged x || true", "docker run -it x || true"),
        ("if true; then\n  docker run \\\n    --privileged x\nfi", "docker run \\\n  x"),
        ("docker run \\\n  -it \\\n  --privileged\\\n  x", "docker run \\\n  -it \\\n  x"),
        ("O=' --privileged -v a:b'\ndocker run $O x", "O=' -v a:b'"),
        ("O='-v a:b --privileged'\ndocker run $O x", "O='-v a:b'"),
        ('sh -c "docker run --privileged \\"x\\""', "leave out --privileged"),
    ],
)
def test_the_line_to_use(line: str, use: str) -> None:
    assert line_to_use(line) == use


@pytest.mark.parametrize(
    ("name", "line", "severity"),
    [
        ("run.sh", "docker run -d --privileged x/y", Severity.HIGH),
        ("run.sh", "docker run --rm --privileged x/y", Severity.MEDIUM),
        ("run.sh", "podman run --rm --privileged x/y", Severity.LOW),
        ("run.sh", "sudo podman run --rm --privileged x/y", Severity.MEDIUM),
        (".gitlab-ci.yml", "a: {script: docker run -d --privileged x/y}", Severity.INFO),
    ],
)
def test_how_bad_it_is(name: str, line: str, severity: Severity) -> None:
    (finding,) = app.check(SourceFile(name, f"{line}\n".encode())).findings
    assert finding.severity is severity


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        (".gitlab-ci.yml", b"a: [docker run\n", "syntax"),
        (".gitlab-ci.yml", b"{{ if x }}\na: [docker run\n", "template"),
        ("daemon.json", b'{"icc": true,}', "syntax"),
        ("run.sh", b"docker run\0", "encoding"),
    ],
)
def test_what_cannot_be_read_is_told(name: str, data: bytes, reason: str) -> None:
    result = app.check(SourceFile(name, data))
    assert [one.reason for one in result.skipped] == [reason]
    assert result.findings == ()


@pytest.mark.parametrize("data", [b"{}", b"[1]", b"no json", b'{"name": "other"}'])
def test_a_file_of_another_daemon(data: bytes) -> None:
    assert app.check(SourceFile("daemon.json", data)).skipped == ()
