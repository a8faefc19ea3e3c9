"""An image that a container of the repository needs root in stays root, or says what to look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer import app
from fixer.config import Config, ImageConfig
from fixer.model import Finding, Status

DOCKERFILE = 'FROM debian:12\nCOPY agent /usr/local/bin/agent\nEXPOSE 9100\nCMD ["/usr/local/bin/agent"]\n'
MAKEFILE = "build:\n\tdocker build -t acme/agent .\n"


def moved(folder: Path, files: dict[str, str], config: Config | None = None, at: str = ".") -> Finding:
    """What is said of the image that the Dockerfile of a repository makes."""
    for name, text in {"Dockerfile": DOCKERFILE, "Makefile": MAKEFILE, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / ".git").mkdir()
    result = app.fix(folder / at, config=config or Config())
    return next(one for one in result.findings if one.rule == "DF001" and one.path.endswith("Dockerfile"))


def service(text: str) -> dict[str, str]:
    return {"compose.yaml": f"services:\n  agent:\n    build: .\n    {text}\n"}


def pod(container: str = "", spec: str = "", volume: str = "") -> dict[str, str]:
    mounted = "volumeMounts: [{name: v, mountPath: /v}]" if volume else ""
    volumes = f"  volumes: [{{name: v, hostPath: {{path: {volume}}}}}]\n" if volume else ""
    rows = "".join(f"    {row}\n" for row in (container, mounted) if row)
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: agent}}\nspec:\n{volumes}"
    text += f"  {spec}\n" if spec else ""
    return {"k8s/pod.yaml": f"{text}  containers:\n  - name: agent\n    image: acme/agent\n{rows}"}


@pytest.mark.parametrize(
    ("files", "code", "words"),
    [
        (service("privileged: true"), "needs-root", "compose.yaml:4: service agent is privileged, and may use"),
        (service("volumes: ['/run/docker.sock:/s']"), "needs-host", "compose.yaml:4: service agent mounts /run/"),
        (service("pid: host"), "needs-host", "compose.yaml:4: service agent sees the processes of the host"),
        (service("devices: ['/dev/kvm']"), "needs-host", "compose.yaml:4: service agent has devices of the host"),
        (service("cap_add: [CAP_NET_ADMIN]"), "needs-root", "compose.yaml:4: service agent adds CAP_NET_ADMIN"),
        (
            service("network_mode: host\n    expose: [80]"),
            "privileged-port",
            "compose.yaml:4: service agent shares the network of the host, where only root may bind port 80",
        ),
        (
            pod("securityContext: {privileged: true}", "hostIPC: true"),
            "needs-root",
            "k8s/pod.yaml:9: agent of Pod/agent is privileged, and the pod has hostIPC",
        ),
        (pod(spec="hostPID: true"), "needs-host", "k8s/pod.yaml:5: agent of Pod/agent sees the processes of its node"),
        (pod(volume="/run/containerd/containerd.sock"), "needs-host", "mounts /run/containerd/containerd.sock"),
        (
            pod("securityContext: {capabilities: {add: [SYS_ADMIN]}}"),
            "needs-root",
            "k8s/pod.yaml:8: agent of Pod/agent adds SYS_ADMIN, which only root has",
        ),
        (pod("ports: [{containerPort: 443}]", "hostNetwork: true"), "privileged-port", "may bind port 443"),
    ],
)  # fmt: skip
def test_an_image_that_needs_root_where_it_runs_stays_root(
    tmp_path: Path, files: dict[str, str], code: str, words: str
) -> None:
    found = moved(tmp_path, files)
    assert found.status is Status.REFUSED
    assert found.refusal is not None
    assert found.refusal.code == code
    assert words in found.refusal.message
    there = "user: root" if "compose.yaml" in files else "runAsUser: 0"
    assert found.refusal.message.endswith(
        f"; if that needs root, write {there} there, and the image can leave root for all others"
    )


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (service("volumes: ['/srv/data:/data']"), "compose.yaml:4: service agent mounts /srv/data of the host"),
        (
            pod("securityContext: {privileged: true}"),
            "k8s/pod.yaml:8: agent of Pod/agent is privileged",
        ),
        (service("volumes: ['/var/log:/logs:ro']"), "compose.yaml:4: service agent mounts /var/log of the host"),
        (pod(volume="/var/log"), "agent of Pod/agent mounts /var/log of its node, which may belong to root"),
        (
            {**service("network_mode: host"), "Dockerfile": DOCKERFILE.replace("9100", "80")},
            "service agent shares the network of the host, where only root may bind port 80",
        ),
        (
            {**service("volumes: ['/srv/data:/data']"), **pod(volume="/var/log")},
            "mounts /var/log of its node, which may belong to root, and 1 more like it",
        ),
    ],
)
def test_an_image_that_may_need_root_where_it_runs_is_to_be_looked_at(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    found = moved(tmp_path, files)
    assert found.status is Status.FIXED
    assert found.fix is not None
    assert words in found.fix.risk


@pytest.mark.parametrize(
    "files",
    [
        service("privileged: true\n    user: root"),
        service("privileged: true\n    user: '1000'"),
        service("cap_add: [NET_BIND_SERVICE]"),
        service("network_mode: host"),
        service("volumes: ['/etc/localtime:/etc/localtime:ro', './src:/src']"),
        pod("securityContext: {privileged: true, runAsUser: 0}", "hostPID: true"),
        pod("securityContext: {runAsNonRoot: true}", "hostPID: true"),
        pod(spec="hostNetwork: true"),
        {"compose.yaml": "services:\n  other:\n    image: acme/other\n    privileged: true\n"},
    ],
)
def test_what_says_who_it_runs_as_and_what_is_ordinary_holds_no_image(tmp_path: Path, files: dict[str, str]) -> None:
    found = moved(tmp_path, files)
    assert found.status is Status.FIXED
    assert found.fix is not None
    assert not any(word in found.fix.risk for word in ("privileged", "compose.yaml", "pod.yaml"))


def test_the_configuration_has_the_last_word(tmp_path: Path) -> None:
    config = Config(images={"Dockerfile": ImageConfig(user="1000:1000")})
    found = moved(tmp_path, service("privileged: true"), config)
    assert found.status is Status.FIXED
    assert found.fix is not None
    assert "compose.yaml:4: service agent is privileged" in found.fix.risk


def test_what_runs_it_is_found_from_a_part_of_the_repository(tmp_path: Path) -> None:
    files = {
        "agent/Dockerfile": DOCKERFILE,
        "compose.yaml": "services:\n  agent:\n    build: agent\n    privileged: true\n",
    }
    found = moved(tmp_path, files, at="agent")
    assert found.refusal is not None
    assert found.refusal.message.startswith("../compose.yaml:4: service agent is privileged")


@pytest.mark.parametrize("own", [False, True])
def test_an_image_of_which_another_stage_gets_its_user_is_held_by_that(tmp_path: Path, own: bool) -> None:
    last = 'FROM web AS agent\nCMD ["/x", "--all"]\n' + ("USER root\n" if own else "")
    files = {
        "Dockerfile": 'FROM debian:12 AS web\nCOPY x /x\nCMD ["/x"]\n' + last,
        "compose.yaml": (
            "services:\n  web:\n    build: {context: ., target: web}\n"
            "  agent:\n    build: {context: ., target: agent}\n    privileged: true\n"
        ),
    }
    assert moved(tmp_path, files).status is (Status.FIXED if own else Status.REFUSED)


@pytest.mark.parametrize("own", [False, True])
def test_an_image_of_which_another_dockerfile_gets_its_user_is_held_by_that(tmp_path: Path, own: bool) -> None:
    files = {
        "agent/Dockerfile": "FROM acme/base\n"
        + ("USER root\n" if own else "")
        + 'CMD ["/usr/local/bin/agent", "-a"]\n',
        "compose.yaml": (
            "services:\n  base:\n    build: .\n    image: acme/base\n  agent:\n    build: agent\n    privileged: true\n"
        ),
    }
    moved(tmp_path, files)
    found = {one.path: one.status for one in app.fix(tmp_path, config=Config()).findings if one.rule == "DF001"}
    assert found["agent/Dockerfile"] is Status.REFUSED
    assert found["Dockerfile"] is (Status.FIXED if own else Status.REFUSED)
