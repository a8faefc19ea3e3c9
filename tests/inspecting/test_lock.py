"""The lock: always the same text, read back as it was written, and refused in one sentence where it is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fixer import app
from fixer import config as configuration
from fixer.config import Config
from fixer.errors import UsageError
from fixer.facts import ImageRef, knowledge, laid_over, lookup, taken_ids
from fixer.lock import Inspection, Login, load, text

SCHEMA = json.loads((Path(configuration.__file__).parent / "lock.schema.json").read_text())
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
ONE = Inspection(
    "nginx:1.25", DIGEST, "linux/amd64", "registry", "svc:team", ("80/tcp",), ("/data",), ("/run.sh",), ("-v",),
    MappingProxyType({"A": "1"}), "/srv", (Login("root", 0, 0, "/root"), Login("svc", 1200, 33, "/srv:x")),
    MappingProxyType({"team": 1201}),
)  # fmt: skip
BARE = Inspection("app:1", DIGEST, "linux/arm64", "engine")

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
IDS = st.integers(0, 2**32 - 1)
NAMES = WORDS.filter(lambda word: ":" not in word)
LOGINS = st.builds(Login, NAMES, IDS, IDS, WORDS)
LISTS = st.lists(WORDS, max_size=3).map(tuple)
INSPECTIONS = st.builds(
    Inspection, WORDS, st.just(DIGEST), st.just("linux/amd64"), st.sampled_from(["engine", "registry"]), WORDS, LISTS,
    LISTS, LISTS, LISTS, st.dictionaries(WORDS, WORDS, max_size=3).map(MappingProxyType), WORDS,
    st.none() | st.lists(LOGINS, max_size=3).map(tuple),
    st.none() | st.dictionaries(WORDS, IDS, max_size=3).map(MappingProxyType),
)  # fmt: skip


@given(st.lists(INSPECTIONS, max_size=4))
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, every: list[Inspection]) -> None:
    known = {one.reference: one for one in every}
    written = text(known)
    Draft202012Validator(SCHEMA).validate(json.loads(written))
    file = tmp_path_factory.getbasetemp() / "property.lock"
    file.write_text(written, "utf-8")
    assert load(file) == known
    assert text(dict(reversed(known.items()))) == written


def test_a_value_stands_in_one_line() -> None:
    assert text({}) == '{\n  "version": 1,\n  "images": {}\n}\n'
    assert text({"app:1": BARE}) == (
        '{\n  "version": 1,\n  "images": {\n    "app:1": {\n'
        f'      "digest": "{DIGEST}",\n      "platform": "linux/arm64",\n      "source": "engine",\n      "user": ""\n'
        "    }\n  }\n}\n"
    )


def with_entry(**changes: Any) -> str:
    entry = json.loads(text({"app:1": BARE}))["images"]["app:1"] | changes
    return json.dumps({"version": 1, "images": {"app:1": entry}})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it is no JSON"),
        ("{", "it is no JSON"),
        ("\xff", "it is no JSON"),
        ("[" * 100_000, "malformed"),
        ("[]", "no lock of version 1"),
        ('{"version": 2, "images": {}}', "no lock of version 1"),
        ('{"version": 1}', "'images' is no object"),
        ('{"version": 1, "images": {}, "more": 1}', "unknown key 'more'"),
        ('{"version": 1, "images": {"a:1": 7}}', "'a:1' is no object"),
        ('{"version": 1, "images": {"a:1": {}}}', "'a:1.digest' is no word"),
        (with_entry(colour="red"), "unknown key 'colour'"),
        (with_entry(user=0), "'app:1.user' is no word"),
        (with_entry(ports="80"), "'app:1.ports' is no list of words"),
        (with_entry(env={"A": 1}), "'app:1.env' holds something else than words"),
        (with_entry(passwd=["root:0:0"]), "which is not name:uid:gid:home"),
        (with_entry(passwd=["root:-1:0:/"]), "which is not name:uid:gid:home"),
        (with_entry(group={"a": -1}), "something else than numbers of groups"),
        (with_entry(group={"a": True}), "something else than numbers of groups"),
    ],
)
def test_a_damaged_lock_is_told(tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "fixer.lock"
    file.write_text(content, "latin-1")
    with pytest.raises(UsageError) as caught:
        load(file)
    message = str(caught.value)
    assert words in message
    assert str(file) in message
    assert "--inspect" in message
    assert len(message.splitlines()) == 1


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(text({}))
    (tmp_path / "fixer.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="a link or no file"):
        load(tmp_path / "fixer.lock")


@pytest.mark.parametrize(
    ("settings", "start", "expected"),
    [
        (None, "repo", "repo/fixer.lock"),
        (None, "repo/a/Dockerfile", "repo/fixer.lock"),
        (None, "elsewhere", "elsewhere/fixer.lock"),
        ("repo/a/fixer.toml", "repo/a/Dockerfile", "repo/a/fixer.lock"),
    ],
)
def test_where_it_lies(tmp_path: Path, settings: str | None, start: str, expected: str) -> None:
    (tmp_path / "repo/a").mkdir(parents=True)
    (tmp_path / "repo/.git").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "repo/a/Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "repo/fixer.lock").write_text(text({}))
    file = tmp_path / settings if settings else None
    assert configuration.lock_for(tmp_path / start, file) == tmp_path / expected


# --- what it decides --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference",
    ["nginx:1.25", "docker.io/library/nginx:1.25", "index.docker.io/nginx:1.25", "docker.io/nginx:1.25"],
)
def test_an_image_is_known_however_it_is_written(reference: str) -> None:
    found = knowledge({"nginx:1.25": ONE})(reference)
    assert found is not None
    assert found.digest == DIGEST


@pytest.mark.parametrize(
    "reference",
    ["nginx:1.26", "mirror.gcr.io/library/nginx:1.25", "arm64v8/nginx:1.25", "a/nginx:1.25", f"nginx:1.25@{DIGEST}"],
)
def test_another_image_is_another_one(reference: str) -> None:
    found = knowledge({"nginx:1.25": ONE})(reference)
    assert found is None or found.digest == ""


def test_without_a_tag_it_is_the_latest() -> None:
    found = knowledge({"app:latest": BARE._replace(reference="app:latest")})
    assert found("app") is not None
    assert found("app:1") is None
    assert found(None) is None
    assert found("Not A Reference") is None


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("", ("root", 0, 0, True, None)),
        ("root", ("root", 0, 0, True, None)),
        ("0", ("root", 0, 0, True, None)),
        ("0:5", ("root", 0, 5, True, None)),
        ("toor", ("root", 0, 7, True, None)),
        ("1654", ("1654", 1654, None, False, True)),
        ("1200", ("1200", 1200, 33, False, True)),
        ("1654:5", ("1654:5", 1654, 5, False, True)),
        ("svc", ("svc", 1200, 33, False, False)),
        ("svc:team", ("svc:team", 1200, 1201, False, False)),
        ("1654:team", ("1654:team", 1654, 1201, False, False)),
        ("gone", ("gone", None, None, None, None)),
    ],
)
def test_the_user_of_an_image(user: str, expected: tuple[object, ...]) -> None:
    accounts = (Login("root", 0, 0, "/root"), Login("svc", 1200, 33, "/srv"), Login("toor", 0, 7, "/"))
    one = ONE._replace(user=user, accounts=accounts)
    facts = laid_over(None, one)
    assert facts[2:7] == expected


def test_the_image_wins_over_the_tables_and_leaves_the_rest() -> None:
    tables = lookup("nginx:1.25")
    assert tables is not None
    facts = laid_over(tables, ONE._replace(ports=("8080/tcp", "53/udp")))
    assert (facts.ports, facts.volumes, facts.workdir, facts.env) == ((8080,), ("/data",), "/srv", {"A": "1"})
    assert (facts.family, facts.writable_paths, facts.shell) == (tables.family, tables.writable_paths, tables.shell)
    assert facts.app_user is None  # its passwd file has no nginx
    assert facts.told("user") == ", read from the image (digest sha256:0123456789ab)"
    assert facts.told("anything else") == " (facts, verified)"
    assert taken_ids(facts)[0] == {1200: "svc"}


def test_ports_that_an_image_does_not_name_stay_those_of_the_tables() -> None:
    tables = lookup("nginx:1.25")
    assert tables is not None
    facts = laid_over(tables, BARE)
    assert facts.ports == tables.ports
    assert facts.told("ports") == " (facts, verified)"
    assert facts.users == tables.users
    assert facts.app_user == tables.app_user


def test_a_guess_decides_nothing_once_the_image_is_known() -> None:
    tables = lookup("nginx:1.25")
    assert tables is not None
    facts = laid_over(tables._replace(confidence="inferred", arbitrary_user=True, steps_down=True), BARE)
    assert (facts.app_user, facts.arbitrary_user, facts.steps_down) == (None, None, True)


def test_a_library_call_finds_the_lock(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text('FROM app:1\nCMD ["serve"]\n')
    (tmp_path / "fixer.lock").write_text(text({"app:1": BARE._replace(user="1654")}))
    assert app.check(tmp_path).findings == ()
    assert app.check(tmp_path, config=Config()).findings != ()


@pytest.mark.parametrize("reference", ["nginx", "a/b:1", "h.io:5/a@" + DIGEST, "localhost/x:y"])
def test_exact_references_read_back_as_they_are(reference: str) -> None:
    exact = str(ImageRef.exact(reference))
    assert str(ImageRef.exact(exact)) == exact
