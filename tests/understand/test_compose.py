"""Files of Compose: which texts are some, what their services say, and what they inherit."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from fixer.understand.buildfacts import UNKNOWN
from fixer.understand.compose import Build, Compose, Mount, Service, builders, may_be_compose, read_compose, written


def read(text: str, files: dict[str, str] | None = None, path: str = "compose.yaml", *, named: bool = True) -> Compose:
    return read_compose(path, text, (files or {}).get, named=named)


def service(body: str, files: dict[str, str] | None = None, path: str = "compose.yaml") -> Service:
    """The one service of a text, whose settings are given without their indentation."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    (found,) = read(f"services:\n  web:\n{lines}", files, path).services
    return found


# --- what is a file of Compose ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "named", "names"),
    [
        ("services:\n  a: {image: x}\n", True, ["a"]),
        ("services:\n  a: {image: x}\n", False, ["a"]),
        ("version: '3'\nx-own: 1\nservices: {a: {build: .}}\n", False, ["a"]),
        ("a: {image: x}\nb: {build: .}\n", True, ["a", "b"]),
        ("a: {image: x}\n", False, []),
        ("services:\n  a: {class: x}\n", False, []),
        ("steps: []\nservices:\n  a: {image: x}\n", False, []),
        ("services:\n  - image: x\n", False, []),
        ("kind: Pod\nspec: {image: x}\n", True, []),
        ("services: {a: {image: x}}\n---\nservices: {b: {image: x}}\n", True, ["a", "b"]),
        ("services: {a: 5, b: {provider: {type: x}}, c: {image: x}}\n", True, ["c"]),
    ],
)
def test_services_are_told_from_other_words(text: str, named: bool, names: list[str]) -> None:
    assert [one.name for one in read(text, named=named).services] == names


@pytest.mark.parametrize(
    ("data", "named", "may"),
    [
        (b"services:\n  a:\n    image: x\n", False, True),
        (b"\xef\xbb\xbfservices:\n  a:\n    image: x\n", False, True),
        (b'{"services": {"a": {"image": "x"}}}', False, False),
        (b"a:\n  image: x\n", True, True),
        (b"a:\n  image: x\n", False, False),
        (b"include:\n  - a.yaml\n", True, False),
    ],
)
def test_a_look_at_the_bytes_is_enough_for_most_files(data: bytes, named: bool, may: bool) -> None:
    assert may_be_compose(data, named) is may


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        ("services:\n  a: {image: x, image: y}\n", "unparsable", "the key 'image' is there twice"),
        ("services:\n  a: {image: [}\n", "unparsable", "this is no YAML"),
        ("services:\n  a: {image: '{{ app_image }}'}\n", "template", "this is a template"),
        ("services:\n  a: {environment: {A: b}}\n", "fragment", "a: neither image nor build is here"),
        ("services:\n  a: {extends: b, image: x}\n", "fragment", "a: this extends a service that is not here"),
        ("services:\n  a: {extends: a, image: x}\n", "fragment", "a: this extends a service that is not here"),
    ],
)
def test_what_is_no_whole_service_is_told(text: str, reason: str, words: str) -> None:
    compose = read(text)
    (skipped,) = compose.skipped
    assert (skipped.path, skipped.reason) == ("compose.yaml", reason)
    assert words in skipped.message
    assert compose.services == ()


def test_what_the_engine_fills_in_makes_no_template() -> None:
    body = "image: x\nhostname: '{{.Node.Hostname}}-{{.Task.Slot}}'\nlogging: {options: {tag: '{{ .Name }}'}}"
    assert service(body).name == "web"


# --- variables --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("1000", "1000"),
        ("${UID:-1000}:${GID:-50}", "1000:50"),
        ("${UID-7}", "7"),
        ("$SET", "root"),
        ("${SET:-1}", "root"),
        ("${EMPTY:-1}", "1"),
        ("${EMPTY-1}", ""),
        ("a$$b", "a$b"),
        ("$$UID", "$UID"),
        ("${UID}", None),
        ("${MADE}", "root"),
        ("${OPEN}", None),
        ("${LITERAL}", "$SET"),
        ("${COLON}", "2"),
        ("${SHARP}", "a#b"),
        ("${QUOTED}", "a # b"),
        ("${NONE}", ""),
        ("${OUTER:-${UID:-5}}", "5"),
        ("${UID:-${SET:-${OUTER:-5}}}", "root"),
        ("'it''s'", "it's"),
        ("$(id)", None),
        ("${UID", None),
        ("${UID:?tell it}", None),
    ],
)
def test_variables_come_from_the_file_beside(written: str, means: str | None) -> None:
    env = "# who\nexport SET='root'  # as ever\nEMPTY=\nMADE=$SET\nOPEN=${HOME}\nLITERAL='$SET'\nno assignment\n"
    env += 'COLON: 2\r\nSHARP=a#b # ours\nQUOTED="a # b"\nNONE= # nothing\n'
    written = written if written[0] == "'" else f"'{written}'"
    assert service(f"image: x\nuser: {written}", {"deploy/.env": env}, "deploy/compose.yaml").user == means


