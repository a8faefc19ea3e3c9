"""What each kind of file says about builds: the Dockerfile, the target, the names, the arguments, and the line."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fixer.understand.buildfacts import Hint
from fixer.understand.buildfiles import builds_of, services
from fixer.understand.builds import Build

Row = tuple[str, str, tuple[str, ...], dict[str, str], int]


def read(path: str, text: str, others: dict[str, str] | None = None) -> list[Build]:
    files = {path: text, **(others or {})}
    return list(builds_of(Hint(path, text, files.get)))


def rows(path: str, text: str, others: dict[str, str] | None = None) -> list[Row]:
    return [(b.dockerfile, b.target, b.images, dict(b.args), b.line) for b in read(path, text, others)]


COMPOSE = """\
name: Shop
services:
  web:
    build:
      context: ./web
      target: ${TARGET:-prod}
      args:
        A: ${UNSET}
        B: 1
      tags: ["${REGISTRY}/web:2"]
  api:
    image: ${REGISTRY:-local}/api:${TAG}
    build: api
  inline:
    image: inline
    build:
      dockerfile_inline: FROM scratch
  remote:
    build: https://example.com/repo.git
  unknown:
    build: {context: ., dockerfile: "${FILE}"}
"""


def test_compose() -> None:
    assert rows("deploy/compose.yaml", COMPOSE, {"deploy/.env": "REGISTRY=ghcr.io/acme # ours\nTAG='1.2'\n"}) == [
        ("deploy/web/Dockerfile", "prod", ("shop-web", "ghcr.io/acme/web:2"), {"B": "1"}, 4),
        ("deploy/api/Dockerfile", "", ("ghcr.io/acme/api:1.2",), {}, 13),
    ]


def test_a_tag_that_only_the_run_knows_leaves_the_name() -> None:
    assert [b.images for b in read("compose.yaml", COMPOSE)] == [("shop-web",), ("local/api:*",)]


@pytest.mark.parametrize(
    ("path", "name"),
    [("compose.yaml", ()), ("My App/docker-compose.yml", ("myapp-web",)), ("a/b/compose.yml", ("b-web",))],
)
def test_compose_names_an_image_by_its_project_where_the_repository_tells_that(
    path: str, name: tuple[str, ...]
) -> None:
    assert read(path, "services:\n  web: {build: .}\n")[0].images == name


def test_a_service_is_built_as_the_one_that_it_extends() -> None:
    base = "services:\n  web:\n    build: ./web\n"
    text = "services:\n  shop:\n    extends: {file: ../base/compose.yml, service: web}\n    image: acme/shop:1\n"
    assert rows("deploy/compose.yaml", text, {"base/compose.yml": base}) == [
        ("base/web/Dockerfile", "", ("acme/shop:1",), {}, 2)
    ]


def test_a_workflow_that_is_called_compose_builds_nothing_by_compose() -> None:
    text = "name: x\njobs:\n  build:\n    steps: []\n"
    assert rows(".github/workflows/compose.yml", text) == []


def test_services_that_only_use_an_image() -> None:
    text = "services:\n  db:\n    image: postgres:16\n  web: {build: .}\n  odd: 3\n  none: {}\n"
    found = list(services(Hint("compose.yaml", text, lambda _: None)))
    assert [(s.name, s.line, s.image, s.builds) for s in found] == [
        ("db", 3, "postgres:16", False),
        ("web", 4, "", True),
    ]


SKAFFOLD = """\
build:
  artifacts:
  - image: app
    context: app
    docker:
      dockerfile: D
      target: prod
      buildArgs: {A: b, C: "{{.X}}"}
    requires:
    - image: base
      alias: BASE
  - image: by-kaniko
    kaniko: {dockerfile: K}
  - image: by-jib
    jib: {}
  - image: "{{.NAME}}"
profiles:
- name: dev
  build:
    artifacts:
    - image: app
      context: app
      docker: {target: dev}
  patches:
  - op: add
    path: /build/artifacts/-
    value: {image: more, context: more}
  - op: remove
    path: /build/artifacts/0
