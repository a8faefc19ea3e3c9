"""Which images of a repository are tried, and how they are started."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer import app
from fixer.config import Config, ImageConfig
from fixer.evidence import Mount, Source
from fixer.model import Goal, LowPorts
from fixer.verify.jobs import Planned
from fixer.verify.recipes import ALONE

ROOT_IMAGE = "FROM debian:12\nCOPY app /app\nCMD [\"/app\"]\n"  # fmt: skip
PORT_START = ("net.ipv4.ip_unprivileged_port_start", "0")


def planned(tmp_path: Path, files: dict[str, str], config: Config | None = None, *paths: str) -> list[Planned]:
    (tmp_path / ".git").mkdir(exist_ok=True)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return app._planned([tmp_path / path for path in paths or [""]], config or Config())


def test_a_dockerfile_that_nobody_builds_is_tried_as_it_is(tmp_path: Path) -> None:
    (one,) = planned(tmp_path, {"web/Dockerfile": ROOT_IMAGE, "web/app": ""})
    job = one.job
    assert (job.image, job.dockerfile, job.context, job.target, job.args) == (
        "web/Dockerfile",
        "web/Dockerfile",
        "web",
        "",
        (),
    )
    assert (job.before, job.after, job.users) == ((ALONE,), (ALONE,), (10001,))
    assert b"USER 10001:10001" in job.overlay["web/Dockerfile"]
    assert "DF001" in job.rules
    assert one.root == tmp_path
    assert one.keys == ("web/Dockerfile", "debian:12")
    assert one.is_called("web/Dockerfile")
    assert not one.is_called("other/Dockerfile")


def test_its_context_is_the_nearest_folder_that_has_what_is_copied(tmp_path: Path) -> None:
    (one,) = planned(tmp_path, {"x/docker/Dockerfile": ROOT_IMAGE, "x/app": ""})
    assert one.job.context == "x"


def test_what_is_not_root_and_does_not_change_is_no_job(tmp_path: Path) -> None:
    assert planned(tmp_path, {"Dockerfile": "FROM scratch\nUSER 5:5\nCMD [\"/a\"]\n"}) == []  # fmt: skip


def test_builds_with_other_targets_and_arguments_are_apart(tmp_path: Path) -> None:
    compose = """services:
  one:
    image: acme/one
    build: {context: web, target: one}
  two:
    image: acme/two:3
    build: {context: ., dockerfile: web/Dockerfile, target: two, args: {A: b}}
"""
    dockerfile = "FROM debian:12 AS one\nCMD one\nFROM debian:12 AS two\nCMD two\n"
    found = planned(tmp_path, {"compose.yaml": compose, "web/Dockerfile": dockerfile})
    told = {one.job.image: (one.job.context, one.job.target, one.job.args) for one in found}
    assert told == {"acme/one": ("web", "one", ()), "acme/two:3": ("", "two", (("A", "b"),))}
    assert [one.job.image for one in found if one.is_called("acme/two")] == ["acme/two:3"]
    assert all(one.is_called("web/Dockerfile") for one in found)


def test_skaffold_says_how_it_is_built(tmp_path: Path) -> None:
    skaffold = (
        "apiVersion: skaffold/v4beta6\nkind: Config\nbuild:\n  artifacts:\n  - image: acme/web\n    context: src\n"
        "    docker: {dockerfile: docker/Dockerfile, target: prod}\n"
    )
    files = {"skaffold.yaml": skaffold, "src/docker/Dockerfile": "FROM debian:12 AS prod\nCMD x\n"}
    (one,) = planned(tmp_path, files)
    assert (one.job.image, one.job.context, one.job.target) == ("acme/web", "src", "prod")


def test_a_refused_image_is_told(tmp_path: Path) -> None:
    text = "FROM debian:12\nRUN apt-get install -y cron\nCMD [\"cron\", \"-f\"]\n"  # fmt: skip
    (one,) = planned(tmp_path, {"Dockerfile": text})
    assert one.job.refused.startswith("[cron] ")
    assert one.job.overlay == {}


SERVICE = """services:
  web:
    build: .
    user: root
    entrypoint: /start.sh --now
    command: ["serve", "${PORT:-80}"]
    environment:
      MODE: prod
      FROM_HOST:
    env_file: [web.env, gone.env]
    working_dir: /srv
    volumes:
      - data:/data
      - ./uploads:/uploads:ro
      - ./nginx.conf:/etc/nginx.conf
      - /var/run/docker.sock:/var/run/docker.sock
    tmpfs: ["/cache:uid=7,mode=700"]
    healthcheck: {test: curl localhost}
    depends_on: {db: {condition: service_healthy}, other: {condition: service_started}}
    secrets: [key]
  db:
    image: postgres:16
    user: 999:999
    environment: [POSTGRES_PASSWORD=example]
  other:
    build: ./other