def test_a_number_is_a_user_and_a_map_is_none() -> None:
    assert service("image: x\nuser: 0").user == "0"
    assert service("image: x").user == ""
    assert service("image: x\nuser: {a: b}").user is None


# --- images and builds ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "build"),
    [
        ("image: x", None),
        ("build: .", Build("deploy/Dockerfile", "", False, (), "deploy")),
        ("build: ../web", Build("web/Dockerfile", "", False, (), "web")),
        (
            "build: {context: '${WHERE:-web}', target: run}",
            Build("deploy/web/Dockerfile", "run", False, (), "deploy/web"),
        ),
        (
            "build: {dockerfile: docker/Dockerfile.dev, target: }",
            Build("deploy/docker/Dockerfile.dev", "", False, (), "deploy"),
        ),
        (
            "build: {args: [A=1, B], tags: ['a:${T}', 3]}",
            Build("deploy/Dockerfile", "", False, (("A", "1"),), "deploy", (f"a:{UNKNOWN}",)),
        ),
        ("build: {args: {A: true, B: '${B}', C: }}", Build("deploy/Dockerfile", "", False, (("A", "true"),), "deploy")),
        ("build: /elsewhere", Build("", "", True)),
        ("build: {dockerfile: '${FILE}'}", Build("", "", True)),
        ("build: {context: '${WHERE}'}", Build("", "", True)),
        ("build: https://github.com/a/b.git", Build("", "", True)),
        ("build: {dockerfile_inline: FROM scratch}", Build("", "", True)),
        ("build: ../../away", Build("../away/Dockerfile", "", False, (), "../away")),
        ("build: git@github.com:a/b.git", Build("", "", True)),
    ],
)
def test_a_build_names_its_dockerfile(body: str, build: Build | None) -> None:
    assert service(body, path="deploy/compose.yaml").build == build


def test_an_image_keeps_the_variable_that_nobody_knows() -> None:
    assert service("image: a:${TAG:-1}").image == "a:1"
    assert service("image: a:${TAG}").image == "a:${TAG}"
    assert service("image: {}").image == ""
    assert service("build: web").called == "web/Dockerfile"


# --- mounts, ports, words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "mount"),
    [
        ("data:/var/lib/data/", Mount("volume", "data", "/var/lib/data", False, ())),
        ("./src:/src:ro", Mount("bind", "./src", "/src", True, ())),
        ("/etc:/host:rw,z", Mount("bind", "/etc", "/host", False, ())),
        ("~/x:/x", Mount("bind", "~/x", "/x", False, ())),
        ("/cache", Mount("volume", "", "/cache", False, ())),
        ("${DIR:-/srv}:/data", Mount("bind", "/srv", "/data", False, ())),
        ("{type: bind, source: /a, target: /b, read_only: true}", Mount("bind", "/a", "/b", True, ())),
        ("{type: tmpfs, target: /b}", Mount("tmpfs", "", "/b", False, ())),
    ],
)
def test_mounts_are_read_in_both_forms(written: str, mount: Mount) -> None:
    (found,) = service(f"image: x\nvolumes:\n- {written}").mounts
    assert found._replace(at=()) == mount
    assert found.at == ("services", "web", "volumes", 0)


@pytest.mark.parametrize("written", ["${DIR}:/data", "a:b:c:d", "{type: bind, source: '${DIR}', target: /b}", "{}"])
def test_a_mount_that_cannot_be_told_is_left_out(written: str) -> None:
    assert service(f"image: x\nvolumes:\n- {written}").mounts == ()


