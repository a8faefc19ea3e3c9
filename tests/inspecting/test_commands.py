"""The commands: --inspect writes the lock, later runs need no network, and nothing that goes wrong is a traceback."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from fixer import lock as locks
from fixer.inspecting import Unseen, inspect_all
from fixer.lock import Inspection
from tests.conftest import Engine
from tests.inspecting.made import ACCOUNTS, Store
from tests.inspecting.server import Request, served

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "fixer/lock.schema.json").read_text())


def fixer(folder: Path, *words: str | Path, code: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; `code` runs before it in the same process."""
    start = f"import sys; {code}; from fixer.__main__ import main; main()" if code else ""
    command = [sys.executable, *(["-c", start] if code else ["-m", "fixer"]), *words]
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def repository(folder: Path, host: str) -> Path:
    """Lay out a repository with a Dockerfile, a manifest and Compose, and two images that it makes itself."""
    (folder / "web").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "web/Dockerfile").write_text(
        f"ARG TAG=1\nFROM {host}/team/build:1 AS build\nFROM build\nRUN make\n"
        f'FROM {host}/team/base:$TAG\nCOPY --from=build /x /x\nUSER svc\nCMD ["/x"]\n'
    )
    (folder / "other.Dockerfile").write_text("ARG BASE\nFROM $BASE\nFROM scratch\nUSER 1:1\n")
    (folder / "compose.yaml").write_text(
        f"services:\n  web: {{build: ./web, image: team/web}}\n  again: {{image: team/web}}\n"
        f"  db: {{image: '{host}/team/db:${{VERSION:-3}}'}}\n  odd: {{image: '$NOBODY/x'}}\n"
    )
    (folder / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n"
        f"  - name: db\n    image: {host}/team/db:3\n  - name: web\n    image: team/web\n"
    )
    return folder


def fill(store: Store) -> None:
    """Serve the images that the repository names."""
    for name, user in (("build", ""), ("base", ""), ("db", "svc")):
        store.image({"User": user, "ExposedPorts": {"8080/tcp": {}}}, (ACCOUNTS,), tag="3" if name == "db" else "1")


@pytest.mark.parametrize("command", ["check", "fix"])
def test_the_lock_is_written_and_a_second_run_needs_no_network(tmp_path: Path, command: str) -> None:
    with served() as server:
        folder = repository(tmp_path / "a", server.host)
        fill(server.store)
        first = fixer(folder, command, "--inspect", "registry", ".")
    known = locks.load(folder / "fixer.lock")
    assert sorted(known) == [f"{server.host}/team/{name}" for name in ("base:1", "build:1", "db:3")]
    raw = (folder / "fixer.lock").read_bytes()
    Draft202012Validator(SCHEMA).validate(json.loads(raw))
    asked = len(server.seen)
    second = fixer(folder, command, ".")
    third = fixer(folder, command, ".", "--inspect=registry")
    assert (second.stdout, second.stderr, second.returncode) == (first.stdout, first.stderr, first.returncode)
    assert (third.stdout, third.stderr, third.returncode) == (first.stdout, first.stderr, first.returncode)
    assert (folder / "fixer.lock").read_bytes() == raw
    assert len(server.seen) == asked
    assert "read from the image (digest sha256:" in first.stdout + first.stderr
    assert "not read" not in first.stdout + first.stderr


def test_nobody_is_asked_without_the_option(tmp_path: Path) -> None:
    with served() as server:
        fixer(repository(tmp_path / "a", server.host), "check", ".")
    assert server.seen == []
    assert not (tmp_path / "a/fixer.lock").exists()


