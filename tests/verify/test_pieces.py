"""The parts of a trial that need no engine: messages, requests, tables and permission bits."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any, cast

import docker
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from fixer.errors import UsageError
from fixer.evidence import Built, Denied, Kind, Mount, Recipe
from fixer.verify import files, ports, probe, trace
from fixer.verify.api import Api, Owned, Refused, _errors, _sentence
from fixer.verify.build import Bounds, _first_real, _Listener, _missing, _sources, _without_frontend
from fixer.verify.containers import Place, body, withheld
from fixer.verify.engine import open_bench
from fixer.verify.said import lines, tidy
from fixer.verify.trace import Broken, Trace

PLACE = Place("sha256:1", {"label": "run"}, {"/data": "volume-1"}, 64, 32)


def field(number: int, data: bytes) -> bytes:
    size = len(data)
    head = b""
    while size > 0x7F:
        head += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + head + bytes([size]) + data


def test_the_step_that_failed_is_told_with_the_end_of_its_log() -> None:
    found = Trace()
    good = field(1, field(1, b"a") + field(3, b"[1/2] FROM x") + b"\x20\x01")
    bad = field(1, field(1, b"b") + field(3, b"[2/2] RUN false"))
    found.add(good + bad)
    found.add(field(3, field(1, b"b") + b"\x18\x01" + field(4, b"one\n")))
    found.add(field(3, field(1, b"b") + field(4, b"x" * 200 + b"\ntwo\n")))
    assert found.failed() is None
    found.add(field(1, field(1, b"a") + field(3, b"[1/2] FROM x") + field(7, b"context canceled")))
    found.add(field(1, field(1, b"b") + field(3, b"[2/2] RUN false") + field(7, b"exit code: 1")))
    failed = found.failed()
    assert failed is not None
    assert failed.name == "[2/2] RUN false"
    assert failed.log == b"one\n" + b"x" * 200 + b"\ntwo\n"
    assert found.names() == ["[1/2] FROM x", "[2/2] RUN false"]


@pytest.mark.parametrize("message", [b"\x0a\xff", b"\x0a\x05ab", b"\x0b", b"\x80", b"\x08" + b"\xff" * 12])
def test_what_is_no_message_is_told(message: bytes) -> None:
    with pytest.raises(Broken):
        Trace().add(message)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(message: bytes) -> None:
    found = Trace()
    try:
        found.add(message)
    except trace.Broken:
        return
    found.failed()


def test_words_of_strangers_are_tidied() -> None:
    assert tidy("\x1b[31mred\x1b[0m\x07 and\nmore\u202e") == "red  and more"
    assert tidy("x" * 500, 10) == "xxxxxxx..."
    assert lines(b"one\r\n\n\x1b]0;title\x07two\xff\n") == ["one", "two\ufffd"]


@given(st.text(max_size=1000))
def test_tidied_words_are_one_printable_line(text: str) -> None:
    assert "\n" not in tidy(text)
    assert "\x1b" not in tidy(text)
    assert len(tidy(text)) <= 300


def test_a_container_gets_no_way_out() -> None:
    recipe = Recipe(
        cap_add=("SYS_ADMIN", "NET_BIND_SERVICE"), sysctls=(("kernel.core_pattern", "|/x"), ("net.core.somaxconn", "9"))
    )
    host = body(recipe, PLACE)["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["Privileged"] is False
    assert host["CapAdd"] == ["NET_BIND_SERVICE"]
    assert host["Sysctls"] == {"net.ipv4.ip_unprivileged_port_start": "1024", "net.core.somaxconn": "9"}
    assert host["Memory"] == host["MemorySwap"] == 64 << 20
    assert host["PidsLimit"] == 32
    assert {mount["Type"] for mount in host["Mounts"]} == {"volume"}
    assert not {"Binds", "Devices", "PidMode", "UTSMode", "CgroupParent", "DeviceRequests"} & set(host)
    assert len(withheld(recipe)) == 2


def test_a_container_is_as_its_recipe_says() -> None:
    recipe = Recipe(
        user="5:6",
        groups=(7,),
        workdir="/w",
        entrypoint=(),
        command=("a", "b"),
        env=(("A", "b=c"),),
        mounts=(Mount("/data", read_only=True, copied=False), Mount("/tmp", "tmpfs", group=9)),
        read_only=True,
        cap_drop=("ALL",),
        no_new_privileges=True,
        healthcheck=("CMD", "true"),
    )
    made = body(recipe, PLACE)
    host = made["HostConfig"]
    assert (made["User"], made["WorkingDir"], made["Entrypoint"], made["Cmd"]) == ("5:6", "/w", [], ["a", "b"])
    assert made["Env"] == ["A=b=c"]
    assert made["Labels"] == {"label": "run"}
    assert made["Healthcheck"]["Test"] == ["CMD", "true"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["GroupAdd"]) == (True, ["ALL"], ["7"])
    assert host["SecurityOpt"] == ["no-new-privileges"]
    (mount,) = host["Mounts"]
    assert (mount["Source"], mount["ReadOnly"], mount["VolumeOptions"]) == ("volume-1", True, {"NoCopy": True})
    assert host["Tmpfs"]["/tmp"].endswith("mode=2777,gid=9")
    mounts = (Mount("/a", "tmpfs"), Mount("/b", "tmpfs", options="uid=7,mode=700,size=99g,dev"))
    folders = body(Recipe(mounts=mounts), PLACE)["HostConfig"]["Tmpfs"]
    assert folders["/a"].endswith(",mode=1777")
    assert folders["/b"].endswith(",uid=7,mode=700")
    bare = body(Recipe(), PLACE)
    assert not {"User", "Cmd", "Entrypoint", "Env", "WorkingDir"} & set(bare)


def test_a_shared_network_belongs_to_its_holder() -> None:
    host = body(Recipe(), PLACE._replace(network="container:abc"))["HostConfig"]
    assert (host["NetworkMode"], host["Sysctls"]) == ("container:abc", {})
    holder = body(Recipe(), PLACE._replace(hosts=("db",)))["HostConfig"]
    assert holder["ExtraHosts"] == ["db:127.0.0.1"]


def test_podman_is_asked_in_its_own_words() -> None:
    mounts = (Mount("/data", read_only=True, copied=False), Mount("/b", "tmpfs", options="uid=7,mode=700"))
    host = body(Recipe(mounts=mounts), PLACE._replace(kind="podman"))["HostConfig"]
    assert (host["Mounts"], host["Binds"]) == ([], ["volume-1:/data:nocopy,ro"])
    assert host["Tmpfs"]["/b"].endswith(",mode=700,notmpcopyup,U")
    assert "LogConfig" not in host
    other = body(Recipe(mounts=(Mount("/data"), Mount("/b", "tmpfs"))), PLACE._replace(kind="podman"))["HostConfig"]
    assert (other["Binds"], other["Tmpfs"]["/b"].endswith(",mode=1777,notmpcopyup")) == ([], True)
    assert [mount["Source"] for mount in other["Mounts"]] == ["volume-1"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no such image", "no such image"),
        (r'runc: time="1" level=error msg="exec: \"/a\": no such file": OCI', 'exec: "/a": no such file'),
    ],
)
def test_what_podman_hands_on_is_told_without_its_frame(text: str, sentence: str) -> None:
    assert _sentence(text) == sentence


TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   2: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 1 1
"""
TCP6 = """  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 0 0
   1: 00000000000000000000000001000000:2328 00000000000000000000000000000000:0000 0A 0 0
"""
UDP = """  sl  local_address rem_address   st
   0: 00000000:0035 00000000:0000 07 0
   1: 00000000:C001 00000000:0000 07 0
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the tables are those of a little-endian machine")
def test_who_listens_is_read_from_the_kernel() -> None:
    assert ports.listeners(TCP, "tcp") == {("tcp", 80, "0.0.0.0"), ("tcp", 8080, "127.0.0.1")}
    assert ports.listeners(TCP6, "tcp6") == {("tcp", 443, "::"), ("tcp", 9000, "::1")}
    assert ports.listeners(UDP, "udp") == {("udp", 53, "0.0.0.0")}
    assert ports.listeners("", "tcp") == set()


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", 404),
        (b"HTTP/2 200\r\n", 200),
        (b"SSH-2.0-x\r\n", None),
        (b"", None),
        (b"x" * 9000, None),
    ],
)
def test_a_port_is_asked(answer: bytes, status: int | None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            channel, _ = server.accept()
            with channel:
                channel.recv(4096)
                channel.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert probe.status("127.0.0.1", server.getsockname()[1]) == status
        thread.join()


def test_a_port_that_nobody_listens_on_answers_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    assert probe.status("127.0.0.1", number) is None


def test_the_probe_imports_nothing_of_the_project() -> None:
    command = [sys.executable, "-I", "-S", str(Path(probe.__file__)), "999999999"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert done.returncode != 0
    assert "FileNotFoundError" in done.stderr


class Owners:
    """An engine that knows the owners of paths alone."""

    kind = "docker"

    def __init__(self, owners: dict[str, Owned]) -> None:
        self.owners = owners

    def owned(self, container: str, path: str) -> Owned | None:
        return self.owners.get(path)

    def diff(self, container: str) -> list[tuple[int, str]]:
        names = "/etc /etc/hosts /app /app/cache /app/cache/x /app/__pycache__/a.pyc /data /run /run/app.pid"
        return [(0, name) for name in names.split()] + [(2, "/app/gone")]


OWNERS = Owners(
    {
        "/": Owned(0, 0, 0o755, True),
        "/app": Owned(0, 7, 0o775, True),
        "/app/mine": Owned(5, 0, 0o600, False),
        "/app/theirs": Owned(0, 0, 0o644, False),
        "/tmp": Owned(0, 0, 0o1777, True),
    }
)


@pytest.mark.parametrize(
    ("path", "who", "denied"),
    [
        ("/app/mine", files.Who(5, 5), False),
        ("/app/theirs", files.Who(5, 5), True),
        ("/app/new/deep", files.Who(5, 5), True),
        ("/app/new/deep", files.Who(5, 7), False),
        ("/app/new/deep", files.Who(5, 5, (7,)), False),
        ("/tmp/x", files.Who(5, 5), False),
        ("/srv/x", files.Who(5, 5), True),
        ("/srv/x", files.Who(0, 0), False),
    ],
)
def test_where_a_user_may_not_write(path: str, who: files.Who, denied: bool) -> None:
    found = files.closed(cast("Api", OWNERS), "c", [path], who)
    assert found == ((Denied(Kind.PATH, path, files.BY_ROOT),) if denied else ())


def test_a_read_only_root_is_closed_but_for_its_mounts() -> None:
    found = files.closed(cast("Api", OWNERS), "c", ["/tmp/x", "/app/mine"], files.Who(5, 5), ["/tmp"], True)
    assert [one.what for one in found] == ["/app/mine"]


def test_what_was_written_is_told_without_noise() -> None:
    assert files.written(cast("Api", OWNERS), "c", ["/data"]) == ("/app/cache/x", "/run/app.pid")


def test_a_volume_is_given_to_a_group() -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind, mode in (
            ("v", tarfile.DIRTYPE, 0o700),
            ("v/file", tarfile.REGTYPE, 0o600),
            ("v/link", tarfile.SYMTYPE, 0o777),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uid = kind, mode, 3
            entry.size = 4 if name == "v/file" else 0
            tar.addfile(entry, io.BytesIO(b"data") if entry.size else None)
    with tarfile.open(fileobj=io.BytesIO(files.regrouped(out.getvalue(), 9, "v"))) as tar:
        found = {entry.name: (entry.uid, entry.gid, entry.mode) for entry in tar}
    assert found["v"] == (3, 9, 0o2770)
    assert found["v/file"] == (3, 9, 0o660)
    assert found["v/link"][1] == 9


@pytest.mark.parametrize(
    ("step", "error", "name"),
    [
        ("[internal] load metadata for docker.io/library/node:20-alpine", "", "node:20-alpine"),
        ("[internal] load metadata for quay.io/x/y:1", "", "quay.io/x/y:1"),
        ("resolve image config for docker.io/docker/dockerfile:1", "", "docker/dockerfile:1"),
        ("resolve image config for docker-image://docker.io/docker/dockerfile:1", "", "docker/dockerfile:1"),
        ("FROM x", "initializing source docker://quay.io/x/y:1: pinging", "quay.io/x/y:1"),
        ("FROM x", "pull access denied for nosuch, repository does not exist", "nosuch"),
        ("[2/2] RUN make", "exit code: 2", ""),
    ],
)
def test_a_missing_base_image_is_named(step: str, error: str, name: str) -> None:
    assert _missing(step, error) == name


def test_the_first_real_line_of_a_failure() -> None:
    assert _first_real(["compiling", "x.c:1: error: no", "make: *** [x] Error 1"]) == "x.c:1: error: no"
    assert _first_real(["one", "two"]) == "two"
    assert _first_real([]) == ""


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (b"# syntax=docker/dockerfile:1\nFROM x\n", b"FROM x\n"),
        (b"# escape=`\r\n#syntax = x\r\nFROM x\r\n", b"# escape=`\r\nFROM x\r\n"),
        (b"FROM x\n# syntax=y\n", None),
        (b"", None),
    ],
)
def test_the_line_of_the_frontend_is_left_out(text: bytes, plain: bytes | None) -> None:
    assert _without_frontend(text) == plain


@pytest.mark.parametrize(
    ("engine", "says"), [("nosuch", "choose one of"), ("buildah", "no API"), ("docker", "start Docker")]
)
def test_no_engine_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: str, says: str) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nosuch.sock")
    told: list[str] = []
    with pytest.raises(UsageError, match=says) as caught:
        open_bench(engine, told.append)
    assert "\n" not in str(caught.value)
    assert told == []


def test_an_answer_of_the_probe_is_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(probe, "enter", asked.append)
    monkeypatch.setattr(probe, "status", lambda address, port: port if address == "::1" else None)
    assert json.loads(probe.main(["7", "127.0.0.1", "80", "::1", "443"])) == [None, 443]
    assert asked == [7]


def listened(*told: dict[str, Any], network: bool = False) -> Built:
    found = _Listener()
    found.listen(iter(told))
    return found.built(Bounds(1, network, 1))


def test_a_line_that_is_printed_in_pieces_is_one() -> None:
    built = listened(
        {"stream": "STEP 1/1: RUN make\n"}, {"stream": "E"}, {"stream": ": no rule"}, {"error": "exit status 2"}
    )
    assert (built.step, built.error) == ("RUN make", "E: no rule")


def test_a_builder_that_prints_its_steps_is_read_too() -> None:
    built = listened(
        {"stream": "STEP 1/2: FROM alpine\n"},
        {"stream": "STEP 2/2: RUN make\n"},
        {"stream": "cc x.c\nx.c:1: error: no\n"},
        {"error": 'building at STEP "RUN make": exit status 2'},
    )
    assert (built.image_id, built.error, built.step) == ("", "x.c:1: error: no", "RUN make")
    good = listened({"stream": "STEP 1/1: FROM x\n"}, {"aux": {"ID": "sha256:7"}})
    assert good.image_id == "sha256:7"


def test_a_step_that_wants_the_network_is_told_only_where_that_is_closed() -> None:
    told = ({"stream": "STEP 1/1: RUN x\nE: Temporary failure resolving 'deb.debian.org'\n"}, {"error": "exit 100"})
    assert listened(*told).network
    assert not listened(*told, network=True).network


@pytest.mark.parametrize(
    ("said", "unreached"),
    [
        ("executor failed running [x]: network bridge not found", True),
        ("E: Temporary failure resolving 'deb.debian.org'", True),
        ("curl: (6) Could not resolve host: example.com", True),
        ("dial tcp: lookup example.com on 10.0.0.1:53: server misbehaving", True),
        ("E: Failed to fetch http://deb.debian.org/debian/dists/jessie/Release  404  Not Found", False),
    ],
)
def test_a_network_that_does_not_answer_is_nobodys_fault(said: str, unreached: bool) -> None:
    log = f"STEP 1/1: RUN x\n{said}\ntar: Error is not recoverable: exiting now\n"
    for told in ({"stream": "STEP 1/1: RUN x\n"}, {"error": said}), ({"stream": log}, {"error": "exit status 2"}):
        built = listened(*told, network=True)
        assert (built.untried, built.network) == (unreached, False)
        assert built.error.startswith(f"its network does not answer ({said})") is unreached


@pytest.mark.parametrize(
    ("words", "told"),
    [("a b", "a b"), ('["a", "b c",', "a b c"), ("--chown=1:1 a", "a"), ("[./a, ./b,", "./a ./b")],
)
def test_what_a_copy_lacks_is_named_in_plain_words(words: str, told: str) -> None:
    assert _sources(words) == told


def test_an_engine_that_says_nothing_is_told() -> None:
    assert listened({"id": "moby.buildkit.trace", "aux": "no base64!"}).error == "the engine gave no image"


def test_an_engine_that_goes_away_is_one_sentence() -> None:
    with pytest.raises(UsageError, match="does not answer any more"), _errors():
        raise requests.exceptions.ConnectionError("broken\npipe")


def test_what_an_engine_refuses_is_told() -> None:
    with pytest.raises(Refused, match="no such thing") as caught, _errors():
        raise docker.errors.NotFound("x", explanation="no such thing")
    assert caught.value.absent
