"""Files of Compose in a whole run: who their images run as, what is said about them, and how they are found."""

from __future__ import annotations

import json
import os
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixer import app
from fixer.config import Config, ImageConfig
from fixer.model import Finding, Goal, Result, Safety, Status
from fixer.source import SourceFile
from fixer.syntax.yaml import load_stream

OWN = 'FROM debian:12\nRUN useradd --uid 2000 shop\nUSER 2000:2000\nCMD ["sleep", "9"]\n'
ROOT = 'FROM debian:12\nWORKDIR /srv\nCOPY shop .\nCMD ["./shop", "--port", "8080"]\n'
DB = "services:\n  db:\n    image: postgres:16\n"
BUILT = "services:\n  web:\n    build: .\n"


def lay_out(tree: Path, **files: str) -> Path:
    for name, text in files.items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tree


def of(result: Result, rule: str) -> Finding:
    (found,) = (f for f in result.findings if f.rule == rule)
    return found


def after(result: Result, path: str = "compose.yaml") -> str:
    return next((c.after.decode() for c in result.changes if c.path == path), "")


def in_memory(text: str, **options: Any) -> Result:
    return app.fix(SourceFile("compose.yaml", text.encode()), config=Config(**options))


# --- who an image runs as ---------------------------------------------------------------------------------------------


def test_a_service_whose_dockerfile_moves_gets_no_user(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, **{"compose.yaml": BUILT, "Dockerfile": ROOT})
    result = app.fix(tree, config=Config(goal=Goal.NONROOT))
    assert [c.path for c in result.changes] == ["Dockerfile"]
    assert not [f for f in result.findings if f.rule == "CS001"]


def test_a_service_that_asks_for_root_loses_that_where_its_dockerfile_moves(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, **{"compose.yaml": BUILT + "    user: root\n", "Dockerfile": ROOT})
    result = app.fix(tree, config=Config(goal=Goal.NONROOT))
    assert after(result) == BUILT
    fix = of(result, "CS001").fix
    assert fix is not None
    assert "must be built anew" in fix.risk


def test_a_dockerfile_that_is_not_asked_for_is_not_counted_on(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, **{"compose.yaml": BUILT, "Dockerfile": ROOT})
    refusal = of(app.fix(tree / "compose.yaml", config=Config(goal=Goal.NONROOT)), "CS001").refusal
    assert refusal is not None
    assert refusal.code == "root-image"
    assert "fix that file first" in refusal.message


def test_a_dockerfile_that_safe_fixes_leave_alone_is_not_counted_on(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, **{"compose.yaml": BUILT, "Dockerfile": ROOT})
    result = app.fix(tree, config=Config(goal=Goal.NONROOT), safe_only=True)
    assert of(result, "CS001").status is Status.REFUSED


def test_a_service_that_needs_root_is_told_although_its_dockerfile_moves(tmp_path: Path) -> None:
    text = BUILT + "    command: [chown, -R, app, /data]\n"
    result = app.fix(lay_out(tmp_path, **{"compose.yaml": text, "Dockerfile": ROOT}), config=Config())
    refusal = of(result, "CS001").refusal
    assert refusal is not None
    assert refusal.code == "needs-root"
    assert refusal.message.startswith("Dockerfile leaves root now; write user: root here if it still needs it")


def test_an_image_of_the_repository_that_is_not_root_is_left_alone(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, **{"compose.yaml": BUILT, "Dockerfile": OWN})
    result = app.fix(tree, config=Config())
    assert not [f for f in result.findings if f.rule == "CS001"]
    assert of(result, "CS004").fix is not None
    assert of(result, "CS004").fix.safety is Safety.SAFE  # type: ignore[union-attr]


def test_services_that_write_one_volume_as_different_users_are_told(tmp_path: Path) -> None:
    text = (
        "services:\n  one:\n    build: one\n    volumes: [data:/data]\n"
        "  two:\n    build: two\n    volumes: [data:/data]\n"
        "  reads:\n    image: postgres:16\n    user: '7'\n    volumes: [data:/data:ro]\n"
        "  else:\n    image: postgres:16\n    user: '8'\n    volumes: [other:/data]\n"
    )
    own = ROOT.replace("WORKDIR", "RUN useradd --uid 3000 shop\nWORKDIR")
    files = {"compose.yaml": text, "one/Dockerfile": own, "two/Dockerfile": ROOT.replace("debian:12", "node:20")}
    lay_out(tmp_path, **files)
    told = [f.refusal.message for f in app.check(tmp_path, config=Config()).findings if f.rule == "CS013" and f.refusal]
    assert [message.partition(" may write")[0] for message in told] == [
        "service two as 1000:1000",
        "service one as 3000",
    ]
    same = Config(images={"one/Dockerfile": ImageConfig(user="1000:1000")})
    told = [f.refusal.message for f in app.check(tmp_path, config=same).findings if f.rule == "CS013" and f.refusal]
    assert len(told) == 2
    assert not [message for message in told if "may write" in message]