"""


def test_a_service_is_started_as_compose_would(tmp_path: Path) -> None:
    files = {"compose.yaml": SERVICE, "web.env": "A=1\nMODE=dev\n", "nginx.conf": "", "Dockerfile": ROOT_IMAGE}
    before = planned(tmp_path, {**files, "app": "", "other/Dockerfile": "FROM scratch\nUSER 5\nCMD x\n"})[0].job.before
    (recipe,) = before
    assert recipe.source == "compose.yaml:2: service web"
    assert (recipe.user, recipe.workdir) == ("root", "/srv")
    assert (recipe.entrypoint, recipe.command) == (("/start.sh", "--now"), ("serve", "80"))
    assert recipe.env == (("A", "1"), ("MODE", "prod"))
    assert recipe.mounts == (
        Mount("/data"),
        Mount("/uploads", read_only=True),
        Mount("/cache", "tmpfs", options="uid=7,mode=700"),
    )
    assert recipe.healthcheck == ("CMD-SHELL", "curl localhost")
    assert recipe.blind, "its nginx.conf is not there"
    assert recipe.sysctls == (PORT_START,)
    assert [(need.name, need.image, need.recipe.env, need.source) for need in recipe.needs] == [
        ("db", "postgres:16", (("POSTGRES_PASSWORD", "example"),), None),
        ("other", "", (), Source("other/Dockerfile", "other")),
    ]
    for one in ("what lies in ./uploads of the host", "the file ./nginx.conf", "the socket /var/run/docker.sock",
                "its variables in gone.env", "its secrets"):  # fmt: skip
        assert one in recipe.lacks


def test_a_service_as_fixed_stands_beside_it_as_written(tmp_path: Path) -> None:
    compose = "services:\n  web:\n    build: .\n    user: root\n"
    (one,) = planned(tmp_path, {"compose.yaml": compose, "Dockerfile": "FROM debian:12\nCMD x\n"})
    ((before,), (after,)) = one.job.before, one.job.after
    assert (before.user, before.cap_drop, before.no_new_privileges) == ("root", (), False)
    assert (after.user, after.cap_drop, after.no_new_privileges) == ("", ("ALL",), True)
    assert after.source == before.source
    assert set(one.job.overlay) == {"Dockerfile", "compose.yaml"}
    assert one.files == ("Dockerfile", "compose.yaml")
    assert one.job.users == (10001,)


DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: cache}
spec:
  template:
    spec:
      volumes:
      - {name: data, persistentVolumeClaim: {claimName: data}}
      - {name: tmp, emptyDir: {}}
      - {name: conf, configMap: {name: conf}}
      containers:
      - name: redis
        image: redis:7.4
        args: ["--port", "$(PORT)", "$$(HOME)"]
        env:
        - {name: PORT, value: "6379"}
        - {name: PASSWORD, valueFrom: {secretKeyRef: {name: s, key: k}}}
        readinessProbe: {exec: {command: [redis-cli, ping]}}
        volumeMounts:
        - {name: data, mountPath: /data}
        - {name: tmp, mountPath: /tmp}
        - {name: conf, mountPath: /etc/redis}
"""


