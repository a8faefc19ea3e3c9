"""A repository for sessions, and people who answer: by prompt_toolkit's pipe, or at a real terminal."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from fixer.config import Config
from fixer.console import clean
from fixer.engine import Choice
from fixer.render.text import Line
from fixer.session.bench import Bench
from fixer.session.kept import Keeper
from fixer.session.keys import Keyboard
from fixer.session.record import Record
from fixer.session.session import Session
from fixer.session.talk import Talk
from tests.deliver.repos import ROOT, fill

NODE = b'FROM node:20-bookworm\nWORKDIR /app\nCOPY . .\nCMD ["node", "server.js"]\n'
DEBIAN = b'FROM debian:12\nWORKDIR /srv\nCOPY . .\nCMD ["./run"]\n'
UNKNOWN = b'FROM nobody.example.org/knows:1\nCMD ["./run"]\n'
POD = b"""\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: registry.example.org/web:1
"""
FILES: Mapping[str, bytes] = {
    "api/Dockerfile": NODE,
    "job/Dockerfile": DEBIAN,
    "odd/Dockerfile": UNKNOWN,
    "pod.yaml": POD,
}


def session(root: Path, files: Mapping[str, bytes] | None = None, config: Config | None = None) -> Session:
    """A session over some files that are written first."""
    fill(root, FILES if files is None else files)
    return Session(Bench([root], config or Config(), Choice(True)), Record())


def place(session: Session) -> tuple[str, str]:
    """The rule and the path that are asked about."""
    item = session.current()
    assert item is not None
    return item.lead.rule, item.lead.path


def held(session: Session, path: str) -> bytes:
    """What a file would hold if the session ended here."""
    root = session.bench.trees[0].root
    name = os.path.abspath(root / path)
    return session.record.texts.get(name, (root / path).read_bytes())


def talk(
    session: Session, keys: str, keeper: Keeper, edit: Callable[[str, bytes], bytes] = lambda name, data: data
) -> tuple[str, Talk]:
    """Let somebody press keys; what was shown, and the conversation, which must have ended by itself."""
    shown: list[str] = []

    def show(lines: Iterable[Line]) -> None:
        shown.extend(clean("".join(piece for piece, _ in line)) for line in lines)

    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        pipe.close()  # who has nothing more to say ends it, and no test waits
        one = Talk(session, Keyboard(pipe, DummyOutput()), show, keeper, edit)
        one.run()
    return "\n".join(shown), one


class Terminal:
    """A program at a real terminal of 80 columns and 24 lines."""

    def __init__(self, *words: str, cwd: Path, **env: str) -> None:
        self.end, other = os.openpty()
        os.set_blocking(self.end, False)
        environment = {**os.environ, "COLUMNS": "80", "LINES": "24", "PYTHONPATH": str(ROOT), **env}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fixer", *words],
            cwd=cwd,
            env=environment,
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
        )
        os.close(other)
        self.shown = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        os.close(self.end)

    def until(self, pattern: str, seconds: float = 60) -> str:
        """Wait until something is shown that was not there before; all that is new up to then."""
        last = time.monotonic() + seconds
        while (found := re.search(pattern, self.shown)) is None:
            assert time.monotonic() < last, f"{pattern!r} is not in {self.shown!r}"
            if not self._read() and self.process.poll() is not None and not self._read():
                raise AssertionError(f"{pattern!r} is not in {self.shown!r}, and the program has ended")
        new, self.shown = self.shown[: found.end()], self.shown[found.end() :]
        return new

    def _read(self) -> bool:
        ready, _, _ = select.select([self.end], [], [], 0.2)
        try:
            data = os.read(self.end, 65536) if ready else b""
        except OSError:  # the other end is closed
            data = b""
        self.shown += data.decode("utf-8", "replace")
        return bool(data)

    def press(self, keys: str) -> None:
        """Press some keys."""
        os.write(self.end, keys.encode())

    def kill(self) -> None:
        """End it as nobody can prevent."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def code(self) -> int:
        """Wait for its end; its exit code."""
        last = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < last:
            self._read()
        return self.process.wait(1)