def test_a_configured_user_is_written() -> None:
    images = {"ghcr.io/acme/web": ImageConfig(user="1234:1235")}
    text = "services:\n  web:\n    image: ghcr.io/acme/web:1\n"
    result = in_memory(text, goal=Goal.NONROOT, images=images)
    assert after(result) == text + '    user: "1234:1235"\n'


def test_root_on_purpose_is_left_alone() -> None:
    images = {"ghcr.io/acme/web": ImageConfig(root_on_purpose="it mounts disks")}
    result = in_memory("services:\n  web:\n    image: ghcr.io/acme/web:1\n", goal=Goal.NONROOT, images=images)
    assert not result.changes
    assert of(result, "CS001").refusal.code == "configured-root"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("goal", "keys"),
    [
        (Goal.NONROOT, {"user"}),
        (Goal.TRG_4_03, {"user"}),
        (Goal.RESTRICTED, {"user", "cap_drop", "security_opt"}),
        (Goal.HARDENED, {"user", "cap_drop", "security_opt", "read_only", "tmpfs"}),
    ],
)
def test_each_goal_writes_what_it_is_for(goal: Goal, keys: set[str]) -> None:
    (value,) = load_stream(after(in_memory(DB, goal=goal)))
    assert set(value["services"]["db"]) - {"image"} == keys


def test_an_image_that_the_environment_may_change_is_no_safe_ground() -> None:
    text = "services:\n  a: {image: 'postgres:${TAG:-16}'}\n  b: {image: 'prom/prometheus:${TAG:-v2.53.0}'}\n"
    result = in_memory(text)
    fix = of(result, "CS001").fix
    assert fix is not None
    assert "the environment may name another image than postgres:16" in fix.risk
    assert all(f.fix is not None and f.fix.safety is Safety.REVIEW for f in result.findings if f.rule == "CS004")


@pytest.mark.parametrize("goal", list(Goal))
def test_on_windows_there_is_nothing_to_do(goal: Goal) -> None:
    image = "mcr.microsoft.com/windows/servercore:ltsc2022"
    text = f"services:\n  a: {{image: '{image}'}}\n  b: {{image: nginx, platform: windows/amd64}}\n"
    result = in_memory(text, goal=goal)
    assert not result.findings
    assert not result.changes


@pytest.mark.parametrize(("runtime", "told"), [("nvidia", 0), ("runc", 0), ("runsc", 1)])
def test_a_runtime_of_its_own_may_close_low_ports(runtime: str, told: int) -> None:
    text = f"services:\n  a: {{image: x/y, user: '5', expose: [80], runtime: {runtime}}}\n"
    assert sum(f.rule == "CS012" for f in in_memory(text).findings) == told


# --- how files are found ----------------------------------------------------------------------------------------------


def test_a_file_is_judged_once_however_it_is_named(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, **{"compose.yaml": DB})
    result = app.check(tree, tree / "compose.yaml", config=Config())
    assert result.files == 1
    assert of(result, "CS001").path == "compose.yaml"


@pytest.mark.parametrize("name", ["stack.yml", "deploy/services.yaml", "docker-compose.prod.yml", "compose-db.yaml"])
def test_a_file_is_known_by_its_name_or_by_what_it_holds(tmp_path: Path, name: str) -> None:
    assert of(app.check(lay_out(tmp_path, **{name: DB}), config=Config()), "CS001").path == name


@pytest.mark.parametrize("name", ["compose.yaml.bak", ".github/workflows/ci.yaml", "package.json"])
def test_other_files_are_left_alone(tmp_path: Path, name: str) -> None:
    assert not app.check(lay_out(tmp_path, **{name: DB}), config=Config()).findings


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside = lay_out(tmp_path / "outside", **{"common.yaml": DB})
    tree = lay_out(tmp_path / "in", **{"compose.yaml": DB + "    extends: {file: common.yaml, service: db}\n"})
    os.symlink(outside / "common.yaml", tree / "common.yaml")
    os.symlink(outside / "common.yaml", tree / "docker-compose.link.yml")
    result = app.fix(tree, config=Config())
    assert [s.reason for s in result.skipped] == ["fragment"]
    assert not result.changes


def test_a_file_that_cannot_be_read_stops_no_other(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, **{"compose.yaml": DB, "docker-compose.yml": DB + "  bad: [\n"})
    (tree / "docker-compose.old.yml").write_bytes(DB.encode("utf-16"))
    result = app.fix(tree, config=Config())
    assert {(s.path, s.reason) for s in result.skipped} == {
        ("docker-compose.yml", "unparsable"),
        ("docker-compose.old.yml", "encoding"),
    }
    assert [c.path for c in result.changes] == ["compose.yaml"]


# --- comments ---------------------------------------------------------------------------------------------------------


def test_a_comment_silences_a_service() -> None:
    text = "services:\n  # fixer: ignore[root-service] it is a test\n  db:\n    image: postgres:16\n"
    result = in_memory(text, goal=Goal.NONROOT)
    assert not result.findings
    assert not result.changes