def test_refresh_reads_all_again_and_forgets_what_is_named_no_more(tmp_path: Path) -> None:
    with served() as server:
        folder = repository(tmp_path / "a", server.host)
        fill(server.store)
        fixer(folder, "check", "--inspect", "registry")
        server.store.image({"User": "99"}, tag="3")
        (folder / "web/Dockerfile").unlink()
        fixer(folder, "check", "--inspect", "registry")
        assert locks.load(folder / "fixer.lock")[f"{server.host}/team/db:3"].user == "svc"
        fixer(folder, "check", "--inspect", "registry", "--refresh", "pod.yaml")
        known = locks.load(folder / "fixer.lock")
        assert (known[f"{server.host}/team/db:3"].user, len(known)) == ("99", 3)
        fixer(folder, "check", "--inspect", "registry", "--refresh")
        assert list(locks.load(folder / "fixer.lock")) == [f"{server.host}/team/db:3"]


def test_what_cannot_be_read_is_told_counted_and_stops_nobody(tmp_path: Path) -> None:
    with served() as server:
        folder = repository(tmp_path / "a", server.host)
        fill(server.store)
        del server.store.manifests["3"]
        done = fixer(folder, "check", "--inspect", "registry")
        report = json.loads(fixer(folder, "check", "--inspect", "registry", "--format", "json").stdout)
    message = f"{server.host} has no such image; check its name and tag"
    assert f"{server.host}/team/db:3: not read [image-missing] {message}" in done.stdout
    assert "  1 image not read: 1 image-missing" in done.stdout
    assert done.returncode == 1
    assert {"path": f"{server.host}/team/db:3", "reason": "image-missing", "message": message} in report["skipped"]
    assert report["summary"]["skipped"] == {"image-missing": 1}
    assert len(locks.load(folder / "fixer.lock")) == 2


def test_an_image_that_cannot_be_read_again_stays_as_it_was(tmp_path: Path) -> None:
    with served() as server:
        folder = repository(tmp_path / "a", server.host)
        fill(server.store)
        fixer(folder, "check", "--inspect", "registry")
        before = (folder / "fixer.lock").read_bytes()
        server.store.manifests.clear()
        done = fixer(folder, "check", "--inspect", "registry", "--refresh")
    assert "3 images not read" in done.stdout
    assert (folder / "fixer.lock").read_bytes() == before


def test_a_lock_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with served() as server:
        folder = repository(tmp_path / "a", server.host)
        fill(server.store)
        code = "import fixer.app\ndef no(*_): raise PermissionError(13, 'Permission denied')\nfixer.app.replace = no"
        done = fixer(folder, "check", "--inspect", "registry", code=f"exec({code!r})")
    assert "fixer.lock: skipped [not-written] it cannot be written (Permission denied)" in done.stdout
    assert "read from the image" in done.stdout


def test_a_damaged_lock_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "fixer.lock").write_text("{")
    for command in ("check", "fix"):
        done = fixer(tmp_path, command, ".")
        assert done.returncode == 2
        assert "fixer.lock: is malformed: it is no JSON" in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "--refresh"], "--inspect engine or registry"),
        (["check", "--inspect", "cloud"], "cloud"),
        (["fix", "--inspect", "cloud"], "cloud"),
        (["inspect", "Not-A-Reference"], "is no image reference"),
        (["inspect"], "IMAGE"),
        (["inspect", "--from", "cloud", "nginx"], "cloud"),
    ],
)
def test_words_that_cannot_be_meant_are_told(tmp_path: Path, words: list[str], message: str) -> None:
    done = fixer(tmp_path, *words)
    assert done.returncode == 2
    assert message in done.stderr


