"""How a repository builds its images: compose, skaffold, bake, CI, scripts."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest

from fixer.understand import builds as module
from fixer.understand.builds import Build, builds


@pytest.fixture
def talkative() -> Iterator[None]:
    """Read also the files that say nothing but what is assumed anyway."""
    with mock.patch.object(module, "_speaks", return_value=True):
        yield


def read(path: str, text: str) -> list[tuple[str, str | None, str]]:
    found = builds([path], lambda _: text)
    return [(b.dockerfile, b.context, b.target) for group in found.by_file.values() for b in group]


@pytest.mark.usefixtures("talkative")
@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("compose.yaml", "services:\n  a:\n    build: .\n", [("Dockerfile", "", "")]),
        ("docker-compose.yml", "services:\n  a:\n    build: ./web\n", [("web/Dockerfile", "web", "")]),
        (
            "deploy/compose.yml",
            "services:\n  a:\n    build:\n      context: ..\n      dockerfile: docker/D\n      target: dev\n",
            [("docker/D", "", "dev")],
        ),
        ("compose.yaml", "services:\n  a:\n    build:\n      target: builder\n", [("Dockerfile", "", "builder")]),
        (
            "compose.yaml",
            "services:\n  a:\n    build:\n      context: $X\n      target: $Y\n",
            [],
        ),
        ("compose.yaml", "services:\n  a:\n    image: x\n  b: null\n# build\n", []),
        ("compose.yaml", "- build\n", []),
        ("compose.yaml", "build: [\n", []),
        ("compose.yaml", "a:\n  build: .\n", [("Dockerfile", "", "")]),
        (
            "skaffold.yaml",
            "build:\n  artifacts:\n  - image: a\n    context: src/a\n    docker:\n      dockerfile: D\n"
            "      target: t\n",
            [("src/a/D", "src/a", "t")],
        ),
        (
            "skaffold.yaml",
            "build:\n  artifacts:\n  - image: a\n    context: src/a\n",
            [("src/a/Dockerfile", "src/a", "")],
        ),
        (
            "docker-bake.hcl",
            'target "x" {\n  context = "a"\n  dockerfile = "D"\n  target = "t"\n}\n',
            [("a/D", "a", "t")],
        ),
        (
            "docker-bake.json",
            '{"target": {"x": {"dockerfile": "D", "target": "build"}}}',
            [("D", "", "build")],
        ),
        ("docker-bake.json", '{"build": [}', []),
        ("docker-bake.json", '["build"]', []),
        (
            ".github/workflows/ci.yml",
            "jobs:\n  a:\n    steps:\n    - uses: docker/build-push-action@v5\n      with:\n        context: a\n"
            "        file: a/D\n        target: t\n    - run: docker build -f b/D b\n",
            [("a/D", "a", "t"), ("b/D", "b", "")],
        ),
        ("build.sh", "docker build --target dev -t x .\n", [("Dockerfile", "", "dev")]),
        ("build.sh", "docker build --target=dev -f docker/D \\\n  --build-arg A=b sub\n", [("docker/D", "sub", "dev")]),
        ("ci/build.sh", "podman build ..\n", [("Dockerfile", "", "")]),
        ("build.sh", "docker buildx build --platform linux/amd64 .\n", [("Dockerfile", "", "")]),
        ("build.sh", "docker build -\n", []),
        ("build.sh", "docker build -f $F $DIR\n", []),
        ("build.sh", "docker build -f docker/D $DIR\n", [("docker/D", None, "")]),
        ("Makefile", "image:\n\tdocker build --target prod .\n", [("Dockerfile", "", "prod")]),
        ("Makefile", "build:\n\tgo build ./...\n", []),
    ],
)
def test_builds_are_found(path: str, text: str, expected: list[tuple[str, str, str]]) -> None:
    assert read(path, text) == expected


def test_targets_and_contexts_of_a_file() -> None:
    text = (
        "services:\n  a:\n    build: {context: ., dockerfile: d/Dockerfile, target: x}\n"
        "  b:\n    build: {context: c, dockerfile: ../d/Dockerfile}\n"
    )
    found = builds(["compose.yaml"], lambda _: text)
    assert found.targets("d/Dockerfile") == {"x"}
    assert found.contexts("d/Dockerfile") == ("", "c", "d")
    assert found.targets("elsewhere") == frozenset()
    assert found.contexts("web/Dockerfile") == ("web", "")


@pytest.mark.usefixtures("talkative")
def test_the_evidence_names_its_place() -> None:
    found = builds(["compose.yaml"], lambda _: "services:\n  web:\n    build: .\n")
    assert found.by_file["Dockerfile"] == [
        Build("Dockerfile", "", "", "compose.yaml:3: service web", path="compose.yaml", line=3)
    ]


def test_a_file_that_cannot_be_read_tells_nothing() -> None:
    assert not builds(["compose.yaml"], lambda _: None).by_file


@pytest.mark.usefixtures("talkative")
def test_a_build_outside_names_no_file_of_ours() -> None:
    found = builds(["compose.yaml"], lambda _: "services:\n  a:\n    build: ../x\n")
    assert list(found.by_file) == ["../x/Dockerfile"]


def test_what_says_only_what_is_assumed_is_not_parsed() -> None:
    assert not builds(["compose.yaml"], lambda _: "services:\n  a:\n    build: .\n").by_file


def test_of_several_bases_of_one_name_the_nearest_counts() -> None:
    artifact = (
        "apiVersion: skaffold/v4beta1\nkind: Config\nbuild:\n  artifacts:\n    - image: base\n      context: base\n"
    )
    known = builds(["one/skaffold.yaml", "two/skaffold.yaml"], lambda _: artifact)
    assert known.maker("base") is None
    assert known.maker("base", "two/web/Dockerfile") == ("two/base/Dockerfile", "")
    assert known.maker("base", "one/web/Dockerfile") == ("one/base/Dockerfile", "")
    assert known.maker("base", "three/web/Dockerfile") is None
