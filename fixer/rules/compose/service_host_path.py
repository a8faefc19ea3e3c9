"""A service of Compose mounts a folder that belongs to its host itself.

## What it finds
A mount of `/`, or of a folder of the system (`/etc`, `/proc`, `/sys`, `/dev`, `/boot`, `/usr`, `/lib`, `/root`,
`/var/run`, `/var/lib/docker` and what lies below them). Single files that tell the time or name the host do not count
where they are read-only or the usual ones (`/etc/localtime`, `/etc/timezone`, `/etc/hosts`). Sockets of engines are
another matter (docker-socket).

## Why it matters
Who breaks into the service reads the secrets of the host there, and where it may write, becomes root on it.

## How safe the fix is
There is none: what the service does with the folder is not known. Make it read-only (`:ro`), mount only the file that
is needed, or a volume.

## References
CIS Docker 5.5 (5.6 in later editions); OWASP Docker Security Cheat Sheet, Rule 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import normpath

from fixer.model import Finding, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.services import ComposeView
from fixer.serviceusers import sockets
from fixer.understand.compose import Mount
from fixer.understand.making import below

CARD = Card(
    id="CS010",
    name="service-host-path",
    title="A service of Compose mounts a folder that belongs to its host itself",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("CIS Docker 5.5", "OWASP Docker: Rule 8"),
)
_SYSTEM = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/usr",
    "/var/lib/docker", "/var/lib/containerd", "/var/lib/kubelet", "/var/run",
)  # fmt: skip
_USUAL = frozenset({"/etc/localtime", "/etc/timezone", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"})
_READ = ("/etc/ssl", "/etc/pki", "/usr/share", "/etc/machine-id", "/etc/letsencrypt", "/dev/shm")


def check(view: ComposeView) -> Iterator[Finding]:
    """One finding for each mount."""
    for service in view.services:
        for mount in service.mounts:
            if mount in sockets(service) or mount.at == service.path or not _system(mount):
                continue
            how = "read-only" if mount.read_only else "to be written"
            message = f"service {service.name} mounts {mount.source} of its host, {how}"
            refusal = Refusal("needs-host", _advice(mount))
            severity = Severity.LOW if mount.read_only and normpath(mount.source) != "/" else None
            yield view.finding(CARD, service.document.span_at(mount.at), message, fix=refusal, severity=severity)


def _system(mount: Mount) -> bool:
    path = normpath(mount.source) if mount.source.startswith("/") else ""
    if mount.kind != "bind" or not path or path in _USUAL or any(below(path, one) for one in _READ):
        return False
    return path == "/" or any(below(path, one) for one in _SYSTEM)


def _advice(mount: Mount) -> str:
    if mount.read_only:
        return "mount only the file that is needed, if there is one"
    return "mount it read-only (:ro) if it is only read, or keep what is written there in a volume"