def test_ports_are_those_inside() -> None:
    body = """
image: x
ports: ["80", "8080:81", "127.0.0.1:1:82/udp", {target: 83, published: 9000}, "7000-7001:84-85", "${P}:86"]
expose: [87, "88/tcp"]
"""
    assert service(body.strip()).ports == (80, 81, 82, 83, 84, 87, 88)


def test_a_command_counts_as_entry_only_with_an_entrypoint() -> None:
    assert service("image: x\ncommand: a b").entry == ()
    assert service("image: x\ncommand: a b").command == ("/bin/sh", "-c", "a b")
    assert service("image: x\nentrypoint: [a]\ncommand: [b]").entry == ("a", "b")


def test_the_network_of_the_host_has_an_old_name() -> None:
    assert service("image: x\nnet: host").host_network
    assert service("image: x\nnetwork_mode: host").host_network
    assert not service("image: x\nnetwork_mode: bridge").host_network


# --- extends ----------------------------------------------------------------------------------------------------------


def test_a_service_gets_what_it_extends() -> None:
    text = """
services:
  base: {image: x, user: "5", volumes: ["a:/a"], environment: {A: b}, command: [a]}
  more: {extends: {service: base}, volumes: ["b:/b"], environment: {C: d}, command: [b]}
  other: {extends: base, image: z}
"""
    base, more, other = read(text).services
    assert (base.base, base.derived, more.derived, other.derived) == ("", False, True, False)
    assert (more.user, more.image, other.image) == ("5", "x", "z")
    assert more.value["environment"] == {"A": "b", "C": "d"}
    assert more.value["command"] == ["b"]
    first, second = more.mounts
    assert (first.target, first.at) == ("/a", more.path)
    assert (second.target, second.at) == ("/b", (*more.path, "volumes", 0))


def test_a_service_of_another_file_is_found_from_the_file_that_names_it() -> None:
    files = {
        "common/base.yaml": "services: {web: {extends: {service: deep, file: more.yaml}, user: '7'}}",
        "common/more.yaml": "services: {deep: {image: x}}",
    }
    found = service("extends: {file: ../common/base.yaml, service: web}", files, "app/compose.yaml")
    assert (found.image, found.user) == ("x", "7")


@pytest.mark.parametrize(
    ("build", "dockerfile"),
    [
        ("../web", "web/Dockerfile"),
        ("{context: ., dockerfile: dev.Dockerfile}", "common/dev.Dockerfile"),
        ("{target: dev}", "common/Dockerfile"),
    ],
)
def test_the_build_context_of_another_file_is_one_of_its_folder(build: str, dockerfile: str) -> None:
    files = {"common/base.yaml": f"services: {{web: {{build: {build}}}}}"}
    found = service("extends: {file: common/base.yaml, service: web}", files)
    assert found.build is not None
    assert found.build.dockerfile == dockerfile


@pytest.mark.parametrize("build", ["https://github.com/acme/web.git", "git@github.com:acme/web.git"])
def test_the_build_context_of_another_host_stays_as_it_is(build: str) -> None:
    files = {"common/base.yaml": f"services: {{web: {{build: '{build}'}}}}"}
    found = service("extends: {file: common/base.yaml, service: web}", files)
    assert found.build is not None
    assert found.build.remote
    assert found.called == "the image of web"


@pytest.mark.parametrize("file", ["../../out.yaml", "${FILE}", "gone.yaml"])
def test_a_service_that_is_not_in_the_tree_is_told(file: str) -> None:
    text = f"services: {{web: {{image: x, extends: {{file: '{file}', service: web}}}}}}"
    compose = read(text, {"../../out.yaml": "services: {web: {image: x}}"})
    assert compose.services == ()
    assert [one.reason for one in compose.skipped] == ["fragment"]


def test_services_laid_upon_another_file_are_told_and_others_are_read() -> None:
    text = "services: {web: {image: x}, tool: {image: x}}"
    compose = read_compose("compose.dev.yaml", text, lambda path: None, named=True, below=frozenset({"web"}))
    assert [one.name for one in compose.services] == ["tool"]
    assert compose.skipped[0].message.startswith("web: this is laid upon another file")


