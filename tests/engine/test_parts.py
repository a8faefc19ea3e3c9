"""A run on a part of a repository sees the rest of it, and does nothing that the rest does not bear."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer import app
from fixer.config import Config
from fixer.model import Result, Status

ROOT = 'FROM debian:12\nWORKDIR /srv\nCOPY shop .\nCMD ["./shop", "--port", "8080"]\n'
DEPLOYMENT = """apiVersion: v1
kind: Pod
metadata: {{name: shop}}
spec:
  containers:
  - name: shop
    image: registry.example.com/team/shop:1.2
{more}"""
USER = "    securityContext:\n      runAsUser: {}\n"
COMPOSE = "services:\n  shop:\n    build: services/shop\n    image: registry.example.com/team/shop\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "services/shop").mkdir(parents=True)
    (tmp_path / "k8s").mkdir()
    (tmp_path / "services/shop/Dockerfile").write_text(ROOT)
    (tmp_path / "k8s/pod.yaml").write_text(DEPLOYMENT.format(more=""))
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    return tmp_path


def user_of(result: Result, name: str = "Dockerfile") -> str:
    text = next(c.after.decode() for c in result.changes if c.path.endswith(name))
    word = "USER " if name == "Dockerfile" else "runAsUser: "
    return next((line.partition(word)[2] for line in text.splitlines() if word in line), "")


def fix(*paths: Path) -> Result:
    return app.fix(*paths, config=Config())


@pytest.mark.parametrize("part", ["", "services", "services/shop", "services/shop/Dockerfile"])
def test_a_manifest_decides_for_a_dockerfile_wherever_both_are(tree: Path, part: str) -> None:
    (tree / "k8s/pod.yaml").write_text(DEPLOYMENT.format(more=USER.format(12345)))
    assert user_of(fix(tree / part)) == "12345:12345"


def test_the_place_is_told_as_seen_from_the_named_folder(tree: Path) -> None:
    (tree / "k8s/pod.yaml").write_text(DEPLOYMENT.format(more=USER.format(12345)))
    (found,) = (f for f in fix(tree / "services/shop").findings if f.rule == "DF001")
    assert found.fix is not None
    assert "../../k8s/pod.yaml:9 runs it" in found.fix.title


def test_manifests_that_disagree_decide_nothing_and_are_told(tree: Path) -> None:
    (tree / "k8s/pod.yaml").write_text(DEPLOYMENT.format(more=USER.format(12345)))
    (tree / "k8s/other.yaml").write_text(DEPLOYMENT.format(more=USER.format(12346)))
    result = fix(tree)
    assert user_of(result) == "10001:10001"
    told = [f for f in result.findings if f.rule == "KS029"]
    assert [(f.path, f.status) for f in told] == [
        ("k8s/other.yaml", Status.REFUSED), ("k8s/pod.yaml", Status.REFUSED)
    ]  # fmt: skip


def test_root_in_a_manifest_is_nobody_to_run_as(tree: Path) -> None:
    (tree / "k8s/pod.yaml").write_text(DEPLOYMENT.format(more=USER.format(0)))
    result = fix(tree)
    assert user_of(result) == "10001:10001"
    assert user_of(result, "pod.yaml") == "10001"


def test_a_user_that_the_file_makes_goes_before_a_manifest(tree: Path) -> None:
    (tree / "services/shop/Dockerfile").write_text(ROOT.replace("WORKDIR", "RUN useradd --uid 2000 shop\nWORKDIR"))
    (tree / "k8s/pod.yaml").write_text(DEPLOYMENT.format(more=USER.format(12345)))
    result = fix(tree)
    assert user_of(result) == "2000"
    assert [f.message for f in result.findings if f.rule == "KS029"] == [
        "Pod/shop: shop runs as 12345, and services/shop/Dockerfile makes its image for 2000"
    ]


def test_an_account_without_a_number_gets_that_of_the_manifest(tree: Path) -> None:
    (tree / "services/shop/Dockerfile").write_text(ROOT.replace("WORKDIR", "RUN useradd shop\nWORKDIR"))
    (tree / "k8s/pod.yaml").write_text(DEPLOYMENT.format(more=USER.format(12345)))
    result = fix(tree)
    assert user_of(result) == "12345"
    assert not [f for f in result.findings if f.rule == "KS029"]


@pytest.mark.parametrize(
    ("base", "asked", "user", "made"),
    [
        ("debian:12", 33, "33:33", False),  # www-data, which is there
        ("node:22", 1000, "1000:1000", False),
        ("alpine:3.20", 70000, "70000:70000", False),  # more than its adduser takes
        ("alpine:3.20", 1234, "1234:1234", True),
        ("gcr.io/distroless/static-debian12", 1234, "1234:1234", False),
        ("scratch", 1234, "1234:1234", False),
    ],
)
def test_the_user_of_a_manifest_is_made_where_that_is_needed(
    tree: Path, base: str, asked: int, user: str, made: bool
) -> None:
    (tree / "services/shop/Dockerfile").write_text(ROOT.replace("debian:12", base))
    (tree / "k8s/pod.yaml").write_text(DEPLOYMENT.format(more=USER.format(asked)))
    result = fix(tree)
    assert user_of(result) == user
    text = next(c.after.decode() for c in result.changes if c.path.endswith("Dockerfile"))
    assert ("adduser" in text or "useradd" in text) is made


def test_a_manifest_waits_for_an_image_that_this_run_does_not_touch(tree: Path) -> None:
    (found,) = (f for f in fix(tree / "k8s").findings if f.rule == "KS001")
    assert found.refusal is not None
    assert found.refusal.code == "root-image"
    assert "../services/shop/Dockerfile makes this image" in found.refusal.message


@pytest.mark.parametrize("parts", [("",), ("services", "k8s"), ("k8s", "services"), ("k8s/pod.yaml", "services/shop")])
def test_arguments_see_each_other(tree: Path, parts: tuple[str, ...]) -> None:
    result = fix(*(tree / part for part in parts))
    assert user_of(result) == "10001:10001"
    assert user_of(result, "pod.yaml") == "10001"


def test_an_overlay_outside_of_the_part_counts(tree: Path) -> None:
    (tree / "overlay").mkdir()
    (tree / "k8s/kustomization.yaml").write_text("resources: [pod.yaml]\n")
    (tree / "overlay/kustomization.yaml").write_text(
        "resources: [../k8s]\npatches:\n- target: {kind: Pod}\n  patch: |\n"
        "    - {op: replace, path: /spec/containers/0, value: {name: shop, image: debian}}\n"
    )
    codes = {f.refusal.code for f in fix(tree / "k8s").findings if f.refusal is not None}
    assert "overlay" in codes


def test_without_a_repository_a_folder_is_all_there_is(tree: Path) -> None:
    (tree / ".git").rmdir()
    (found,) = (f for f in fix(tree / "k8s").findings if f.rule == "KS001")
    assert found.refusal is not None
    assert found.refusal.code == "unknown-image"


def test_build_targets_and_parents_outside_of_the_part_count(tree: Path) -> None:
    (tree / "services/shop/Dockerfile").write_text(f"{ROOT.replace('debian:12', 'debian:12 AS run')}FROM run AS last\n")
    (tree / "compose.yaml").write_text(
        "services:\n  shop:\n    image: registry.example.com/team/shop\n"
        "    build: {context: services/shop, target: run}\n"
    )
    whole = {(f.rule, f.line) for f in fix(tree).findings if f.path.endswith("Dockerfile")}
    part = {(f.rule, f.line) for f in fix(tree / "services/shop").findings}
    assert whole == part


@pytest.mark.parametrize("user", ["1000:1000", ""])
def test_a_service_knows_the_dockerfile_beside_the_named_folder(tree: Path, user: str) -> None:
    (tree / "tests").mkdir()
    (tree / "tests/compose.yaml").write_text("services:\n  shop:\n    build: ../services/shop\n")
    (tree / "services/shop/Dockerfile").write_text(ROOT + (f"USER {user}\n" if user else ""))
    found = {f.rule: f for f in fix(tree / "tests").findings}
    if user:
        assert found.keys() == {"CS004", "CS006"}
        assert found["CS004"].status is Status.FIXED
    else:
        assert found["CS001"].refusal is not None
        assert found["CS001"].refusal.message.startswith("../services/shop/Dockerfile makes this image")


def test_a_service_does_not_look_out_of_its_repository(tree: Path) -> None:
    (tree / "tests").mkdir()
    (tree.parent / "out").mkdir()
    (tree.parent / "out/Dockerfile").write_text(ROOT + "USER 1000:1000\n")
    (tree / "tests/compose.yaml").write_text("services:\n  shop:\n    build: ../../out\n")
    (found,) = (f for f in fix(tree / "tests").findings if f.rule == "CS001")
    assert found.refusal is not None
    assert found.refusal.code == "unknown-image"
