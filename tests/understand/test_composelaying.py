"""What a service of Compose is when another file is laid upon its own."""

from __future__ import annotations

from typing import Any

import pytest

from fixer.errors import Unreadable
from fixer.understand.compose import Service, layer, read_compose
from fixer.understand.composelaying import laid


def upon(base: str, override: str, files: dict[str, str] | None = None) -> Service | None:
    known = files or {}
    (service,) = read_compose("compose.yaml", base, known.get, named=True).services
    rows = layer(override)
    return laid(service, rows[service.name], rows, "compose.override.yaml", known.get)


def value(base: str, override: str) -> Any:
    found = upon(f"services: {{web: {{image: x, {base}}}}}", f"services: {{web: {{{override}}}}}")
    assert found is not None
    return {key: one for key, one in found.value.items() if key != "image"}


@pytest.mark.parametrize(
    ("base", "override", "whole"),
    [
        ("command: [a, b]", "command: [c]", {"command": ["c"]}),
        ("command: [a]", "command: null", {"command": None}),
        ("entrypoint: a b", "entrypoint: []", {"entrypoint": []}),
        ("healthcheck: {test: [a], retries: 2}", "healthcheck: {test: [b]}",
         {"healthcheck": {"test": ["b"], "retries": 2}}),
        ("environment: [A=1, B=2]", "environment: {B: 3, C: 4}", {"environment": {"A": "1", "B": 3, "C": 4}}),
        ("environment: {A: 1}", "environment: [A]", {"environment": {"A": None}}),
        ("environment: {A: 1}", "environment: null", {"environment": {"A": 1}}),
        ("volumes: ['a:/a']", "volumes: ['b:/b', 'a:/a']", {"volumes": ["a:/a", "b:/b"]}),
        ("cap_add: [CHOWN]", "cap_add: [SETUID]", {"cap_add": ["CHOWN", "SETUID"]}),
        ("tmpfs: /run", "tmpfs: [/tmp]", {"tmpfs": ["/run", "/tmp"]}),
        ("env_file: a.env", "env_file: b.env", {"env_file": ["a.env", "b.env"]}),
        ("depends_on: [db]", "depends_on: {mq: {condition: service_started}}",
         {"depends_on": {"db": {}, "mq": {"condition": "service_started"}}}),
        ("build: ./web", "build: {target: dev}", {"build": {"context": "./web", "target": "dev"}}),
        ("build: {args: [A=1]}", "build: {args: {B: 2}}", {"build": {"args": {"A": "1", "B": 2}}}),
        ("user: root", "user: '5'", {"user": "5"}),
        ("user: root", "user: off", {"user": "off"}),
        ("ulimits: {nofile: {soft: 1}}", "ulimits: {nofile: 2}", {"ulimits": {"nofile": 2}}),
        ("user: root, ports: ['80:80']", "user: !reset null, ports: !override ['81:81']", {"ports": ["81:81"]}),
        ("environment: {A: 1, B: 2}", "environment: {A: !reset null}", {"environment": {"B": 2}}),
        ("environment: {A: 1}", "environment: !override {B: 2}", {"environment": {"B": 2}}),
    ],
)  # fmt: skip
def test_a_setting_of_two_files_is_one(base: str, override: str, whole: dict[str, Any]) -> None:
    assert value(base, override) == whole


def test_a_list_where_the_other_says_a_map_is_refused_as_compose_refuses_it() -> None:
    with pytest.raises(Unreadable, match=r"cap_add is of another kind"):
        value("cap_add: [CHOWN]", "cap_add: {CHOWN: true}")


def test_a_service_may_be_taken_away_or_replaced() -> None:
    base = "services: {web: {image: x, user: root}}"
    assert upon(base, "services: {web: !reset null}") is None
    found = upon(base, "services: {web: !override {image: z}}")
    assert found is not None
    assert found.value == {"image": "z"}


def test_what_the_other_file_extends_comes_with_it() -> None:
    base = "services: {web: {image: x}}"
    more = {"common.yaml": "services: {base: {user: '5', environment: {A: 1}}}"}
    found = upon(base, "services: {web: {extends: {file: common.yaml, service: base}, environment: {B: 2}}}", more)
    assert found is not None
    assert (found.user, found.value["environment"]) == ("5", {"A": 1, "B": 2})
    with pytest.raises(Unreadable, match="extends a service that is not here"):
        upon(base, "services: {web: {extends: {file: gone.yaml, service: base}}}")


def test_its_variables_are_those_of_the_folder_although_only_the_other_file_has_some() -> None:
    found = upon("services: {web: {image: x}}", "services: {web: {user: '${UID}'}}", {".env": "UID=7\n"})
    assert found is not None
    assert found.user == "7"
