"""The image holds programs that give their caller more rights.

## What it finds
In the stages that make up the image: `setcap` (file capabilities), `chmod` that sets the set-user-id bit (`u+s`,
`4755`) or, on a program, the set-group-id bit, and, for information, packages known to bring set-user-id programs. A
package is not told when a later step takes these bits away (`find / -perm /6000 ... chmod a-s`).

## Why it matters
Such a program is the way back to root for a process that is not root any more. With `allowPrivilegeEscalation: false`
the kernel ignores both the bit and the file capabilities, so what relied on them stops to work. And a program whose
file has an effective capability that the container may not have (`drop: [ALL]`) does not start at all: "operation not
permitted".

## How safe the fix is
There is none to apply: whether the program is needed, and how else it gets its right, only a person knows. The
instructions say what to do instead.

## References
CIS Docker Benchmark 4.8; Pod Security Standards, restricted: Privilege Escalation, Capabilities; capabilities(7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fixer.lazy import regex
from fixer.model import Finding, Fix, Safety, Severity, Span
from fixer.rules.base import Card, DockerfileView
from fixer.syntax.dockerfile import Instruction
from fixer.understand.image import Image
from fixer.understand.modes import set_gid, set_uid
from fixer.understand.places import command_span
from fixer.understand.shellfacts import Chmod, SetCap

CARD = Card(
    id="DF013",
    name="setuid-left",
    title="The image holds programs that give their caller more rights",
    severity=Severity.LOW,
    standards=("CIS Docker 4.8", "PSS restricted: Privilege Escalation"),
)
# Packages whose program is set-user-id as the distribution ships it; sudo has a rule of its own.
_DEBIAN = {
    "cifs-utils": "mount.cifs",
    "fuse": "fusermount",
    "fuse3": "fusermount3",
    "nfs-common": "mount.nfs",
    "ntfs-3g": "ntfs-3g",
    "openssh-client": "ssh-keysign",
    "pkexec": "pkexec",
    "policykit-1": "pkexec",
    "procmail": "procmail",
    "uidmap": "newuidmap",
}
_ALPINE = {"busybox-suid": "bbsuid", "doas": "doas", "fuse": "fusermount", "shadow-uidmap": "newuidmap"}
_PACKAGES = {"apt": _DEBIAN, "apt-get": _DEBIAN, "aptitude": _DEBIAN, "apk": _ALPINE}
_STRIPPED = regex(r"-perm\b.*chmod\s+\S*-s", re.DOTALL)
_WORDS = ("setcap", "chmod", *_DEBIAN, *_ALPINE)
# A step without one of these has nothing of this; a plain mode such as 755 or +x is none.
_SIGNS = regex(
    r"setcap|chmod(?!\s+(?:--?\w[\w-]*\s+)*(?:0?[0-7]{3}|[ugoa]*[-+=][rwxXt]*)\s)|"
    + "|".join(map(re.escape, {**_DEBIAN, **_ALPINE}))
)
_RISK = "the program may need the right"


def check(view: DockerfileView) -> Iterator[Finding]:
    """One finding for each command that gives a program rights, and for each package that does."""
    told: set[int] = set()
    for decision in view.decisions:
        image = decision.image
        about = image.runs_about(_WORDS)
        steps = [i for i in about if i.index not in told and (i.heredocs or _SIGNS.search(i.logical))]
        stripped = max((i.index for i in image.runs if _STRIPPED.search(i.logical)), default=-1) if steps else -1
        for item in steps:
            told.add(item.index)
            yield from _of_step(view, image, item, item.index <= stripped)


def _of_step(view: DockerfileView, image: Image, item: Instruction, stripped: bool) -> Iterator[Finding]:
    facts = image.shell(item)
    for cap in facts.setcaps:
        yield _capability(view, cap, command_span(item, cap.command))
    if stripped:
        return
    for mode in facts.chmods:
        if set_uid(mode.mode) or (set_gid(mode.mode) and _programs(mode)):
            yield _bit(view, mode, command_span(item, mode.command))
    for install in facts.installs:
        for package in install.packages:
            name = re.split(r"[=<>~:]", package)[0]
            program = _PACKAGES.get(install.manager, {}).get(name)
            if program is not None:
                yield _package(view, name, program, command_span(item, install.command))


def _programs(mode: Chmod) -> bool:
    return all(re.fullmatch(r".*/s?bin/[^/]+", path) for path in mode.paths) and not mode.recursive


def _capability(view: DockerfileView, cap: SetCap, at: Span) -> Finding:
    binds = "net_bind_service" in cap.caps
    way = (
        "let the program listen above 1023, or set the sysctl net.ipv4.ip_unprivileged_port_start=0"
        if binds
        else "give the capability to the container that needs it, in the manifest (capabilities.add)"
    )
    fix = Fix("remove setcap", Safety.MANUAL, _RISK, instructions=f"remove setcap; {way}")
    effective = re.search(r"[=+][ip]*e", cap.caps) is not None
    message, reason = f"setcap gives {cap.path} {cap.caps}", "capabilities(7)"
    if effective:
        message += "; without that capability in the container it does not start"
        reason += ": execve fails when an effective one is not permitted"
    return view.finding(CARD, at, message, reason=reason, fix=fix)


def _bit(view: DockerfileView, mode: Chmod, at: Span) -> Finding:
    paths = " ".join(mode.paths)
    remedy = "take the bit away; what needs root belongs into the build"
    fix = Fix(f"chmod without the s bit on {paths}", Safety.MANUAL, _RISK, instructions=remedy)
    who = "owner" if set_uid(mode.mode) else "group"
    return view.finding(CARD, at, f"chmod {mode.mode} lets {paths} run as its {who}, whoever starts it", fix=fix)


def _package(view: DockerfileView, name: str, program: str, at: Span) -> Finding:
    remedy = (
        f"install {name} in a builder stage, or take the bit away behind it:"
        " RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +"
    )
    fix = Fix(f"leave {name} out of the image that runs", Safety.MANUAL, _RISK, instructions=remedy)
    message = f"package {name} brings {program}, which runs as root whoever starts it"
    reason = "the distribution ships it set-user-id"
    return view.finding(CARD, at, message, reason=reason, fix=fix, severity=Severity.INFO)
