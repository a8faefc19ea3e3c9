"""A volume is a folder of the node.

## What it finds
A volume of type `hostPath`, whether a container mounts it or not.

## Why it matters
What a container writes there is on the node, and what it reads there belongs to the node: keys of the kubelet, the
logs of others, the socket of the container runtime, with which every container becomes root on the node.

## How safe the fix is
There is none, since another volume holds other files. A folder for scratch becomes an `emptyDir`, data becomes a
PersistentVolumeClaim, a file of settings becomes a ConfigMap. What works on the node itself belongs into a namespace of
its own with the privileged level, and mounts with `readOnly: true`.

## References
Pod Security Standards, baseline: HostPath Volumes; CIS Kubernetes 5.2.12; NSA/CISA Kubernetes Hardening Guidance.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Goal, Refusal, Severity
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.workloads import mapping, value_at, word

CARD = Card(
    id="KS009",
    name="host-path",
    title="A volume is a folder of the node",
    severity=Severity.HIGH,
    goals=frozenset({Goal.RESTRICTED, Goal.HARDENED}),
    standards=("PSS baseline: HostPath Volumes", "PSS restricted: Volume Types", "CIS Kubernetes 5.2.12"),
)
_WORKS_ON_NODE = "what works on the node belongs into a namespace of its own with the privileged level"
# What takes the place of well-known files and folders; the first that fits counts.
_INSTEAD = (
    (
        ("docker.sock", "containerd.sock", "crio.sock", "podman.sock"),
        "with this socket a container is root on the node; build images with rootless BuildKit or Buildah, and ask the"
        " API of Kubernetes about containers",
    ),
    (
        ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo"),
        "set the variable TZ, with the package tzdata in the image",
    ),
    (
        ("/etc/ssl", "/etc/pki", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"),
        "put the certificates into the image or a ConfigMap",
    ),
    (
        ("/var/log", "/var/lib/docker/containers"),
        f"write logs to the standard output; to collect those of others, {_WORKS_ON_NODE}",
    ),
    (("/dev/shm",), "an emptyDir with medium: Memory takes its place"),
    (("/dev",), "a device plugin gives devices to containers that are not privileged"),
    (("/tmp", "/var/tmp", "/var/cache"), "an emptyDir takes its place"),
    (
        ("/", "/boot", "/etc", "/lib", "/proc", "/run", "/sys", "/usr", "/var/lib/kubelet", "/var/run"),
        _WORKS_ON_NODE,
    ),
)
_OTHER = "an emptyDir takes the place of scratch, a PersistentVolumeClaim that of data, a ConfigMap that of settings"


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each volume."""
    for pod in view.pods:
        for path, _ in view.violations(pod, "restrictedVolumes", "hostPathVolumes"):
            if path[-1] == "hostPath":
                volume = mapping(value_at(pod.document.value, path[:-1]))
                folder = word(mapping(volume.get("hostPath")).get("path"))
                what = f"{folder or 'a folder'} of the node (hostPath)"
                message = f"{view.names[pod.key]}: volume '{word(volume.get('name'))}' is {what}"
                refusal = Refusal("takes-function", _instead(folder))
                yield view.finding(CARD, pod.at(path), message, fix=refusal)


def _instead(folder: str) -> str:
    for places, sentence in _INSTEAD:
        if any(_below(folder, place) for place in places):
            return sentence
    return _OTHER


def _below(path: str, place: str) -> bool:
    """Whether a path is a file of this name, or a folder or anything in it; `/` is itself alone."""
    if not place.startswith("/"):
        return path.endswith(f"/{place}")
    return path == place or (place != "/" and f"{path}/".startswith(f"{place}/"))
