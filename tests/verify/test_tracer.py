"""Which runs are traced, with which strace, and how it is started; no engine is asked."""

from __future__ import annotations

import io
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fixer.evidence import Denied, Kind, Mount, Port, Process, Recipe, Seen
from fixer.verify import calls, tracer, tracing
from fixer.verify.api import Refused
from fixer.verify.run import VOLUME, Before, Ran
from fixer.verify.tracer import FOLDER, Tracer, Untraced, around
from tests.verify_judge.trials import seen

HERE = ("linux", {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()))
TOOL = Tracer(b"", ("/.fixer-trace/ld.so", "strace"))
ROOT = seen(processes=(Process(0, 0, "app"),))


@pytest.mark.parametrize(
    ("recipe", "config", "words"),
    [
        (Recipe(), {"Entrypoint": ["/run"], "Cmd": ["a"]}, ("/run", "a")),
        (Recipe(), {"Entrypoint": None, "Cmd": ["/bin/sh", "-c", "x y"]}, ("/bin/sh", "-c", "x y")),
        (Recipe(command=("b",)), {"Entrypoint": ["/run"], "Cmd": ["a"]}, ("/run", "b")),
        (Recipe(entrypoint=("/other",)), {"Entrypoint": ["/run"], "Cmd": ["a"]}, ("/other",)),
        (Recipe(entrypoint=("/other",), command=("b",)), {"Cmd": ["a"]}, ("/other", "b")),
        (Recipe(entrypoint=()), {"Entrypoint": ["/run"], "Cmd": ["a"]}, ("a",)),
    ],
)
def test_the_program_is_the_one_that_the_engine_would_start(
    recipe: Recipe, config: dict[str, Any], words: tuple[str, ...]
) -> None:
    made = around(TOOL, recipe._replace(read_only=True), config)
    assert made.entrypoint == TOOL.words
    assert made.command == ("--", *words)
    assert made.mounts == (Mount(FOLDER, copied=False),)
    assert made.read_only


def test_what_is_said_to_the_loader_is_kept_from_that_of_the_tracer() -> None:
    recipe = Recipe(env=(("LD_PRELOAD", "/mine.so"), ("A", "1")))
    made = around(TOOL, recipe, {"Cmd": ["x"], "Env": ["LD_PRELOAD=/theirs.so", "LD_DEBUG=a=b", "B=2"]})
    assert made.command == ("-E", "LD_DEBUG=a=b", "-E", "LD_PRELOAD=/mine.so", "--", "x")
    assert dict(made.env) == {"A": "1", "LD_PRELOAD": "", "LD_DEBUG": ""}


def test_what_names_no_command_is_not_traced() -> None:
    with pytest.raises(Untraced, match="it names no command"):
        around(TOOL, Recipe(), {})


@pytest.mark.parametrize(("system", "machine"), [("linux", "other"), ("windows", HERE[1]), ("", "")])
def test_an_engine_of_another_kind_runs_no_strace_of_this_machine(system: str, machine: str) -> None:
    with pytest.raises(Untraced, match=f"the engine runs on {system} {machine}, and this machine on"):
        tracer.tracer(system, machine, VOLUME)


def test_a_machine_without_strace_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Untraced, match="strace is not here"):
        tracer.tracer(*HERE, VOLUME)


def test_a_machine_that_cannot_tell_what_strace_needs_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "strace").write_bytes(b"x")
    (tmp_path / "strace").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Untraced, match="there is no ldd"):
        tracer.tracer(*HERE, VOLUME)


LDD = """\
\tlinux-vdso.so.1 (0x00007f629f5d0000)
\tlibc.so.6 => {0}/libc.so.6 (0x00007f629f01e000)
\tlibgone.so => not found
\t{0}/ld-linux.so.2 (0x00007f629f5d2000)
"""
MUSL = "\t{0}/ld-linux.so.2 (0x7f)\n\tlibc.so.6 => {0}/libc.so.6 (0x7f)\n"