def test_an_image_of_others_is_tried_where_its_pod_changes(tmp_path: Path) -> None:
    (one,) = planned(tmp_path, {"k8s/cache.yaml": DEPLOYMENT})
    job = one.job
    assert (job.image, job.dockerfile, job.users) == ("redis:7.4", "", (999,))
    ((before,), (after,)) = job.before, job.after
    assert before.source == "k8s/cache.yaml:12: Deployment/cache, container redis"
    assert before.command == ("--port", "6379", "$(HOME)")
    assert before.env == (("PORT", "6379"),)
    assert before.healthcheck == ("CMD", "redis-cli", "ping")
    assert before.blind
    assert before.lacks == ("its configMap at /etc/redis", "the value of PASSWORD")
    assert before.mounts == (Mount("/data", copied=False), Mount("/tmp", copied=False, mode=0o777))
    assert (after.user, after.groups, after.cap_drop, after.no_new_privileges) == ("999:999", (999,), ("ALL",), True)
    assert after.mounts[0].group == 999


def test_a_read_only_root_comes_with_its_volumes(tmp_path: Path) -> None:
    (one,) = planned(tmp_path, {"k8s/cache.yaml": DEPLOYMENT}, Config(goal=Goal.HARDENED))
    assert one.job.after[0].read_only


