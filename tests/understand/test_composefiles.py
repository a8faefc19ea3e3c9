"""Files of Compose that are laid upon one another, and what one of them would undo of the other."""

from __future__ import annotations

import pytest

from fixer.model import EnsureItem, RemoveItem, RemoveKey, SetKey, YamlChange
from fixer.understand.composefiles import ComposeFiles

BASE = "services: {web: {image: x}, db: {image: y}}"
PATH = ("services", "web")
USER = SetKey(0, PATH, "user", "5:5")
DROP = EnsureItem(0, (*PATH, "cap_drop"), "ALL")
LOCK = EnsureItem(0, (*PATH, "security_opt"), "no-new-privileges:true")


def files(**texts: str) -> ComposeFiles:
    known = {name.replace("__", "-").replace("_", "."): text for name, text in texts.items()}
    return ComposeFiles(tuple(known), known.get)


@pytest.mark.parametrize(
    ("name", "text", "below"),
    [
        ("compose.override.yaml", "services: {web: {ports: []}}", {"web", "db"}),
        ("compose.override.yaml", "services: {web: {image: z}}", {"web", "db"}),
        ("compose.dev.yaml", "services: {web: {ports: []}, tool: {image: z}}", {"web", "db"}),
        ("compose.prod.yaml", "services: {web: {image: z}, db: {image: y}}", set()),
        ("docker-compose.dev.yml", "services: {web: {command: a}}", {"web", "db"}),
        ("compose.yaml", BASE, set()),
        ("stack.yaml", "services: {web: {ports: []}}", set()),
    ],
)
def test_a_file_is_laid_upon_another_by_its_name_or_by_what_it_lacks(name: str, text: str, below: set[str]) -> None:
    known = {"compose.yaml": BASE, name: text}
    assert ComposeFiles(tuple(known), known.get).below(name) == below


def test_without_a_whole_file_beside_nothing_is_laid_upon_it() -> None:
    assert ComposeFiles((), {"a/compose.override.yaml": BASE}.get).below("a/compose.override.yaml") == frozenset()


@pytest.mark.parametrize(
    ("setting", "change", "undone"),
    [
        ("user: root", USER, True),
        ("user: '5:5'", USER, False),
        ("ports: []", USER, False),
        ("user: root", DROP, True),
        ("user: '0:0'", DROP, True),
        ("user: '5'", DROP, False),
        ("cap_drop: [NET_RAW]", DROP, False),
        ("cap_drop: !reset []", DROP, True),
        ("security_opt: ['no-new-privileges:false']", LOCK, True),
        ("security_opt: ['label:disable']", LOCK, False),
        ("user: root", RemoveKey(0, PATH, "user"), True),
        ("privileged: true", RemoveKey(0, PATH, "privileged"), True),
        ("cap_add: [SYS_ADMIN]", RemoveItem(0, (*PATH, "cap_add"), "SYS_ADMIN"), True),
        ("cap_add: [CHOWN]", RemoveItem(0, (*PATH, "cap_add"), "SYS_ADMIN"), False),
    ],
)
def test_an_override_that_says_otherwise_stands_against_a_fix(setting: str, change: YamlChange, undone: bool) -> None:
    found = files(compose_yaml=BASE, compose_override_yaml=f"services: {{web: {{{setting}}}}}")
    why = found.conflict("compose.yaml", "web", [change])
    assert (why is not None) is undone
    assert why is None or "compose.override.yaml" in why
    assert found.conflict("compose.yaml", "db", [change]) is None


def test_a_file_that_stands_for_itself_undoes_nothing() -> None:
    found = files(compose_yaml=BASE, compose_prod_yaml="services: {web: {image: z, user: root}, db: {image: y}}")
    assert found.conflict("compose.yaml", "web", [USER]) is None


def test_an_override_of_the_usual_name_is_found_where_one_file_was_named() -> None:
    known = {"a/compose.yaml": BASE, "a/compose.override.yml": "services: {web: {user: root}}"}
    assert ComposeFiles(("a/compose.yaml",), known.get).conflict("a/compose.yaml", "web", [USER]) is not None


@pytest.mark.parametrize(
    ("path", "texts", "together"),
    [
        ("compose.yaml", {}, ["compose.yaml"]),
        ("compose.yaml", {"docker-compose.override.yml": ""}, ["compose.yaml", "docker-compose.override.yml"]),
        ("compose.override.yml", {"compose.override.yml": ""}, ["compose.yaml", "compose.override.yml"]),
        (
            "compose.yaml",
            {"compose.override.yaml": "", "docker-compose.override.yml": "", "compose.dev.yml": ""},
            ["compose.yaml", "compose.override.yaml"],
        ),
        ("docker-compose.yml", {"docker-compose.yml": "", "compose.override.yml": ""}, ["docker-compose.yml"]),
        ("compose.dev.yml", {"compose.dev.yml": ""}, ["compose.dev.yml"]),
        (
            "compose.yaml",
            {".env": "COMPOSE_FILE=compose.yaml:x/dev.yml", "compose.override.yml": ""},
            ["compose.yaml", "x/dev.yml"],
        ),
        ("compose.yaml", {".env": "COMPOSE_FILE=other.yaml", "compose.override.yml": ""}, ["compose.yaml"]),
        ("compose.yaml", {".env": "COMPOSE_FILE=$WHICH", "compose.override.yml": ""}, ["compose.yaml"]),
        (
            "compose.yaml",
            {".env": "COMPOSE_FILE=compose.yaml,b.yml\nCOMPOSE_PATH_SEPARATOR=,"},
            ["compose.yaml", "b.yml"],
        ),
    ],
)
def test_compose_reads_some_files_together(path: str, texts: dict[str, str], together: list[str]) -> None:
    for folder in ("", "a/"):
        known = {f"{folder}{name}": text for name, text in {"compose.yaml": BASE, **texts}.items()}
        found = ComposeFiles(tuple(known), known.get).together(f"{folder}{path}")
        assert found == tuple(f"{folder}{name}" for name in together)
