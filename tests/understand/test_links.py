"""Which build makes an image that a file uses: names, tags, nearness, and when nobody can tell."""

from __future__ import annotations

import pytest

from fixer.understand.builds import Build, Builds, Found, builds
from fixer.understand.links import Base, Collection, ImageKind, Link, Use, told


def found(files: dict[str, str], image: str, user: str = "k8s/web.yaml") -> Found:
    return known(files).find(image, user)


def known(files: dict[str, str]) -> Builds:
    return builds(files, files.get)


def made(files: dict[str, str], image: str, user: str = "k8s/web.yaml") -> tuple[str, str] | None:
    build = found(files, image, user).build
    return None if build is None else (build.dockerfile, build.target)


def compose(*rows: str) -> str:
    """Give a Compose file with a service for each `image context [target]`."""
    out = "services:\n"
    for number, row in enumerate(rows):
        image, context, *target = row.split()
        more = f"\n      target: {target[0]}" if target else ""
        out += f"  s{number}:\n    image: {image}\n    build:\n      context: {context}{more}\n"
    return out


@pytest.mark.parametrize(
    ("built", "used", "same"),
    [
        ("ghcr.io/acme/web", "ghcr.io/acme/web:1.2", True),
        ("ghcr.io/acme/web:1", "ghcr.io/acme/web:2", True),
        ("ghcr.io/acme/web", "ghcr.io/acme/web@sha256:" + "0" * 64, True),
        ("docker.io/acme/web", "acme/web", True),
        ("acme/web", "web", False),
        ("web", "acme/web", False),
        ("ghcr.io/acme/web", "acme/web", False),
        ("localhost:5000/web", "localhost:5000/web:1", True),
        ("acme/web-app", "acme/web", False),
        ("nginx", "nginx:1.25", False),  # everybody's, unless the tag is ours too
        ("nginx:ours", "nginx:ours", True),
        ("nginx", "docker.io/library/nginx:latest", True),
    ],
)
def test_names(built: str, used: str, same: bool) -> None:
    assert (made({"compose.yaml": compose(f"{built} web")}, used) is not None) is same


def test_the_nearest_of_several_counts() -> None:
    files = {"a/compose.yaml": compose("web ."), "b/compose.yaml": compose("web .")}
    assert made(files, "web", "a/k8s/web.yaml") == ("a/Dockerfile", "")
    assert made(files, "web", "b/web.yaml") == ("b/Dockerfile", "")


def test_several_of_which_none_is_nearer_lead_nowhere_and_are_told() -> None:
    one = found({"compose.yaml": compose("web a", "web b")}, "web:1")
    assert one.build is None
    assert told(one.candidates) == (
        "a/Dockerfile (compose.yaml:4: service s0), b/Dockerfile (compose.yaml:8: service s1)"
    )


def test_two_targets_are_two_images() -> None:
    files = {"compose.yaml": compose("web:dev . dev", "web:1 . prod")}
    assert made(files, "web:dev") == ("Dockerfile", "dev")
    assert made(files, "web:1") == ("Dockerfile", "prod")
    other = found(files, "web:2")
    assert other.build is None
    assert told(other.candidates).startswith("Dockerfile with target dev (compose.yaml:4")


def test_the_same_tag_further_off_makes_it_ambiguous() -> None:
    files = {"a/compose.yaml": compose("web:1 ."), "b/compose.yaml": compose("web:2 .")}
    one = found(files, "web:2", "a/k8s.yaml")
    assert one.build is None
    assert [b.dockerfile for b in one.candidates] == ["a/Dockerfile", "b/Dockerfile"]


def test_other_arguments_are_no_other_image_for_who_uses_it() -> None:
    files = {"build.sh": "docker build -t acme/web --build-arg A=1 .\ndocker build -t acme/web --build-arg A=2 .\n"}
    assert made(files, "acme/web:3") == ("Dockerfile", "")


SKAFFOLD = "build:\n  artifacts:\n  - image: web\n"


def test_what_is_built_without_a_dockerfile_leads_to_none() -> None:
    files = {"a/skaffold.yaml": SKAFFOLD + "    buildpacks: {}\n", "compose.yaml": compose("api .")}
    build = found(files, "web", "a/k8s.yaml").build
    assert build is not None
    assert (build.tool, build.dockerfile) == ("buildpacks", "")
    assert known(files).named("web", "a/k8s.yaml") is None


def test_a_project_of_skaffold_uses_nothing_of_another() -> None:
    files = {"a/skaffold.yaml": SKAFFOLD, "b/skaffold.yaml": SKAFFOLD.replace("web", "api")}
    assert made(files, "web", "a/k8s/web.yaml") == ("a/Dockerfile", "")
    assert made(files, "web", "b/k8s/web.yaml") is None
    assert made(files, "web", "k8s/web.yaml") is None


