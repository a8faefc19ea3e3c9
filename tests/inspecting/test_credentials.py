"""The passwords that people have: every file and form in which Docker and Podman keep them."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from fixer.inspecting import Unseen
from fixer.inspecting.credentials import Credentials, credentials

CODED = base64.b64encode(b"me:pass:word").decode()
HOST = "registry.example.com:5000"


def write(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value) if not isinstance(value, str) else value)


@pytest.mark.parametrize(
    "name", [HOST, f"https://{HOST}", f"https://{HOST}/v1/", f"https://{HOST}/v2/", f"{HOST}/team", f"{HOST}/team/app"]
)
def test_a_registry_goes_by_many_names(stranger: Path, name: str) -> None:
    write(stranger / ".docker/config.json", {"auths": {"other": {"auth": "eDp5"}, name: {"auth": CODED}}})
    assert credentials(HOST, "team/app") == Credentials("me", "pass:word")


@pytest.mark.parametrize(
    "name", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io", "docker.io/library"]
)
def test_docker_hub_goes_by_many_names(stranger: Path, name: str) -> None:
    write(stranger / ".docker/config.json", {"auths": {name: {"auth": CODED}}})
    assert credentials("docker.io", "library/nginx") == Credentials("me", "pass:word")


@pytest.mark.parametrize("name", [f"{HOST}/other", "registry.example.com", f"{HOST}/te", "example.com", f"evil.{HOST}"])
def test_a_password_for_somebody_else_is_none(stranger: Path, name: str) -> None:
    write(stranger / ".docker/config.json", {"auths": {name: {"auth": CODED}}})
    assert credentials(HOST, "team/app") is None


def test_the_narrowest_name_wins(stranger: Path) -> None:
    entries = {HOST: {"username": "wide", "password": "w"}, f"{HOST}/team": {"username": "narrow", "password": "n"}}
    write(stranger / ".docker/config.json", {"auths": entries})
    assert credentials(HOST, "team/app") == Credentials("narrow", "n")
    assert credentials(HOST, "app") == Credentials("wide", "w")


@pytest.mark.parametrize(
    ("variable", "file"),
    [
        ("REGISTRY_AUTH_FILE", "auth.json"),
        ("XDG_RUNTIME_DIR", "containers/auth.json"),
        ("XDG_CONFIG_HOME", "containers/auth.json"),
        ("DOCKER_CONFIG", "config.json"),
    ],
)
def test_files_are_named_by_the_environment(
    variable: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stranger: Path
) -> None:
    write(tmp_path / file, {"auths": {HOST: {"auth": CODED}}})
    if variable == "REGISTRY_AUTH_FILE":  # then no other is looked at
        write(stranger / ".docker/config.json", {"auths": {"ghcr.io": {"auth": CODED}}})
    monkeypatch.setenv(variable, str(tmp_path / file) if file == "auth.json" else str(tmp_path))
    assert credentials(HOST, "app") == Credentials("me", "pass:word")
    assert credentials("ghcr.io", "app") is None


def test_an_identity_token_comes_first(stranger: Path) -> None:
    write(stranger / ".docker/config.json", {"auths": {HOST: {"auth": CODED, "identitytoken": "token"}}})
    assert credentials(HOST, "app") == Credentials(identity_token="token")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "[" * 100_000, '{"auths": 7}', '{"auths": {"%s": 7}}', '{"auths": {"%s": {"auth": "%%%%"}}}',
     '{"auths": {"%s": {"auth": "////"}}}', '{"auths": {"%s": {"auth": "eHg="}}}', '{"credHelpers": []}'],
)  # fmt: skip
def test_a_malformed_file_holds_nothing(stranger: Path, text: str) -> None:
    write(stranger / ".docker/config.json", text.replace("%s", HOST))
    assert credentials(HOST, "app") is None


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a helper on the path."""
    program = folder / "docker-credential-rig"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize("settings", [{"credsStore": "rig"}, {"credHelpers": {HOST: "rig"}, "credsStore": "other"}])
def test_a_helper_is_asked(
    settings: dict[str, Any], stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(
        tmp_path,
        monkeypatch,
        'read server; [ "$1" = get ] && echo "{\\"Username\\":\\"$server\\",\\"Secret\\":\\"s\\"}"',
    )
    write(stranger / ".docker/config.json", settings)
    assert credentials(HOST, "app") == Credentials(HOST, "s")


def test_a_helper_may_give_a_token(stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(tmp_path, monkeypatch, 'echo \'{"Username":"<token>","Secret":"t"}\'')
    write(stranger / ".docker/config.json", {"credsStore": "rig"})
    assert credentials("docker.io", "library/nginx") == Credentials(identity_token="t")


def test_a_helper_that_knows_nobody_leaves_it_to_the_file(
    stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, "echo credentials not found in native keychain; exit 1")
    write(stranger / ".docker/config.json", {"credsStore": "rig", "auths": {HOST: {"auth": CODED}}})
    assert credentials(HOST, "app") == Credentials("me", "pass:word")


@pytest.mark.parametrize("script", ["echo 'hunter2 is the password'", "echo '{\"Username\": 1}'", "echo '[]'"])
def test_a_helper_that_fails_is_told_without_its_words(
    script: str, stranger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, script)
    write(stranger / ".docker/config.json", {"credsStore": "rig"})
    with pytest.raises(Unseen) as caught:
        credentials(HOST, "app")
    assert caught.value.reason == "image-denied"
    assert "docker-credential-rig does not work" in caught.value.message
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("name", ["no-such-helper", "../../bin/sh", "a b", "/bin/sh"])
def test_a_helper_that_is_none_is_told(stranger: Path, name: str) -> None:
    write(stranger / ".docker/config.json", {"credsStore": name})
    with pytest.raises(Unseen, match="does not work"):
        credentials(HOST, "app")


def test_credentials_show_nothing() -> None:
    assert "pass" not in repr(Credentials("me", "pass", "token"))
    assert "pass" not in f"{Credentials('me', 'pass')}"
