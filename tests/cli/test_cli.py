"""The command line as people and scripts meet it: exit codes, streams, errors, files with odd names."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fixer.render import json as json_module
from tests import process
from tests.process import HERE

BAD = b'FROM debian:12\nWORKDIR /app\nCOPY . .\nCMD ["./run"]\n'
GOOD = b'FROM debian:12\nUSER 10001:10001\nCMD ["./run"]\n'
HELD = b'FROM nobody/knows:1\nCMD ["./run"]\n'
SCHEMA = json.loads((Path(json_module.__file__).parent / "result.schema.json").read_text())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository of its own, so that no configuration above it holds."""
    (tmp_path / ".git").mkdir()
    return tmp_path


def fixer(cwd: Path, *arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    return process.fixer(cwd, *arguments, env={**HERE, **env})


def report(done: subprocess.CompletedProcess[str]) -> Any:
    found = json.loads(done.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


def git(cwd: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        env=environment,
        input=stdin.encode("utf-8", "surrogateescape"),
        capture_output=True,
        timeout=60,
        check=False,
    )


# --- exit codes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "data", "code"),
    [
        ("check", GOOD, 0),
        ("check", BAD, 1),
        ("check", HELD, 1),
        ("check", None, 3),
        ("fix", GOOD, 0),
        ("fix", BAD, 0),
        ("fix", HELD, 1),
        ("fix", None, 3),
    ],
)
def test_exit_codes(tree: Path, command: str, data: bytes | None, code: int) -> None:
    if data is not None:
        (tree / "Dockerfile").write_bytes(data)
    done = fixer(tree, command)
    assert done.returncode == code, done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["--version"], ["check", "--help"], ["rules"], ["explain", "root-user"]]
)
def test_help_is_no_error(tree: Path, arguments: list[str]) -> None:
    done = fixer(tree, *arguments)
    assert done.returncode == 0
    assert done.stdout
    assert not done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chekc"], "chekc"),
        (["check", "--nonsense"], "--nonsense"),
        (["check", "--goal", "best"], "best"),
        (["check", "--format", "xml"], "xml"),
        (["check", "--config"], "--config"),
        (["explain"], "RULE"),
        (["explain", "root-usr"], "did you mean 'root-user'?"),
        (["check", "--select", "root-usr"], "did you mean 'root-user'?"),
        (["check", "--ignore", "DF999"], "unknown rule 'DF999'"),
        (["fix", "--diff", "--write"], "contradict"),
        (["check", "--config", "x.toml", "--no-config"], "contradict"),
        (["check", "--pod-security-version", "1.24"], "'1.24' is no version"),
        (["check", "--pod-security-version="], "'' is no version"),
        (["fix", "--pod-security-version=v1.x"], "--pod-security-version: 'v1.x' is no version"),
        (["check", "gone"], "gone: no such file"),
        (["check", "--config", "gone.toml"], "gone.toml"),
    ],
)
def test_wrong_words_end_with_2(tree: Path, arguments: list[str], words: str) -> None:
    (tree / "Dockerfile").write_bytes(BAD)
    done = fixer(tree, *arguments)
    assert done.returncode == 2
    assert not done.stdout
    assert words in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("uidd = 5\n", "did you mean 'uid'?"),
        ("uid = \n", "TOML"),
        ("uid = 0\n", "uid"),
        ("uid = true\n", "uid"),
        ('goal = "best"\n', "nonroot, restricted"),
        ('select = ["root-usr"]\n', "did you mean 'root-user'?"),
        ('select = "DF001"\n', "list of words"),
        ('user-name = "root"\n', "user name"),
        ('ownership = "all"\n', "ownership"),
        ('[images.x]\nuser = "root"\n', "numbers"),
        ('[images.x]\nuser = "0:0"\n', "numbers"),
        ('[images.x]\nusr = "1"\n', "did you mean 'user'?"),
        ("images = 1\n", "images"),
        ("[build-args]\nA = 1\n", "table of words"),
        ("\udcff", "cannot be read"),
    ],
)
def test_a_wrong_configuration_ends_with_2(tree: Path, text: str, words: str) -> None:
    (tree / "Dockerfile").write_bytes(BAD)
    (tree / "fixer.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    done = fixer(tree, "check")
    assert done.returncode == 2
    assert "fixer.toml" in done.stderr or "root-usr" in done.stderr
    assert words in done.stderr
    assert fixer(tree, "check", "--no-config").returncode == 1


# --- what is printed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["check", "fix"])
def test_the_report_as_json(tree: Path, command: str) -> None:
    for n, data in enumerate((BAD, GOOD, HELD, b"nonsense\n")):
        (tree / str(n)).mkdir()
        (tree / str(n) / "Dockerfile").write_bytes(data)
    (tree / "Dockerfile.j2").write_bytes(BAD)
    found = report(fixer(tree, command, "--format", "json"))
    assert found["summary"]["files"] == 3
    assert found["summary"]["skipped"] == {"syntax": 1, "template": 1}
    assert {f["path"] for f in found["findings"]} == {"0/Dockerfile", "2/Dockerfile"}
    assert found["findings"] == sorted(found["findings"], key=lambda f: (f["path"], f["line"], f["column"], f["rule"]))
    statuses = {f["path"]: f["status"] for f in found["findings"] if f["rule"] == "DF001"}
    assert statuses == {"0/Dockerfile": "found" if command == "check" else "fixed", "2/Dockerfile": "refused"}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_no_colours_in_a_pipe(tree: Path) -> None:
    (tree / "Dockerfile").write_bytes(BAD)
    done = fixer(tree, "check", FORCE_COLOR="", NO_COLOR="")
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
def test_colours_on_a_terminal_only_when_wanted(tree: Path, env: dict[str, str]) -> None:
    (tree / "Dockerfile").write_bytes(BAD)
    out = on_a_terminal(tree, "check", **env)
    assert (b"\x1b[" in out) is not bool(env)


def on_a_terminal(cwd: Path, *arguments: str, **env: str) -> bytes:
    """Run with a terminal as standard output and error, and give all that it got."""
    import pty

    base = {k: v for k, v in HERE.items() if k not in ("NO_COLOR", "FORCE_COLOR", "CI")}
    main, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "fixer", *arguments], cwd=cwd, env={**base, "TERM": "xterm", **env},
        stdin=subprocess.DEVNULL, stdout=side, stderr=side,
    )  # fmt: skip
    os.close(side)
    out = b""
    while True:
        try:
            data = os.read(main, 65536)
        except OSError:
            break
        if not data:
            break
        out += data
    os.close(main)
    process.wait(60)
    return out