def test_a_lone_project_of_skaffold_speaks_for_the_whole_repository() -> None:
    assert made({"deploy/skaffold.yaml": SKAFFOLD}, "web", "k8s/web.yaml") == ("deploy/Dockerfile", "")


def test_projects_below_one_are_one() -> None:
    files = {"skaffold.yaml": SKAFFOLD.replace("web", "x"), "a/skaffold.yaml": SKAFFOLD, "b/skaffold.yaml": SKAFFOLD}
    assert made(files, "web", "a/k8s.yaml") == ("a/Dockerfile", "")
    assert len(found(files, "web", "k8s.yaml").candidates) == 2


def test_a_profile_counts_where_nothing_else_builds_it() -> None:
    profile = "profiles:\n- name: dev\n  build:\n    artifacts:\n    - image: web\n      docker: {target: dev}\n"
    assert made({"skaffold.yaml": SKAFFOLD + profile}, "web") == ("Dockerfile", "")
    assert made({"skaffold.yaml": profile}, "web") == ("Dockerfile", "dev")


def test_a_name_put_together_of_variables_is_found() -> None:
    assert made({"Makefile": "P = acme\nN = web\nall:\n\tdocker build -t $(P)/$(N) .\n"}, "acme/web") == (
        "Dockerfile",
        "",
    )


def test_hints_are_parsed_once_and_only_where_their_words_are() -> None:
    files = {
        "a/compose.yaml": compose("web ."),
        "b/compose.yaml": compose("api .").replace("context", "dockerfile: D\n      context"),
    }
    asked: list[str] = []

    def read(path: str) -> str | None:
        asked.append(path)
        return files[path]

    all_builds = builds(files, read)
    assert sorted(all_builds._known) == ["b/compose.yaml"]
    all_builds.find("redis:7", "x.yaml")
    assert sorted(all_builds._known) == ["b/compose.yaml"]
    all_builds.find("web", "x.yaml")
    before = {path: id(one) for path, one in all_builds._known.items()}
    assert sorted(before) == ["a/compose.yaml", "b/compose.yaml"]
    all_builds.find("web", "y.yaml")
    assert {path: id(one) for path, one in all_builds._known.items()} == before
    assert asked.count("a/compose.yaml") == 2


# --- the graph ---------------------------------------------------------------------------------------------------


def build(dockerfile: str, line: int, *images: str, target: str = "", **args: str) -> Build:
    return Build(dockerfile, "", target, f"f:{line}: x", images, tuple(args.items()), path="f", line=line)


def use(line: int) -> Use:
    return Use("k.yaml", line, "Pod/a", "a", "container", "a")


def test_images_are_told_apart_by_target_and_name_and_joined_by_name() -> None:
    rows = [
        build("D", 1, "web:1"),
        build("D", 2, "web:2", "acme/web"),
        build("D", 3, "other", A="1"),
        build("D", 4, "web:dev", target="dev"),
        build("D", 5, A="1"),
    ]
    images = Collection(rows).graph(["D"]).images
    assert [(i.id, i.names, i.args) for i in images] == [
        ("D", ("web:1", "web:2", "acme/web"), ()),
        ("D#dev", ("web:dev",), ()),
        ("D~2", ("other",), (("A", "1"),)),
    ]


def test_the_order_of_what_is_told_does_not_matter() -> None:
    rows = [build("D", 1, "a"), build("E", 2, "b"), build("D", 3, "c")]
    links = [Link(use(1), "a", rows[0]), Link(use(2), "b", rows[1]), Link(use(3), "redis")]

    def drawn(order: int) -> object:
        collection = Collection(rows[::order])
        for link in links[::order]:
            collection.add(link)
        for row in rows[::order]:
            collection.add_base(row, Base("alpine", "D:1: FROM alpine"))
        return collection.graph(["E", "D"][::order])

    assert drawn(1) == drawn(-1)


def test_ambiguous_and_outside_images_are_told_as_such() -> None:
    two = (build("a/D", 1, "web"), build("b/D", 2, "web"))
    collection = Collection(two)
    collection.add(Link(use(1), "web", candidates=two))
    collection.add(Link(use(2), "new:1", note="why"))
    graph = collection.graph([])
    last = {image.kind: image for image in graph.images}
    assert last[ImageKind.AMBIGUOUS].places == ("a/D (f:1: x)", "b/D (f:2: x)")
    assert last[ImageKind.OUTSIDE].names == ("new:1",)
    told = [edge.evidence for edge in graph.edges if edge.kind == "uses"]
    assert told == ["k.yaml:1; Kustomize makes web of it", "k.yaml:2; Kustomize makes new:1 of it; why"]
