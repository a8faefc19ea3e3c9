"""Each kind of observation, planted in an image that is really built and run, before and after."""

from __future__ import annotations

import pytest

from fixer.evidence import Denied, Kind, Mount, Needed, Recipe, Seen
from fixer.verify import ports, reaper
from tests.conftest import Engine
from tests.verify.conftest import QUICK, Try

SHELL = "FROM alpine:3.20\nWORKDIR /app\n"
OPEN = (("net.ipv4.ip_unprivileged_port_start", "0"),)


def shell(script: str, user: str = "", more: str = "") -> str:
    """A Dockerfile whose process is a script of the shell."""
    who = f"USER {user}\n" if user else ""
    return f'{SHELL}{more}{who}CMD ["sh", "-c", "{script}"]\n'


def kinds(seen: Seen) -> set[tuple[Kind, str]]:
    return {(one.kind, one.what) for one in seen.denied}


def test_a_fix_that_holds(attempt: Try) -> None:
    script = "echo hello; sleep 60"
    trial = attempt(shell(script), shell(script, "10001:10001"))
    (before,), (after,) = trial.before, trial.after
    assert {one.uid for one in before.processes} == {0}
    assert {(one.uid, one.gid) for one in after.processes} == {(10001, 10001)}
    assert before.exit_code is after.exit_code is None
    assert after.seconds >= 0.5
    assert after.log == ("hello",)
    assert after.denied == ()
    assert trial.engine.startswith("docker ")
    assert trial.built_before.image_id != trial.built_after.image_id


def test_a_path_that_is_refused(attempt: Try) -> None:
    script = "echo x > /app/state || exit 3; sleep 60"
    (after,) = attempt(shell(script), shell(script, "10001")).after
    assert after.exit_code == 3
    assert kinds(after) == {(Kind.PATH, "/app/state")}


def test_a_path_that_is_refused_in_silence(attempt: Try) -> None:
    script = "mkdir -p cache; (echo x > cache/one) 2>/dev/null; sleep 60"
    trial = attempt(shell(script, more="RUN mkdir cache\n"), shell(script, "10001", more="RUN mkdir cache\n"))
    assert trial.before[0].written == ("/app/cache/one",)
    assert trial.after[0].written == ()
    assert trial.after[0].denied == (Denied(Kind.PATH, "/app/cache/one", "by what it wrote as root"),)


def test_a_path_that_was_handed_over_is_not_refused(attempt: Try) -> None:
    script = "(echo x > cache/one) 2>/dev/null; sleep 60"
    more = "RUN mkdir cache && chown 10001 cache\n"
    trial = attempt(shell(script, more="RUN mkdir cache\n"), shell(script, "10001", more=more))
    assert trial.after[0].written == ("/app/cache/one",)
    assert trial.after[0].denied == ()


def test_a_read_only_root(attempt: Try) -> None:
    script = "echo x > /app/state; echo y > /tmp/y; sleep 60"
    hard = Recipe(user="10001", read_only=True, mounts=(Mount("/tmp", "tmpfs"),))
    (after,) = attempt(shell(script), shell(script), after=hard).after
    assert kinds(after) == {(Kind.PATH, "/app/state")}
    assert {one.uid for one in after.processes} == {10001}


SLOW = QUICK._replace(settle=2)
SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(418)
        self.end_headers()
