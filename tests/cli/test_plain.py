"""The words of `fixer check` and `fixer fix` mean the same with typer and without it."""

from __future__ import annotations

import inspect
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from fixer.cli import check, fix, plain, runs
from fixer.cli.main import app
from fixer.errors import FixerError
from fixer.model import Goal, LowPorts

DOCKERFILE = 'FROM debian:12\nCMD ["sleep", "1"]\n'
# git, an editor or a person takes longer to start than typer
FOR_TYPER = {"--rev", "--interactive", "-i", "--branch", "--commit-per", "--base", "--sign-off", "--author"}
SHARED = {**plain.SWITCHES, **plain.VALUED}
OWN = {"check": plain.CHECK_VALUED, "fix": plain.FIX_SWITCHES}


@pytest.mark.parametrize(("name", "module"), [("check", check), ("fix", fix)])
def test_it_knows_every_option_of_the_command(name: str, module: Any) -> None:
    here = SHARED | OWN[name]
    beside = {word.lstrip("-").replace("-", "_") for word in FOR_TYPER}
    assert {"paths", *here.values()} == set(inspect.signature(module.command).parameters) - beside
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    written = {o for p in command.params for o in p.opts if o.startswith("-")} - {"--help"}
    assert written - FOR_TYPER == set(here)


COMMON: list[tuple[list[str], runs.Options, str]] = [
    ([], runs.Options(), "text"),
    (["a", "--no-config", "b"], runs.Options(no_config=True), "text"),
    (["--goal", "hardened", "--format=json"], runs.Options(goal=Goal.HARDENED), "json"),
    (["--select=DF001,DF002", "--ignore", "sudo"], runs.Options(select="DF001,DF002", ignore="sudo"), "text"),
    (["--pod-security-version", "v1.24"], runs.Options(pod_security_version="v1.24"), "text"),
    (["--ports", "move"], runs.Options(ports=LowPorts.MOVE), "text"),
    (["--output-file", "json=x", "--baseline=y"], runs.Options(output_file=("json=x",), baseline=Path("y")), "text"),
    (["--config", "x.toml", "--no-ignores"], runs.Options(config=Path("x.toml"), no_ignores=True), "text"),
]


@pytest.mark.parametrize("name", ["check", "fix"])
@pytest.mark.parametrize(("words", "options", "output"), COMMON)
def test_plain_words(
    monkeypatch: pytest.MonkeyPatch, name: str, words: list[str], options: runs.Options, output: str
) -> None:
    seen = noted(monkeypatch, name)
    assert plain.run_plain([name, *words]) == 0
    paths = [Path(w) for w in words if w in ("a", "b")] or [Path()]
    assert seen == [((paths, options, output), {})]


def noted(monkeypatch: pytest.MonkeyPatch, name: str) -> list[tuple[Any, dict[str, Any]]]:
    """With what a command is run from now on."""
    seen: list[tuple[Any, dict[str, Any]]] = []

    def run(*given: Any, **named: Any) -> int:
        seen.append((given, named))
        return 0

    monkeypatch.setattr(plain, name, run)
    return seen


def test_what_only_check_has(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = noted(monkeypatch, "check")
    assert plain.run_plain(["check", "--write-baseline", "z"]) == 0
    assert seen == [(([Path()], runs.Options(write_baseline=Path("z")), "text"), {})]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--diff"], {}),
        (["--write", "--allow-dirty"], {"write": True, "allow_dirty": True}),
        (["--annotate", "--safe-only", "--annotate"], {"annotate": True, "safe_only": True}),
    ],
)
def test_what_only_fix_has(monkeypatch: pytest.MonkeyPatch, words: list[str], named: dict[str, bool]) -> None:
    seen = noted(monkeypatch, "fix")
    assert plain.run_plain(["fix", *words]) == 0
    assert seen == [(([Path()], runs.Options(), "text"), named)]


@pytest.mark.parametrize("name", ["check", "fix"])
@pytest.mark.parametrize(
    "words",
    [["--goal", "none"], ["--goal"], ["--format", "xml"], ["--what"], ["-h"], ["--help"], ["--select", "--no-config"],
     ["--output-file", "json=x", "--output-file", "json=y"], ["--no-config=1"], ["--", "a"], ["-"], ["--rev", "HEAD"]],
)  # fmt: skip
def test_everything_else_is_for_typer(monkeypatch: pytest.MonkeyPatch, name: str, words: list[str]) -> None:
    monkeypatch.setattr(plain, name, lambda *given, **named: pytest.fail("it must not run"))
    assert plain.run_plain([name, *words]) is None


