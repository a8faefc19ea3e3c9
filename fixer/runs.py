"""Understand a file that starts containers by commands and ask the rules, as `fixer.manifests` does with manifests."""

from __future__ import annotations

import json
import re
from types import ModuleType

from fixer.config import Config
from fixer.discover import run_kind
from fixer.engine import Outcome, findings_of, told, unread
from fixer.errors import Unreadable
from fixer.model import Skipped
from fixer.rules.runlines import FindUser, RunView
from fixer.source import SourceFile
from fixer.understand.runs import is_personal, quadlet, runs_of
from fixer.understand.runscripts import Scripts, scripts_of

_WORDS = (b"docker", b"podman", b"nerdctl", b"DOCKER", b"PODMAN", b"CONTAINER")
_ACTIONS = re.compile(rb"\b(?:run|create|exec)\b")


def may_matter(kind: str, data: bytes) -> bool:
    """Whether the bytes of a file may start a container; most scripts and make files are done after this look."""
    if kind == "daemon":
        return True
    if kind == "quadlet":
        return b"[Container]" in data
    return any(word in data for word in _WORDS) and _ACTIONS.search(data) is not None


def understand(source: SourceFile, find_user: FindUser, config: Config) -> RunView | None:
    """Read one file; None where it starts no container.

    Raises:
        Unreadable: when its bytes are no text, or no YAML or JSON where they should be.
    """
    kind = run_kind(source.path)
    if not may_matter(kind, source.data):
        return None
    if kind == "daemon":
        settings = _settings(source.text)
        return None if settings is None else RunView(source, kind, [], settings, (), find_user, config)
    scripts = Scripts(()) if kind == "quadlet" else scripts_of(kind, source.text)
    runs = quadlet(source.text) if kind == "quadlet" else runs_of(kind, scripts)
    for run in runs if kind in ("unit", "quadlet") else ():
        run.personal = is_personal(source.path, source.text)
    return RunView(source, kind, runs, None, scripts.documents, find_user, config) if runs else None


# Without one of these a file of that name belongs to some other daemon.
_DAEMON = frozenset(
    "authorization-plugins bip builder cgroup-parent containerd data-root debug default-address-pools"
    " default-cgroupns-mode default-runtime default-shm-size default-ulimits dns exec-opts experimental features"
    " fixed-cidr hosts icc init insecure-registries iptables ipv6 live-restore log-driver log-level log-opts"
    " max-concurrent-downloads metrics-addr mtu no-new-privileges registry-mirrors runtimes seccomp-profile"
    " selinux-enabled shutdown-timeout storage-driver storage-opts swarm-default-advertise-addr userland-proxy"
    " userns-remap".split()
)


def _settings(text: str) -> dict[str, object] | None:
    try:
        found = json.loads(text)
    except ValueError as error:
        if not any(f'"{name}"' in text for name in _DAEMON):
            return None
        raise Unreadable(
            "syntax", f"this is no JSON ({error}), and Docker does not start with it; correct it"
        ) from error
    return found if isinstance(found, dict) and _DAEMON & set(found) else None


def check(source: SourceFile, find_user: FindUser, config: Config, rules: tuple[ModuleType, ...]) -> Outcome | None:
    """Check one file that may start containers; None where nothing is to be said about it.

    A file that cannot be read or handled comes back as skipped; nothing is raised for it.
    """
    try:
        view = understand(source, find_user, config)
        found = view.with_lines(findings_of(view, rules)) if view is not None else []
    except Unreadable as error:
        if "{{" in source.data.decode("utf-8", "replace").replace("${{", ""):
            return Outcome(skipped=(Skipped(source.path, "template", _TEMPLATE),), judged=False)
        return unread(source.path, error)
    return Outcome([told(f) for f in found]) if found else None


_TEMPLATE = "this is a template, and no YAML until it is rendered; look at the containers that it starts by hand"