@pytest.mark.parametrize(
    ("base", "own", "whole"),
    [
        ("environment: [A=1, B=2]", "environment: {B: 3, C: 4}", {"environment": {"A": "1", "B": 3, "C": 4}}),
        ("environment: {A: 1}", "environment: [B=2, A=3]", {"environment": {"A": "3", "B": "2"}}),
        ("labels: [a=b]", "labels: {c: d}", {"labels": {"a": "b", "c": "d"}}),
        ("build: {args: {A: 1}}", "build: {args: [A=2]}", {"build": {"args": {"A": "2"}}}),
        ("build: web", "build: {target: dev}", {"build": {"context": "web", "target": "dev"}}),
        ("extra_hosts: {a: 10.0.0.1}", "extra_hosts: ['b:10.0.0.2']", {"extra_hosts": ["a=10.0.0.1", "b:10.0.0.2"]}),
        ("ports: ['80:80']", "ports: [{target: 81}]", {"ports": ["80:80", {"target": 81}]}),
        ("volumes: ['data:/data']", "volumes: [{type: bind, source: ./x, target: /data/}]",
         {"volumes": [{"type": "bind", "source": "./x", "target": "/data/"}]}),
        ("environment: {A: 1}", "environment: null", {"environment": {"A": 1}}),
        ("environment: {A: 1, B: 2}", "environment: {A: !reset null}", {"environment": {"B": 2}}),
        ("ports: ['80:80']", "ports: !override ['81:81']", {"ports": ["81:81"]}),
        ("command: [a]", "command: [b]", {"command": ["b"]}),
    ],
)  # fmt: skip
def test_what_extends_is_joined_by_the_rules_of_files_that_are_laid_upon_another(
    base: str, own: str, whole: dict[str, Any]
) -> None:
    text = f"services:\n  base: {{image: x, {base}}}\n  web: {{extends: base, {own}}}\n"
    _, found = read(text).services
    assert {key: one for key, one in found.value.items() if key not in ("image", "extends")} == whole


def test_what_extends_may_replace_what_it_extends_as_a_whole() -> None:
    text = "services:\n  base: {image: x, user: '5', ports: ['80:80']}\n  web: {extends: base, user: !reset null}\n"
    base, web = read(text).services
    assert (base.user, web.user, web.ports) == ("5", "", (80,))


def test_what_compose_would_refuse_to_extend_is_told() -> None:
    text = "services:\n  base: {image: x, cap_add: [CHOWN]}\n  web: {extends: base, cap_add: {CHOWN: true}}\n"
    compose = read(text)
    assert [one.name for one in compose.services] == ["base"]
    (left,) = compose.skipped
    assert left.message.startswith("web: cap_add is of another kind in what lies below it, so that Compose refuses it")
    assert [one.name for one in builders("compose.yaml", text, lambda path: None)] == ["base"]


def test_a_mount_that_takes_the_place_of_another_is_told_where_it_is_written() -> None:
    text = """
services:
  base: {image: x, volumes: ["data:/data", "logs:/logs"]}
  web: {extends: base, volumes: ["./more:/more", "./own:/logs"]}
"""
    _, web = read(text).services
    at = {mount.target: (mount.kind, mount.at[len(web.path) :]) for mount in web.mounts}
    assert at == {
        "/data": ("volume", ()),
        "/logs": ("bind", ("volumes", 1)),
        "/more": ("bind", ("volumes", 0)),
    }


def test_what_a_tag_resets_is_known() -> None:
    found = written("services: {web: {ports: !reset [], user: '5', volumes: !override ['a:/a']}}")
    assert found["web"].tagged == {"ports", "volumes"}
    assert found["web"].value["user"] == "5"
    assert written("services: [") == {}


def test_a_place_is_that_of_the_text() -> None:
    text = "services:\n  web:\n    image: x\n    user: root\n"
    (found,) = read(text).services
    span = found.at("user")
    assert text[span.start : span.end] == "user: root"
    assert text[found.at("nothing").start :].startswith("web:")
    assert PurePosixPath(found.folder) == PurePosixPath()


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("services:\n  a: {image: x}\n", True),
        ("version: '3'\n\"services\" :\n  a: {image: x}\n", True),
        ("\ufeffservices:\n  a: {image: x}\n", True),
        ("\ufeff'services':\n  a: {image: x}\n", True),
        ("spec:\n  services:\n  - image: x\n", False),
        ('{"services": {"a": {"image": "x"}}}', False),
        ("my-services:\n  a: {image: x}\n", False),
        ("services:\n  a: {imagine: x}\n", False),
    ],
)
def test_a_file_of_another_name_has_its_services_at_the_top(text: str, means: bool) -> None:
    assert may_be_compose(text.encode(), False) is means
