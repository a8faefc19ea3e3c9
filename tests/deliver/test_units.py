"""What is deployed together, and what it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer import app
from fixer.config import Config
from fixer.engine import Choice
from fixer.model import Safety
from fixer.render.commit import message
from fixer.units import Unit, listed
from tests.deliver.repos import BAD, COMPOSE, fill

POD = b"apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n  containers:\n    - name: c\n      image: %s\n"


def units(folder: Path) -> tuple[Unit, ...]:
    return app.fix_in_units([folder], Config(), Choice(True, Safety.REVIEW))[1]


def names(folder: Path) -> dict[str, list[str]]:
    return {unit.name: [change.path for change in unit.changes] for unit in units(folder)}


def subjects(folder: Path) -> list[str]:
    return [message(unit).splitlines()[0] for unit in units(folder)]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_a_file_of_compose_and_all_that_it_builds_are_one(repo: Path) -> None:
    services = b"".join(b"  s%d:\n    build: ./s%d\n" % (n, n) for n in range(5))
    fill(repo, {f"s{n}/Dockerfile": BAD for n in range(5)} | {"compose.yaml": b"services:\n" + services})
    (unit,) = units(repo)
    assert (unit.name, len(unit.changes)) == ("s0, s1 and 3 more", 6)


def test_a_manifest_goes_with_the_dockerfile_whose_image_it_uses(repo: Path) -> None:
    fill(repo, {"web/Dockerfile": BAD, "web/k8s/pod.yaml": POD % (b"web", b"web"), "other/Dockerfile": BAD})
    assert names(repo) == {"other": ["other/Dockerfile"], "web": ["web/Dockerfile", "web/k8s/pod.yaml"]}


def test_two_dockerfiles_of_one_folder_have_two_names(repo: Path) -> None:
    fill(repo, {"a/Dockerfile": BAD, "a/Dockerfile.dev": BAD, "Dockerfile": BAD})
    assert set(names(repo)) == {"Dockerfile", "a/Dockerfile", "a/Dockerfile.dev"}


def test_files_of_no_dockerfile_are_called_by_their_paths(repo: Path) -> None:
    fill(repo, {"a/compose.yaml": COMPOSE, "k/pod.yaml": POD % (b"p", b"postgres:16")})
    assert set(names(repo)) == {"a/compose.yaml", "k/pod.yaml"}
    assert subjects(repo) == ["Run db in a as 999:999, not as root", "Run p in k as 999, not as root"]


def test_a_subject_tells_of_the_services_that_get_another_user(repo: Path) -> None:
    fill(
        repo,
        {
            "compose.yaml": COMPOSE.replace(
                b"volumes:\n  data:", b"  web:\n    image: nobody/knows:1\nvolumes:\n  data:"
            )
        },
    )
    (unit,) = units(repo)
    assert unit.services == ("db",)
    assert subjects(repo) == ["Run db in compose.yaml as 999:999, not as root"]


def test_a_long_name_loses_its_first_folders(repo: Path) -> None:
    fill(repo, {f"{'very-long-folder/' * 6}web/Dockerfile": BAD})
    (subject,) = subjects(repo)
    assert subject == "Run very-long-folder/web as 10001:10001, not as root"


def test_a_name_without_end_is_left_out(repo: Path) -> None:
    fill(repo, {f"{'x' * 100}/Dockerfile": BAD})
    assert subjects(repo) == ["Run containers as 10001:10001, not as root"]


def test_names_of_a_real_repository_are_unique(shared: Path) -> None:
    for name in ("dockersamples+example-voting-app", "docker+awesome-compose", "kubernetes+examples"):
        found = units(shared / "corpus" / name)
        assert len({unit.name for unit in found}) == len(found) > 5
        assert all(len(message(unit).splitlines()[0]) <= 68 for unit in found)


@pytest.mark.parametrize(
    ("words", "text"),
    [("", ""), ("a", "a"), ("b a", "a and b"), ("a b c", "a, b and c"), ("a b c d", "a, b and 2 more"), ("a a", "a")],
)
def test_lists_read_as_people_write_them(words: str, text: str) -> None:
    assert listed(words.split()) == text
