"""The program in a process of its own, without the half second that its imports take each time.

One process for all tests of a worker has imported it, and forks for each run; whatever a run does ends with it. Where a
test changes how Python itself starts, a Python is started.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
HERE = {**os.environ, "PYTHONPATH": str(ROOT)}
"""The environment of a run, also where nothing is installed."""
_STARTS = ("PYTHON", "LANG", "LC_")


def fixer(
    cwd: Path, *words: str | Path, env: Mapping[str, str] = HERE, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run the program with words in a folder, without standard input; a traceback is an error.

    Raises:
        subprocess.TimeoutExpired: when it takes longer than `timeout` seconds.
    """
    command = [os.fspath(word) for word in words]
    differs = {name for name in {*env, *HERE} if env.get(name) != HERE.get(name)}
    if sys.platform != "linux" or any(name.startswith(_STARTS) for name in differs):
        done = subprocess.run(
            [sys.executable, "-m", "fixer", *command],
            cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout, check=False,
        )  # fmt: skip
        code, out, err = done.returncode, done.stdout, done.stderr
    else:
        code, out, err = _forked(command, cwd, env, timeout)
    said = err.decode("utf-8", "surrogateescape")
    assert "Traceback" not in said, said
    return subprocess.CompletedProcess(command, code, out.decode("utf-8", "surrogateescape"), said)


def _forked(command: list[str], cwd: Path, env: Mapping[str, str], timeout: float) -> tuple[int, bytes, bytes]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        places = [f"/proc/{os.getpid()}/fd/{one.fileno()}" for one in (out, err)]
        order = {"words": command, "cwd": os.fspath(cwd), "env": dict(env), "streams": places, "timeout": timeout}
        server.stdin.write(json.dumps(order) + "\n")
        server.stdin.flush()
        code = json.loads(server.stdout.readline())
        if code is None:
            raise subprocess.TimeoutExpired(command, timeout)
        out.seek(0)
        err.seek(0)
        return code, out.read(), err.read()


@cache
def _server() -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, "-c", "from tests.process import serve; serve()"],
        cwd=ROOT, env=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    atexit.register(_end, server)
    return server


def _end(server: subprocess.Popen[str]) -> None:
    server.communicate()


def serve() -> None:
    """The life of the process that forks: an order a line, and the exit code of each, null when it took too long."""
    import fixer.cli.branches
    import fixer.cli.main
    import fixer.deliver.branches  # noqa: F401
    from fixer import app

    app.fix(ROOT / "examples")  # imports the rest
    orders, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for line in orders:
        order = json.loads(line)
        child = os.fork()
        if not child:
            orders.close()
            answers.close()
            _run(order)
        signal.signal(signal.SIGALRM, lambda *_, child=child: os.kill(child, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, order["timeout"])
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        late = not signal.setitimer(signal.ITIMER_REAL, 0)[0]
        answers.write(json.dumps(None if late else code) + "\n")
        answers.flush()


def _run(order: dict[str, object]) -> NoReturn:
    code: object = 1
    try:
        from fixer.__main__ import main

        for number, place in enumerate([os.devnull, *order["streams"]]):  # type: ignore[misc]
            os.dup2(os.open(place, os.O_RDWR), number)
        os.environ.clear()
        os.environ.update(order["env"])  # type: ignore[call-overload]
        os.chdir(order["cwd"])  # type: ignore[arg-type]
        sys.argv = ["fixer", *order["words"]]  # type: ignore[misc]
        main()
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 0 if code is None else 1)