http.server.HTTPServer(("", int(sys.argv[1])), Handler).serve_forever()
"""


def server(port: int, user: str = "") -> str:
    who = f"USER {user}\n" if user else ""
    return f'FROM python:3.12-slim\nCOPY s.py /s.py\nEXPOSE {port}\n{who}CMD ["python", "-u", "/s.py", "{port}"]\n'


def test_a_port_that_answers_and_one_that_is_refused(attempt: Try) -> None:
    trial = attempt(server(80), server(80, "10001"), {"s.py": SERVER}, options=SLOW)
    (before,), (after,) = trial.before, trial.after
    assert [(one.number, one.protocol, one.status) for one in before.ports] == [(80, "tcp", 418)]
    assert after.exit_code == 1
    assert after.ports == ()


def test_a_port_that_the_recipe_opens(attempt: Try) -> None:
    (after,) = attempt(server(80), server(80, "10001"), {"s.py": SERVER}, Recipe(sysctls=OPEN), options=SLOW).after
    assert [(one.number, one.status) for one in after.ports] == [(80, 418)]


def test_a_change_of_user_that_is_refused(attempt: Try) -> None:
    script = "su -s /bin/sh nobody -c id || setpriv --reuid 5 id || exit 4; sleep 60"
    (after,) = attempt(shell(script), shell(script, "10001")).after
    assert after.exit_code == 4
    assert any(one.kind is Kind.USER for one in after.denied), after.log


def test_a_file_that_is_missing(attempt: Try) -> None:
    (after,) = attempt(shell("sleep 60"), f'{SHELL}USER 10001\nCMD ["/app/start"]\n').after
    assert "no such file" in after.error
    assert (Kind.MISSING, "/app/start") in kinds(after)
    assert after.exit_code == 127


def test_a_capability_that_is_gone(attempt: Try) -> None:
    script = "touch f && chown 5 f || exit 5; sleep 60"
    strict = Recipe(cap_drop=("ALL",), no_new_privileges=True)
    trial = attempt(shell(script), shell(script), after=strict)
    assert trial.before[0].exit_code is None
    assert trial.after[0].exit_code == 5
    assert (Kind.CAPABILITY, "chown /app/f") in kinds(trial.after[0])


def test_capabilities_that_lead_out_are_not_given(attempt: Try) -> None:
    script = "grep CapEff /proc/self/status; sleep 60"
    (before, *_) = attempt(shell(script), shell(script), recipe=Recipe(cap_add=("SYS_ADMIN", "CAP_NET_RAW"))).before
    assert before.notes == ("the capability SYS_ADMIN is not given to containers of strangers",)
    assert int(before.log[0].split()[-1], 16) & 1 << 21 == 0


def test_one_that_ends(attempt: Try) -> None:
    script = "sleep 0.3; echo done"
    trial = attempt(shell(script), shell(script, "10001:10002"))
    assert [seen.exit_code for seen in (*trial.before, *trial.after)] == [0, 0]
    assert trial.after[0].log == ("done",)


def test_one_that_ends_at_once_and_says_nothing(attempt: Try) -> None:
    trial = attempt(shell("true"), f'{SHELL}RUN echo "app:x:77:78::/:/bin/sh" >> /etc/passwd\nUSER app\nCMD ["true"]\n')
    (after,) = trial.after
    assert (after.exit_code, after.log) == (0, ())
    assert {(one.uid, one.gid) for one in after.processes} == {(77, 78)}


def test_one_that_forks_and_starts_again_and_again(attempt: Try) -> None:
    script = "sleep 50 & while true; do sleep 0.1; done"
    (after,) = attempt(shell(script), shell(script, "10001")).after
    assert after.exit_code is None
    assert {one.uid for one in after.processes} == {10001}
    assert any("sleep 50" in one.command for one in after.processes)


def test_one_that_ignores_the_request_to_end(attempt: Try, engine: Engine) -> None:
    script = "trap '' TERM INT; while true; do sleep 1; done"
    trial = attempt(shell(script), shell(script, "10001"))
    assert trial.after[0].exit_code is None
    left = engine.docker("ps", "-aq", "--filter", f"ancestor={trial.built_after.image_id}")
    assert left.stdout.split() == []


def test_one_that_floods_its_log(attempt: Try) -> None:
    script = "echo first; yes flood & sleep 60"
    (after,) = attempt(shell(script), shell(script, "10001")).after
    assert 0 < len(after.log) <= 60
    assert all(line == "first" or "flood".startswith(line) for line in after.log)


def test_one_that_fills_the_memory(attempt: Try) -> None:
    script = "echo start; tail /dev/zero"
    (after,) = attempt(shell(script), shell(script, "10001"), options=QUICK._replace(memory_mb=16, settle=3)).after
    assert after.exit_code not in (None, 0)
    assert any("memory" in note for note in after.notes) or after.exit_code == 137


def test_a_fork_bomb_is_bounded(attempt: Try) -> None:
    script = "i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i+1)); done; sleep 30"
    (after,) = attempt(shell(script), shell(script, "10001"), options=QUICK._replace(pids=20)).after
    assert any("fork" in line for line in after.log), after.log


def test_there_is_no_network(attempt: Try) -> None:
    script = "ls /sys/class/net; sleep 60"
    (before,) = attempt(shell(script), shell(script)).before
    assert set(before.log) <= {
        "lo",
        "sit0",
        "tunl0",
        "ip6tnl0",
        "gre0",
        "gretap0",
        "erspan0",
        "ip_vti0",
        "ip6_vti0",
        "ip6gre0",
    }


def test_a_volume_that_root_has_written(attempt: Try) -> None:
    script = "date > /data/state || exit 6; sleep 60"
    new = shell(script, "10001", "RUN mkdir /data && chown 10001 /data\nVOLUME /data\n")
    trial = attempt(shell(script, more="RUN mkdir /data\nVOLUME /data\n"), new)
    assert trial.before[0].written == ("/data/state",)
    fresh, used = trial.after
    assert (fresh.volumes, fresh.exit_code, fresh.written) == ("fresh", None, ("/data/state",))
    assert (used.volumes, used.exit_code) == ("used", 6)
    assert (Kind.PATH, "/data/state") in kinds(used)


def test_a_volume_for_a_group(attempt: Try) -> None:
    script = "ls -lnd /data; date > /data/state || exit 6; sleep 60"
    more = "RUN mkdir /data\n"
    before = Recipe(mounts=(Mount("/data"),))
    after = Recipe(user="10001:10001", groups=(2000,), mounts=(Mount("/data", group=2000, copied=False),))
    fresh, used = attempt(shell(script, more=more), shell(script, more=more), recipe=before, after=after).after
    assert (fresh.exit_code, used.exit_code) == (None, None), (fresh, used)
    assert "2000" in fresh.log[0].split()


def test_an_empty_folder_as_the_kubelet_makes_it(attempt: Try) -> None:
    script = "ls -lnd /data; ls /data; touch /data/x; sleep 60"
    more = "RUN mkdir /data && touch /data/image\n"
    empty = Recipe(user="10001", mounts=(Mount("/data", copied=False, mode=0o777),))
    (after, *_) = attempt(shell(script, more=more), shell(script, more=more), recipe=empty).after
    assert after.log[0].startswith("drwxrwxrwx")
    assert "image" not in after.log
    assert after.denied == ()


@pytest.mark.parametrize(("test", "state"), [("true", "healthy"), ("false", "unhealthy")])
def test_the_health_check(attempt: Try, test: str, state: str) -> None:
    recipe = Recipe(healthcheck=("CMD-SHELL", test))
    (before,) = attempt(shell("sleep 60"), shell("sleep 60"), recipe=recipe, options=QUICK._replace(timeout=8)).before
    assert before.health == state


def test_the_smoke_command(attempt: Try) -> None:
    options = QUICK._replace(smoke="sh -c 'id -u; test $(id -u) = 0'")
    trial = attempt(shell("sleep 60"), shell("sleep 60", "10001"), options=options)
    assert [seen.smoke for seen in (*trial.before, *trial.after)] == [0, 1]
    assert "the smoke command said: 10001" in trial.after[0].notes


def test_a_smoke_command_that_the_image_does_not_have(attempt: Try) -> None:
    trial = attempt(shell("sleep 60"), shell("sleep 60"), options=QUICK._replace(smoke="nosuch"))
    assert trial.before[0].smoke in (126, 127)


def test_a_smoke_command_that_does_not_end(attempt: Try) -> None:
    options = QUICK._replace(smoke="sh -c 'echo begin; sleep 55'", timeout=4)
    (before,) = attempt(shell("sleep 60"), shell("sleep 60"), options=options).before
    assert before.smoke == 124
    assert "the smoke command said: begin" in before.notes


def test_a_service_that_is_needed(attempt: Try) -> None:
    serve = Recipe(command=("sh", "-c", "mkdir /w; echo here > /w/index.html; httpd -f -p 5000 -h /w"))
    needs = (Needed("db", "alpine:3.20", serve), Needed("other", "nosuch/image:1"))
    script = "wget -qO- http://db:5000/ || exit 7; sleep 60"
    (before,) = attempt(shell(script), shell(script), recipe=Recipe(needs=needs)).before
    assert before.absent == ("other",)
    assert (before.exit_code, before.ports) == (None, ())
    assert "here" in before.log, before.log


def test_a_set_uid_file_that_is_made(attempt: Try) -> None:
    script = "cp /bin/sh /app/sh; chmod 4755 /app/sh; sleep 60"
    (before,) = attempt(shell(script), shell(script)).before
    assert before.setuid == ("/app/sh",)


@pytest.mark.parametrize(("old", "status"), [(server(8080), 418), (server(8080).replace("s.py", "t.py"), None)])
def test_an_engine_on_another_machine_is_asked_through_the_container(
    attempt: Try, monkeypatch: pytest.MonkeyPatch, old: str, status: int | None
) -> None:
    monkeypatch.setattr(ports, "inside", lambda container, pid: False)
    serve = "import socket\ns = socket.create_server(('', 8080))\nwhile True:\n    s.accept()[0].close()\n"
    (before,) = attempt(old, old, {"s.py": SERVER, "t.py": serve}, options=SLOW).before
    assert [(one.number, one.status) for one in before.ports] == [(8080, status)]


def test_an_image_without_tools_cannot_tell_its_ports_to_another_machine(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "inside", lambda container, pid: False)
    text = 'FROM alpine:3.20 AS a\nFROM scratch\nCOPY --from=a /bin/busybox /sleep\nCMD ["/sleep", "60"]\n'
    (before,) = attempt(text, text).before
    assert before.notes == ("ports were not observed: the engine is not on this machine, and the image has no cat",)


def test_what_is_kept_is_left_for_a_person(attempt: Try, engine: Engine) -> None:
    text = shell("sleep 60", more="VOLUME /v\n")
    trial = attempt(text, text, options=QUICK._replace(keep=True))
    image = trial.built_before.image_id
    kept = engine.docker("ps", "-aq", "--filter", f"ancestor={image}").stdout.split()
    run = engine.docker("image", "inspect", "-f", f'{{{{index .Config.Labels "{reaper.RUN}"}}}}', image).stdout.strip()
    volumes = engine.docker("volume", "ls", "-q", "--filter", f"label={reaper.RUN}={run}").stdout.split()
    try:
        assert len(kept) == 2
        assert run
        assert volumes
    finally:
        engine.docker("rm", "-f", *kept)
        engine.docker("volume", "rm", *volumes)
        engine.docker("image", "rm", "-f", image)


def test_a_service_that_starts_slowly_is_waited_for(attempt: Try) -> None:
    script = "sleep 1.5; exec httpd -f -p 8080 -h /"
    text = shell(script, more="EXPOSE 8080\n")
    (before,) = attempt(text, text, options=QUICK._replace(settle=0.7)).before
    assert [one.number for one in before.ports] == [8080]