def test_a_comment_that_silences_nothing_is_told() -> None:
    result = in_memory("services:\n  # fixer: ignore[docker-socket] once\n  db:\n    image: prom/prometheus:v2.53.0\n")
    assert of(result, "DF020").message == "ignore[docker-socket] silences nothing"


def test_comments_tell_why_where_they_are_asked_for() -> None:
    result = app.fix(SourceFile("compose.yaml", DB.encode()), config=Config(goal=Goal.NONROOT), annotate=True)
    assert after(result).splitlines()[3:] == [
        "    # root-service (CS001): service db runs as root",
        '    user: "999:999"',
    ]


def test_a_new_setting_does_not_part_an_image_from_the_comment_below_it() -> None:
    text = DB + "    # image: mysql:8\n    restart: always\n"
    assert after(in_memory(text, goal=Goal.NONROOT)) == text + '    user: "999:999"\n'


# --- whatever people write --------------------------------------------------------------------------------------------

IMAGES = ["postgres:16", "nginx:1.27", "redis:7-alpine", "ghcr.io/acme/web:1", "prom/prometheus:v2.53.0", "${IMAGE}"]
WORDS = st.text(string.ascii_lowercase, min_size=1, max_size=4)
SETTINGS = {
    "user": st.sampled_from(["root", "0", 0, "1000", "postgres", "${UID}", "0:0", None]),
    "privileged": st.sampled_from([True, False, "${P}"]),
    "read_only": st.booleans(),
    "cap_drop": st.sampled_from([[], ["ALL"], ["all"], ["NET_RAW"], None, "ALL"]),
    "cap_add": st.sampled_from([[], ["SYS_ADMIN"], ["CHOWN"], None]),
    "security_opt": st.sampled_from(
        [[], ["no-new-privileges:true"], ["no-new-privileges:false"], ["seccomp:unconfined"]]
    ),
    "network_mode": st.sampled_from(["host", "bridge"]),
    "volumes": st.lists(
        st.sampled_from(["data:/data", "./a:/a", "/:/host:ro", "/var/run/docker.sock:/s", "/x", {"target": "/y"}]),
        max_size=3,
    ),
    "tmpfs": st.sampled_from(["/tmp", ["/tmp"], []]),
    "ports": st.sampled_from([[], ["80:80"], [443], None]),
    "command": st.sampled_from(["chown a b", ["a"], None]),
    "extends": st.sampled_from(["a", {"service": "b"}, {"file": "gone.yaml", "service": "a"}]),
}


def flow(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)


@st.composite
def texts(draw: st.DrawFn) -> str:
    out = ["services:"]
    for name in draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True)):
        body = {"image": draw(st.sampled_from(IMAGES)), **draw(st.fixed_dictionaries({}, optional=SETTINGS))}
        keys = draw(st.permutations(list(body)))
        if draw(st.booleans()):
            out.append(f"  {name}: {flow({key: body[key] for key in keys})}")
            continue
        out.append(f"  {name}:")
        for key in keys:
            if draw(st.booleans()):
                out.append(f"    # {draw(WORDS)}")
            out.append(f"    {key}: {flow(body[key])}")
    return "\n".join(out) + draw(st.sampled_from(["", "\n"]))


@settings(max_examples=150, deadline=None)
@given(texts(), st.sampled_from(list(Goal)), st.booleans())
def test_whatever_is_written_is_fixed_once_or_left_with_a_reason(text: str, goal: Goal, notes: bool) -> None:
    config = Config(goal=goal, images={"ghcr.io/acme/web": ImageConfig(user="1:1", writable=("/tmp",))})
    result = app.fix(SourceFile("compose.yaml", text.encode()), config=config, annotate=notes)
    assert all(f.status is Status.FIXED or f.refusal is not None for f in result.findings)
    assert not any(f.refusal is not None and f.refusal.code == "after-condition" for f in result.findings)
    if not result.changes:
        return
    done = result.changes[0].after
    assert [line for line in text.splitlines() if line.strip().startswith("#")] == [
        line for line in done.decode().splitlines() if line.strip().startswith("#") and "(CS0" not in line
    ]
    load_stream(done.decode())
    assert not app.fix(SourceFile("compose.yaml", done), config=config).changes


def test_a_command_that_needs_root_keeps_its_capabilities_in_the_next_run_as_well(tmp_path: Path) -> None:
    lay_out(tmp_path, Dockerfile=ROOT, **{"compose.yaml": BUILT + '    command: [sh, -c, "chown 5 /a && ./shop"]\n'})
    result = app.fix(tmp_path)
    assert {change.path for change in result.changes} == {"Dockerfile", "compose.yaml"}
    for change in result.changes:
        (tmp_path / change.path).write_bytes(change.after)
    again = app.fix(tmp_path)
    assert again.changes == ()
    assert of(again, "CS004").refusal is not None
