"""Options of docker, podman and nerdctl: the image is found behind any of them, in any order and spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixer.syntax.shell import commands
from fixer.understand.runoptions import SWITCHES, VALUES, Parsed, parse_run

WORD = st.from_regex(r"[a-z0-9][a-z0-9./:=,]{0,12}", fullmatch=True)
SWITCH = st.sampled_from(sorted(SWITCHES)).map(lambda name: f"--{name}")
SWITCH_SAID = st.tuples(SWITCH, st.sampled_from(["true", "false"])).map("=".join)
LETTERS = st.lists(st.sampled_from("ditPq"), min_size=1, max_size=3, unique=True).map(lambda some: "-" + "".join(some))
NAME = st.sampled_from(sorted(VALUES - {"pull"}))
SPACED = st.tuples(NAME, WORD).map(lambda one: f"--{one[0]} {one[1]}")
EQUAL = st.tuples(NAME, WORD).map(lambda one: f"--{one[0]}={one[1]}")
SHORT = st.tuples(st.sampled_from("acehlmpuvw"), st.sampled_from([" ", "", "="]), WORD).map(
    lambda one: f"-{one[0]}{one[1]}{one[2]}"
)
CLUSTER = st.tuples(LETTERS, st.sampled_from("ehpuvw"), WORD).map(lambda one: f"{one[0]}{one[1]} {one[2]}")
OPTION = st.one_of(SWITCH, SWITCH_SAID, LETTERS, SPACED, EQUAL, SHORT, CLUSTER)
FRONT = st.sampled_from(
    ["docker", "podman", "nerdctl", "/usr/bin/docker", "docker -H tcp://x:1 --debug", "nerdctl --namespace k8s.io"]
)
VERB = st.sampled_from(["run", "create", "container run", "container create", "exec"])


def parsed(line: str) -> Parsed:
    (command,) = [one for one in commands(line) if one.name != "pwd"]
    found = parse_run(command.words)
    assert found is not None
    return found


@given(FRONT, VERB, st.lists(OPTION, max_size=8), st.booleans())
def test_the_image_is_found_behind_any_options(front: str, verb: str, options: list[str], ended: bool) -> None:
    line = " ".join([front, verb, *options, *(["--"] if ended else []), "the/image:1", "-u", "root", "--privileged"])
    (command,) = commands(line)
    found = parse_run(command.words)
    assert found is not None
    assert found.target is not None
    assert command.words[found.target].text == "the/image:1"
    assert not found.unclear
    assert all(option.last < found.target for option in found.options)


@given(FRONT, st.lists(OPTION, max_size=5), st.lists(OPTION, max_size=5))
def test_a_user_is_read_whatever_stands_around_it(front: str, before: list[str], behind: list[str]) -> None:
    others = [one for one in (*before, *behind) if "u" not in one.partition(" ")[0]]
    line = " ".join([front, "run", *others[:4], "--user", "1234:5", *others[4:], "image"])
    assert [option.value for option in parsed(line).options if option.name == "user"] == ["1234:5"]


@pytest.mark.parametrize(
    "spelling", ["-u root", "-u=root", "-uroot", "-itu root", "-ituroot", "--user=root", "--user root", "-u 'root'"]
)
def test_every_spelling_of_a_user(spelling: str) -> None:
    found = parsed(f"docker run --rm {spelling} image")
    assert [option.value for option in found.options if option.name == "user"] == ["root"]


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        ("docker compose run web", None),
        ("docker build -t run .", None),
        ("docker ps", None),
        ("docker", None),
        ("docker -c run ps", None),
        ("docker -c far run image", "run"),
    ],
)
def test_what_makes_no_container(line: str, verb: str | None) -> None:
    (command,) = commands(line)
    found = parse_run(command.words)
    assert (found.action if found is not None else None) == verb


def test_an_option_that_nobody_knows_hides_the_image() -> None:
    found = parsed("docker run --brand-new thing image")
    assert found.target is None
    assert found.unclear


@pytest.mark.parametrize("word", ["$OPTS", '"${args[@]}"', "$DOCKER_FLAGS", "${EXTRA_VOLUMES}"])
def test_a_variable_may_hold_options(word: str) -> None:
    found = parsed(f"docker run {word} image ls")
    assert found.unclear
    assert found.target == 3


def test_a_variable_in_the_last_place_is_the_image() -> None:
    found = parsed("docker run --rm $ARGS_IMAGE")
    assert found.target == 3
    assert not found.unclear


@pytest.mark.parametrize(
    ("words", "target"), [("--pull always image", 4), ("--pull image", 3), ("--pull=newer image", 3)]
)
def test_pull_takes_a_policy_or_nothing(words: str, target: int) -> None:
    assert parsed(f"podman run {words}").target == target


def test_no_option_is_both() -> None:
    assert not SWITCHES & VALUES
