"""Which forge is meant, and which token is whose."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixer import masking
from fixer.errors import UsageError
from fixer.forge.base import Login
from fixer.forge.find import Target, connect, own_variable, target
from fixer.forge.github import App
from fixer.forge.gitlab import GitLab
from fixer.forge.memory import Memory

TOKEN = "t0ken-of-the-test-0123456789"
HUB, LAB, BERG = "https://github.com", "https://gitlab.com", "https://codeberg.org"


def key(where: Target, **options: Any) -> str:
    """The token that a forge gets, "" for none."""
    login = connect(where, **options).login()
    return login.password if login else ""


@pytest.mark.parametrize(
    ("where", "kind", "found"),
    [
        ("https://github.com/shop/web", "", Target("github", HUB, "shop/web")),
        ("https://github.com/shop/web.git", "", Target("github", HUB, "shop/web")),
        ("https://GitHub.com/shop/web/", "", Target("github", HUB, "shop/web")),
        ("https://github.com/shop", "", Target("github", HUB, "shop")),
        ("https://github.com", "", Target("github", HUB, "")),
        ("git@github.com:shop/web.git", "", Target("github", HUB, "shop/web")),
        ("ssh://git@github.com:22/shop/web", "", Target("github", HUB, "shop/web")),
        ("https://shop.ghe.com/shop/web", "", Target("github", "https://shop.ghe.com", "shop/web")),
        ("https://gitlab.com/shop/parts/web", "", Target("gitlab", LAB, "shop/parts/web")),
        ("git@gitlab.com:shop/parts/web.git", "", Target("gitlab", LAB, "shop/parts/web")),
        ("https://codeberg.org/shop/web", "", Target("gitea", BERG, "shop/web")),
        ("https://git.example.com:8443/a/b", "gitea", Target("gitea", "https://git.example.com:8443", "a/b")),
        ("https://[::1]:3000/a/b", "gitea", Target("gitea", "https://[::1]:3000", "a/b")),
        ("shop/web", "github", Target("github", HUB, "shop/web")),
        ("shop", "gitlab", Target("gitlab", LAB, "shop")),
        ("shop/parts/web", "gitlab", Target("gitlab", LAB, "shop/parts/web")),
        ("/srv/forge/shop/web", "memory", Target("memory", "/srv/forge", "shop/web")),
        ("/srv/forge/shop/web.git", "memory", Target("memory", "/srv/forge", "shop/web")),
    ],
)
def test_what_is_meant(where: str, kind: str, found: Target) -> None:
    assert target(where, kind) == found


@pytest.mark.parametrize(
    ("where", "kind", "words"),
    [
        ("shop/web", "", "does not tell the forge"),
        ("https://git.example.com/a/b", "", "nothing tells what kind of forge git.example.com is"),
        ("https://github.com.example.com/a/b", "", "nothing tells what kind"),
        ("shop/web", "gitea", "nothing tells where gitea is"),
        ("shop/web", "svn", "--forge svn is not known"),
        ("https://ann:s3cret-word@github.com/a/b", "", "put the token into the environment"),
        ("https://s3cret-word@github.com/a/b", "", "put the token into the environment"),
        ("ext::sh -c touch% x", "github", "can be no repository|is no repository"),
        ("--upload-pack=evil", "github", "is no repository on a forge"),
        ("file:///etc/passwd", "github", "is no address of a repository"),
        ("ftp://github.com/a/b", "", "is no address of a repository"),
        ("https://github.com/a/b?x=1", "", "is no address of a repository"),
        ("https://github.com/a/../b", "", "can be no repository"),
        ("https://[x/a/b", "", "is no address of a repository"),
        ("https://github.com:99999/a", "", "is no address of a repository"),
        ("./shop/web", "github", "is no repository on a forge"),
        ("", "github", ""),
        ("web", "memory", "give it as FOLDER/OWNER/NAME"),
        ("/srv/../..", "memory", "can be no repository"),
    ],
)
def test_what_is_not_meant_is_told(where: str, kind: str, words: str) -> None:
    if not where:
        assert target(where, kind) == Target("github", HUB, "")
        return
    with pytest.raises(UsageError, match=words) as caught:
        target(where, kind)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "where", "found"),
    [
        ({"GITHUB_ACTIONS": "true"}, "a/b", Target("github", HUB, "a/b")),
        (
            {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://git.example.com"},
            "a/b",
            Target("github", "https://git.example.com", "a/b"),
        ),
        (
            {"GITEA_ACTIONS": "true", "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://git.example.com"},
            "a/b",
            Target("gitea", "https://git.example.com", "a/b"),
        ),
        (
            {"GITLAB_CI": "true", "CI_SERVER_URL": "https://example.com/gitlab"},
            "a/b",
            Target("gitlab", "https://example.com/gitlab", "a/b"),
        ),
        (
            {"CI_SERVER_URL": "https://example.com/gitlab/"},
            "https://example.com/gitlab/a/b/c",
            Target("gitlab", "https://example.com/gitlab", "a/b/c"),
        ),
        (
            {"GH_HOST": "git.example.com"},
            "https://git.example.com/a/b",
            Target("github", "https://git.example.com", "a/b"),
        ),
    ],
)
def test_ci_tells_which_forge_it_is(
    environment: dict[str, str], where: str, found: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert target(where) == found


@pytest.mark.parametrize(
    ("variable", "servers", "kind", "address", "given"),
    [
        ("GITHUB_TOKEN", {}, "github", HUB, True),
        ("GH_TOKEN", {}, "github", HUB, True),
        ("GITHUB_TOKEN", {}, "github", "https://git.example.com", False),
        ("GITHUB_TOKEN", {}, "github", "https://github.com.evil.example", False),
        ("GITHUB_TOKEN", {}, "github", "https://github.com:8443", False),
        ("GITHUB_TOKEN", {"GITHUB_SERVER_URL": "https://git.example.com"}, "github", "https://git.example.com", True),
        ("GITHUB_TOKEN", {"GITHUB_SERVER_URL": "https://git.example.com"}, "github", HUB, False),
        ("GITHUB_TOKEN", {"GH_HOST": "git.example.com"}, "github", "https://git.example.com", False),
        ("GH_ENTERPRISE_TOKEN", {"GH_HOST": "git.example.com"}, "github", "https://git.example.com", True),
        ("GH_ENTERPRISE_TOKEN", {}, "github", HUB, False),
        ("GITHUB_TOKEN", {}, "gitlab", LAB, False),
        ("GITLAB_TOKEN", {}, "gitlab", LAB, True),
        ("GITLAB_TOKEN", {}, "gitlab", "https://git.example.com", False),
        ("GITLAB_TOKEN", {"GITLAB_HOST": "git.example.com"}, "gitlab", "https://git.example.com", True),
        ("GITLAB_TOKEN", {"CI_SERVER_URL": "https://git.example.com"}, "gitlab", LAB, False),
        ("CI_JOB_TOKEN", {"CI_SERVER_URL": LAB}, "gitlab", LAB, True),
        ("CI_JOB_TOKEN", {"CI_SERVER_URL": LAB}, "gitlab", "https://git.example.com", False),
        ("CI_JOB_TOKEN", {}, "gitlab", LAB, False),
        ("GITEA_TOKEN", {}, "gitea", "https://gitea.com", True),
        ("GITEA_TOKEN", {}, "gitea", BERG, False),
        ("FORGEJO_TOKEN", {}, "gitea", BERG, True),
        ("GITEA_TOKEN", {"GITEA_URL": "https://git.example.com/"}, "gitea", "https://git.example.com", True),
        ("GITEA_TOKEN", {"GITEA_URL": "https://git.example.com/"}, "gitea", "https://gitea.com", False),
        (
            "GITHUB_TOKEN",
            {"GITHUB_SERVER_URL": "https://git.example.com", "GITEA_ACTIONS": "true"},
            "gitea",
            "https://git.example.com",
            True,
        ),
        ("GITHUB_TOKEN", {"GITHUB_SERVER_URL": BERG}, "gitea", BERG, False),
        ("FIXER_TOKEN_GIT_EXAMPLE_COM", {}, "github", "https://git.example.com", True),
        ("FIXER_TOKEN_GIT_EXAMPLE_COM", {}, "gitea", "https://git-example.com", False),
    ],
)
def test_a_token_is_for_one_host(
    variable: str, servers: dict[str, str], kind: str, address: str, given: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**servers, variable: TOKEN}.items():
        monkeypatch.setenv(name, value)
    where = Target(kind, address, "shop/web")
    assert key(where, anonymous=True) == (TOKEN if given else "")
    if not given:
        with pytest.raises(UsageError, match=f"no token for .*; set {own_variable(where.host)}"):
            connect(where)


def test_the_token_of_the_host_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("FIXER_TOKEN_GITHUB_COM", " another-token-0123\n")
    assert key(Target("github", HUB, "a/b")) == "another-token-0123"
    assert masking.mask("another-token-0123") == "***"


def test_the_token_of_a_job_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_SERVER_URL", LAB)
    monkeypatch.setenv("CI_JOB_TOKEN", "job-token-0123456789")
    job = connect(Target("gitlab", LAB, "a/b"))
    assert job.login() == Login("gitlab-ci-token", "job-token-0123456789")
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    own = connect(Target("gitlab", LAB, "a/b"))
    assert isinstance(own, GitLab)
    assert own.login() == Login("oauth2", TOKEN)


@pytest.mark.parametrize(
    "value", ["short", "two words of it", "line\nbreak-in-it", "umläut-in-the-token", "\x1b[31mred-token"]
)
def test_what_can_be_no_token_is_told_and_not_shown(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", value)
    with pytest.raises(UsageError, match="GITHUB_TOKEN holds something that can be no token") as caught:
        connect(Target("github", HUB, "a/b"))
    assert value not in str(caught.value)


def test_hosts_have_variables_of_their_own() -> None:
    hosts = ["git.example.com", "git-example.com", "git.example.com:8443", "[::1]:3000", "codeberg.org"]
    names = [own_variable(host) for host in hosts]
    assert names[0] == "FIXER_TOKEN_GIT_EXAMPLE_COM"
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalnum() for name in names)


def test_an_app_needs_its_key_and_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr("fixer.forge.github.GitHub", lambda address, key, seconds: made.append((address, key)))
    where = Target("github", HUB, "a/b")
    monkeypatch.setenv("FIXER_APP_ID", "12")
    with pytest.raises(UsageError, match="FIXER_APP_INSTALLATION has to be the number"):
        connect(where)
    monkeypatch.setenv("FIXER_APP_INSTALLATION", "42")
    with pytest.raises(UsageError, match="set FIXER_APP_KEY or FIXER_APP_KEY_FILE"):
        connect(where)
    monkeypatch.setenv("FIXER_APP_KEY_FILE", str(tmp_path / "key.pem"))
    with pytest.raises(UsageError, match=r"key\.pem: cannot be read"):
        connect(where)
    (tmp_path / "key.pem").write_text("-----BEGIN-----\nfile-with-the-key\n")
    connect(where)
    monkeypatch.setenv("FIXER_APP_KEY", "-----BEGIN-----\\nvalue-of-the-key")
    connect(where)
    keys = ["-----BEGIN-----\nfile-with-the-key\n", "-----BEGIN-----\nvalue-of-the-key"]
    assert made == [(HUB, App("12", key, 42)) for key in keys]
    assert masking.mask("file-with-the-key, value-of-the-key") == "***, ***"
    with pytest.raises(UsageError, match=r"no token for git\.example\.com"):
        connect(Target("github", "https://git.example.com", "a/b"))


def test_who_has_no_token_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ask"
    program.write_text(f'#!{sys.executable}\nimport sys\nprint("asked-" + sys.argv[1].split("/")[2][:-3] + "-0123")\n')
    program.chmod(0o755)
    monkeypatch.setenv("GIT_ASKPASS", str(program))
    assert key(Target("github", HUB, "a/b")) == "asked-github.com-0123"
    assert masking.mask("asked-github.com-0123") == "***"
    assert key(Target("github", HUB, "a/b"), anonymous=True) == ""
    program.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(UsageError, match="GIT_ASKPASS names a program that gives no password"):
        connect(Target("github", HUB, "a/b"))


def test_a_folder_is_a_forge(tmp_path: Path) -> None:
    forge = connect(target(f"{tmp_path}/shop/web", "memory"))
    assert isinstance(forge, Memory)
    assert forge.folder == tmp_path


@pytest.mark.parametrize(
    ("kind", "address", "missing", "extra"),
    [
        ("github", HUB, "github", "PyGithub is not installed; install it with: pip install 'nonroot-fixer[github]'"),
        (
            "gitlab",
            LAB,
            "gitlab",
            "python-gitlab is not installed; install it with: pip install 'nonroot-fixer[gitlab]'",
        ),
        (
            "gitea",
            BERG,
            "requests",
            "pull requests need more packages; install them with: pip install 'nonroot-fixer[pr]'",
        ),
    ],
)
def test_what_is_not_installed_is_told(
    kind: str, address: str, missing: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=re.escape(extra)):
        connect(Target(kind, address, "a/b"), anonymous=True)


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys\nfrom fixer.forge import find, github, gitlab, gitea, memory, http, answers\n"
        "print(sorted({'github', 'gitlab', 'requests', 'urllib3', 'jwt'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
