"""The session without a terminal: what is asked, what each answer does, and that every one can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixer import app
from fixer.config import Config
from fixer.errors import FixerError
from fixer.model import LowPorts, Safety
from fixer.session.record import Kind
from fixer.session.session import Refused, Session
from tests.session.people import DEBIAN, FILES, NODE, UNKNOWN, held, place, session

NGINX = b"FROM nginx:1.27\nCOPY default.conf /etc/nginx/conf.d/default.conf\nEXPOSE 80\n"


def through(one: Session, answer: Callable[[Session], object]) -> list[tuple[str, str]]:
    """Give one answer to everything; what was asked."""
    asked = []
    while (item := one.current()) is not None:
        asked.append((item.lead.rule, item.lead.path))
        assert len(asked) < 100
        answer(one)
    return asked


def test_dockerfiles_are_asked_about_before_what_runs_them(tmp_path: Path) -> None:
    asked = through(session(tmp_path), Session.no)
    paths = list(dict.fromkeys(path for _, path in asked))
    assert paths == ["api/Dockerfile", "job/Dockerfile", "odd/Dockerfile", "pod.yaml"]
    assert asked[0] == ("DF001", "api/Dockerfile")


def test_a_base_is_asked_about_before_what_is_built_on_it(tmp_path: Path) -> None:
    files = {
        "a/Dockerfile": b'FROM ours\nCMD ["./run"]\n',
        "z/Dockerfile": DEBIAN,
        "Makefile": b"all:\n\tdocker build -t ours z\n\tdocker build -t app a\n",
    }
    one = session(tmp_path / "yes", files)
    assert place(one) == ("DF001", "z/Dockerfile")
    one.yes()
    asked = through(one, Session.no)
    assert ("DF001", "a/Dockerfile") not in asked  # its base is no longer root
    one = session(tmp_path / "no", files)
    one.leave_file()
    assert place(one) == ("DF001", "a/Dockerfile")
    one.yes()
    assert b"useradd" in held(one, "a/Dockerfile")  # the base makes no user for it


def test_yes_to_all_is_what_fix_does(tmp_path: Path) -> None:
    one = session(tmp_path)
    through(one, lambda it: it.yes() if it.current().repairable else it.no())  # type: ignore[union-attr]
    whole = {change.path: change.after for change in app.fix(tmp_path, config=Config()).changes}
    assert whole
    assert {change.path: change.after for change in one.changes()} == whole
    assert {path: (tmp_path / path).read_bytes() for path in FILES} == FILES  # nothing is written


@pytest.mark.parametrize(
    ("answer", "kind", "changes"),
    [
        (Session.yes, Kind.FIXED, True),
        (Session.no, Kind.LEFT, False),
        (Session.rest_of_rule, Kind.FIXED, True),
        (Session.rest_of_file, Kind.FIXED, True),
        (Session.leave_file, Kind.LEFT, False),
        (lambda one: one.ignore("for a reason"), Kind.IGNORED, True),
        (lambda one: one.edited(b"FROM scratch\n"), Kind.EDITED, True),
    ],
)
def test_every_answer_can_be_taken_back(
    tmp_path: Path, answer: Callable[[Session], object], kind: Kind, changes: bool
) -> None:
    one = session(tmp_path)
    before, number = place(one), one.position()
    answer(one)
    assert {done.kind for done in one.record.done} == {kind}
    assert bool(one.changes()) is changes
    assert place(one) != before or kind is Kind.EDITED
    assert one.undo() is not None
    assert (place(one), one.position(), one.changes(), one.record.done) == (before, number, (), ())
    assert one.undo() is None


def test_all_of_a_rule_goes_through_all_files(tmp_path: Path) -> None:
    one = session(tmp_path)
    answer = one.rest_of_rule()
    assert {(done.rule, done.path) for done in answer.done} == {
        ("DF001 root-user", "api/Dockerfile"),
        ("DF001 root-user", "job/Dockerfile"),
    }
    assert [change.path for change in one.changes()] == ["api/Dockerfile", "job/Dockerfile"]
    assert len(one.record.answers) == 1
    assert place(one)[1] == "odd/Dockerfile"


def test_what_no_change_repairs_is_left_with_the_rest_of_its_rule(tmp_path: Path) -> None:
    one = session(tmp_path, {"a/Dockerfile": UNKNOWN, "b/Dockerfile": UNKNOWN, "c/Dockerfile": DEBIAN})
    item = one.current()
    assert item is not None
    assert not item.repairable
    with pytest.raises(Refused, match="nothing that could be accepted"):
        one.yes()
    assert len(one.rest_of_rule().done) == 2
    assert place(one) == ("DF001", "c/Dockerfile")


def test_the_rest_of_a_file_is_only_that_file(tmp_path: Path) -> None:
    one = session(tmp_path)
    through(one, lambda it: it.rest_of_file() if place(it) == ("KS003", "pod.yaml") else it.leave_file())
    assert [change.path for change in one.changes()] == ["pod.yaml"]
    assert [len(answer.done) for answer in one.record.answers] == [1, 1, 1, 2, 2]
    assert held(one, "pod.yaml").count(b"securityContext") == 2


def test_other_users_are_fresh_analyses(tmp_path: Path) -> None:
    one = session(tmp_path, {"Dockerfile": NODE})
    first = one.way()
    assert first is not None
    assert b"USER 1000:1000\n" in first.tried.texts[0].after
    assert any(words.startswith("run as a new user") for words in one.choices())
    while not one.choices()[one.chosen()].startswith("run as a new user"):
        one.next_way()
    other = one.way()
    assert other is not None
    assert b"useradd" in other.tried.texts[0].after
    assert b"COPY --chown=10001:10001" in other.tried.texts[0].after
    assert other.safety is Safety.REVIEW
    assert other.risk
    one.yes()
    assert held(one, "Dockerfile") == other.tried.texts[0].after
    one.undo()
    assert one.chosen() == 0


def test_tab_comes_round(tmp_path: Path) -> None:
    one = session(tmp_path, {"Dockerfile": NODE})
    many = len(one.choices())
    assert many > 1
    for number in range(1, many + 1):
        one.next_way()
        assert one.chosen() == number % many


def test_another_base_image_is_written_into_from(tmp_path: Path) -> None:
    one = session(tmp_path, {"Dockerfile": b'FROM nginx:1.27\nCMD ["nginx", "-g", "daemon off;"]\n'})
    while not one.choices()[one.chosen()].startswith("start from"):
        one.next_way()
    way = one.way()
    assert way is not None
    assert way.risk.startswith("another image may lack what this one has; it runs as 101; move port 80 to 8080")
    one.yes()
    assert held(one, "Dockerfile").startswith(b"FROM nginxinc/nginx-unprivileged:1.27\n")
    assert "DF001" not in {item.lead.rule for item in one.open()}


@pytest.mark.parametrize("ports", list(LowPorts))
def test_a_port_moves_in_all_files_or_in_none(tmp_path: Path, ports: LowPorts) -> None:
    files = {
        "Dockerfile": NGINX,
        "default.conf": b"server {\n  listen 80;\n}\n",
        "compose.yaml": b'services:\n  web:\n    build: .\n    ports: ["8000:80"]\n',
    }
    one = session(tmp_path, files, Config(ports=ports))
    while place(one)[0] != "DF009":
        one.yes()
    assert one.choices()[0].startswith("move the port") is (ports is LowPorts.MOVE)
    while not one.choices()[one.chosen()].startswith("move the port"):
        one.next_way()
    one.yes()
    assert b"listen 8080;" in held(one, "default.conf")
    assert b"EXPOSE 8080" in held(one, "Dockerfile")
    assert b"8000:8080" in held(one, "compose.yaml")
    units = {change.path: change.unit for change in one.changes()}
    assert len(units) == 3
    assert set(units.values()) == {"session-0"}
    assert "DF009" not in {item.lead.rule for item in one.open()}
    one.undo()
    assert b"listen 80;" in held(one, "default.conf")


def test_a_port_that_cannot_move_says_why(tmp_path: Path) -> None:
    files = {"Dockerfile": b"FROM httpd:2.4\nUSER 1000\nEXPOSE 80\n"}
    one = session(tmp_path, files)
    while place(one)[0] != "DF009":
        one.no()
    while not one.choices()[one.chosen()].startswith("move the port"):
        one.next_way()
    way = one.way()
    assert way is not None
    assert way.left is not None
    with pytest.raises(Refused, match="port 80"):
        one.yes()


@pytest.mark.parametrize(
    ("files", "path", "line"),
    [
        ({"Dockerfile": DEBIAN}, "Dockerfile", b"# fixer: ignore[DF001] not ours\nCMD "),
        ({"pod.yaml": FILES["pod.yaml"]}, "pod.yaml", b"] not ours\n"),
        ({"compose.yaml": b"services:\n  db:\n    image: postgres:16\n"}, "compose.yaml", b"  # fixer: ignore[CS0"),
        ({"run.sh": b"docker run -d \\\n  --privileged debian:12\n"}, "run.sh", b"# fixer: ignore[RT0"),
    ],
)
def test_an_ignore_is_a_comment_that_the_next_run_honours(
    tmp_path: Path, files: dict[str, bytes], path: str, line: bytes
) -> None:
    one = session(tmp_path, files)
    item = one.current()
    assert item is not None
    one.ignore("not \n ours")
    after = held(one, path)
    assert line in after
    assert b"] not ours\n" in after
    (tmp_path / path).write_bytes(after)
    found = app.check(tmp_path, config=Config()).findings
    assert (item.lead.rule, item.lead.message) not in {(f.rule, f.message) for f in found}


def test_an_ignore_needs_a_reason_and_a_place(tmp_path: Path) -> None:
    one = session(tmp_path / "a", {"Dockerfile": DEBIAN})
    with pytest.raises(Refused, match="needs its reason"):
        one.ignore(" ")
    spec = b'"spec": {"containers": [{"name": "a", "image": "b"}]}'
    text = b'{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, ' + spec + b"}"
    one = session(tmp_path / "b", {"pod.json": text})
    with pytest.raises(FixerError, match="JSON has no comments"):
        one.ignore("a reason")
    assert one.changes() == ()


def test_an_edit_is_analysed_afresh(tmp_path: Path) -> None:
    one = session(tmp_path, {"Dockerfile": DEBIAN})
    with pytest.raises(Refused, match="nothing was changed"):
        one.edited(DEBIAN)
    one.edited(DEBIAN.replace(b"CMD", b"USER 10001:10001\nCMD"))
    assert "DF001" not in {item.lead.rule for item in one.open()}


def test_what_two_findings_share_is_asked_once_each(tmp_path: Path) -> None:
    text = b'FROM debian:12\nUSER 1000\nRUN sudo ls\nRUN sudo ls\nCMD ["ls"]\n'
    asked = through(session(tmp_path, {"Dockerfile": text}), Session.no)
    assert len(asked) == len(app.check(tmp_path, config=Config()).findings)


ANSWERS: tuple[Callable[[Session], object], ...] = (
    Session.yes,
    Session.no,
    Session.rest_of_rule,
    Session.rest_of_file,
    Session.leave_file,
    Session.next_way,
    Session.undo,
    lambda one: one.ignore("for a reason"),
    lambda one: one.edited(b"# mine\n" + one.bench.data(one.current().place)),  # type: ignore[union-attr]
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(ANSWERS), max_size=12))
def test_whatever_was_answered_all_of_it_can_be_taken_back(
    tmp_path: Path, answers: list[Callable[[Session], object]]
) -> None:
    one = session(tmp_path)
    first = [item.marks for item in one.open()]
    for answer in answers:
        try:
            if one.current() is not None:
                answer(one)
        except Refused:
            continue
        for change in one.changes():
            assert change.before == FILES[change.path]
    while one.undo() is not None:
        pass
    one.remaining()  # which looks at all files afresh
    assert [item.marks for item in one.open()] == first
    assert one.changes() == ()
