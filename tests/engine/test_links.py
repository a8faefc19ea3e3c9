"""Who the image of a manifest runs as: the Dockerfile that makes it, found by what the repository says."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer import app
from fixer.config import Config, ImageConfig
from fixer.model import Finding, Result, Safety, Status
from fixer.source import SourceFile

OWN = 'FROM debian:12\nRUN useradd --uid 2000 shop\nUSER 2000:2000\nCMD ["sleep", "9"]\n'
NAMED = OWN.replace("2000:2000", "shop")
ROOT = 'FROM debian:12\nWORKDIR /srv\nCOPY shop .\nCMD ["./shop", "--port", "8080"]\n'
IMAGE = "registry.example.com/team/shop"


def pod(image: str = f"{IMAGE}:1.2", more: str = "") -> str:
    return f"""apiVersion: v1
kind: Pod
metadata: {{name: shop}}
spec:
{more}  containers:
  - name: shop
    image: {image}
"""


def lay_out(tree: Path, **files: str) -> Path:
    for name, text in files.items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tree


def root_allowed(result: Result) -> Finding:
    (found,) = (f for f in result.findings if f.rule == "KS001")
    return found


def after(result: Result) -> str:
    return next(c.after.decode() for c in result.changes if c.path.endswith("pod.yaml"))


@pytest.mark.parametrize(
    "files",
    [
        {"compose.yaml": f"services:\n  shop:\n    build: app\n    image: {IMAGE}\n"},
        {"compose.yaml": f"services:\n  shop:\n    build: app\n    image: {IMAGE}:latest\n"},
        {"skaffold.yaml": f"build:\n  artifacts:\n  - image: {IMAGE}\n    context: app\n"},
        {"build.sh": f"docker build -t {IMAGE}:$TAG app\n", "Makefile": f"x:\n\tdocker build -t {IMAGE} app\n"},
        {
            ".github/workflows/ci.yaml": "jobs:\n  x:\n    steps:\n"
            "    - uses: docker/build-push-action@v6\n      with:\n"
            f"        context: app\n        tags: {IMAGE}:${{{{ github.sha }}}}\n"
        },
    ],
    ids=["compose", "compose-tag", "skaffold", "make", "workflow"],
)
def test_a_file_that_names_the_image(tmp_path: Path, files: dict[str, str]) -> None:
    result = app.fix(lay_out(tmp_path, **{"app/Dockerfile": OWN, "k8s/pod.yaml": pod(), **files}))
    found = root_allowed(result)
    assert found.status is Status.FIXED
    assert found.fix is not None
    assert found.fix.safety is Safety.SAFE
    assert "runAsNonRoot: true" in after(result)
    assert "runAsUser" not in after(result)


@pytest.mark.parametrize(
    "path", ["shop/Dockerfile", "shop.Dockerfile", "docker/Dockerfile.shop", "src/shop/Containerfile"]
)
def test_a_dockerfile_of_that_name(tmp_path: Path, path: str) -> None:
    """It is only a name, so that somebody has to look."""
    found = root_allowed(app.check(lay_out(tmp_path, **{path: OWN, "pod.yaml": pod()})))
    assert found.fix is not None
    assert found.fix.safety is Safety.REVIEW
    assert "by its name alone" in found.fix.risk


def test_two_of_that_name_are_none_but_for_the_nearest(tmp_path: Path) -> None:
    files = {"a/shop/Dockerfile": OWN, "b/shop/Dockerfile": ROOT}
    lay_out(tmp_path, **files, **{"pod.yaml": pod(), "a/k8s/pod.yaml": pod()})
    found = [f for f in app.check(tmp_path).findings if f.rule == "KS001"]
    assert [(f.path, f.refusal.code if f.refusal else "") for f in found] == [
        ("a/k8s/pod.yaml", ""),
        ("pod.yaml", "unknown-image"),
    ]


def test_an_image_that_everybody_knows_is_not_ours(tmp_path: Path) -> None:
    found = root_allowed(app.check(lay_out(tmp_path, **{"nginx/Dockerfile": OWN, "pod.yaml": pod("nginx:1.27")})))
    assert found.refusal is not None
    assert found.refusal.code == "root-image"


def test_a_user_by_name_comes_as_a_number(tmp_path: Path) -> None:
    """The Dockerfile gets its number in the same run, and the pod needs none any more once it has it."""
    result = app.fix(lay_out(tmp_path, **{"shop/Dockerfile": NAMED, "pod.yaml": pod()}))
    assert "runAsNonRoot: true\n    runAsUser: 2000\n" in after(result)


def test_a_dockerfile_that_moves_takes_its_pods_along(tmp_path: Path) -> None:
    lay_out(tmp_path, **{"shop/Dockerfile": ROOT, "pod.yaml": pod()})
    result = app.fix(tmp_path)
    assert "runAsUser: 10001\n    runAsGroup: 10001\n" in after(result)
    found = root_allowed(result)
    assert found.fix is not None
    assert found.fix.risk.startswith("the image must be built anew from shop/Dockerfile")


@pytest.mark.parametrize("how", ["careful", "ignored", "not selected"])
def test_a_dockerfile_that_stays_root_leaves_its_pods(tmp_path: Path, how: str) -> None:
    text = f"# fixer: ignore[root-user] not yet\n{ROOT}" if how == "ignored" else ROOT
    text = text.replace("CMD", "# fixer: ignore[root-user] not yet\nCMD") if how == "ignored" else text
    lay_out(tmp_path, **{"shop/Dockerfile": text, "pod.yaml": pod()})
    config = Config(select=frozenset({"KS001"})) if how == "not selected" else Config()
    found = root_allowed(app.fix(tmp_path, config=config, safe_only=how == "careful"))
    assert found.refusal is not None
    assert found.refusal.code == "root-image"


def test_a_target_counts(tmp_path: Path) -> None:
    two = 'FROM debian:12 AS root\nCMD ["id"]\n\nFROM debian:12 AS own\nUSER 2000:2000\nCMD ["id"]\n'
    compose = f"services:\n  shop:\n    build: {{context: ., target: own}}\n    image: {IMAGE}\n"
    found = root_allowed(app.check(lay_out(tmp_path, Dockerfile=two, **{"compose.yaml": compose, "pod.yaml": pod()})))
    assert found.fix is not None
    assert found.fix.safety is Safety.SAFE


def test_the_name_that_kustomize_gives(tmp_path: Path) -> None:
    kustomization = f"resources: [pod.yaml]\nimages: [{{name: shop, newName: {IMAGE}}}]\n"
    files = {"kustomization.yaml": kustomization, "pod.yaml": pod("shop"), "compose.yaml": ""}
    files["compose.yaml"] = f"services:\n  shop:\n    build: app\n    image: {IMAGE}\n"
    found = root_allowed(app.check(lay_out(tmp_path, **{"app/Dockerfile": OWN}, **files)))
    assert found.fix is not None
    assert found.fix.safety is Safety.SAFE


def test_an_overlay_that_would_undo_it(tmp_path: Path) -> None:
    patch = "[{op: add, path: /spec/securityContext, value: {fsGroup: 5}}]"
    overlay = f"resources: [../base]\npatches:\n- target: {{kind: Pod}}\n  patch: '{patch}'\n"
    files = {"base/pod.yaml": pod(), "base/kustomization.yaml": "resources: [pod.yaml]\n"}
    lay_out(tmp_path, **{"shop/Dockerfile": OWN, "over/kustomization.yaml": overlay}, **files)
    found = root_allowed(app.fix(tmp_path))
    assert found.refusal is not None
    assert found.refusal.code == "overlay"
    assert "over/kustomization.yaml" in found.refusal.message


def test_an_image_that_an_overlay_runs_as_another_user_needs_no_number(tmp_path: Path) -> None:
    """The first run says of it what a second one would, which finds the image not root by number."""
    patch = "[{op: add, path: /spec/securityContext/runAsUser, value: 2000}]"
    overlay = f"resources: [../base]\npatches:\n- target: {{kind: Pod}}\n  patch: '{patch}'\n"
    files = {"base/pod.yaml": pod(), "base/kustomization.yaml": "resources: [pod.yaml]\n"}
    lay_out(tmp_path, **{"shop/Dockerfile": ROOT, "over/kustomization.yaml": overlay}, **files)
    result = app.fix(tmp_path)
    assert root_allowed(result).status is Status.FIXED
    assert "runAsNonRoot: true" in after(result)
    assert "runAsUser" not in after(result)
    for change in result.changes:
        (tmp_path / change.path).write_bytes(change.after)
    assert app.fix(tmp_path).changes == ()


@pytest.mark.parametrize("name", [IMAGE, f"{IMAGE}:1.2", f"{IMAGE}@sha256:{'0' * 64}"])
def test_what_the_configuration_says(name: str) -> None:
    config = Config(images={IMAGE: ImageConfig(user="3000:4000")})
    result = app.fix(SourceFile("pod.yaml", pod(name).encode()), config=config)
    assert "runAsUser: 3000\n    runAsGroup: 4000\n" in after(result)


def test_root_on_purpose() -> None:
    config = Config(images={IMAGE: ImageConfig(root_on_purpose="it mounts")})
    found = root_allowed(app.fix(SourceFile("pod.yaml", pod().encode()), config=config))
    assert found.refusal is not None
    assert found.refusal.code == "configured-root"


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_bytes(pod().encode("utf-16"))
    (tmp_path / "other.yaml").write_bytes("a: b\n".encode("utf-16"))
    result = app.check(tmp_path)
    assert [(s.path, s.reason) for s in result.skipped] == [("pod.yaml", "encoding")]
    assert result.files == 0


def test_comments_tell_why() -> None:
    result = app.fix(SourceFile("pod.yaml", pod(more="  hostname: x\n").encode()), config=Config(), annotate=True)
    text = after(result)
    assert "    # privilege-escalation (KS003): shop may gain rights that it did not start with\n" in text
    assert "  # seccomp (KS007): shop has no seccomp profile\n  securityContext:\n" in text
    again = app.fix(SourceFile("pod.yaml", text.encode()), config=Config(), annotate=True)
    assert not again.changes


def test_json_gets_no_comments() -> None:
    text = '{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "image": "b"}]}}'
    result = app.fix(SourceFile("pod.json", text.encode()), config=Config(), annotate=True)
    assert b"#" not in result.changes[0].after