@pytest.mark.parametrize(
    ("said", "names"),
    [(LDD, ["libc.so.6", "ld-linux.so.2"]), (MUSL, ["ld-linux.so.2", "libc.so.6"]), ("\tnot a dynamic program\n", [])],
)
def test_strace_goes_with_its_loader_and_its_libraries(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, names: list[str]
) -> None:
    for name in ("strace", "libc.so.6", "ld-linux.so.2"):
        (tmp_path / name).write_text(name)
        (tmp_path / name).chmod(0o700)
    (tmp_path / "ldd").write_text(f"#!/bin/sh\nprintf %s '{said.format(tmp_path)}'\n")
    (tmp_path / "ldd").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    made = tracer.tracer(*HERE, VOLUME)
    with tarfile.open(fileobj=io.BytesIO(made.tar)) as tar:
        modes = {entry.name: (entry.mode, entry.uid) for entry in tar}
    files = {f"{VOLUME}/{name}": (0o755, 0) for name in ("strace", *names)}
    assert modes == {VOLUME: (0o755, 0), f"{VOLUME}/said": (0o1777, 0), **files}
    loader = (f"{FOLDER}/ld-linux.so.2", "--library-path", FOLDER) if names else ()
    assert made.words[: len(loader) + 1] == (*loader, f"{FOLDER}/strace")


