"""The examples before and after, built and run with a real engine: who runs, and does it still do its work?

The engine has no network and few base images, so some stand in: a node image whose npm does nothing (the example has
no dependencies), a golang image whose `go` copies a small C program, and Debian's nginx without its own site. The Java
example needs images that the rig does not have.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.examples.test_examples import ROOT, copied, fixer

if TYPE_CHECKING:
    from tests.conftest import Engine

NPM = "FROM node:20-slim\nRUN printf '#!/bin/sh\\n' > /usr/local/bin/npm && chmod 755 /usr/local/bin/npm\n"
GO = """FROM alpine:3.20
COPY hello /usr/lib/hello
RUN printf '%s\\n' '#!/bin/sh' 'while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done' \\
    'if [ -n "$out" ]; then mkdir -p "${out%/*}" && cp /usr/lib/hello "$out"; fi' > /usr/bin/go && chmod 755 /usr/bin/go
"""
# The official image keeps its temporary files in /var/cache/nginx, Debian's in /var/lib/nginx.
TEMPORARY = "".join(f" {n}_temp_path /var/cache/nginx/{n};" for n in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
NGINX = (
    "FROM nginx:1.25\nRUN rm -f /etc/nginx/sites-enabled/default"
    f" && sed -i 's|http {{|http {{{TEMPORARY}|' /etc/nginx/nginx.conf\n"
)
STAND_INS = {"node:20-alpine": NPM, "golang:1.23": GO, "nginx:1.27": NGINX}


@dataclass(frozen=True)
class Case:
    """One image of an example, and what its service has to answer; each request is a method, a path and a body."""

    example: str
    dockerfile: str
    port: int
    uid: str
    talk: tuple[tuple[str, str, str, str], ...]


CASES = (
    Case(
        "python-debian", "Dockerfile", 8000, "10001",
        (("PUT", "/today", "buy milk", "kept\n"), ("GET", "/today", "", "buy milk"), ("GET", "/", "", "today\n")),
    ),
    Case("node-alpine", "Dockerfile", 3000, "1000", (("GET", "/", "", "visit 1\n"), ("GET", "/", "", "visit 2\n"))),
    Case(
        "nginx-site", "Dockerfile", 80, "101",
        (("GET", "/healthz", "", "ok\n"), ("GET", "/assets/style.css", "", "body { font-family")),
    ),
    Case("go-distroless", "Dockerfile", 8080, "65532", (("GET", "/", "", "hello\n"),)),
    Case("go-distroless", "Dockerfile.scratch", 8080, "10001", (("GET", "/", "", "hello\n"),)),
)  # fmt: skip
CLIENT = """
import sys, time, urllib.request
url, method, body = sys.argv[1], sys.argv[2], sys.argv[3].encode() or None
for _ in range(60):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method=method), timeout=10) as answer:
            sys.exit(sys.stdout.write(answer.read().decode()) and 0)
    except ConnectionError:
        time.sleep(0.1)
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ConnectionError):
            raise
        time.sleep(0.1)
sys.exit("nobody listens")
"""


@pytest.fixture(scope="module")
def bases(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Build the images that stand in; the names of those, by the names of the real ones."""
    names: dict[str, str] = {}
    for real, text in STAND_INS.items():
        context = tmp_path_factory.mktemp("base")
        (context / "Dockerfile").write_text(text)
        if "hello" in text:
            if not (compiler := shutil.which("gcc")):
                continue
            command = [compiler, "-static", "-O1", "-o", str(context / "hello"), str(ROOT / "tests/examples/hello.c")]
            subprocess.run(command, check=True, timeout=120)
        names[real] = f"fixer-example:{uuid.uuid4().hex[:12]}"
        built = engine.docker("build", "-q", "--network=none", "-t", names[real], context)
        assert built.returncode == 0, built.stderr
    yield names
    for name in names.values():
        engine.docker("rmi", "-f", name)


def stood_in(folder: Path, bases: dict[str, str]) -> None:
    """Name the images that stand in; nothing else of a Dockerfile changes."""
    for file in folder.glob("Dockerfile*"):
        text = file.read_text()
        for real in STAND_INS:
            if re.search(rf"^FROM {real}\b", text, re.MULTILINE):
                if real not in bases:
                    pytest.skip(f"no gcc to make what stands in for {real}")
                text = re.sub(rf"^FROM {real}(?=\s)", f"FROM {bases[real]}", text, flags=re.MULTILINE)
        file.write_text(text)


@contextmanager
def running(engine: Engine, folder: Path, dockerfile: str) -> Iterator[str]:
    """Build an image and run it; the id of the container."""
    built = engine.docker("build", "-q", "--network=none", "-f", folder / dockerfile, folder)
    assert built.returncode == 0, built.stderr
    image = built.stdout.strip()
    started = engine.docker("run", "-d", "--network=none", image)
    assert started.returncode == 0, started.stderr
    container = started.stdout.strip()
    try:
        yield container
    finally:
        engine.docker("rm", "-f", "-v", container)
        engine.docker("rmi", image)


def answer(engine: Engine, container: str, port: int, method: str, path: str, body: str) -> str:
    """Ask the service from a container beside it, since nothing leads into it from outside."""
    url = f"http://127.0.0.1:{port}{path}"
    done = engine.docker(
        "run", "--rm", "-i", f"--network=container:{container}", "python:3.12-slim", "python", "-", url, method, body,
        stdin=CLIENT.encode(),
    )  # fmt: skip
    logs = engine.docker("logs", container)
    assert done.returncode == 0, done.stderr + logs.stdout + logs.stderr
    return done.stdout


def uids(engine: Engine, container: str) -> set[str]:
    """Who the processes of a container run as, seen from outside."""
    for _ in range(20):
        top = engine.docker("top", container, "-eo", "uid,pid")
        found = {line.split()[0] for line in top.stdout.splitlines()[1:] if line.strip()}
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"the container does not run: {engine.docker('logs', container).stderr}")


@pytest.mark.parametrize("case", CASES, ids=[f"{c.example}-{c.dockerfile}" for c in CASES])
def test_it_works_as_before_without_root(engine: Engine, bases: dict[str, str], tmp_path: Path, case: Case) -> None:
    before, after = copied(case.example, tmp_path / "before"), copied(case.example, tmp_path / "after")
    assert fixer("fix", "--write", ".", cwd=after).returncode == 0
    for folder, root in ((before, True), (after, False)):
        stood_in(folder, bases)
        with running(engine, folder, case.dockerfile) as container:
            for method, path, body, expected in case.talk:
                assert answer(engine, container, case.port, method, path, body).startswith(expected)
            found = uids(engine, container)
            assert "0" in found if root else found == {case.uid}, found
            state = engine.docker("inspect", "-f", "{{.State.Running}} {{.RestartCount}}", container)
            assert state.stdout.strip() == "true 0"