def test_a_reader_that_goes_away_is_no_error(tree: Path) -> None:
    for n in range(300):
        (tree / f"d{n}").mkdir()
        (tree / f"d{n}" / "Dockerfile").write_bytes(BAD)
    command = f"{sys.executable} -m fixer fix | head -1"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tree, env=HERE, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_rules_are_listed_and_explained(tree: Path) -> None:
    rows = json.loads(fixer(tree, "rules", "--format", "json").stdout)
    assert {"id", "name", "title", "severity", "goals", "standards"} == set(rows[0])
    table = fixer(tree, "rules").stdout
    for row in rows:
        assert row["id"] in table
        for word in (row["id"], row["id"].lower(), row["name"]):
            done = fixer(tree, "explain", word) if row is rows[0] else None
            assert done is None or "## Why it matters" in done.stdout


# --- diff and write ----------------------------------------------------------------------------------------------

WAYS = {
    "plain": BAD,
    "no final newline": BAD.removesuffix(b"\n"),
    "CRLF": BAD.replace(b"\n", b"\r\n"),
    "CRLF, no final newline": BAD.replace(b"\n", b"\r\n").removesuffix(b"\r\n"),
    "BOM": b"\xef\xbb\xbf" + BAD,
    "latin-1": b"# caf\xe9\n" + BAD,
    "no command": b"FROM debian:12\nRUN true",
    "one line": b"FROM debian:12",
}
NAMES = [
    "Dockerfile",
    "a b/Dockerfile",
    "ä/Dockerfile",
    "a\tb/Dockerfile",
    'a"b/Dockerfile',
    "a\\b/Dockerfile",
    "a'b/Dockerfile.x y",
]