def test_what_strace_of_this_machine_prints_is_read(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    log = tmp_path / "calls"
    script = "cd a; mkdir b; cd b; : >c; ln -s c 'd\u00e4'; (cd ..; : >'e\"<>'); rm c; cat /etc/passwd >/dev/null"
    options = [one for one in tracer._OPTIONS if one != "-DDD"]
    (tmp_path / "a").mkdir()
    command = ["strace", *options, "-o", str(log), "sh", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if "ptrace" in done.stderr:
        pytest.skip("nothing may be traced here")
    told = calls.read(log.read_text(), str(tmp_path))
    made = [call for call in told.writes if call.path.startswith(str(tmp_path))]
    inside = tmp_path / "a/b"
    assert [(call.what, Path(call.path)) for call in made] == [
        ("mkdir", inside),
        ("open", inside / "c"),
        ("symlink", inside / "d\u00e4"),
        ("open", tmp_path / 'a/e"<>'),
        ("unlink", inside / "c"),
    ]
    assert {call.error for call in made} == {""}
    assert {Path(one).name for one in told.programs} >= {"sh", "mkdir", "ln", "rm", "cat"}


# --- which runs are traced, and what comes of it ----------------------------------------------------------------------


def line(what: str, path: str, result: str) -> str:
    return f'1     {what}("{path}", 0700) = {result}\n'


START = '1     execve("/app", ["app"], 0x1 /* 2 vars */) = 0\n'
NO = "-1 EACCES (Permission denied)"


class FakeRunner:
    """Runs nothing: each image has a trace, and what is seen of its traced run."""

    beginning = VOLUME

    class Api:
        """An engine like this machine."""

        system, machine = HERE

        def image(self, name: str) -> dict[str, Any]:
            return {"Architecture": {"foreign": "s390x"}.get(name, HERE[1]), "Config": {"Cmd": ["/app"]}}

    def __init__(self, traces: dict[str, str], runs: dict[str, Seen], set_uid: tuple[str, ...] = ()) -> None:
        self.api = self.Api()
        self.traces, self.runs, self.found = traces, runs, set_uid
        self.asked: list[str] = []
        self.volumes: list[str] = []

    def filled(self, image: str, tar: bytes) -> str:
        self.volumes.append(image)
        return image

    def forget(self, volume: str) -> None:
        self.volumes.remove(volume)

    def kept(self, image: str, volume: str, path: str, most: int) -> bytes | None:
        text = self.traces.get(image)
        if text is None:
            return None
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            entry = tarfile.TarInfo("calls")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
        return out.getvalue()

    def run(self, image: str, recipe: Recipe, used: dict[str, str], before: Before) -> Ran:
        self.asked.append(image)
        assert recipe.entrypoint == TOOL.words
        assert used == {FOLDER: image}
        if image == "refused":
            raise Refused("no space left")
        return Ran(self.runs.get(image, seen()), {})

    def set_uid(self, image: str, paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(path for path in self.found if path in paths)


@pytest.fixture(autouse=True)
def tool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "tracer", lambda system, machine, name: TOOL)


def told(
    new: str | None, old: str = START, after: Seen | None = None, before: Seen = ROOT, **more: Any
) -> tuple[Seen, list[str]]:
    """What is seen with a trace, and which sides were run for it."""
    after = seen() if after is None else after
    image = more.pop("image", "new")
    runner = FakeRunner(
        {key: text for key, text in ((image, new), ("old", old)) if text is not None}, **{"runs": {}, **more}
    )
    usual = tracing.Side(runner, "old", before.recipe, before)  # type: ignore[arg-type]
    fixed = usual._replace(image=image, recipe=after.recipe, seen=after)
    found = tracing.seen_with_trace(usual, fixed, lambda words: None)
    assert runner.volumes == [], "the volume of the tracer is removed, whatever happens"
    return found, runner.asked


def test_the_original_is_traced_only_where_it_matters() -> None:
    found, asked = told(START + line("mkdir", "/x", "0"))
    assert found == seen(notes=("a trace of its calls shows no refused write",))
    assert asked == ["new"]


def test_what_only_the_fixed_one_is_refused_is_a_refusal() -> None:
    found, asked = told(START + line("mkdir", "/x", NO), START + line("mkdir", "/x", "0"))
    assert found.denied == (Denied(Kind.PATH, "/x", "in a trace of its calls: mkdir EACCES"),)
    assert found.notes == ()
    assert asked == ["new", "old"]


def test_what_both_are_refused_is_none() -> None:
    found, _ = told(START + line("mkdir", "/x", NO), START + line("mkdir", "/x", NO))
    assert found.denied == ()
    assert found.notes == ("a trace of its calls shows no refused write that the original is allowed",)


def test_what_the_run_without_a_tracer_has_written_is_not_refused() -> None:
    after = seen(written=("/x/y",))
    found, asked = told(START + line("mkdir", "/x", NO), START + line("mkdir", "/x", "0"), after)
    assert found.denied == ()
    assert asked == ["new"]


PATH = (Denied(Kind.PATH, "/x", "in the log"),)


@pytest.mark.parametrize(
    ("before", "after", "traced"),
    [
        pytest.param(ROOT, seen(denied=PATH), False, id="a path that is known already"),
        pytest.param(ROOT._replace(denied=PATH), seen(denied=PATH), True, id="a path that the original is refused too"),
        pytest.param(ROOT, seen(denied=(Denied(Kind.PATH, "", "in the log"),)), True, id="a path that nobody names"),
        pytest.param(ROOT, seen(denied=(Denied(Kind.PORT, "80", ""),)), True, id="a port"),
        pytest.param(ROOT, seen(denied=(Denied(Kind.PATH, "/a/__pycache__/b", ""),)), True, id="byte code"),
        pytest.param(ROOT, seen(error="no such file"), False, id="it does not start"),
        pytest.param(ROOT._replace(error="no such file"), seen(), False, id="the original does not start"),
        pytest.param(ROOT._replace(exit_code=1), seen(exit_code=1), False, id="the original is broken"),
    ],
)
def test_nothing_is_traced_for_what_is_known(before: Seen, after: Seen, traced: bool) -> None:
    found, asked = told(START, after=after, before=before)
    assert bool(asked) is traced
    assert (found == after) is not traced


UNTRACED: list[tuple[dict[str, Any], str]] = [
    ({"runs": {"new": seen(exit_code=1, log=("boo",))}}, "with strace, it ends with 1, and without, it stays up (boo)"),
    (
        {"runs": {"new": seen(error="bad mount")}},
        "with strace, it does not start, and without, it stays up (bad mount)",
    ),
    ({"runs": {"new": seen(ports=())}}, "with strace, it does not listen on all of its ports"),
    ({"new": ""}, "strace has told nothing"),
    ({"new": "", "runs": {"new": seen(log=("hello", "strace: attach: no"))}}, "strace: attach: no"),
    ({"new": None}, "they are too many, or were not kept"),
    ({"image": "refused"}, "no space left"),
    ({"image": "foreign"}, "the image is made for s390x"),
    ({"set_uid": ("/app",)}, "/app is set-uid, which has no effect under strace"),
    ({"runs": {"old": seen(exit_code=0)}}, "with strace, it ends with 0, and without, it stays up"),
]


@pytest.mark.parametrize(("more", "why"), UNTRACED)
def test_a_trace_that_goes_otherwise_counts_for_nothing(more: dict[str, Any], why: str) -> None:
    new = {"new": START + line("mkdir", "/x", NO), **more}
    found, _ = told(old=START + line("mkdir", "/x", "0"), **new)
    assert found == seen(notes=(f"its calls were not traced: {why}",))


@pytest.mark.parametrize(
    "after", [seen(recipe=Recipe(no_new_privileges=True)), seen(processes=(Process(0, 0, "app"),))]
)
def test_where_set_uid_has_no_effect_anyway_a_trace_counts(after: Seen) -> None:
    found, _ = told(START + line("mkdir", "/x", NO), START + line("mkdir", "/x", "0"), after, set_uid=("/app",))
    assert [one.what for one in found.denied] == ["/x"]


def test_udp_is_not_asked_for() -> None:
    after = seen(ports=(Port(53, "udp"),))
    found, _ = told(START, after=after, runs={"new": seen(ports=())})
    assert found.notes == ("a trace of its calls shows no refused write",)
