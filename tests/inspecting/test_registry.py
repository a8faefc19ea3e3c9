"""Images out of registries that behave, and out of those that do not."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixer.inspecting import Unseen
from fixer.inspecting.http import hasher, is_loopback
from fixer.inspecting.registry import from_registry
from fixer.lock import Login
from tests.inspecting import made
from tests.inspecting.made import ACCOUNTS, INDEX, digest, tar
from tests.inspecting.server import Handler, Request, Server, served

SECONDS = 10.0
SECRET = "correct-horse"
AUTH = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()


def refused(server: Server, tag: str = "1", seconds: float = SECONDS) -> Unseen:
    with pytest.raises(Unseen) as caught:
        from_registry(f"{server.host}/team/app:{tag}", seconds)
    message = caught.value.message
    assert SECRET not in message
    assert "\n" not in message
    assert 10 < len(message) < 250
    return caught.value


def login(home: Path, registry: str, **entry: str) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    coded = base64.b64encode(f"me:{SECRET}".encode()).decode()
    (home / ".docker/config.json").write_text(json.dumps({"auths": {registry: entry or {"auth": coded}}}))


# --- what is read -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("docker", [False, True])
def test_a_configuration_is_read(docker: bool) -> None:
    config = {
        "User": "1654:0", "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "Volumes": {"/data": {}}, "Cmd": ["-v"],
        "Entrypoint": ["/run.sh"], "WorkingDir": "/srv", "Env": ["A=1", "B=x=y", "DB_PASSWORD=hunter2", "U=ftp://a:b@c"],
    }  # fmt: skip
    media = (made.DOCKER_MANIFEST, made.DOCKER_CONFIG) if docker else (made.MANIFEST, made.CONFIG)
    with served() as server:
        row = server.store.image(config, media_types=media)
        one = from_registry(f"{server.host}/team/app:1", SECONDS)
    assert one._asdict() == {
        "reference": f"{server.host}/team/app:1", "digest": row["digest"], "platform": "linux/amd64",
        "source": "registry", "user": "1654:0", "ports": ("53/udp", "80/tcp"), "volumes": ("/data",), "cmd": ("-v",),
        "entrypoint": ("/run.sh",), "workdir": "/srv", "env": {"A": "1", "B": "x=y"}, "accounts": None, "groups": None,
    }  # fmt: skip


@pytest.mark.parametrize("packing", made.PACKINGS)
def test_a_name_is_looked_up_in_the_layers(packing: str) -> None:
    with served() as server:
        server.store.image({"User": "svc"}, (made.PACKINGS[packing](ACCOUNTS), tar(("opt/app", "x"))))
        one = from_registry(f"{server.host}/team/app:1", SECONDS)
    assert one.accounts == (Login("root", 0, 0, "/root"), Login("svc", 1200, 1201, "/srv"))
    assert one.groups == {"root": 0, "team": 1201}


def test_no_layer_is_read_for_a_number() -> None:
    with served() as server:
        server.store.image({"User": "10001"}, (ACCOUNTS,))
        from_registry(f"{server.host}/team/app:1", SECONDS)
    assert len([path for path, _ in server.seen if "/blobs/" in path]) == 1


def test_no_more_layers_are_read_than_needed() -> None:
    below = tar(("etc/passwd", "old:x:1:1::/:"))
    with served() as server:
        server.store.image({"User": "svc"}, (below, ACCOUNTS))
        from_registry(f"{server.host}/team/app:1", SECONDS)
    assert not any(digest(below) in path for path, _ in server.seen)


@pytest.mark.parametrize(
    ("machines", "chosen"),
    [
        (["linux/arm64", "linux/amd64"], 1),
        (["windows/amd64", "linux/s390x", "linux/arm64"], 1),
        (["windows/amd64"], 0),
        (["unknown/unknown", "linux/arm64"], 1),
    ],
)
@pytest.mark.parametrize("kind", [INDEX, made.DOCKER_LIST])
def test_of_a_list_linux_on_amd64_is_read(machines: list[str], chosen: int, kind: str) -> None:
    with served() as server:
        rows = [
            server.store.image({"User": str(n)}, tag="", system=m.split("/")[0], machine=m.split("/")[1])
            for n, m in enumerate(machines)
        ]
        top = server.store.manifest({"manifests": rows}, kind, "1")
        one = from_registry(f"{server.host}/team/app:1", SECONDS)
    assert (one.platform, one.user) == (machines[chosen], str(chosen))
    assert one.digest == top["digest"]


def test_a_reference_by_digest_is_read() -> None:
    with served() as server:
        row = server.store.image({"User": "7"})
        one = from_registry(f"{server.host}/team/app@{row['digest']}", SECONDS)
    assert (one.user, one.digest) == ("7", row["digest"])


# --- passwords --------------------------------------------------------------------------------------------------------


def basic(request: Request) -> bool:
    if request.headers.get("Authorization") == AUTH:
        return False
    return request.answer(401, headers={"WWW-Authenticate": 'Basic realm="team"'})


def bearer(token_server: Callable[[], str], accepted: str = AUTH) -> Handler:
    """Ask for a token, which is given at another address for the right password."""

    def handle(request: Request) -> bool:
        if request.path.startswith("/token"):
            if accepted and request.headers.get("Authorization") != accepted:
                return request.answer(401)
            assert "scope=repository%3Ateam%2Fapp%3Apull" in request.path
            return request.json({"token": "t0ken"})
        if request.headers.get("Authorization") == "Bearer t0ken":
            return False
        where = f'Bearer realm="{token_server()}/token",service="s",scope="repository:team/app:pull"'
        return request.answer(401, headers={"WWW-Authenticate": where})

    return handle


@pytest.mark.parametrize("kind", ["basic", "bearer", "anonymous"])
def test_a_password_opens_a_registry(stranger: Path, kind: str) -> None:
    with served() as server:
        address = f"http://{server.host}"
        accepted = AUTH if kind == "bearer" else ""
        server.handlers.append(basic if kind == "basic" else bearer(lambda: address, accepted))
        server.store.image({"User": "svc"}, (gzip.compress(ACCOUNTS),))
        if kind != "anonymous":
            login(stranger, server.host)
        assert from_registry(f"{server.host}/team/app:1", SECONDS).user == "svc"


def test_an_identity_token_is_exchanged(stranger: Path) -> None:
    forms: list[str] = []

    def handle(request: Request) -> bool:
        if request.path == "/token":
            forms.append(request.form)
            return request.json({"access_token": "t0ken"})
        return bearer(lambda: f"http://{server.host}")(request)

    with served(handle) as server:
        server.store.image({"User": "5"})
        login(stranger, server.host, identitytoken=SECRET)
        assert from_registry(f"{server.host}/team/app:1", SECONDS).user == "5"
    assert f"refresh_token={SECRET}" in forms[0]
    assert "grant_type=refresh_token" in forms[0]


def test_a_token_that_becomes_too_old_is_fetched_again() -> None:
    given: list[str] = []

    def handle(request: Request) -> bool:
        if request.path.startswith("/token"):
            given.append(f"t{len(given)}")
            return request.json({"token": given[-1]})
        wanted = f"Bearer t{1 if '/blobs/' in request.path else 0}"
        if request.headers.get("Authorization") == wanted:
            return False
        return request.answer(401, headers={"WWW-Authenticate": f'Bearer realm="http://{server.host}/token"'})

    with served(handle) as server:
        server.store.image({"User": "5"})
        assert from_registry(f"{server.host}/team/app:1", SECONDS).user == "5"
    assert given == ["t0", "t1"]


@pytest.mark.parametrize("known", [True, False])
def test_a_wrong_password_is_told(stranger: Path, known: bool) -> None:
    with served(lambda request: request.answer(401, headers={"WWW-Authenticate": "Basic realm=x"})) as server:
        if known:
            login(stranger, server.host)
        error = refused(server)
    assert error.reason == "image-denied"
    assert f"docker login {server.host}" in error.message


def test_nothing_is_sent_before_somebody_asks(stranger: Path) -> None:
    with served() as server:
        login(stranger, server.host)
        (stranger / ".netrc").write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
        (stranger / ".netrc").chmod(0o600)
        server.store.image()
        from_registry(f"{server.host}/team/app:1", SECONDS)
    assert server.passwords() == []


def test_a_password_goes_to_no_other_host_by_a_redirect(stranger: Path) -> None:
    with served() as elsewhere, served(basic) as server:

        def away(request: Request) -> bool:
            if "/blobs/" not in request.path:
                return False
            return request.answer(307, headers={"Location": f"http://{elsewhere.host}{request.path}?signed=1"})

        server.handlers.append(away)
        server.store.image({"User": "svc"}, (ACCOUNTS,))
        elsewhere.store = server.store
        login(stranger, server.host)
        assert from_registry(f"{server.host}/team/app:1", SECONDS).user == "svc"
    assert len(elsewhere.seen) == 2
    assert elsewhere.passwords() == []
    assert set(server.passwords()) == {AUTH}


def test_a_password_goes_to_no_address_without_tls(stranger: Path) -> None:
    with served(bearer(lambda: "http://tokens.example.com")) as server:
        login(stranger, server.host)
        assert "read on the way" in refused(server).message


def test_a_token_endpoint_that_redirects_gets_no_password(stranger: Path) -> None:
    with served() as elsewhere, served() as server:

        def away(request: Request) -> bool:
            if not request.path.startswith("/token"):
                return False
            return request.answer(302, headers={"Location": f"http://{elsewhere.host}/token"})

        server.handlers += [away, bearer(lambda: f"http://{server.host}")]
        login(stranger, server.host)
        assert "redirects where a password is due" in refused(server).message
    assert elsewhere.seen == []


# --- registries that lie ----------------------------------------------------------------------------------------------


def served_as(server: Server, what: str, data: bytes) -> None:
    """Serve other bytes under the digest of what the store holds."""
    server.store.blobs[what] = data


def test_a_configuration_that_is_another_one_is_refused() -> None:
    with served() as server:
        server.store.image({"User": "1"})
        (what,) = server.store.blobs
        served_as(server, what, server.store.blobs[what].replace(b'"1"', b'"0"'))
        error = refused(server)
    assert error.reason == "image-invalid"
    assert "something else than its digest names" in error.message


@pytest.mark.parametrize("by_digest", [True, False])
def test_a_manifest_that_is_another_one_is_refused(by_digest: bool) -> None:
    def lie(request: Request) -> bool:
        if "/manifests/" not in request.path:
            return False
        media_type, data = server.store.manifests["1"]
        return request.answer(200, data, {"Content-Type": media_type, "Docker-Content-Digest": f"sha256:{'0' * 64}"})

    with served(lie) as server:
        row = server.store.image({"User": "1"})
        wrong = row["digest"][:-1] + ("0" if row["digest"][-1] != "0" else "1")
        with pytest.raises(Unseen, match="something else than its digest names"):
            from_registry(f"{server.host}/team/app{'@' + wrong if by_digest else ':1'}", SECONDS)


def test_a_layer_that_is_another_one_is_refused() -> None:
    with served() as server:
        server.store.image({"User": "svc"}, (ACCOUNTS,))
        other = ACCOUNTS.replace(b"1200", b"0000")
        header = bytearray(other)  # a valid archive all the same: the content of a file has no checksum
        served_as(server, digest(ACCOUNTS), bytes(header))
        assert "a layer is not the one that its manifest names" in refused(server).message


@pytest.mark.parametrize("more", [True, False])
def test_a_layer_of_another_size_is_refused(more: bool) -> None:
    with served() as server:
        server.store.image({"User": "svc"}, (ACCOUNTS,))
        served_as(server, digest(ACCOUNTS), ACCOUNTS + bytes(10**6) if more else ACCOUNTS[:1024])
        assert refused(server).reason == "image-invalid"


def endless(request: Request) -> bool:
    request.send_response(200)
    request.send_header("Content-Type", made.MANIFEST)
    request.send_header("Connection", "close")
    request.end_headers()
    while not request.server.over.is_set():
        request.wfile.write(b" " * 65536)
    return True


def test_an_endless_body_is_not_read_to_its_end() -> None:
    with served(endless) as server:
        assert "more than it said" in refused(server).message


MALFORMED: dict[str, tuple[str, bytes, str]] = {
    "no-json": (made.MANIFEST, b"<html>", "a manifest that is none"),
    "deep": (made.MANIFEST, b"[" * 100_000, "a manifest that is none"),
    "list": (made.MANIFEST, b"[]", "a manifest that is none"),
    "schema-1": ("application/vnd.docker.distribution.manifest.v1+prettyjws", b'{"schemaVersion": 1}', "schema 1"),
    "no-type": ("text/html", b"{}", "of a kind that is not known, text/html"),
    "no-config": (made.MANIFEST, b'{"mediaType": "application/vnd.oci.image.manifest.v1+json"}', "config is malformed"),
    "other-type": (made.MANIFEST, json.dumps({"mediaType": INDEX, "manifests": []}).encode(), "something else than it"),
    "empty-index": (INDEX, b'{"manifests": []}', "names no image"),
    "bad-rows": (INDEX, b'{"manifests": [7]}', "is malformed"),
    "bad-digest": (
        made.MANIFEST,
        json.dumps({"config": {"mediaType": made.CONFIG, "digest": "md5:../../x", "size": 1}}).encode(),
        "a digest that is none",
    ),
    "bad-size": (
        made.MANIFEST,
        json.dumps({"config": {"mediaType": made.CONFIG, "digest": f"sha256:{'0' * 64}", "size": -1}}).encode(),
        "is malformed",
    ),
    "huge": (
        made.MANIFEST,
        json.dumps({"config": {"mediaType": made.CONFIG, "digest": f"sha256:{'0' * 64}", "size": 10**9}}).encode(),
        "larger than 8 MiB",
    ),
    "chart": (
        made.MANIFEST,
        json.dumps(
            {
                "config": {
                    "mediaType": "application/vnd.cncf.helm.config.v1+json",
                    "digest": f"sha256:{'0' * 64}",
                    "size": 1,
                }
            }
        ).encode(),
        "no image of a container",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_manifest_is_told(name: str) -> None:
    media_type, data, words = MALFORMED[name]
    with served() as server:
        server.store.manifests["1"] = media_type, data
        error = refused(server)
    assert error.reason == "image-invalid"
    assert words in error.message


@pytest.mark.parametrize(
    "config",
    [{"User": 7}, {"Env": "A=1", "Cmd": {"a": 1}}, {"ExposedPorts": ["80"]}, {"Volumes": 1}, {"User": "x" * 9999}],
)
def test_a_configuration_that_is_none_is_told(config: dict[str, Any]) -> None:
    with served() as server:
        server.store.image(config)
        assert "its configuration is malformed at" in refused(server).message


def test_lists_of_lists_come_to_an_end() -> None:
    with served() as server:
        row = server.store.manifest({"manifests": []}, INDEX)
        for _ in range(6):
            row = server.store.manifest({"manifests": [row]}, INDEX, "1")
        assert "lead to lists only" in refused(server).message


# --- registries that are slow, busy or gone ---------------------------------------------------------------------------


def hang(request: Request) -> bool:
    return bool(request.server.over.wait(30))


def trickle(request: Request) -> bool:
    request.send_response(200)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    while not request.server.over.wait(0.05):
        request.wfile.write(b" ")
    return True


@pytest.mark.parametrize("handler", [hang, trickle])
def test_who_takes_too_long_is_left(handler: Handler) -> None:
    with served(handler) as server:
        error = refused(server, seconds=0.5)
    assert error.reason == "image-unreachable"
    assert "within 0.5 seconds" in error.message


def busy(times: int, after: str) -> Handler:
    counted: list[str] = []

    def handle(request: Request) -> bool:
        counted.append(request.path)
        return len(counted) <= times and request.answer(429, headers={"Retry-After": after})

    return handle


@pytest.mark.parametrize("after", ["0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_who_says_later_is_asked_again(after: str) -> None:
    with served(busy(2, after)) as server:
        server.store.image({"User": "3"})
        assert from_registry(f"{server.host}/team/app:1", SECONDS).user == "3"


@pytest.mark.parametrize(
    ("times", "after"), [(99, "0"), (99, "86400"), (99, "9" * 400), (99, "Wed, 21 Oct 2099 07:28:00 GMT")]
)
def test_who_always_says_later_is_left(times: int, after: str) -> None:
    with served(busy(times, after)) as server:
        assert "limits how often" in refused(server).message
    assert 1 <= len(server.seen) <= 3


@pytest.mark.parametrize(
    ("status", "reason"),
    [(404, "image-missing"), (403, "image-denied"), (500, "image-unreachable"), (418, "image-unreachable")],
)
def test_every_status_has_its_sentence(status: int, reason: str) -> None:
    with served(lambda request: request.answer(status, b"<secret>")) as server:
        assert refused(server).reason == reason


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("/loop", "in a circle"),
        ("ftp://127.0.0.1/x", "an address that is none"),
        ("http://me:pass@127.0.0.1/x", "an address that is none"),
        ("http://[::1", "an address that is none"),
    ],
)
def test_redirects_to_nowhere_are_told(where: str, words: str) -> None:
    with served(lambda request: request.answer(302, headers={"Location": where})) as server:
        assert words in refused(server).message


def test_the_body_of_a_redirect_is_not_read() -> None:
    def endless_redirect(request: Request) -> bool:
        request.send_response(302)
        request.send_header("Location", "/elsewhere")
        request.send_header("Connection", "close")
        request.end_headers()
        while not request.server.over.is_set():
            request.wfile.write(b" " * 65536)
        return True

    with served(endless_redirect) as server:
        assert "in a circle" in refused(server).message


def test_a_connection_that_breaks_off_is_told() -> None:
    def broken(request: Request) -> bool:
        request.send_response(200)
        request.send_header("Content-Length", "5000")
        request.end_headers()
        request.wfile.write(b"{")
        request.wfile.flush()
        request.connection.shutdown(socket.SHUT_RDWR)
        return True

    with served(broken) as server:
        assert refused(server).reason == "image-unreachable"


def test_nobody_there_is_told() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(Unseen, match="cannot be reached"):
        from_registry(f"127.0.0.1:{port}/team/app:1", SECONDS)


def test_a_certificate_that_nobody_vouches_for_is_told(tmp_path: Path) -> None:
    """And no password or question goes there in plain text, though this is loopback."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=tmp_path, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = Server()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        error = refused(server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert "a certificate that nobody vouches for" in error.message
    assert server.seen == []


def test_other_hosts_are_asked_with_tls_only(monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    asked: list[str] = []

    def request(self: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
        asked.append(url.partition("/")[0])
        raise requests.exceptions.SSLError("wrong version number")

    monkeypatch.setattr(requests.Session, "request", request)
    for insecure in ((), ("registry.example.com:5000",)):
        with pytest.raises(Unseen):
            from_registry("registry.example.com:5000/team/app:1", SECONDS, insecure)
    assert asked == ["https:", "https:", "http:"]


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "127.0.0.1:5", "127.9.9.9", "[::1]:5000", "a.localhost"]
)
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["example.com", "10.0.0.1:5000", "localhost.example.com", "127.0.0.1.example.com", "[::2]"]
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "g" * 64, "md5:" + "0" * 32, "sha256:" + "0" * 63, "SHA256:" + "0" * 64]
)
def test_what_is_no_digest(text: str) -> None:
    with pytest.raises(Unseen):
        hasher(text)