def test_git_applies_the_diff_and_gets_what_is_written(tree: Path) -> None:
    """Every way to save a file, every odd name, in one diff."""
    (tree / ".git").rmdir()
    git(tree, "init", "-q")
    before = {tree / str(n) / name: data for name in NAMES for n, data in enumerate(WAYS.values())}
    for file, data in before.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    done = fixer(tree, "fix", "--diff")
    assert {file: file.read_bytes() for file in before} == before
    checked = git(tree, "apply", "--check", stdin=done.stdout)
    assert checked.returncode == 0, checked.stderr.decode()
    git(tree, "apply", stdin=done.stdout)
    applied = {file: file.read_bytes() for file in before}
    assert not [file for file in before if applied[file] == before[file]]
    for file, data in before.items():
        file.write_bytes(data)
    assert fixer(tree, "fix", "--write").stdout == ""
    assert {file: file.read_bytes() for file in before} == applied


@pytest.mark.parametrize("where", [".", "sub", "sub/Dockerfile"])
def test_the_paths_of_a_diff_start_at_the_top_of_the_repository(tree: Path, where: str) -> None:
    (tree / ".git").rmdir()
    git(tree, "init", "-q")
    (tree / "sub").mkdir()
    (tree / "sub/Dockerfile").write_bytes(BAD)
    done = fixer(tree, "fix", where)
    assert git(tree, "apply", "--check", stdin=done.stdout).returncode == 0, done.stdout
    told = report(fixer(tree, "check", where, "--format", "json"))["findings"][0]["path"]
    assert told == ("Dockerfile" if where == "sub" else "sub/Dockerfile")  # relative to the root of the argument
    fixer(tree, "fix", "--write", where)
    assert (tree / "sub/Dockerfile").read_bytes() != BAD


def test_two_files_elsewhere_are_told_apart(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two")]
    for folder in folders:
        (folder / "Dockerfile").write_bytes(BAD)
    found = report(fixer(tree, "fix", "--write", "--format", "json", *(f / "Dockerfile" for f in folders)))
    assert {f["path"] for f in found["findings"]} == {str(f / "Dockerfile").lstrip("/") for f in folders}
    assert all((f / "Dockerfile").read_bytes() != BAD for f in folders)


def test_write_keeps_the_mode(tree: Path) -> None:
    file = tree / "Dockerfile"
    file.write_bytes(BAD)
    file.chmod(0o640)
    assert fixer(tree, "fix", "--write").returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [p.name for p in tree.iterdir()] == sorted([".git", "Dockerfile"]) or len(list(tree.iterdir())) == 2


def test_without_write_nothing_is_written(tree: Path) -> None:
    file = tree / "Dockerfile"
    file.write_bytes(BAD)
    before = file.stat()
    for arguments in (["check"], ["fix"], ["fix", "--diff"], ["fix", "--format", "json"], ["fix", "--annotate"]):
        fixer(tree, *arguments)
    assert file.read_bytes() == BAD
    assert file.stat().st_mtime_ns == before.st_mtime_ns


def test_a_second_write_changes_nothing(tree: Path) -> None:
    file = tree / "Dockerfile"
    file.write_bytes(BAD)
    fixer(tree, "fix", "--write")
    once = file.read_bytes()
    done = fixer(tree, "fix", "--write")
    assert (done.returncode, file.read_bytes()) == (0, once)
    assert fixer(tree, "check").returncode == 0


def test_safe_only_leaves_the_rest_with_its_reason(tree: Path) -> None:
    (tree / "Dockerfile").write_bytes(BAD)
    found = report(fixer(tree, "fix", "--safe-only", "--format", "json"))
    moved = [f for f in found["findings"] if f["rule"] == "DF001"]
    assert [f["reason"] for f in moved] == ["not-safe"]
    assert found["summary"]["changed"] == 0


# --- files that are strange --------------------------------------------------------------------------------------


def test_links_are_not_followed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "Dockerfile").write_bytes(BAD)
    (tree / "Dockerfile").symlink_to(outside / "Dockerfile")
    (tree / "linked").symlink_to(outside)
    (tree / "broken.dockerfile").symlink_to("gone")
    assert fixer(tree, "fix", "--write").returncode == 3
    named = report(fixer(tree, "fix", "--write", "--format", "json", "Dockerfile"))
    assert [s["reason"] for s in named["skipped"]] == ["link"]
    broken = report(fixer(tree, "check", "--format", "json", "broken.dockerfile"))
    assert [s["reason"] for s in broken["skipped"]] == ["link"]
    assert (outside / "Dockerfile").read_bytes() == BAD


