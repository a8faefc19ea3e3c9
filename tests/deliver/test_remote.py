"""Copies and pushes over real HTTP with a password; addresses that are commands, and servers that lead elsewhere."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixer import masking
from fixer.cli.requests import place_of
from fixer.deliver import gitremote
from fixer.deliver.gitremote import Remote, Stale
from fixer.deliver.gitstore import opened
from fixer.deliver.ledger import End
from fixer.deliver.publish import Place, Terms, publish
from fixer.errors import FixerError, UsageError
from fixer.forge.base import Hosted, Login
from fixer.forge.find import Target
from fixer.forge.memory import Memory
from tests.deliver.hosting import AFTER, BEFORE, NAME, branches, commit, git, hosted, plan, unit
from tests.rigs.git_http import GitServer, serving

SECRET = "s3cret-token-of-the-bot"
BRANCH = "nonroot/web-0123456789"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    hosted(tmp_path / "served")
    with serving(tmp_path / "served", f"bot:{SECRET}") as server:
        yield server
    masking.forget()


def remote(server: GitServer, password: str = SECRET) -> Remote:
    return gitremote.checked(f"{server.url}/{NAME}.git")._replace(user="bot", password=password)


def path(server: GitServer) -> Path:
    return server.root / f"{NAME}.git"


def copied(server: GitServer, folder: Path) -> str:
    return gitremote.clone(remote(server), folder, "main")


def pushed(server: GitServer, folder: Path, old: str) -> str:
    """A commit of a file that was changed, on the branch of a request."""
    with opened(folder) as store:
        base = store.commit("refs/fixer/main")
        tree = store.changed(base.tree, {b"web/Dockerfile": b"FROM scratch\n"})
        from fixer.deliver.branches import NOBODY

        oid = store.add_commit(tree, base.oid, "Change\n", NOBODY, base.date)
    gitremote.push(remote(server), folder, BRANCH, oid, old)
    return oid


def test_a_copy_has_the_newest_commit_alone_and_no_files(server: GitServer, tmp_path: Path) -> None:
    newest = commit(path(server), {"web/Dockerfile": BEFORE, "other": b"2"})
    assert copied(server, tmp_path / "copy") == newest
    assert git(tmp_path / "copy", "rev-list", "--count", newest) == "1"
    assert not (tmp_path / "copy/web").exists()
    assert gitremote.default_branch(remote(server)) == "main"


def test_a_branch_is_made_moved_and_deleted(server: GitServer, tmp_path: Path) -> None:
    copied(server, tmp_path / "copy")
    first = pushed(server, tmp_path / "copy", "")
    assert gitremote.branches(remote(server), "nonroot/") == branches(path(server)) == {BRANCH: first}
    assert gitremote.fetch(remote(server), tmp_path / "copy", BRANCH, 2) == first
    gitremote.push(remote(server), tmp_path / "copy", BRANCH, "", first)
    assert branches(path(server)) == {}


@pytest.mark.parametrize("old", ["", "1" * 40])
def test_what_somebody_else_pushed_stays(server: GitServer, tmp_path: Path, old: str) -> None:
    copied(server, tmp_path / "copy")
    theirs = commit(path(server), {"web/Dockerfile": b"FROM theirs\n"}, BRANCH)
    with pytest.raises(Stale, match="changed by somebody meanwhile"):
        pushed(server, tmp_path / "copy", old)
    with pytest.raises(Stale):
        gitremote.push(remote(server), tmp_path / "copy", BRANCH, "", "1" * 40)
    assert branches(path(server)) == {BRANCH: theirs}


def test_the_token_is_needed_and_travels_in_a_header(server: GitServer, tmp_path: Path) -> None:
    copied(server, tmp_path / "copy")
    assert server.heard[-1] == "Basic " + base64.b64encode(f"bot:{SECRET}".encode()).decode()
    with pytest.raises(FixerError) as failed:
        gitremote.clone(remote(server, "wrong-" * 3), tmp_path / "other", "main")
    assert "wrong-" not in str(failed.value)


def test_the_token_is_in_no_argument_and_nothing_that_is_left(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    run = subprocess.run

    def watched(command: list[str], **options: object) -> object:
        seen.append(command)
        return run(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", watched)
    copied(server, tmp_path / "copy")
    pushed(server, tmp_path / "copy", "")
    secrets = [SECRET, base64.b64encode(f"bot:{SECRET}".encode()).decode()]
    words = [word for command in seen for word in command]
    kept = [file.read_bytes() for file in (tmp_path / "copy").rglob("*") if file.is_file()]
    assert len(seen) > 3
    assert not [word for word in words for secret in secrets if secret in word]
    assert not [data for data in kept for secret in secrets if secret.encode() in data]
    assert SECRET not in repr(remote(server))


def test_what_git_says_is_masked(tmp_path: Path) -> None:
    masking.register(SECRET)
    try:
        with pytest.raises(FixerError) as failed:
            gitremote.clone(Remote(f"/nowhere/{SECRET}", ("file",)), tmp_path / "copy", "main")
        assert SECRET not in masking.mask(str(failed.value))
        assert "***" in str(failed.value)
    finally:
        masking.forget()


def test_a_server_that_leads_elsewhere_gets_nobody_there(server: GitServer, tmp_path: Path) -> None:
    with serving(tmp_path, elsewhere=server.url) as liar:
        lied = gitremote.checked(f"{liar.url}/{NAME}.git")._replace(user="bot", password=SECRET)
        with pytest.raises(FixerError):
            gitremote.clone(lied, tmp_path / "copy", "main")
    assert server.heard == []


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/x.git"
        with pytest.raises(FixerError, match="no answer in"):
            gitremote.branches(gitremote.checked(url)._replace(seconds=0.5), "nonroot/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "-oProxyCommand=touch${IFS}/tmp/x",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c 'touch /tmp/x'",
        "ext::sh",
        "fd::17",
        "file:///etc",
        "/etc",
        "git://example.com/x",
        "http://example.com/x",
        "ftp://example.com/x",
        "https://user:password@example.com/x",
        "https://user@example.com/x",
        "https://-oProxyCommand=x/y",
        "ssh://-oProxyCommand=x/y",
        "ssh://-oBatchMode/y",
        "-x@host:path",
        "git@-oProxyCommand=x:path",
        "https://exa mple.com/x",
        "https://example.com/x\n",
        "https://example.com/x?y=z",
        "https://[::1/x",
    ],
)
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(UsageError):
        gitremote.checked(url)


@pytest.mark.parametrize("url", ["https://example.com/a/b.git", "ssh://git@example.com/a/b", "git@example.com:a/b.git"])
def test_addresses_of_repositories_are_taken(url: str) -> None:
    assert gitremote.checked(url).url == url


def test_git_itself_takes_no_other_protocol(tmp_path: Path) -> None:
    """What came past the first look is stopped by the second."""
    mark = tmp_path / "mark"
    with pytest.raises(FixerError, match="not allowed"):
        gitremote.branches(Remote(f"ext::sh -c touch% {mark}"), "nonroot/")
    assert not mark.exists()
    with pytest.raises(FixerError, match="not allowed"):
        gitremote.branches(Remote(str(tmp_path)), "nonroot/")


def test_nothing_of_the_persons_configuration_is_used(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[credential]\n helper = "!touch {mark}"\n[url "file:///etc/"]\n insteadOf = {server.url}/\n'
    )
    monkeypatch.setenv("HOME", str(home))
    program(home / "ask", mark)
    monkeypatch.setenv("GIT_ASKPASS", str(home / "ask"))
    monkeypatch.setenv("SSH_ASKPASS", str(home / "ask"))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    copied(server, tmp_path / "copy")
    with pytest.raises(FixerError):
        gitremote.clone(remote(server, ""), tmp_path / "other", "main")
    assert not mark.exists()


def test_hooks_do_not_run(server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "mark"
    template = tmp_path / "template"
    program(template / "hooks/reference-transaction", mark)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template))
    copied(server, tmp_path / "copy")
    assert not (tmp_path / "copy/hooks").exists()
    for name in ("pre-push", "reference-transaction"):
        program(tmp_path / "copy/hooks" / name, mark)
    pushed(server, tmp_path / "copy", "")
    gitremote.fetch(remote(server), tmp_path / "copy", BRANCH, 2)
    assert not mark.exists()


def program(file: Path, mark: Path) -> None:
    """A program that leaves a mark when somebody runs it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\ntouch {mark}\n")
    file.chmod(0o755)