"""


def test_skaffold() -> None:
    found = read("skaffold.yaml", SKAFFOLD)
    assert [(b.dockerfile, b.target, b.images, dict(b.args), b.tool, b.aside, b.line) for b in found] == [
        ("app/D", "prod", ("app",), {"A": "b", "BASE": "base"}, "docker", False, 3),
        ("K", "", ("by-kaniko",), {}, "docker", False, 12),
        ("", "", ("by-jib",), {}, "jib", False, 14),
        ("Dockerfile", "", (), {}, "docker", False, 16),
        ("app/Dockerfile", "dev", ("app",), {}, "docker", True, 21),
        ("more/Dockerfile", "", ("more",), {}, "docker", True, 27),
    ]
    assert found[4].evidence == "skaffold.yaml:21: artifact app of profile dev"


BAKE = """\
variable "TAG" { default = "latest" }
variable "REGISTRY" {
  default = "ghcr.io/acme" // ours
}
group "default" { targets = ["web", "dev"] }
target "common" {
  context = "src"
  args = { A = "1", B = "2" }
}
target "web" {
  inherits = ["common"]
  dockerfile = "web.Dockerfile"
  tags = ["${REGISTRY}/web:${TAG}", notequal("", X) ? "a" : "b",]
  args = { B = "3" }
}
target "dev" {
  inherits = ["web"]
  target = "dev"
  tags = ["web:${STAMP}"]
}
target "many" {
  matrix = { tgt = ["a", "b"] }
  target = tgt
}
target "inline" {
  dockerfile-inline = <<EOT
FROM scratch
EOT
}
target "computed" {
  target = TAG == "x" ? "a" : "b"
}
"""


def test_bake() -> None:
    assert rows("docker-bake.hcl", BAKE) == [
        ("src/Dockerfile", "", (), {"A": "1", "B": "2"}, 6),
        ("src/web.Dockerfile", "", ("ghcr.io/acme/web:latest",), {"A": "1", "B": "3"}, 10),
        ("src/web.Dockerfile", "dev", ("web:*",), {"A": "1", "B": "3"}, 16),
    ]


def test_bake_as_json() -> None:
    text = '{"variable": {"T": {"default": "1"}},\n "target": {\n  "web": {"context": "w", "tags": ["a/web:${T}"]}}}'
    assert rows("docker-bake.json", text) == [("w/Dockerfile", "", ("a/web:1",), {}, 3)]


def test_bake_that_nests_without_end_tells_nothing() -> None:
    assert read("docker-bake.hcl", 'target "x" ' + "{ a = " * 5000) == []


WORKFLOW = """\
env:
  IMAGE: ghcr.io/acme/web
jobs:
  build:
    env: {FILE: docker/D}
    steps:
    - id: meta
      uses: docker/metadata-action@v5
      with:
        images: |
          ghcr.io/acme/api
    - uses: docker/build-push-action@v6
      with:
        context: "{{defaultContext}}:api"
        tags: ${{ steps.meta.outputs.tags }}
    - uses: docker/build-push-action@v6
      with:
        file: ${{ env.FILE }}
        target: prod
        build-args: |
          A=b
        tags: ${{ env.IMAGE }}:${{ github.sha }},acme/web:1
    - uses: docker/build-push-action@v6
      with:
        file: ${{ matrix.file }}
        tags: acme/matrix
    - run: |
        echo
        docker build -t $IMAGE:1 .
      working-directory: sub
    - run: cd "$HERE" && docker build -t nowhere .
"""


def test_workflows() -> None:
    assert rows(".github/workflows/ci.yml", WORKFLOW) == [
        ("api/Dockerfile", "", ("ghcr.io/acme/api:*",), {}, 12),
        ("docker/D", "prod", ("ghcr.io/acme/web:*", "acme/web:1"), {"A": "b"}, 16),
        ("sub/Dockerfile", "", ("ghcr.io/acme/web:1",), {}, 29),
    ]


GITLAB = """\
variables: {IMAGE: registry.acme.com/web}
build:
  script:
    - docker build -t "$IMAGE:$CI_COMMIT_SHA" -f "$CI_PROJECT_DIR/docker/D" .
    - >-
      /kaniko/executor --context "${CI_PROJECT_DIR}/app"
      --dockerfile Prod --destination $CI_REGISTRY_IMAGE/app
"""


def test_gitlab() -> None:
    assert rows(".gitlab-ci.yml", GITLAB) == [
        ("docker/D", "", ("registry.acme.com/web:*",), {}, 4),
        ("app/Prod", "", (), {}, 6),
    ]


def test_circleci() -> None:
    text = (
        "jobs:\n  a:\n    steps:\n    - checkout\n    - run: docker build -t acme/a .\n"
        "    - run:\n        command: |\n          docker build -t acme/b b\n"
        "    - run: {command: docker build -t acme/c ., working_directory: c}\n"
        "    - run: docker build << parameters.x >> .\n"
    )
    assert rows(".circleci/config.yml", text) == [
        ("Dockerfile", "", ("acme/a",), {}, 5),
        ("b/Dockerfile", "", ("acme/b",), {}, 8),
    ]


AZURE = """\
variables:
- name: image.name
  value: acme/web