def test_a_build_context_does_not_lead_out(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "entry.sh").write_text("#!/bin/sh\nexec gosu app x\n")
    (tree / "entry.sh").symlink_to(outside / "entry.sh")
    (tree / "Dockerfile").write_bytes(b'FROM debian:12\nCOPY entry.sh /entry.sh\nENTRYPOINT ["/entry.sh"]\n')
    found = report(fixer(tree, "check", "--format", "json"))
    assert "steps-down" not in {f["reason"] for f in found["findings"]}


def test_git_ignores_are_respected(tree: Path) -> None:
    for name in ("a", "b", "c/d", "node_modules/x", "build"):
        (tree / name).mkdir(parents=True)
        (tree / name / "Dockerfile").write_bytes(BAD)
    (tree / ".gitignore").write_text("/a/\nd\n!b\n")
    (tree / "build/.gitignore").write_text("*\n")
    found = report(fixer(tree, "check", "--format", "json"))
    assert {f["path"] for f in found["findings"]} == {"b/Dockerfile"}
    # what is named is looked at
    assert report(fixer(tree, "check", "--format", "json", "a/Dockerfile"))["summary"]["files"] == 1


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "bell\x07", "\x9b31m", "\udcff"])
def test_control_characters_in_names_are_harmless(tree: Path, name: str) -> None:
    folder = os.fsencode(tree) + b"/" + name.encode("utf-8", "surrogateescape")
    os.mkdir(folder)
    with open(folder + b"/Dockerfile", "wb") as file:
        file.write(BAD)
    for command in (["check"], ["fix"]):
        done = fixer(tree, *command)
        assert done.returncode in {0, 1}
        for control in "\x1b\x07\x9b":
            assert control not in done.stdout + done.stderr
    report(fixer(tree, "check", "--format", "json"))
    assert fixer(tree, "fix", "--write").returncode == 0


def test_control_characters_in_a_file_are_harmless_in_a_report(tree: Path) -> None:
    (tree / "Dockerfile").write_bytes(b'FROM debian:12\nUSER \x1b[31mroot\nCMD ["x"]\n')
    done = fixer(tree, "check")
    assert "\x1b" not in done.stdout + done.stderr


def test_the_log_of_a_ci_job_takes_no_name_for_a_command(tree: Path) -> None:
    for name in ("::error::x", "##[group]x"):
        (tree / name).mkdir()
        (tree / name / "Dockerfile").write_bytes(BAD)
    lines = fixer(tree, "check").stdout.splitlines()
    assert not any(line.lstrip().startswith("::") or "##[" in line for line in lines)
    assert any(line.startswith("\\x3a:error::x/Dockerfile:2") for line in lines), lines


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\n# only words\n", "empty"),
        (b"FROM a\nRUN \0\n", "encoding"),
        ("FROM a\n".encode("utf-16"), "encoding"),
        (b"FROM a\nRUN " + b"x" * 70000 + b"\n", "line-too-long"),
        (b"FROM a\nFOO x\n", "syntax"),
        (b"#" * (5 << 20), "too-large"),
    ],
)
def test_a_file_that_is_none_is_skipped(tree: Path, data: bytes, reason: str) -> None:
    (tree / "Dockerfile").write_bytes(data)
    for command in ("check", "fix"):
        done = fixer(tree, command, "--format", "json")
        assert report(done)["summary"]["skipped"] == {reason: 1}
        assert done.returncode == 1  # nobody judged it


