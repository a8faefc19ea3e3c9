"""Commands that start containers, in files of every kind: what they are, and where they stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer.discover import run_kind
from fixer.errors import Unreadable
from fixer.understand.runs import Run, is_personal, quadlet, runs_of
from fixer.understand.runscripts import scripts_of

LINE = "docker run --privileged foo/bar"


def runs(kind: str, text: str) -> list[Run]:
    return runs_of(kind, scripts_of(kind, text))


def one(kind: str, text: str) -> Run:
    (run,) = runs(kind, text)
    return run


KINDS = ["shell", "make", "just", "unit", "ci", "jenkins"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("shell", f"#!/bin/bash\nif true; then\n  x=$(sudo -E {LINE} | cat)\nfi\n"),
        ("shell", "DOCKER=docker\n$DOCKER run --privileged foo/bar\n"),
        ("shell", "${CONTAINER_ENGINE:-docker} run --privileged foo/bar\n"),
        ("shell", "docker run \\\r\n  --privileged \\\r\n  foo/bar\r\n"),
        ("shell", "IMG=foo/bar\nOPTS='--privileged'\ndocker container run $OPTS $IMG\n"),
        ("shell", "a() {\n  ssh x true && docker --debug run --privileged foo/bar\n}\n"),
        ("make", f"a: b\n\t@-{LINE}\n"),
        ("make", "DOCKER ?= podman\na:\n\t$(DOCKER) run --privileged \\\n\t  foo/bar\n"),
        ("make", "RUN := $(DOCKER) run --privileged\na:\n\t@$(RUN) foo/bar $(subst a,b,$(C)) $$HOME\n"),
        ("make", "DOCKER := $(shell which docker)\na:\n\tset -e; $(DOCKER) run --privileged foo/bar\n"),
        ("just", f'd := "docker"\na:\n    @{LINE} {{{{x}}}}\n'),
        ("unit", f"[Service]\nExecStartPre=-/usr/bin/docker rm x\nExecStart=-+/usr/bin/{LINE}\n"),
        ("unit", "[Service]\nExecStart=/usr/bin/docker run \\\n# why\n  --privileged foo/bar %n\n"),
        ("ci", f"a:\n  script:\n    - {LINE}\n"),
        ("ci", f"a:\n  steps:\n  - run: |\n      cd x\n      {LINE}\n"),
        ("ci", "a:\n  steps:\n  - run: >-\n      docker run\n      --privileged\n      foo/bar\n"),
        ("ci", "a:\n  script: docker run\n    --privileged foo/bar ${{ matrix.x }}\n"),
        ("ci", f"a:\n  script: '{LINE}'\n"),
        ("ci", 'a:\n  script: "docker run --privileged \\"foo/bar\\""\n'),
        ("ci", f"a:\n  args: [-c, '{LINE}']\n"),
        ("jenkins", f"steps {{ sh '{LINE}' }}\n"),
        ("jenkins", 'sh(script: """\n  docker run \\\\\n    --privileged -e X=\\$Y foo/bar\n""")\n'),
    ],
)
def test_the_command_is_found(kind: str, text: str) -> None:
    run = one(kind, text)
    assert run.starts
    assert run.on("privileged")
    assert run.image == "foo/bar"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("shell", f'echo "{LINE}"\n'),
        ("shell", f"# {LINE}\n"),
        ("shell", f"cat <<EOF\n{LINE}\nEOF\n"),
        ("shell", f"#!/usr/bin/env python3\n{LINE}\n"),
        ("shell", "docker-compose run web\ndocker compose run web\nmake docker run\n"),
        ("shell", "$RUNNER run foo/bar\n"),
        ("make", f"# {LINE}\na: {LINE}\n"),
        ("unit", f"[Unit]\nDescription={LINE}\n"),
        ("ci", f"a:\n  description: {LINE}\n  name: {LINE}\n"),
        ("jenkins", f"// {LINE}\necho '{LINE}'\n"),
    ],
)
def test_what_is_no_command(kind: str, text: str) -> None:
    assert runs(kind, text) == []


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text(st.sampled_from("docker run -u x\n\t \\$(){}'\"`@:=|>&;#[]%é\r"), max_size=80))
def test_no_text_is_too_odd(kind: str, text: str) -> None:
    """Whatever stands in a file, reading it ends, and a snippet keeps its place and its length."""
    text = text if kind != "ci" else "run: |\n" + "".join(f"  {line}\n" for line in text.splitlines())
    try:
        scripts = scripts_of(kind, text)
    except Unreadable:
        return  # only YAML can be none
    for snippet in (*scripts.snippets, *(snippet for _, snippet in scripts.variables)):
        assert len(snippet.shell) == len(snippet.written)
        if snippet.exact:
            assert text[snippet.at : snippet.at + len(snippet.written)] == snippet.written
    assert isinstance(runs_of(kind, scripts), list)


@pytest.mark.parametrize(("sign", "inside"), [("$", "foo/bar"), ("$$", "foo/bar")])
def test_a_variable_of_make_used_twice_is_one_command(sign: str, inside: str) -> None:
    text = f"R = docker run -e X={sign}Y {inside}\na:\n\t$(R) one\n\t$(R) two\n"
    run = one("make", text)
    assert text[run.at :].startswith("docker run")


def test_a_variable_that_is_set_twice_is_not_known() -> None:
    run = one("shell", "I=a\nI=b\ndocker run $I\n")
    assert run.image is None


@pytest.mark.parametrize(
    ("volume", "source", "read_only"),
    [
        ("-v /:/host:ro", "/", True),
        ("-v /etc:/etc", "/etc", False),
        ('-v "$PWD":/x', "$PWD", False),
        ('-v "$(pwd)/a:/x:rw,z"', "$(pwd)/a", False),
        ("--mount type=bind,source=/,target=/x,readonly", "/", True),
        ("--mount type=bind,src=/a,dst=/x", "/a", False),
        ("--volume=${A:-/b}:/x", "/b", False),
    ],
)
def test_mounts(volume: str, source: str, read_only: bool) -> None:
    (mount,) = one("shell", f"docker run {volume} image\n").mounts
    assert (mount.source, mount.read_only) == (source, read_only)


@pytest.mark.parametrize(
    "volume", ["-v data:/x", "-v /x", "--mount type=volume,source=a,target=/x", "--mount type=tmpfs"]
)
def test_what_mounts_nothing_of_the_host(volume: str) -> None:
    assert one("shell", f"docker run {volume} image\n").mounts == ()


@pytest.mark.parametrize(
    ("command", "programs"),
    [("apt-get update", ("apt-get",)), ("sh -c 'npm ci && cp a b'", ("npm", "cp")), ("", ()), ("-u root", ("-u",))],
)
def test_the_programs_that_it_starts(command: str, programs: tuple[str, ...]) -> None:
    assert one("shell", f"docker run image {command}\n").programs == programs


def test_a_quadlet_file() -> None:
    keys = "Image=a/b\nUser=0\nAddCapability=A B\nPodmanArgs=--pid host\n"
    text = f"[Unit]\nUser=no\n[Container]\n{keys}[Service]\nUser=no\n"
    (run,) = quadlet(text)
    assert run.image == "a/b"
    assert [(option.name, option.value) for option in run.options] == [
        ("user", "0"),
        ("cap-add", "A"),
        ("cap-add", "B"),
        ("pid", "host"),
    ]
    assert text[run.at :].startswith("[Container]")


@pytest.mark.parametrize("text", ["", "[Container]\n", "[Service]\nImage=x\n", "[Container]\nRootfs=/x\n"])
def test_no_quadlet_file(text: str) -> None:
    assert quadlet(text) == []


@pytest.mark.parametrize(
    ("path", "text", "personal"),
    [
        ("a.service", "[Install]\nWantedBy=default.target\n", True),
        ("a.service", "[Service]\nUser=app\n[Install]\nWantedBy=multi-user.target\n", True),
        ("a.service", "[Service]\nUser=root\n", False),
        (".config/containers/systemd/a.container", "[Container]\nImage=x\n", True),
        ("a.container", "[Container]\nUser=app\n[Install]\nWantedBy=multi-user.target\n", False),
    ],
)
def test_whose_unit_it_is(path: str, text: str, personal: bool) -> None:
    assert is_personal(path, text) is personal


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("run.sh", "shell"),
        ("a/GNUmakefile", "make"),
        ("Makefile.docker", "make"),
        ("rules.mk", "make"),
        ("Justfile", "just"),
        ("app.service.in", "unit"),
        ("app.container", "quadlet"),
        ("etc/docker/daemon.json", "daemon"),
        ("Jenkinsfile", "jenkins"),
        ("below/.github/workflows/x.yaml", "ci"),
        (".circleci/config.yml", "ci"),
        (".gitlab-ci.yml", "ci"),
        ("values.yaml", ""),
        ("Dockerfile", ""),
        ("makefile.md.txt", ""),
        ("sh", ""),
    ],
)
def test_kinds_of_files(path: str, kind: str) -> None:
    assert run_kind(path) == kind