@pytest.mark.parametrize(
    "words",
    [["check", "--write"], ["check", "--safe-only"], ["fix", "--write-baseline", "x"], ["fix", "-i"],
     ["fix", "--write=1"], ["fix", "--branch", "b"], ["fix", "--sign-off"], ["fix", "--base=main"],
     ["fix", "--author", "A <a@b.c>"],
     ["fix", "--commit-per", "file"], ["fix", "--diff", "--write"], ["rules"], ["--version"], []],
)  # fmt: skip
def test_so_is_what_only_another_command_has(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    for name in ("check", "fix"):
        monkeypatch.setattr(plain, name, lambda *given, **named: pytest.fail("it must not run"))
    assert plain.run_plain(words) is None


ODD = {
    "crlf/Dockerfile": DOCKERFILE.replace("\n", "\r\n").encode(),
    "bom/Dockerfile": b"\xef\xbb\xbf" + DOCKERFILE.encode(),
    "cut/Dockerfile": DOCKERFILE.strip().encode(),
    "latin/Dockerfile": DOCKERFILE.encode() + b"# caf\xe9\n",
    "binary/Dockerfile": bytes(range(256)),
    "empty/Dockerfile": b"",
    "template/Dockerfile": b"FROM {{ base }}\nCMD app\n",
    "a name with blanks/Dockerfile": b'FROM nginx:1.27\nCMD ["nginx"]\n',
    "esc\x1b[31m/Dockerfile": DOCKERFILE.encode(),
    "k8s/pod.yaml": b"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  containers:\n  - {name: x, image: a}\n",
    "k8s/broken.yaml": b"apiVersion: v1\nkind: Pod\n  spec: [\n",
    "compose.yaml": b"services:\n  web:\n    build: crlf\n",
    "fixer.toml": b'goal = "nonroot"\n',
    "nothing/readme.txt": b"nothing\n",
}


def odd(folder: Path) -> Path:
    """A repository of odd files."""
    for name, data in ODD.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def by_typer(words: list[str]) -> int | str | None:
    """The exit code with typer."""
    try:
        app(args=words, prog_name="fixer")
    except SystemExit as end:
        return end.code
    return 0


@pytest.mark.parametrize("name", ["check", "fix"])
@pytest.mark.parametrize(
    "words",
    [
        ["."],
        ["--no-config", "--format", "json", "."],
        ["crlf", "bom/Dockerfile", "cut"],
        ["latin", "--goal=restricted"],
        ["nothing"],
        ["missing"],
        ["--config", "missing.toml"],
        ["--select", "root-usr"],
        ["--refresh"],
        ["--config", "fixer.toml", "--no-config"],
        ["--output-file=x.json", "crlf"],
    ],
)
def test_both_ways_end_alike(
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    tmp_path: Path,
    name: str,
    words: list[str],
) -> None:
    monkeypatch.chdir(odd(tmp_path))
    assert ended(plain.run_plain, [name, *words], capfdbinary) == ended(by_typer, [name, *words], capfdbinary)


def ended(run: Any, words: list[str], capture: Any) -> tuple[object, ...]:
    """What became of a run: the exit code or what was raised, and what was printed."""
    try:
        code = run(words)
    except FixerError as error:
        code = str(error)
    assert code is not None
    sys.stdout.flush()
    sys.stderr.flush()
    return (code, *capture.readouterr())


@pytest.mark.parametrize("words", [[], ["--safe-only"], ["--annotate", "--allow-dirty"], ["--format=json"]])
def test_both_ways_write_alike(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path, words: list[str]
) -> None:
    made: list[tuple[tuple[object, ...], dict[str, bytes]]] = []
    there = tmp_path / "there"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for run in (plain.run_plain, by_typer):
        monkeypatch.chdir(odd(there))
        told = ended(run, ["fix", "--write", *words, "."], capfdbinary)
        made.append((told, {str(p.relative_to(there)): p.read_bytes() for p in there.rglob("*") if p.is_file()}))
        monkeypatch.chdir(tmp_path)
        shutil.rmtree(there)
    assert made[0] == made[1]
    assert made[0][1]["crlf/Dockerfile"] != ODD["crlf/Dockerfile"] or words == ["--safe-only"]


BY_TYPER = "import fixer.cli.plain as p, fixer.__main__ as m\np.run_plain = lambda words: None\nm.main()"


@pytest.mark.parametrize("no_color", ["", "1"])
@pytest.mark.parametrize("name", ["check", "fix"])
def test_both_ways_look_alike_on_a_terminal(tmp_path: Path, name: str, no_color: str) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "NO_COLOR": no_color}
    seen = [
        on_terminal([sys.executable, *start, name, "--no-config", "."], tmp_path, env)
        for start in (["-m", "fixer"], ["-c", BY_TYPER])
    ]
    assert seen[0] == seen[1]
    assert (b"\x1b[" in seen[0]) == (not no_color)


def on_terminal(command: list[str], folder: Path, env: dict[str, str]) -> bytes:
    """What a command shows on a terminal, without the counter, whose turns depend on time."""
    reader, writer = pty.openpty()
    with subprocess.Popen(command, cwd=folder, env=env, stdout=writer, stderr=writer, stdin=writer) as running:
        os.close(writer)
        data = b""
        try:
            while piece := os.read(reader, 65536):
                data += piece
        except OSError:  # how a terminal ends on Linux
            running.wait(60)
    os.close(reader)
    assert b"DF001" in data
    return data.rpartition(b"\x1b[2K")[2]


@pytest.mark.parametrize("name", ["check", "fix"])
def test_options_cost_no_typer(tmp_path: Path, name: str) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    code = "import os, sys, fixer.__main__ as m\nos._exit = sys.exit\n"
    code += "dear = ['typer', 'rich', 'git', 'pydantic', 'ruamel.yaml']\n"
    code += "try: m.main()\nfinally: print([name for name in dear if name in sys.modules])"
    words = [name, "--no-config", "--format", "json", str(tmp_path)]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == (1 if name == "check" else 0)
    assert done.stdout.endswith("[]\n")