def test_the_packages_that_are_missing_are_named(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM nginx:1.25\n")
    for words in (["check", "--inspect", "registry"], ["check", "--inspect", "engine"], ["inspect", "nginx"]):
        done = fixer(tmp_path, *words, code="sys.modules['requests'] = sys.modules['docker'] = None")
        assert done.returncode == 2
        assert "pip install 'nonroot-fixer[inspect]'" in done.stderr


def test_a_lock_is_read_without_those_packages(tmp_path: Path) -> None:
    one = Inspection("app:1", f"sha256:{'0' * 64}", "linux/amd64", "registry", "1654")
    (tmp_path / "fixer.lock").write_text(locks.text({"app:1": one}))
    (tmp_path / "Dockerfile").write_text('FROM app:1\nCMD ["serve"]\n')
    command = [sys.executable, "-X", "importtime", "-m", "fixer", "check", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    names = {line.rpartition("|")[2].strip() for line in lines}
    assert "fixer.lock" in names
    assert not {n for n in names if n.partition(".")[0] in {"docker", "requests", "urllib3", "zstandard"}}
    assert not {n for n in names if n.startswith("fixer.inspecting")}


# --- fixer inspect ----------------------------------------------------------------------------------------------------


def test_inspect_shows_what_an_image_says(tmp_path: Path) -> None:
    with served() as server:
        row = server.store.image(
            {"User": "svc", "Env": ["A=b c", "TOKEN=hunter2"], "Cmd": ["a", "b c"], "Volumes": {"/d": {}}}, (ACCOUNTS,)
        )
        text = fixer(tmp_path, "inspect", f"{server.host}/team/app:1", f"{server.host}/team/gone:2")
        shown = fixer(tmp_path, "inspect", "--format", "json", f"{server.host}/team/app:1")
    assert text.stdout == (
        f"{server.host}/team/app:1\n"
        f"    digest     {row['digest']}\n"
        "    platform   linux/amd64\n"
        "    user       svc (1200:1201)\n"
        "    volumes    /d\n"
        "    cmd        a 'b c'\n"
        "    env        'A=b c'\n"
    )
    assert text.stderr == (
        f"{server.host}/team/gone:2: not read [image-missing] {server.host} has no such image; check its name and tag\n"
    )
    assert (text.returncode, shown.returncode) == (1, 0)
    (one,) = json.loads(shown.stdout)
    assert (one["image"], one["user"], one["env"]) == (f"{server.host}/team/app:1", "svc", {"A": "b c"})
    assert not (tmp_path / "fixer.lock").exists()


def test_control_characters_of_an_image_reach_no_terminal(tmp_path: Path) -> None:
    with served() as server:
        server.store.image({"Cmd": ["\x1b]0;owned\x07"]})
        done = fixer(tmp_path, "inspect", f"{server.host}/team/app:1")
    assert "\x1b" not in done.stdout


# --- many at once -----------------------------------------------------------------------------------------------------


def test_one_that_hangs_holds_up_nobody() -> None:
    def read(reference: str) -> Inspection:
        if reference == "b":
            time.sleep(30)
        if reference == "c":
            raise Unseen("image-missing", "there is none")
        if reference == "d":
            raise RuntimeError("hunter2")
        return Inspection(reference, "sha256:0", "linux/amd64", "registry")

    found = inspect_all("dcba" + "efghijklmnop", read, 0.05)
    assert list(found) == sorted("abcdefghijklmnop")
    unread = {name: one for name, one in found.items() if isinstance(one, Unseen)}
    assert sorted(unread) == ["b", "c", "d"]
    assert "within 1 seconds" in unread["b"].message
    assert "hunter2" not in unread["d"].message


# --- real ones --------------------------------------------------------------------------------------------------------


def push(address: str, store: Store, repository: str) -> None:
    """Fill a real registry over HTTP, as clients do."""
    import requests

    base = f"http://{address}/v2/{repository}"
    for what, data in store.blobs.items():
        begun = requests.post(f"{base}/blobs/uploads/", timeout=30)
        where = begun.headers["Location"]
        joined = f"{where}{'&' if '?' in where else '?'}digest={what}"
        assert requests.put(joined, data=data, timeout=30).status_code == 201
    for name, (media_type, data) in store.manifests.items():
        headers = {"Content-Type": media_type}
        assert requests.put(f"{base}/manifests/{name}", data=data, headers=headers, timeout=30).status_code == 201


def test_a_real_registry_gives_every_image(registry: str, tmp_path: Path) -> None:
    folder = repository(tmp_path / "a", registry)
    for name, user, tag in (("build", "", "1"), ("base", "7:7", "1"), ("db", "svc", "3")):
        store = Store()
        store.image({"User": user, "Volumes": {f"/{name}": {}}}, (ACCOUNTS,), tag=tag)
        push(registry, store, f"team/{name}")
    first = fixer(folder, "fix", "--inspect", "registry", ".")
    known = locks.load(folder / "fixer.lock")
    assert {name.rpartition("/")[2]: one.user for name, one in known.items()} == {
        "base:1": "7:7",
        "build:1": "",
        "db:3": "svc",
    }
    assert "not read" not in first.stderr
    # whoever has the lock needs no registry: the address answers nobody in a folder that was moved
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    second = fixer(moved, "fix", ".", code="import socket; socket.socket.connect = None")
    assert (second.stdout, second.stderr, second.returncode) == (first.stdout, first.stderr, first.returncode)


def test_engine_and_registry_say_the_same(engine: Engine, registry: str, tmp_path: Path) -> None:
    name = f"{registry}/rig/named:1"
    (tmp_path / "Dockerfile").write_text(
        "FROM alpine:3.20\nRUN addgroup -g 1201 team && adduser -D -u 1200 -G team svc\nUSER svc:team\n"
        'EXPOSE 80\nVOLUME /data\nENV A=1 SECRET_TOKEN=x\nENTRYPOINT ["/run"]\nWORKDIR /srv\n'
    )
    built = engine.docker("build", "-q", "--network=none", "-t", name, tmp_path)
    assert built.returncode == 0, built.stderr
    pushed = engine.docker("push", "-q", name)
    assert pushed.returncode == 0, pushed.stderr
    code = f"import os; os.environ.update(DOCKER_HOST={engine.environment['DOCKER_HOST']!r})"
    shown = [fixer(tmp_path, "inspect", "--from", o, "--format=json", name, code=code) for o in ("engine", "registry")]
    ((one,), (two,)) = (json.loads(done.stdout) for done in shown)
    assert (one.pop("source"), two.pop("source")) == ("engine", "registry")
    assert one == two
    assert one["user"] == "svc:team"
    assert "svc:1200:1201:/home/svc" in one["passwd"]
    assert engine.docker("ps", "-aq", "--filter", f"ancestor={name}").stdout == ""


def test_an_engine_tells_what_it_does_not_have(engine: Engine, tmp_path: Path) -> None:
    code = f"import os; os.environ.update(DOCKER_HOST={engine.environment['DOCKER_HOST']!r})"
    done = fixer(tmp_path, "inspect", "--from", "engine", "fixer/no-such-image:1", "debian:bookworm-slim", code=code)
    assert done.returncode == 1
    assert "fixer/no-such-image:1: not read [image-missing] the engine has no such image" in done.stderr
    assert "    user       root (0:0)\n" in done.stdout


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9", "nonsense://x", "tcp://"])
def test_no_engine_is_told(tmp_path: Path, host: str) -> None:
    done = fixer(tmp_path, "inspect", "--from=engine", "nginx", code=f"import os; os.environ['DOCKER_HOST'] = {host!r}")
    assert done.returncode == 1
    assert "nginx:latest: not read [image-unreachable] no engine answers as one should" in done.stderr


@pytest.mark.parametrize(
    "data", [b"[]", b"{", b'{"Config": 7}', b'{"Config": {}}', b'{"Config": {"User": 7}, "Id": "x"}']
)
def test_an_engine_that_talks_nonsense_is_told(tmp_path: Path, data: bytes) -> None:
    def handle(request: Request) -> bool:
        if request.path.endswith("/version"):
            return request.json({"ApiVersion": "1.44"})
        return request.answer(200, data, {"Content-Type": "application/json"})

    with served(handle) as server:
        code = f"import os; os.environ['DOCKER_HOST'] = 'tcp://{server.host}'"
        done = fixer(tmp_path, "inspect", "--from=engine", "nginx", code=code)
    assert done.returncode == 1
    assert "nginx:latest: not read [image-" in done.stderr