def test_a_pod_runs_the_image_of_the_dockerfile(tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - {name: a, image: web:1}\n"
    makefile = "image:\n\tdocker build -t web:1 -f Dockerfile .\n"
    files = {"pod.yaml": pod, "Makefile": makefile, "Dockerfile": "FROM debian:12\nCMD x\n"}
    (one,) = planned(tmp_path, files)
    assert one.job.image == "web:1"
    assert one.job.after[0].user == "10001:10001"
    assert one.job.before[0].source == "pod.yaml:6: Pod/p, container a"


def test_a_port_that_moves_is_known_on_both_sides(tmp_path: Path) -> None:
    text = "FROM python:3.12\nEXPOSE 80\nCMD [\"python\", \"-m\", \"http.server\", \"80\"]\n"  # fmt: skip
    (one,) = planned(tmp_path, {"Dockerfile": text}, Config(ports=LowPorts.MOVE))
    assert one.job.moved == {80: 8080}


def test_one_named_file_knows_its_repository(tmp_path: Path) -> None:
    compose = "services:\n  web:\n    image: acme/web\n    build: sub\n"
    files = {"compose.yaml": compose, "sub/Dockerfile": "FROM debian:12\nCMD x\n"}
    (one,) = planned(tmp_path, files, None, "sub/Dockerfile")
    assert (one.root, one.job.dockerfile, one.job.image) == (tmp_path, "sub/Dockerfile", "acme/web")
    assert list(one.job.overlay) == ["sub/Dockerfile"]


def test_an_image_that_only_the_environment_knows_is_told(tmp_path: Path) -> None:
    compose = "services:\n  web:\n    image: ${IMAGE}\n    user: '5:5'\n"
    (one,) = planned(tmp_path, {"compose.yaml": compose})
    assert one.job.refused.startswith("[unknown-image] ")


def test_what_was_named_twice_is_tried_once(tmp_path: Path) -> None:
    files = {"a/Dockerfile": "FROM debian:12\nCMD x\n"}
    assert len(planned(tmp_path, files, None, "", "a", "a/Dockerfile")) == 1


@pytest.mark.parametrize("goal", list(Goal))
def test_every_goal_can_be_tried(tmp_path: Path, goal: Goal) -> None:
    assert planned(tmp_path, {"Dockerfile": "FROM debian:12\nCMD x\n"}, Config(goal=goal))


def test_writable_paths_of_the_configuration_reach_the_file(tmp_path: Path) -> None:
    config = Config(images={"Dockerfile": ImageConfig(writable=("/run", "/var/lib/x"))})
    (one,) = planned(tmp_path, {"Dockerfile": "FROM debian:12\nCMD x\n"}, config)
    text = one.job.overlay["Dockerfile"].decode()
    assert "chown -R 10001:10001 /var/lib/x" in text
    assert "chown 10001:10001 /run" in text, "of /run only the folder itself changes hands"


def test_writable_paths_of_a_dockerfile_reach_its_pod(tmp_path: Path) -> None:
    compose = "services:\n  web:\n    build: .\n"
    config = Config(goal=Goal.HARDENED, images={"Dockerfile": ImageConfig(writable=("/var/lib/x",))})
    (one,) = planned(tmp_path, {"compose.yaml": compose, "Dockerfile": "FROM debian:12\nCMD x\n"}, config)
    assert Mount("/var/lib/x", "tmpfs", options="uid=10001,gid=10001") in one.job.after[0].mounts


OVERRIDDEN = {
    "compose.yaml": """services:
  web:
    build: .
    user: root
    command: [serve]
    environment: [MODE=prod, LEVEL=1]
    volumes: ["data:/data", "logs:/logs"]
""",
    "Dockerfile": ROOT_IMAGE,
    "app": "",
}


def test_what_an_override_says_is_in_the_recipe(tmp_path: Path) -> None:
    override = """services:
  web:
    command: !reset null
    environment: {MODE: dev}
    volumes: ["./src:/data"]
    tmpfs: /tmp
    depends_on: [cache]
  cache:
    image: redis:7
"""
    one = planned(tmp_path, {**OVERRIDDEN, "compose.override.yaml": override})[0]
    (recipe,) = one.job.before
    assert recipe.source == "compose.yaml:2: service web, with compose.override.yaml"
    assert recipe.command is None
    assert recipe.env == (("LEVEL", "1"), ("MODE", "dev"))
    assert recipe.mounts == (Mount("/data"), Mount("/logs"), Mount("/tmp", "tmpfs"))
    assert recipe.lacks == ("what lies in ./src of the host",)
    assert [(need.name, need.image) for need in recipe.needs] == [("cache", "redis:7")]
    assert one.files == ("Dockerfile", "compose.override.yaml", "compose.yaml")
    assert (recipe.blind, one.job.after[0].user) == (False, "")


def test_an_override_may_say_how_a_service_is_built(tmp_path: Path) -> None:
    override = "services: {web: {build: {target: dev, args: {A: b}}}}"
    dockerfile = "FROM debian:12 AS dev\nCMD x\nFROM debian:12 AS prod\nCMD x\n"
    found = planned(tmp_path, {**OVERRIDDEN, "Dockerfile": dockerfile, "compose.override.yml": override})
    told = {(one.job.target, one.job.args, one.job.context): one.job.before for one in found}
    assert told["dev", (("A", "b"),), ""][0].source.endswith("service web, with compose.override.yml")
    assert told["", (), ""] == (ALONE,)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("services: [", "what compose.override.yaml says about it, which cannot be read"),
        ("services: {web: {user: {{ .Values.user }}}}", "what compose.override.yaml says about it, which cannot be"),
        ("services: {web: {cap_add: [CHOWN]}}", ""),
        ("services: {web: {volumes: {A: b}}}", "(volumes is of another kind in what lies below it)"),
        ("services: {web: {extends: gone}}", "(compose.override.yaml extends a service that is not here)"),
    ],
)
def test_an_override_that_cannot_be_read_is_told(tmp_path: Path, override: str, told: str) -> None:
    (one,) = planned(tmp_path, {**OVERRIDDEN, "compose.override.yaml": override})
    (recipe,) = one.job.before
    assert recipe.blind is bool(told)
    assert told in "".join(recipe.lacks)


def test_a_service_that_the_override_takes_away_is_not_started(tmp_path: Path) -> None:
    (one,) = planned(tmp_path, {**OVERRIDDEN, "compose.override.yaml": "services: {web: !reset null}"})
    assert one.job.before == (ALONE,)


