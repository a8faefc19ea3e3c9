"""A container is given files of the host that make it root there.

## What it finds
Mounts (`-v`, `--mount`, `Volume=` and `Mount=` in a Quadlet file) of the socket of Docker, Podman, containerd or CRI-O,
of `/`, and of folders that belong to the host itself: /etc, /proc, /sys, /dev, /boot, /root, /run, /var/run, /usr,
/var/lib/docker, /var/lib/containerd and /var/lib/kubelet. Folders that are mounted read only are not told, but for `/`
and the sockets, which that does not hold back: it is about the file of the socket, not about what goes through it.

## Why it matters
Who speaks to the socket starts a privileged container with `/` in it, and is root on the host. Who writes to its files
becomes it as quickly. A user in the container is no help where the group of the socket is given along.

## How safe the fix is
There is no line to use for a socket, since it is what the container is for: the reason tells what takes its place. For
other folders the line leaves the mount out, and is shown, never applied. In CI, where building images this way is
common, each file is told once, as information.

## References
CIS Docker Benchmark 1.6, 5.6 and 5.32; Docker, Protect the Docker daemon socket; OWASP Docker Security, rule 1.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.runlines import RunView, Seen, called, lower, needs
from fixer.understand.runs import Mount, Run

CARD = Card(
    id="RT006",
    name="run-host-mount",
    title="A container is given files of the host that make it root there",
    severity=Severity.HIGH,
    goals=frozenset({Goal.NONROOT, Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.6", "CIS Docker 5.32"),
)
_SOCKETS = ("docker.sock", "podman.sock", "containerd.sock", "crio.sock")
_FOLDERS = frozenset(
    "/etc /proc /sys /dev /boot /root /run /var/run /usr /var /lib /var/lib/docker /var/lib/containerd"
    " /var/lib/kubelet".split()
)


def check(view: RunView) -> Iterator[Finding]:
    """One finding for the sockets of a file, and one for each folder of an image."""
    yield from view.findings(CARD, _seen(view))


def _seen(view: RunView) -> Iterator[Seen]:
    for run in view.runs:
        for mount in run.mounts if run.starts else ():
            yield from _at(view, run, mount)


def _at(view: RunView, run: Run, mount: Mount) -> Iterator[Seen]:
    path = mount.source.rstrip("/") or "/"
    if path.endswith(_SOCKETS) or mount.target.endswith(_SOCKETS):
        who = "the person who starts it" if run.rootless else "root on the host"
        message = f"{called(run)} is given the socket of the container engine, with which it is {who}"
        # podman has a socket for each person, who is root nowhere
        severity = Severity.LOW if run.rootless and not run.in_ci else lower(CARD.severity, run)
        yield Seen(run, "socket", message, severity, "", Refusal("takes-function", _instead(run)))
    elif path == "/" or (path in _FOLDERS and not mount.read_only):
        message = f"{called(run)} is given {path} of the host" + (" to read" if mount.read_only else "")
        rank = Severity.MEDIUM if mount.read_only else CARD.severity
        risk = "a program that works on files of the host fails; mount the one file that it needs, read only"
        fix = needs(run) or view.without(run, mount.option, f"leave out the mount of {path}", risk)
        yield Seen(run, message, message, lower(rank, run), "", fix)


def _instead(run: Run) -> str:
    if run.in_ci:
        return "build images with rootless BuildKit, Buildah or Kaniko, or give each job an engine of its own"
    return (
        "let it ask a proxy of the socket that passes on only what it needs, or use the socket of a rootless engine"
        " ($XDG_RUNTIME_DIR/docker.sock), whose root is a person"
    )
