"""Which files matter: names, ignore files, links, and how the build context is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fixer.discover import Context, is_dockerfile, is_manifest, is_template, read_inside, scan
from fixer.errors import UsageError


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        "dockerfile",
        "DOCKERFILE",
        "Dockerfile.dev",
        "Dockerfile-alpine",
        "Dockerfile_x",
        "web.Dockerfile",
        "x.dockerfile",
        "Containerfile",
        "Containerfile.prod",
        "Dockerfile.22.04",
    ],
)
def test_dockerfiles(name: str) -> None:
    assert is_dockerfile(name)
    assert not is_template(name)


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile.md",
        "dockerfile.py",
        "Dockerfile.dockerignore",
        ".dockerignore",
        "mydockerfile",
        "Dockerfiles",
        "Dockerfile.j2",
        "x.sh",
        "Dockerfile.template",
        "Dockerfile.tmpl",
        "Dockerfile.orig",
        "dockerfile_lint.js",
        "compose.yaml",
    ],
)
def test_other_files(name: str) -> None:
    assert not is_dockerfile(name)


@pytest.mark.parametrize("name", ["Dockerfile.j2", "Dockerfile.template", "web.Dockerfile.tmpl", "Dockerfile.in"])
def test_templates(name: str) -> None:
    assert is_template(name)


def put(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("FROM a\n")


def test_a_tree_in_order(tmp_path: Path) -> None:
    put(
        tmp_path,
        "b/Dockerfile",
        "a/Dockerfile",
        "Dockerfile",
        "a/Dockerfile.j2",
        "compose.yaml",
        ".github/workflows/ci.yml",
        "x.yaml",
    )
    tree = scan(tmp_path)
    assert tree.dockerfiles == ("Dockerfile", "a/Dockerfile", "b/Dockerfile")
    assert tree.templates == ("a/Dockerfile.j2",)
    assert tree.hints == (".github/workflows/ci.yml", "compose.yaml")


def test_vendored_folders_are_left_out(tmp_path: Path) -> None:
    put(
        tmp_path,
        "vendor/x/Dockerfile",
        "node_modules/Dockerfile",
        ".git/Dockerfile",
        "src/Dockerfile",
        ".devcontainer/Dockerfile",
    )
    assert scan(tmp_path).dockerfiles == (".devcontainer/Dockerfile", "src/Dockerfile")


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ("", ["a/Dockerfile", "b/Dockerfile", "b/c/Dockerfile"]),
        ("b/\n", ["a/Dockerfile"]),
        ("/b/c\n", ["a/Dockerfile", "b/Dockerfile"]),
        ("**/c/**\n", ["a/Dockerfile", "b/Dockerfile"]),
        ("Dockerfile\n!a/Dockerfile\n", ["a/Dockerfile"]),
        ("*\n!a\n!a/Dockerfile\n", ["a/Dockerfile"]),
        ("# b/\n\n", ["a/Dockerfile", "b/Dockerfile", "b/c/Dockerfile"]),
        ("b\r\n", ["a/Dockerfile"]),
    ],
)
def test_ignore_files(tmp_path: Path, patterns: str, left: list[str]) -> None:
    put(tmp_path, "a/Dockerfile", "b/Dockerfile", "b/c/Dockerfile")
    (tmp_path / ".gitignore").write_text(patterns, newline="")
    assert list(scan(tmp_path).dockerfiles) == left


def test_a_deeper_ignore_file_decides(tmp_path: Path) -> None:
    put(tmp_path, "a/x/Dockerfile", "b/x/Dockerfile")
    (tmp_path / ".gitignore").write_text("Dockerfile\n")
    (tmp_path / "a/.gitignore").write_text("!Dockerfile\n")
    assert scan(tmp_path).dockerfiles == ("a/x/Dockerfile",)


def test_exclude_patterns(tmp_path: Path) -> None:
    put(tmp_path, "a/Dockerfile", "legacy/Dockerfile", "a/Dockerfile.old")
    assert scan(tmp_path, ["legacy/", "*.old"]).dockerfiles == ("a/Dockerfile",)


def test_links_are_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "real/Dockerfile")
    (tmp_path / "Dockerfile").symlink_to("real/Dockerfile")
    (tmp_path / "linked").symlink_to("real")
    (tmp_path / "loop").symlink_to(".")
    os.mkfifo(tmp_path / "real/Dockerfile.pipe")
    assert scan(tmp_path).dockerfiles == ("real/Dockerfile",)


def test_a_named_file_counts_whatever_it_is_called(tmp_path: Path) -> None:
    put(tmp_path, "image.txt")
    assert scan(tmp_path / "image.txt").dockerfiles == ("image.txt",)
    with pytest.raises(UsageError, match="no such file"):
        scan(tmp_path / "gone")


def test_nothing_is_read_from_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(tmp_path, "secret", "root/a/file")
    (root / "link").symlink_to("../secret")
    (root / "inside").symlink_to("a/file")
    assert read_inside(root, "a/file") == "FROM a\n"
    assert read_inside(root, "inside") == "FROM a\n"
    for path in ("link", "../secret", str(tmp_path / "secret"), "gone", "a", "a/file/x", "\0", "/dev/stdin"):
        assert read_inside(root, path) is None, path
    (root / "big").write_bytes(b"x" * ((1 << 20) + 1))
    assert read_inside(root, "big") is None


def test_the_context_is_looked_up_in_order(tmp_path: Path) -> None:
    put(tmp_path, "a/x", "y")
    context = Context(tmp_path, ("a", ""))
    assert context("x") == context("y") == "FROM a\n"
    assert context("z") is None
    (tmp_path / "z").write_text("now\n")
    assert context("z") is None


def test_the_ignore_file_of_the_repository_counts_in_a_folder_of_it(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("made/\n")
    for name in ("sub/kept", "sub/made"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "Dockerfile").write_text("FROM a\n")
    assert scan(tmp_path / "sub").dockerfiles == ("kept/Dockerfile",)
    assert scan(tmp_path / "sub/made").dockerfiles == ("Dockerfile",)  # named, so it is meant


def test_private_files_of_the_build_context(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    modes = {
        "a/web.conf": 0o600,
        "a/run": 0o744,
        "a/sub/key": 0o640,
        "a/open": 0o755,
        "a/plain": 0o644,
        "b/x.pem": 0o400,
    }
    for name, mode in modes.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
        (root / name).chmod(mode)
    (root / "b/shut").mkdir(mode=0o700)
    (root / "a/link").symlink_to("web.conf")
    (root / "a/out").symlink_to("/etc")
    context = Context(root, ("a", ""))
    assert context.modes("web.conf") == ("web.conf", 0o600, True)
    assert context.modes("./web.conf") == ("web.conf", 0o600, True)
    assert context.modes("/run") == ("run", 0o744, True)
    assert context.modes("sub") == ("sub/key", 0o640, False)
    assert context.modes("*.conf") == ("web.conf", 0o600, True)
    assert context.modes(".") == ("run", 0o744, False)
    assert context.modes("b") == ("b/shut", 0o700, False)
    assert context.modes("b/shut") is None  # what is copied of it gets the mode of a new folder
    assert [context.modes(path) for path in ("open", "plain", "gone", "link", "out/shadow", "../a/run", "x*")] == [
        None
    ] * 7
    (root / "a/.dockerignore").write_text("# not these\nrun\n**/key\n!sub/none\nweb.*\n")
    assert context.modes(".") is None
    assert context.modes("b") == ("b/shut", 0o700, False)


# --- manifests ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["deploy.yaml", "a/b/POD.YML", "list.json", "k8s/kustomization.yaml", "base/Kustomization", "templates/x.yaml"],
)
def test_manifests(path: str) -> None:
    assert is_manifest(path)


@pytest.mark.parametrize(
    "path",
    [
        "package.json",
        "a/package-lock.json",
        "tsconfig.build.json",
        "pnpm-lock.yaml",
        "poetry.lock",
        ".gitlab-ci.yml",
        ".travis.yml",
        ".github/workflows/ci.yaml",
        ".circleci/config.yml",
        "azure-pipelines.yml",
        "chart/Chart.yaml",
        "README.md",
        "x.yaml.j2",
        "x.yaml.bak",
    ],
)
def test_no_manifests(path: str) -> None:
    assert not is_manifest(path)


def test_a_tree_tells_its_manifests_apart(tmp_path: Path) -> None:
    for name in ("Dockerfile", "compose.yaml", "skaffold.yaml", "deploy.yaml", "b.json", "package.json"):
        (tmp_path / name).write_text("x")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/x.yaml").write_text("x")
    tree = scan(tmp_path)
    assert tree.manifests == ("b.json", "deploy.yaml")
    assert tree.hints == ("compose.yaml", "skaffold.yaml")
    assert tree.dockerfiles == ("Dockerfile",)
    assert scan(tmp_path / "compose.yaml").manifests == ("compose.yaml",)


def test_a_folder_that_may_not_be_looked_into_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fixer import app
    from fixer.render.summary import Tally

    for name in ("a", "b/c"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "Dockerfile").write_text("FROM scratch\nUSER 1:1\n")
    scandir = os.scandir

    def closed(path: str) -> object:
        if path.endswith("/b/c/"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert scan(tmp_path).closed == ("b/c",)
    found = app.check(tmp_path)
    assert [(one.path, one.reason) for one in found.skipped] == [("b/c", "unreadable")]
    assert (found.files, Tally(found).exit_code()) == (1, 1)
