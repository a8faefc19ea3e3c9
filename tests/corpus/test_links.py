"""Links of real repositories: those that a person finds by reading, and what holds for the graph of any repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fixer import app
from fixer.config import Config
from fixer.understand.links import Graph, ImageKind

VOTING = "dockersamples+example-voting-app"
STORE = "aws-containers+retail-store-sample-app"
BOUTIQUE = "GoogleCloudPlatform+microservices-demo"
SKAFFOLD = "GoogleContainerTools+skaffold"
COMPOSE = "docker+awesome-compose"
SERVICES = "ad cart checkout currency email payment productcatalog recommendation shipping".split()

Row = tuple[str, str, str]


def drawn(shared: Path, name: str) -> Graph:
    folder = shared / "corpus" / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not in the corpus")
    return app.graph(folder, config=Config())[0].graph


def linked(graph: Graph) -> dict[Row, tuple[str, str, str]]:
    """Give Dockerfile, target and confidence of each use that leads to a Dockerfile, by file, owner and container."""
    images = {image.id: image for image in graph.images}
    uses = {use.key: use for use in graph.uses}
    edges = [(uses[edge.source], images[edge.goal], edge) for edge in graph.edges if edge.kind == "uses"]
    return {
        (use.path, use.owner, use.container): (image.dockerfile, image.target, edge.confidence)
        for use, image, edge in edges
        if image.kind is ImageKind.BUILT
    }


def test_voting_app(shared: Path) -> None:
    main, test = "docker-compose.yml", "result/docker-compose.test.yml"
    assert linked(drawn(shared, VOTING)) == {
        (main, "service vote", ""): ("vote/Dockerfile", "dev", "stated"),
        (main, "service result", ""): ("result/Dockerfile", "", "stated"),
        (main, "service worker", ""): ("worker/Dockerfile", "", "stated"),
        (main, "service seed", ""): ("seed-data/Dockerfile", "", "stated"),
        (test, "service sut", ""): ("result/tests/Dockerfile", "", "stated"),
        (test, "service vote", ""): ("vote/Dockerfile", "", "stated"),
        (test, "service result", ""): ("result/Dockerfile", "", "stated"),
        (test, "service worker", ""): ("worker/Dockerfile", "", "stated"),
    }


def test_retail_store(shared: Path) -> None:
    names = ("cart", "catalog", "checkout", "orders", "ui")
    found = linked(drawn(shared, STORE))
    assert {made[0] for made in found.values()} == {f"src/{name}/Dockerfile" for name in names}
    assert {use[0] for use in found} == {f"src/{name}/docker-compose.yml" for name in names}


def test_boutique(shared: Path) -> None:
    found = linked(drawn(shared, BOUTIQUE))
    expected = {}
    for name in [*(f"{one}service" for one in SERVICES), "frontend", "loadgenerator"]:
        made = f"src/{name}/src/Dockerfile" if name == "cartservice" else f"src/{name}/Dockerfile"
        container = "main" if name == "loadgenerator" else "server"
        use = (f"Deployment/{name}", container)
        expected[f"kubernetes-manifests/{name}.yaml", *use] = (made, "", "stated")
        expected[f"kustomize/base/{name}.yaml", *use] = (made, "", "named")
        expected["release/kubernetes-manifests.yaml", *use] = (made, "", "named")
    extra = "kustomize/components/shopping-assistant/shoppingassistantservice.yaml"
    made = "src/shoppingassistantservice/Dockerfile"
    expected[extra, "Deployment/shoppingassistantservice", "server"] = (made, "", "stated")
    assert found == expected


def test_compose_examples(shared: Path) -> None:
    graph = drawn(shared, COMPOSE)
    found = linked(graph)
    assert len(found) == 36
    assert len(graph.uses) == 81
    # every example is for itself
    assert [use for use, made in found.items() if made[0].split("/")[0] != use[0].split("/")[0]] == []
    key = ("react-express-mysql/compose.yaml", "service backend", "")
    assert found[key] == ("react-express-mysql/backend/Dockerfile", "development", "stated")


def test_skaffold_examples(shared: Path) -> None:
    """A name that many examples use leads to the Dockerfile of the own example, or nowhere."""
    graph = drawn(shared, SKAFFOLD)
    found = linked(graph)
    folder = re.compile(r"(?:examples|integration/testdata)/[^/]+/")
    strange = {(use[0], made[0]) for use, made in found.items() if not made[0].startswith(folder.match(use[0])[0])}  # type: ignore[index]
    assert strange == set()
    pods = {use[0]: made[0] for use, made in found.items()}
    for name in ("kaniko", "getting-started", "structure-tests", "using-env-file", "gcb-kaniko"):
        assert pods[f"examples/{name}/k8s-pod.yaml"] == f"examples/{name}/Dockerfile"
    assert pods["examples/profile-patches/hello-service/k8s-pod.yaml"] == (
        "examples/profile-patches/hello-service/Dockerfile"
    )
    # these are built without a Dockerfile, by an example that is not theirs, or by others
    for path in (
        "examples/jib/k8s/web.yaml",
        "examples/buildpacks-node-tutorial/k8s/web.yaml",
        "examples/lifecycle-hooks/k8s-pod.yaml",
        "integration/testdata/deploy-cloudrun/service.yaml",
    ):
        assert path not in pods


def test_any_repository(shared: Path) -> None:
    """What the graph names is there, at the line that it tells, and is named in the same order twice."""
    seen = 0
    for folder in sorted(path for path in (shared / "corpus").iterdir() if path.is_dir()):
        graph = app.graph(folder, config=Config())[0].graph
        ids = {image.id for image in graph.images}
        uses = {use.key for use in graph.uses}
        lengths: dict[str, int] = {}
        for edge in graph.edges:
            seen += 1
            assert edge.goal in ids
            assert edge.source in (uses if edge.kind == "uses" else ids if edge.kind == "base" else graph.dockerfiles)
            place = re.match(r"([^:]+):(\d+)(?::|$|;)", edge.evidence)
            if place is not None:
                if place[1] not in lengths:
                    lengths[place[1]] = len((folder / place[1]).read_bytes().splitlines())
                assert 1 <= int(place[2]) <= lengths[place[1]]
        assert len(uses) == len(graph.uses)
        assert graph == app.graph(folder, config=Config())[0].graph
    assert seen > 3000
