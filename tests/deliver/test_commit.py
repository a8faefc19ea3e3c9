"""The words of a commit: what changes, why, what to look at, and nothing that somebody else acts upon."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fixer.model import Finding, Fix, Safety, SetKey, SetUser, Severity, Status
from fixer.render.commit import all_users, harmless, message, rule_message, whole_message
from fixer.units import Unit


def finding(title: str, *changes: SetKey | SetUser, risk: str = "", path: str = "a/Dockerfile") -> Finding:
    fix = Fix(title, Safety.REVIEW if risk else Safety.SAFE, risk, changes)
    return Finding("DF001", path, 1, 1, "m", Severity.HIGH, fix=fix, status=Status.FIXED)


def service(name: str, key: str, value: str) -> SetKey:
    return SetKey(0, ("services", name), key, value)


def test_says_what_why_and_what_to_look_at() -> None:
    fixes = [
        finding("hand /data over to 10001:10001"),
        finding("run as 10001:10001, a new user", SetUser(0, "10001:10001"), risk="it binds port 80"),
    ]
    assert message(Unit("a", (), tuple(fixes))) == (
        "Run a as 10001:10001, not as root\n"
        "\n"
        "A process that runs as root in a container is root on the node as soon\n"
        "as it breaks out, and may change every file of the image before that.\n"
        "\n"
        "a/Dockerfile\n"
        "- hand /data over to 10001:10001\n"
        "- run as 10001:10001, a new user\n"
        "\n"
        "Worth a look:\n"
        "- it binds port 80\n"
    )


def test_tells_which_services_a_line_is_about() -> None:
    rows = [finding("cap_drop: ALL", service(name, "cap_drop", "ALL"), path="compose.yaml") for name in ("web", "db")]
    assert "- cap_drop: ALL (web, db)" in message(Unit("compose.yaml", (), tuple(rows))).splitlines()


def test_what_gives_no_user_takes_rights() -> None:
    text = message(Unit("web", (), (finding("cap_drop: ALL"),)))
    assert text.startswith("Drop needless rights of web\n\nWhat a container may do beyond its work")


def test_one_user_is_said_once() -> None:
    pod = [SetKey(0, ("spec",), "runAsUser", 1000), SetKey(0, ("spec",), "runAsGroup", 1000)]
    assert all_users([finding("a", SetUser(0, "1000:1000")), finding("b", *pod)]) == ("1000:1000",)
    assert all_users([finding("a", SetUser(0, "1000:1000")), finding("b", SetUser(0, "33:33"))]) == (
        "1000:1000",
        "33:33",
    )


def test_a_rule_and_everything_have_subjects_of_their_own() -> None:
    one = finding("run as 1:1", SetUser(0, "1:1"))
    assert rule_message("DF001 root-user", [one]).splitlines()[0] == "Repair what DF001 root-user finds"
    assert whole_message([one]).splitlines()[0] == "Run containers as 1:1, not as root"
    assert whole_message([one, finding("b", SetUser(0, "2:2"))]).splitlines()[0] == "Run containers without root"


@given(st.text(max_size=60))
def test_no_text_of_a_repository_breaks_out_of_its_line(text: str) -> None:
    said = message(Unit("web", (), (finding(text or "x", risk=text, path=f"{text}/Dockerfile"),)))
    assert not any((ord(sign) < 32 and sign != "\n") or 127 <= ord(sign) < 160 for sign in said)
    assert not any(
        line.lower().startswith(("signed-off-by:", "fixer-tree:", "closes #")) for line in said.splitlines()[6:]
    )
    said.encode()


def test_mentions_and_numbers_of_issues_are_only_words() -> None:
    for text in ("@all", "see @a", "#12", "fixes #12", "(@x)"):
        assert harmless(text) != text
    for text in ("image@sha256:0", "a#b", "postgres:16", "/a/@b"):
        assert harmless(text) == text