def test_a_plan_is_published_over_http_with_a_token(server: GitServer) -> None:
    forge = Memory(server.root)
    there = Place(forge, NAME, remote(server))
    (ended,) = publish(plan(unit()), there, Terms(draft=False))
    assert (ended.end, ended.why) == (End.OPENED, "")
    opened_at = branches(path(server))
    assert list(opened_at) == [unit().branch]
    (ended,) = publish(plan(unit(after=AFTER + b"# more\n")), there, Terms(draft=False))
    assert ended.end is End.UPDATED
    assert branches(path(server)) != opened_at
    (ended,) = publish(plan(), there, Terms(draft=False))
    assert branches(path(server)) == {}
    with pytest.raises(FixerError):
        list(publish(plan(unit()), Place(forge, NAME, remote(server, "wrong-" * 3)), Terms()))


class Lying(Memory):
    """A forge that says where repositories lie."""

    says = ""

    def repository(self, name: str) -> Hosted:
        return super().repository(name)._replace(clone_url=self.says)

    def login(self) -> Login | None:
        return Login("bot", SECRET)


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/acme/shop.git", "https://github.com.evil.example/x", "ext::sh -c x", "-x", "/etc"],
)
def test_a_forge_that_leads_elsewhere_is_not_followed(tmp_path: Path, address: str) -> None:
    hosted(tmp_path)
    forge = Lying(tmp_path)
    forge.says = address
    with pytest.raises(FixerError, match=r"not trusted|no address"):
        place_of(Target("github", "https://github.com", NAME), forge)


def test_a_forge_that_is_right_gets_its_token(tmp_path: Path) -> None:
    hosted(tmp_path)
    forge = Lying(tmp_path)
    forge.says = "https://github.com/acme/shop.git"
    found = place_of(Target("github", "https://github.com", NAME), forge)
    assert (found.remote.url, found.remote.password, found.remote.protocols) == (forge.says, SECRET, ("https",))


def test_a_folder_tells_its_branch_and_its_origin(server: GitServer, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    git(tmp_path, "init", "-q", "--initial-branch=trunk", str(folder))
    assert gitremote.current_branch(folder) == "trunk"
    with pytest.raises(UsageError, match="no remote 'origin'"):
        gitremote.origin_of(folder)
    git(folder, "remote", "add", "origin", "https://example.com/a/b")
    assert gitremote.origin_of(folder) == "https://example.com/a/b"
    git(folder, "fetch", "-q", str(path(server)), "main")
    git(folder, "update-ref", "--no-deref", "HEAD", "FETCH_HEAD")
    git(folder, "checkout", "-q", "--detach", "FETCH_HEAD")
    with pytest.raises(UsageError, match="--base"):
        gitremote.current_branch(folder)