def test_a_pipe_is_not_waited_for(tree: Path) -> None:
    os.mkfifo(tree / "Dockerfile")
    assert fixer(tree, "check").returncode == 3
    assert report(fixer(tree, "check", "--format", "json", "Dockerfile"))["summary"]["skipped"] == {"not-a-file": 1}


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read anything")
def test_an_unreadable_file_is_told(tree: Path) -> None:
    file = tree / "Dockerfile"
    file.write_bytes(BAD)
    file.chmod(0)
    assert report(fixer(tree, "check", "--format", "json"))["summary"]["skipped"] == {"unreadable": 1}


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write anything")
def test_a_folder_that_cannot_be_written_is_told(tree: Path) -> None:
    (tree / "Dockerfile").write_bytes(BAD)
    tree.chmod(0o500)
    try:
        found = report(fixer(tree, "fix", "--write", "--format", "json"))
    finally:
        tree.chmod(0o700)
    assert found["summary"]["skipped"] == {"not-written": 1}
    assert found["summary"]["fixed"] == 0


def test_the_report_calls_fixed_what_is_written_only(tree: Path) -> None:
    (tree / "Dockerfile").write_bytes(BAD)
    planned, written = fixer(tree, "fix").stderr, fixer(tree, "fix", "--write").stderr
    assert "would fix Dockerfile" in planned
    assert " would be fixed (" in planned
    assert "fixed Dockerfile" not in planned
    assert written.startswith("fixed Dockerfile")
    assert "'fixer undo' takes it back" in written
    assert "undo" not in planned + fixer(tree, "fix", "--write").stderr
    assert "would" not in written


# --- ignores -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["root-user", "DF001", "root-user, unchowned-copy"])
def test_an_ignore_comment_silences(tree: Path, name: str) -> None:
    data = b'FROM debian:12\nCOPY . /app\n# fixer: ignore[%s] root on purpose\nCMD ["x"]\n' % name.encode()
    (tree / "Dockerfile").write_bytes(data)
    done = fixer(tree, "check", "--format", "json")
    assert "DF001" not in {f["rule"] for f in report(done)["findings"]}
    assert fixer(tree, "fix").stdout == ""
    unsilenced = report(fixer(tree, "check", "--format", "json", "--no-ignores"))
    assert "DF001" in {f["rule"] for f in unsilenced["findings"]}
    assert fixer(tree, "fix", "--no-ignores").stdout != ""


def test_an_ignored_move_takes_its_companions_along(tree: Path) -> None:
    (tree / "Dockerfile").write_bytes(
        b'FROM debian:12\nWORKDIR /app\nCOPY . .\n# fixer: ignore[root-user] why\nCMD ["x"]\n'
    )
    done = fixer(tree, "check", "--format", "json")
    assert [f for f in report(done)["findings"] if f["severity"] != "info"] == []


def test_select_and_ignore(tree: Path) -> None:
    (tree / "Dockerfile").write_bytes(BAD)

    def rules(*arguments: str) -> set[str]:
        return {f["rule"] for f in report(fixer(tree, "check", "--format", "json", *arguments))["findings"]}

    assert rules("--select", "root-user") == {"DF001"}
    assert rules("--select", "DF001") == {"DF001"}
    assert "DF001" not in rules("--ignore", "root-user")
    (tree / "fixer.toml").write_text('ignore = ["root-user"]\n')
    assert "DF001" not in rules()
    assert "DF001" in rules("--no-config")


POD = """apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    runAsNonRoot: true
  containers:
    - name: web
      image: nobody/knows:1
      securityContext:
        runAsUser: 1234
        allowPrivilegeEscalation: false
        capabilities: {drop: [ALL]}
"""


def test_the_version_of_the_standards_decides(tree: Path) -> None:
    """A profile of seccomp is asked for since 1.19."""
    (tree / "pod.yaml").write_text(POD)
    for command in ("check", "fix"):
        for version, rules in (("latest", {"KS007"}), ("v1.19", {"KS007"}), ("v1.18", set())):
            found = report(fixer(tree, command, "--format", "json", "--pod-security-version", version))
            assert {f["rule"] for f in found["findings"]} == rules, (command, version)
    (tree / "fixer.toml").write_text('pod-security-version = "v1.18"\n')
    assert fixer(tree, "check").returncode == 0
    assert fixer(tree, "check", "--pod-security-version", "latest").returncode == 1


def test_a_configured_user_is_used(tree: Path) -> None:
    (tree / "Dockerfile").write_bytes(HELD)
    (tree / "fixer.toml").write_text('[images."nobody/knows:1"]\nuser = "1234:5678"\n')
    assert "+USER 1234:5678" in fixer(tree, "fix").stdout