def test_a_service_of_the_override_alone_may_need_one_of_the_file_below(tmp_path: Path) -> None:
    files = {
        "compose.yaml": "services:\n  db: {image: 'postgres:16'}\n",
        "compose.override.yaml": "services:\n  web:\n    build: .\n    depends_on: [db]\n",
    }
    one = planned(tmp_path, {**OVERRIDDEN, **files})[0]
    (recipe,) = one.job.before
    assert recipe.source == "compose.override.yaml:2: service web"
    assert [need.image for need in recipe.needs] == ["postgres:16"]


PARTNERS = """services:
  web: {build: web, depends_on: [api]}
  api: {build: api, depends_on: [db], user: root}
  db: {image: "postgres:16"}
"""
THREE = {"web/Dockerfile": "FROM debian:12\nCMD x\n", "api/Dockerfile": "FROM debian:12\nCMD x\n"}
API = Source("api/Dockerfile", "api")


def of_web(found: list[Planned]) -> Planned:
    return next(one for one in found if one.job.dockerfile == "web/Dockerfile")


def test_a_partner_is_built_too_and_what_it_needs_comes_first(tmp_path: Path) -> None:
    found = planned(tmp_path, {**THREE, "compose.yaml": PARTNERS})
    job = of_web(found).job
    for recipe in (*job.before, *job.after):
        assert [(need.name, need.source) for need in recipe.needs] == [("db", None), ("api", API)]
        assert recipe.lacks == ()
    assert [need.recipe.user for recipe in (*job.before, *job.after) for need in recipe.needs] == [
        "",
        "root",
        "999:999",
        "",
    ]
    api = next(one.job for one in found if one.job.dockerfile == "api/Dockerfile")
    assert (api.needed, job.needed, api.source) == (True, False, API)
    assert job.beside == {API: api.overlay}
    assert "api/Dockerfile" not in job.overlay, "a trial of web proves nothing of api"


def test_a_partner_that_does_not_change_is_built_all_the_same(tmp_path: Path) -> None:
    files = {**THREE, "api/Dockerfile": "FROM debian:12\nUSER 5:5\nCMD x\n"}
    compose = PARTNERS.replace(", user: root", "").replace("api}", "api, user: '5:5'}")
    found = planned(tmp_path, {**files, "compose.yaml": compose})
    assert of_web(found).job.beside.keys() == {API}


def test_a_partner_whose_image_another_file_builds(tmp_path: Path) -> None:
    compose = "services:\n  web: {build: web, depends_on: [api]}\n  api: {image: 'acme/api:1'}\n"
    files = {**THREE, "compose.yaml": compose, "Makefile": "image:\n\tdocker build -t acme/api:1 api\n"}
    (recipe,) = of_web(planned(tmp_path, files)).job.before
    assert [(need.image, need.source) for need in recipe.needs] == [("acme/api:1", API)]


@pytest.mark.parametrize(
    ("rows", "lacks"),
    [
        ("web: {build: web, depends_on: [api]}, api: {build: api, links: [web]}", "api (it waits for web in turn)"),
        (
            "web: {build: web, depends_on: [api]}, api: {build: api, depends_on: [b]}, b: {image: c, links: [api]}",
            "api (it waits for api in turn)",
        ),
        ("web: {build: web, depends_on: [api]}, api: {build: gone}", "api (what it is built from is not here)"),
        ("web: {build: web, depends_on: [gone]}", "gone"),
        (
            "web: {build: web, depends_on: [a, b, c, d, e, api]}, api: {build: api}, "
            + ", ".join(f"{name}: {{build: {{context: api, args: {{A: {name}}}}}}}" for name in "abcde"),
            "api (no more than 5 are built)",
        ),
    ],
)
def test_a_partner_that_cannot_be_is_told(tmp_path: Path, rows: str, lacks: str) -> None:
    job = of_web(planned(tmp_path, {**THREE, "compose.yaml": f"services: {{{rows}}}\n"})).job
    assert f"the service {lacks}" in job.before[0].lacks
    assert API not in job.beside
