"""A verdict is made of what was seen, and it can fail."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixer.evidence import Built, Denied, Job, Kind, Mount, Port, Process, Recipe, Seen, Trial, Word
from fixer.rules import find
from fixer.verify.judge import judge
from tests.verify_judge.trials import PROCESS, seen, trial

ROOT = Process(0, 0, "app")
SERVICE = Recipe("compose.yaml:2: service web")
POD = Recipe("k8s.yaml:9: Deployment/web, container web")


def test_what_was_seen_is_told() -> None:
    verdict = judge(trial(seen(health="healthy", smoke=0), seen(processes=(ROOT,), health="healthy", smoke=0)))
    assert verdict.word is Word.HOLDS
    assert verdict.observations == (
        "runs as 10001:10001, before as 0:0",
        "still up after 3 s, as before",
        "listens on tcp port 8080 and answers GET / with 200, as before",
        "healthy, as before",
        "the smoke command passes, as before",
        "nothing was refused",
    )
    assert (verdict.engine, verdict.image_before, verdict.image_after) == ("docker 20.10", "sha256:a", "sha256:b")


def test_a_port_that_was_meant_to_move_holds() -> None:
    moved = seen(ports=(Port(8080, status=200),))
    verdict = judge(trial(moved, seen(processes=(ROOT,), ports=(Port(80, status=200),)), moved={80: 8080}))
    assert verdict.word is Word.HOLDS
    assert "listens on tcp port 8080 (80 before) and answers GET / with 200" in verdict.observations


def denied(kind: Kind, what: str) -> dict[str, Any]:
    return {"denied": (Denied(kind, what, "in the log"),)}


READ_ONLY = Recipe("compose.yaml:2: service web", read_only=True)
MOUNTED = Recipe("k8s.yaml:9: Deployment/web, container web", mounts=(Mount("/data"),))

BREAKAGES: list[tuple[str, dict[str, Any], Kind, str, str]] = [
    ("path", denied(Kind.PATH, "/app/db"), Kind.PATH, "/app/db", "DF007"),
    ("path-of-pod", {"recipe": POD._replace(read_only=True), **denied(Kind.PATH, "/x/y")}, Kind.PATH, "/x/y", "KS023"),
    ("path-of-service", {"recipe": READ_ONLY, **denied(Kind.PATH, "/x/y")}, Kind.PATH, "/x/y", "CS014"),
    ("path-of-volume", {"recipe": MOUNTED, **denied(Kind.PATH, "/data/y")}, Kind.PATH, "/data/y", "KS022"),
    ("home-of-root", denied(Kind.PATH, "/root/.config"), Kind.PATH, "/root/.config", "DF010"),
    ("port", denied(Kind.PORT, "80"), Kind.PORT, "80", "DF009"),
    ("port-of-pod", {"recipe": POD, **denied(Kind.PORT, "80")}, Kind.PORT, "80", "KS018"),
    ("silent-port", {"ports": ()}, Kind.PORT, "8080", ""),
    ("other-port", {"ports": (Port(8080, status=200), Port(9000))}, Kind.PORT, "9000", ""),
    ("still-root", {"processes": (ROOT,)}, Kind.USER, "0", "DF001"),
    ("one-still-root", {"processes": (PROCESS, ROOT)}, Kind.USER, "0", "DF001"),
    ("other-user", {"processes": (Process(7, 7, "x"),), "recipe": SERVICE}, Kind.USER, "7", "CS015"),
    ("set-user", denied(Kind.USER, "setuid"), Kind.USER, "setuid", "DF017"),
    ("capability", {"recipe": SERVICE, **denied(Kind.CAPABILITY, "mount")}, Kind.CAPABILITY, "mount", "DF017"),
    ("chown", denied(Kind.CAPABILITY, "chown /data"), Kind.CAPABILITY, "chown /data", "DF007"),
    ("missing", denied(Kind.MISSING, "/etc/app.conf"), Kind.MISSING, "/etc/app.conf", ""),
    ("set-uid", {"setuid": ("/usr/bin/x",)}, Kind.USER, "/usr/bin/x", "DF013"),
    ("status", {"ports": (Port(8080, status=500),)}, Kind.ANSWER, "8080", ""),
    ("silent", {"ports": (Port(8080),)}, Kind.ANSWER, "8080", ""),
    ("unhealthy", {"health": "unhealthy"}, Kind.ANSWER, "health check", ""),
    ("smoke", {"smoke": 1}, Kind.ANSWER, "smoke command", ""),
    ("exit", {"exit_code": 1, "log": ("it all went wrong",)}, Kind.EXIT, "1", ""),
    ("quiet-exit", {"exit_code": 0}, Kind.EXIT, "0", ""),
    ("no-user", {"error": "unable to find user app: no matching entries"}, Kind.USER, "its user", "DF004"),
    ("no-program", {"error": "stat /app/run: no such file or directory"}, Kind.MISSING, "/app/run", ""),
    ("shut-program", {"error": "exec /app/run: permission denied"}, Kind.PATH, "/app/run", "DF007"),
    ("no-capability", {"error": "exec /usr/bin/ping: operation not permitted", "recipe": POD}, Kind.CAPABILITY,
     "/usr/bin/ping", "KS004"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "kind", "what", "rule"), [row[1:] for row in BREAKAGES], ids=[b[0] for b in BREAKAGES]
)
def test_each_kind_of_breakage_has_its_cause(changes: dict[str, Any], kind: Kind, what: str, rule: str) -> None:
    after = seen(**changes)
    before = seen(processes=(ROOT,), recipe=after.recipe, smoke=0 if "smoke" in changes else None)
    if "health" in changes:
        before = before._replace(health="healthy")
    verdict = judge(trial(after, before))
    assert verdict.word is Word.BROKEN
    assert [(one.kind, one.what, one.rule) for one in verdict.causes] == [(kind, what, rule)]
    assert rule == "" or find(rule) is not None
    assert verdict.causes[0].message


@pytest.mark.parametrize(
    ("line", "kind", "rule"),
    [
        ("open /var/lib/app/db: permission denied", Kind.PATH, "DF007"),
        ("nginx: bind() to 0.0.0.0:80 failed (13: Permission denied)", Kind.PORT, "DF009"),
        ("nginx: setgid(101) failed (1: Operation not permitted)", Kind.USER, "DF017"),
        ("this must be run as root", Kind.USER, "DF017"),
        ("chown: changing ownership: Operation not permitted", Kind.CAPABILITY, "DF007"),
        ("mount: Operation not permitted", Kind.CAPABILITY, "DF017"),
        ("cannot open /root/app.js: no such file or directory", Kind.MISSING, "DF010"),
        ("segmentation fault", Kind.EXIT, ""),
    ],
)
def test_the_log_of_what_ended_tells_why(line: str, kind: Kind, rule: str) -> None:
    verdict = judge(trial(seen(exit_code=1, log=("starts", line)), seen(processes=(ROOT,), log=("starts",))))
    assert [(one.kind, one.rule) for one in verdict.causes] == [(kind, rule)]
    assert "it ends with 1" in verdict.causes[0].message
    assert line in verdict.causes[0].message


def test_a_refusal_explains_an_end() -> None:
    verdict = judge(trial(seen(exit_code=2, **denied(Kind.PATH, "/data/x"), ports=()), seen(processes=(ROOT,))))
    assert [one.kind for one in verdict.causes] == [Kind.PATH]
    assert "it ends with 2 after 3.0 s, where the original stays up" in verdict.causes[0].message


@pytest.mark.parametrize(
    "path", ["/usr/lib/python3/__pycache__/x.pyc", "/app/x.pyc"], ids=["cache", "compiled"]
)  # fmt: skip
def test_what_an_interpreter_does_without_breaks_nothing(path: str) -> None:
    assert judge(trial(seen(**denied(Kind.PATH, path)))).word is Word.HOLDS


def test_a_port_that_the_log_does_not_name_is_the_one_that_is_closed() -> None:
    after = seen(exit_code=1, ports=(), **denied(Kind.PORT, ""))
    verdict = judge(trial(after, seen(processes=(ROOT,), ports=(Port(80, status=200),))))
    assert [(one.kind, one.what) for one in verdict.causes] == [(Kind.PORT, "80")]


@pytest.mark.parametrize(
    ("line", "kind", "rule"),
    [("Errno 1: Operation not permitted", Kind.CAPABILITY, "DF017"), ("Permission denied", Kind.PATH, "DF007")],
)
def test_a_refusal_that_names_no_path(line: str, kind: Kind, rule: str) -> None:
    verdict = judge(trial(seen(denied=(Denied(Kind.PATH, "", f"in the log: {line}"),))))
    assert [(one.kind, one.what, one.rule) for one in verdict.causes] == [(kind, "", rule)]
    assert "  " not in verdict.causes[0].message


def test_what_was_refused_before_too_is_no_difference() -> None:
    both = denied(Kind.PATH, "/sys/x")
    assert judge(trial(seen(**both), seen(processes=(ROOT,), **both))).word is Word.HOLDS


def test_what_root_kept_in_its_home_was_refused_to_nobody() -> None:
    kept = (Denied(Kind.PATH, "/root/.cache/x", "by what it wrote as root"),)
    assert judge(trial(seen(denied=kept))).word is Word.HOLDS


# --- what is no fault of the fix --------------------------------------------------------------------------------------


def test_old_files_of_root_are_told_with_the_command() -> None:
    recipe = Recipe(mounts=(Mount("/data"),))
    fresh = seen(recipe=recipe)
    used = fresh._replace(volumes="used", exit_code=1, ports=(), **denied(Kind.PATH, "/data/db"))
    before = seen(processes=(ROOT,), recipe=recipe)
    verdict = judge(trial(fresh, before)._replace(after=(fresh, used)))
    assert verdict.word is Word.HOLDS
    assert any("once, as root: chown -R 10001:10001 /data" in one for one in verdict.observations)


def test_an_end_on_old_files_is_told_even_when_nobody_says_why() -> None:
    recipe = Recipe(mounts=(Mount("/data"),), user="5:5")
    fresh = seen(recipe=recipe, processes=(Process(5, 5, "x"),))
    used = fresh._replace(volumes="used", exit_code=1)
    verdict = judge(trial(fresh, seen(processes=(ROOT,), recipe=recipe))._replace(after=(fresh, used)))
    assert verdict.word is Word.HOLDS
    assert any("once, as root: chown -R 5:5 /data" in one for one in verdict.observations)


def test_volumes_that_root_has_written_may_do_as_well() -> None:
    fresh = seen()
    verdict = judge(trial(fresh)._replace(after=(fresh, fresh._replace(volumes="used"))))
    assert "on volumes that root has written, it goes on as on new ones" in verdict.observations


def test_root_on_old_files_is_root_all_the_same() -> None:
    fresh = seen()
    used = fresh._replace(volumes="used", processes=(ROOT,))
    assert judge(trial(fresh)._replace(after=(fresh, used))).word is Word.BROKEN


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"error": "exec format error"}, "the original does not start: exec format error"),
        ({"exit_code": 3, "log": ("no command",)}, "the original ends with 3 after 3.0 s: no command"),
        ({"health": "unhealthy"}, "the health check of the original fails"),
        ({"smoke": 7}, "the smoke command fails on the original with 7"),
    ],
)
def test_what_was_broken_before_is_told_as_such(changes: dict[str, Any], why: str) -> None:
    verdict = judge(trial(seen(), seen(processes=(ROOT,), **changes)))
    assert (verdict.word, verdict.reason, verdict.causes) == (Word.BROKEN_BEFORE, why, ())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"recipe": Recipe(lacks=("its secrets",))}, "here it lacks its secrets"),
        ({"absent": ("db",)}, "here it lacks the service db"),
        ({"log": ("getaddrinfo ENOTFOUND db",)}, "it wants a network or another service"),
        ({"error": "No command specified"}, "it names no command, so that there is nothing to run"),
        ({"error": "no command or entrypoint provided, and no CMD or ENTRYPOINT from image"}, "it names no command"),
    ],
)
def test_what_lacks_something_here_is_not_called_broken(changes: dict[str, Any], why: str) -> None:
    before = seen(processes=(ROOT,), exit_code=1, **changes)
    verdict = judge(trial(seen(recipe=before.recipe), before))
    assert verdict.word is Word.NOT_PROVABLE
    assert why in verdict.reason


def test_a_run_without_its_configuration_proves_nothing() -> None:
    recipe = Recipe(lacks=("the file ./nginx.conf",), blind=True)
    same = trial(seen(recipe=recipe), seen(recipe=recipe, processes=(ROOT,)))
    assert judge(same).word is Word.NOT_PROVABLE
    assert judge(same).reason == "nothing differs, but it was tried without the file ./nginx.conf"
    closed = seen(recipe=recipe, ports=())
    assert judge(trial(closed, seen(recipe=recipe, processes=(ROOT,)))).word is Word.BROKEN


def test_what_a_trial_lacked_is_told_where_it_holds_too() -> None:
    recipe = Recipe(lacks=("its secrets",))
    verdict = judge(trial(seen(recipe=recipe), seen(recipe=recipe, processes=(ROOT,))))
    assert verdict.word is Word.HOLDS
    assert "tried without its secrets" in verdict.observations


BUILDS = [
    (Built(missing="acme/base:1"), Built(), Word.NOT_PROVABLE, "base image acme/base:1 is not here"),
    (Built(secret=True, step="RUN x"), Built(), Word.NOT_PROVABLE, "the build wants a secret in RUN x"),
    (Built(network=True, step="RUN pip"), Built(), Word.NOT_PROVABLE, "--network opens it"),
    (Built(untried=True, error="too large"), Built(), Word.NOT_PROVABLE, "it cannot be built here: too large"),
    (Built(error="not there", step="COPY x"), Built(), Word.BROKEN_BEFORE, "the build fails in COPY x: not there"),
    (Built("sha256:a"), Built(network=True, step="RUN apk"), Word.NOT_PROVABLE, "as fixed, the build wants a network"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "word", "why"), BUILDS)
def test_builds_that_fail(before: Built, after: Built, word: Word, why: str) -> None:
    verdict = judge(Trial(Job("app", "Dockerfile"), before, after))
    assert verdict.word is word
    assert why in verdict.reason
    assert not verdict.causes


@pytest.mark.parametrize(
    ("built", "rule"),
    [
        (Built(error="adduser: unknown option --system", step="RUN adduser --system app"), "DF005"),
        (Built(error="mkdir: permission denied", step="RUN mkdir /x"), "DF008"),
        (Built(error="it burns", step="RUN burn"), ""),
    ],
)
def test_a_build_that_the_fix_breaks_is_a_cause(built: Built, rule: str) -> None:
    verdict = judge(Trial(Job("app", "Dockerfile"), Built("sha256:a"), built))
    assert verdict.word is Word.BROKEN
    assert [(one.kind, one.rule) for one in verdict.causes] == [(Kind.BUILD, rule)]
    assert built.error in verdict.causes[0].message


# --- never green without an observation -------------------------------------------------------------------------------


def test_a_trial_without_a_run_proves_nothing() -> None:
    verdict = judge(Trial(Job("app", "Dockerfile"), Built("sha256:a"), Built("sha256:b")))
    assert verdict.word is Word.NOT_PROVABLE


def test_a_run_in_which_nobody_was_seen_proves_nothing() -> None:
    quick = {"exit_code": 0, "processes": (), "ports": ()}
    verdict = judge(trial(seen(**quick), seen(**quick)))
    assert (verdict.word, verdict.reason) == (Word.NOT_PROVABLE, "it ended before anybody could see who runs")


def test_what_ran_before_and_was_not_tried_after_breaks() -> None:
    one, two = Recipe("a.yaml:1: service a"), Recipe("a.yaml:5: service b")
    before = (seen(recipe=one, processes=(ROOT,)), seen(recipe=two, processes=(ROOT,)))
    job = Job("app", "Dockerfile", before=(one, two), after=(one, two), users=(10001,))
    whole = Trial(job, Built("a"), Built("b"), before, (seen(recipe=one), seen(recipe=two)))
    assert judge(whole).word is Word.HOLDS
    assert judge(whole._replace(after=whole.after[:1])).word is Word.BROKEN


def test_a_service_that_stays_root_on_purpose_is_promised_nothing() -> None:
    recipe = Recipe("compose.yaml:2: service web", user="root")
    verdict = judge(trial(seen(recipe=recipe, processes=(ROOT,)), seen(recipe=recipe, processes=(ROOT,))))
    assert verdict.word is Word.HOLDS


def test_the_user_of_a_recipe_counts_before_that_of_the_image() -> None:
    recipe = Recipe("compose.yaml:2: service web", user="7:7")
    mine = seen(recipe=recipe, processes=(Process(7, 7, "x"),))
    assert judge(trial(mine, seen(recipe=recipe, processes=(ROOT,)))).word is Word.HOLDS
    assert judge(trial(seen(recipe=recipe), seen(recipe=recipe, processes=(ROOT,)))).word is Word.BROKEN


# --- any difference counts --------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["nginx: master process", "", "\x1b[31mred", "Permission denied"])
PORTS = st.dictionaries(st.integers(1, 32767), st.sampled_from([None, 200, 404]), max_size=3).map(
    lambda found: tuple(Port(number, status=status) for number, status in found.items())
)
RUNS = st.fixed_dictionaries(
    {
        "recipe": st.sampled_from([Recipe(), SERVICE, POD, READ_ONLY, MOUNTED]),
        "exit_code": st.sampled_from([None, 0]),
        "processes": st.lists(WORDS.map(lambda word: Process(10001, 10001, word)), min_size=1, max_size=3).map(tuple),
        "ports": PORTS,
        "health": st.sampled_from(["", "healthy"]),
        "smoke": st.sampled_from([None, 0]),
        "log": st.lists(WORDS, max_size=3).map(tuple),
        "setuid": st.sampled_from([(), ("/a",)]),
    }
).map(lambda fields: seen(**fields))


def as_root(run: Seen) -> Seen:
    return run._replace(processes=tuple(one._replace(uid=0, gid=0) for one in run.processes))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(RUNS)
def test_who_runs_alone_may_differ(run: Seen) -> None:
    verdict = judge(trial(run, as_root(run)))
    assert verdict.word is Word.HOLDS
    assert verdict.observations


def _planted(run: Seen) -> list[Seen]:
    """The same run, each time with one thing that differs."""
    first = run.processes[0]
    out = [
        run._replace(processes=(*run.processes, first._replace(uid=0))),
        run._replace(processes=(first._replace(uid=4242),)),
        run._replace(exit_code=1),
        run._replace(exit_code=0 if run.exit_code is None else None),
        run._replace(error="the engine does not start it"),
        run._replace(health="unhealthy"),
        run._replace(smoke=1),
        run._replace(setuid=(*run.setuid, "/new")),
        run._replace(ports=(*run.ports, Port(next(n for n in range(1, 9) if n not in {p.number for p in run.ports})))),
    ]
    out += [run._replace(denied=(Denied(kind, "/what", "seen"),)) for kind in Kind]
    for n, port in enumerate(run.ports):
        out.append(run._replace(ports=run.ports[:n] + run.ports[n + 1 :]))
        out.append(
            run._replace(ports=(*run.ports[:n], port._replace(status=(port.status or 199) + 1), *run.ports[n + 1 :]))
        )
    return out


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(RUNS)
def test_every_other_difference_is_found(run: Seen) -> None:
    for after in _planted(run):
        verdict = judge(trial(after, as_root(run)))
        assert verdict.word is Word.BROKEN, after
        assert verdict.causes
        assert all(cause.message for cause in verdict.causes)
