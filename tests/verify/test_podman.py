"""Podman comes to the verdicts of Docker, although it builds, mounts and tells in its own way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from fixer import app
from fixer.evidence import Built, Kind, Mount, Recipe, Report, Word
from fixer.verify import reaper
from fixer.verify.api import Api
from fixer.verify.engine import Options, _api
from fixer.verify.trying import Wishes
from tests.conftest import ROOT
from tests.verify.conftest import Try

QUICK = Options(timeout=40, settle=1, trace=False)
SCRATCH = "FROM alpine:3.20 AS made\nFROM scratch\nCOPY --from=made /bin/busybox /sleep\n"


def of(folder: Path, files: Mapping[str, str] = {}, **wishes: Any) -> Report:
    """Verify what lies in a folder, and some files more."""
    (folder / ".git").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    wanted = Wishes(engine="podman", options=QUICK)._replace(**wishes)
    return app.verify([folder], app.config_for([folder]), wanted, lambda _: None)


def shell(script: str, more: str = "") -> str:
    return f'FROM alpine:3.20\nWORKDIR /app\n{more}CMD ["sh", "-c", "{script}"]\n'


def test_services_run_beside_each_other(address: str, tmp_path: Path) -> None:
    serves = "mkdir -p /srv/www; echo fine > /srv/www/index.html; exec httpd -f -p 5000 -h /srv/www"
    asks = "wget -qO- http://api:5000/ | grep fine || exit 7; exec httpd -f -p 8080 -h /"
    rows = "services:\n  web: {build: web, depends_on: [api]}\n  api: {build: api}\n"
    files = {"web/Dockerfile": shell(asks), "api/Dockerfile": shell(serves), "compose.yaml": rows}
    verdicts = of(tmp_path, files).verdicts
    assert [one.word for one in verdicts] == [Word.HOLDS, Word.HOLDS], verdicts
    assert any("listens on tcp port 8080" in text for text in verdicts[1].observations)


def test_a_working_folder_is_roots_as_elsewhere(on_podman: Try) -> None:
    text = shell("(echo x > state) 2>/dev/null; sleep 60")
    (after,) = on_podman(text, f"{text}USER 10001\n").after
    assert [(one.kind, one.what) for one in after.denied] == [(Kind.PATH, "/app/state")]
    assert {(one.uid, one.gid) for one in after.processes} == {(10001, 0)}


def test_one_on_scratch(on_podman: Try) -> None:
    text = f'{SCRATCH}CMD ["/sleep", "60"]\n'
    trial = on_podman(text, f"{text}USER 5:6\n")
    assert [(one.uid, one.gid) for seen in (*trial.before, *trial.after) for one in seen.processes] == [(0, 0), (5, 6)]


def test_volumes_are_those_of_docker_and_of_the_kubelet(on_podman: Try) -> None:
    more = "RUN mkdir /data && echo image > /data/image\n"
    text = shell("ls -lnd /data /new; ls /data; date > /data/state || exit 6; sleep 60", more)
    before = Recipe(mounts=(Mount("/data"), Mount("/new")))
    group = Mount("/data", group=2000, copied=False, mode=0o777)
    after = Recipe(user="10001:10001", groups=(2000,), mounts=(group, Mount("/new")))
    trial = on_podman(text, text, before, after)
    assert "image" in trial.before[0].log
    fresh, used = trial.after
    assert (fresh.exit_code, used.exit_code) == (None, None), (fresh, used)
    assert fresh.log[0].split()[:4] == ["drwxrwsrwx", "2", "0", "2000"]
    assert fresh.log[1].split()[2:4] == ["0", "0"]
    assert "image" not in fresh.log
    assert "image" in used.log


def built(on_podman: Try, text: str, **more: Any) -> Built:
    return on_podman(text, text, **more).built_before


def test_a_build_has_no_network(on_podman: Try) -> None:
    text = "FROM alpine:3.20\nRUN test $(ls /sys/class/net | grep -c eth) = 0 && ! ip route | grep .\n"
    assert built(on_podman, f"{text}CMD x\n").image_id


def test_why_a_build_fails_is_told(on_podman: Try) -> None:
    found = built(on_podman, "FROM alpine:3.20\nCOPY bin/app /app\n")
    assert (found.untried, found.error) == (True, "it copies bin/app, which is not in the repository; make it first")
    assert built(on_podman, "FROM alpine:3.20\nRUN --mount=type=secret,id=x cat /run/secrets/x\n").secret
    assert built(on_podman, "FROM nosuch.invalid/image:1\n").missing == "nosuch.invalid/image:1"
    assert built(on_podman, "FROM alpine:3.20\nRUN echo why; exit 9\n").error == "why"


PROGRAM = """
import sys
from contextlib import closing
from pathlib import Path
from fixer.evidence import Job, Mount, Recipe
from fixer.verify.engine import Options, open_bench
recipe = Recipe(mounts=(Mount("/w"),))
with closing(open_bench("podman", lambda words: print(words, flush=True))) as bench:
    job = Job("app", "Dockerfile", before=(recipe,), after=(recipe,))
    bench.try_out(job, Path(sys.argv[1]), Options(timeout=60, settle=30))
"""


def _of(api: Api, pid: int) -> list[Any]:
    every = [*api.containers(reaper.OWNER), *api.images(reaper.OWNER), *api.volumes(reaper.OWNER)]
    return [item for item in every if f"/{pid}/" in item["Labels"][reaper.OWNER]]


def test_what_a_killed_run_leaves_is_removed(address: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(shell("sleep 60", f"RUN echo {time.time_ns()}\n"))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with closing(_api("podman")) as api:
        with subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            while "runs as it was" not in process.stdout.readline():
                assert process.poll() is None
            time.sleep(2)
            process.send_signal(signal.SIGKILL)
        assert len(_of(api, process.pid)) >= 3, "an image, a volume and a container"
        assert reaper.sweep(api)
        assert _of(api, process.pid) == []