stages:
- jobs:
  - steps:
    - script: docker build -t $(image.name):$(Build.BuildId) web
    - task: Docker@2
      inputs:
        command: build
        Dockerfile: api/Dockerfile
        repository: acme/api
    - task: Docker@2
      inputs: {command: buildAndPush, Dockerfile: '**/Dockerfile', repository: x}
    - task: Docker@2
      inputs: {command: push, Dockerfile: a/Dockerfile}
    - task: Docker@2
      inputs: {Dockerfile: db/Dockerfile, repository: db, containerRegistry: conn, buildContext: .}
"""


def test_azure() -> None:
    assert rows("azure-pipelines.yml", AZURE) == [
        ("web/Dockerfile", "", ("acme/web:*",), {}, 7),
        ("api/Dockerfile", "", ("acme/api",), {}, 8),
        ("db/Dockerfile", "", (), {}, 17),
    ]


CLOUD_BUILD = """\
substitutions: {_NAME: web}
steps:
- name: gcr.io/cloud-builders/docker
  args: [build, -t, "gcr.io/$PROJECT_ID/web", -t, "acme/${_NAME}:$SHORT_SHA", -f, docker/D, .]
- name: gcr.io/cloud-builders/docker
  dir: sub
  args: [build, --target, prod, -t, acme/sub, .]
- name: gcr.io/kaniko-project/executor:latest
  args: [--destination=acme/k, --context=k]
- name: gcr.io/cloud-builders/docker
  entrypoint: bash
  args:
  - -c
  - docker build -t acme/bash bash
- name: gcr.io/cloud-builders/docker
  args: [push, acme/web]
"""


def test_cloud_build() -> None:
    assert rows("cloudbuild.yaml", CLOUD_BUILD) == [
        ("docker/D", "", ("acme/web:*",), {}, 3),
        ("sub/Dockerfile", "prod", ("acme/sub",), {}, 5),
        ("k/Dockerfile", "", ("acme/k",), {}, 8),
        ("bash/Dockerfile", "", ("acme/bash",), {}, 14),
    ]


SCRIPT = """\
#!/bin/sh
REGISTRY=${REGISTRY:-ghcr.io/acme}
NAME="web"
TAG=$(git rev-parse HEAD)
TWICE=a
TWICE=b
# docker build -t commented .
docker build --build-arg A=b \\
  -t "$REGISTRY/$NAME:$TAG" -t x/$TWICE -f docker/D .
DOCKER_BUILDKIT=1 docker buildx build --target=dev -tshort:1 --push web
for svc in a b; do docker build -t acme/$svc $svc; done
docker build $EXTRA -t odd .
nerdctl build -t n n && buildah bud -t b b
"""


def test_scripts() -> None:
    assert rows("build.sh", SCRIPT) == [
        ("docker/D", "", ("ghcr.io/acme/web:*",), {"A": "b"}, 8),
        ("web/Dockerfile", "dev", ("short:1",), {}, 10),
        ("n/Dockerfile", "", ("n",), {}, 13),
        ("b/Dockerfile", "", ("b",), {}, 13),
    ]


@pytest.mark.parametrize(
    ("script", "there", "expected"),
    [
        ("docker build -t x .\n", ["Dockerfile"], ["Dockerfile"]),
        ("docker build -t x .\n", ["ci/Dockerfile"], ["ci/Dockerfile"]),
        ("docker build -t x .\n", ["ci/Dockerfile", "Dockerfile"], []),
        (
            'cd "$(dirname "$0")/.."\ndocker build -t x web\n',
            ["web/Dockerfile", "ci/web/Dockerfile"],
            ["web/Dockerfile"],
        ),
        (
            'HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"\ndocker build $HERE\n',
            ["Dockerfile"],
            ["ci/Dockerfile"],
        ),
        ("cd $(git rev-parse --show-toplevel)\ndocker build -t x web\n", [], ["web/Dockerfile"]),
        ("cd a\ndocker build .\ncd ../b\ndocker build .\n", ["ci/a/Dockerfile", "ci/b/Dockerfile"], []),
        ("f() {\n  cd a\n}\ndocker build .\n", ["ci/Dockerfile"], []),
        ("cd ../web && docker build .\n", ["web/Dockerfile"], ["web/Dockerfile"]),
        ("cd $SOMEWHERE && docker build .\n", ["Dockerfile"], []),
    ],
)
def test_where_a_script_runs(script: str, there: list[str], expected: list[str]) -> None:
    found = read("ci/build.sh", script, dict.fromkeys(there, "FROM x"))
    assert [b.dockerfile for b in found] == expected


MAKE = """\
IMAGE ?= acme/web
TAG := $(shell git describe)
FULL = $(IMAGE):$(TAG) # the whole
define BODY
endef
release: EXTRA = x
build:
\t@docker build -t $(FULL) -f docker/$(FILE) .
\tdocker build -t ${IMAGE}:1 -f docker/D \\
\t  --build-arg V=$(TAG) $(CURDIR)
\tcd sub && docker build -t acme/sub:$$VERSION .
\tfor i in a b; do docker build -t acme/$$i $$i; done
\tdocker build -t $(EXTRA) .
"""


def test_make_files() -> None:
    assert rows("x/Makefile", MAKE) == [
        ("x/docker/D", "", ("acme/web:1",), {}, 9),
        ("x/sub/Dockerfile", "", ("acme/sub:*",), {}, 11),
        ("x/Dockerfile", "", (), {}, 13),
    ]


JENKINS = """\
def NAME = 'acme/web'
node {
  def image = docker.build("${NAME}:${env.BUILD_ID}", "-f docker/D ./web")
  docker.build("acme/plain")
  sh "docker build -t acme/sh sh"
  sh '''
    docker build -t acme/long long
  '''
}
"""


def test_jenkins() -> None:
    assert rows("Jenkinsfile", JENKINS) == [
        ("docker/D", "", ("acme/web:*",), {}, 3),
        ("Dockerfile", "", ("acme/plain",), {}, 4),
        ("sh/Dockerfile", "", ("acme/sh",), {}, 5),
        ("long/Dockerfile", "", ("acme/long",), {}, 7),
    ]
    assert read("Jenkinsfile", "dir('x') { docker.build('a') }\n") == []


TILT = """\
docker_build('acme/web', './web', dockerfile='docker/D', target='dev',
             build_args={'A': 'b', "C": 'd'}, live_update=[sync('a', 'b'), run("c")])
docker_build("api", "api")
docker_build(name, 'somewhere')
# docker_build('gone', 'gone')
custom_build('other', 'make', ['.'])
docker_build('lines', '.', dockerfile_contents='FROM x')
docker_build('computed', '.', dockerfile=file)
"""


def test_tilt() -> None:
    found = read("Tiltfile", TILT)
    assert [(b.dockerfile, b.target, b.images, dict(b.args), b.tool, b.line) for b in found] == [
        ("docker/D", "dev", ("acme/web",), {"A": "b", "C": "d"}, "docker", 1),
        ("api/Dockerfile", "", ("api",), {}, "docker", 3),
        ("somewhere/Dockerfile", "", (), {}, "docker", 4),
        ("", "", ("other",), {}, "custom", 6),
        ("", "", ("lines",), {}, "inline", 7),
    ]


PATHS = (
    "compose.yaml skaffold.yaml docker-bake.hcl docker-bake.json .github/workflows/a.yml .gitlab-ci.yml"
    " .circleci/config.yml azure-pipelines.yml cloudbuild.yaml a/build.sh Makefile x.mk Jenkinsfile Tiltfile"
).split()
PIECES = (
    "docker build -t a:$B -f x .\n",
    "docker_build('a', '",
    "target \"a\" { tags = [\"${A",
    "services:\n  a:\n    build: ",
    "$(", "${", "${{ env.A }}", "\\\n", "\t", "'''", '"', "}", "{", "[", "]", "\n", "A ?= $(A)\n", "cd $X\n",
    "\x00", "\udc80",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12).map("".join))
@example("[" * 3000)
@example("{a: " * 3000)
@settings(deadline=None)
def test_no_text_raises_and_nothing_unknown_comes_out(path: str, text: str) -> None:
    for build in read(path, text):
        assert "\ufffd" not in build.dockerfile + build.target + "".join(build.images)
        assert build.line <= text.count("\n") + 1


@pytest.mark.parametrize(
    "text", [COMPOSE, SKAFFOLD, BAKE, WORKFLOW, GITLAB, AZURE, CLOUD_BUILD, SCRIPT, MAKE, JENKINS, TILT]
)
@pytest.mark.parametrize("path", PATHS)
def test_the_text_of_one_kind_in_the_file_of_another_raises_nothing(path: str, text: str) -> None:
    assert all(build.path == path for build in read(path, text))
