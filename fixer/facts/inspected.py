"""What images say about themselves, laid over what the tables know: the image itself is right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from fixer.facts.images import ImageFacts, ImageRef, KnownUser, lookup

if TYPE_CHECKING:
    from fixer.lock import Inspection

Known = Callable[["str | None"], "ImageFacts | None"]
"""What is known about an image reference; None for unknown, malformed and unresolved ones."""

# Of what nobody but the image told anything: neither its distribution nor its tools.
_STRANGER = ImageFacts(
    family="", distro_version="", default_user="", default_uid=None, default_gid=None, runs_as_root=None,
    default_user_is_numeric=None, users=(), app_user=None, uid_1000_taken_by="", useradd=None, groupadd=None,
    adduser="", addgroup="", install_package="", install_command="", shell=None, package_manager="", ports=(),
    writable_paths=(), open_paths=(), volumes=(), nonroot_variant="", steps_down=False, arbitrary_user=None,
    file_capabilities=(), notes="", sources=(), confidence="inferred", workdir="", digest="", read=(), entrypoint=(),
    cmd=(), platform="", env=MappingProxyType({}),
)  # fmt: skip


@lru_cache(maxsize=4096)
def base_facts(reference: str | None) -> ImageFacts | None:
    """What the tables know about a reference; None for unknown, malformed and unresolved ones."""
    if not reference:
        return None
    try:
        return lookup(reference)
    except ValueError:
        return None


def knowledge(inspected: Mapping[str, Inspection]) -> Known:
    """What is known about references: the tables, and over them what was read from the images themselves."""
    if not inspected:
        return base_facts
    seen: dict[str, ImageFacts | None] = {}

    def known(reference: str | None) -> ImageFacts | None:
        if not reference:
            return None
        if reference not in seen:
            found = inspection_of(reference, inspected)
            tables = base_facts(reference)
            seen[reference] = tables if found is None else laid_over(tables, found)
        return seen[reference]

    return known


def inspection_of(reference: str, inspected: Mapping[str, Inspection]) -> Inspection | None:
    """What was read from the image of a reference, however that is written; None where nothing was."""
    try:
        return inspected.get(str(ImageRef.exact(reference)))
    except ValueError:
        return None


def laid_over(tables: ImageFacts | None, one: Inspection) -> ImageFacts:
    """Facts with what the image itself says: its user, accounts, ports, volumes, environment and process.

    What a configuration cannot tell stays as the tables have it; a guess of the tables decides nothing any more.
    """
    facts = tables if tables is not None else _STRANGER
    if one.platform.startswith("windows"):
        facts = facts._replace(family="windows")
    if facts.confidence == "inferred":
        facts = facts._replace(app_user=None, arbitrary_user=None)
    ports = tuple(int(match[1]) for port in one.ports if (match := re.fullmatch(r"(\d{1,5})(?:/tcp)?", port)))
    read = ["user", "volumes"]
    if ports:
        read.append("ports")
    if one.accounts is not None:
        read.append("accounts")
        facts = _with_accounts(facts, _accounts(one))
    facts = facts._replace(
        ports=ports or facts.ports,
        volumes=one.volumes,
        workdir=one.workdir,
        entrypoint=one.entrypoint,
        cmd=one.cmd,
        digest=one.digest,
        read=tuple(read),
        env=one.env,
    )
    return _with_user(facts, one)


def _accounts(one: Inspection) -> tuple[KnownUser, ...]:
    names = {gid: name for name, gid in (one.groups or {}).items()}
    return tuple(
        KnownUser(a.name, a.uid, a.gid, names.get(a.gid, ""), a.home) for a in one.accounts or () if a.name != "root"
    )


def _with_accounts(facts: ImageFacts, users: tuple[KnownUser, ...]) -> ImageFacts:
    app = facts.app_user
    return facts._replace(
        users=users,
        app_user=next((user for user in users if app is not None and user.name == app.name), None),
        uid_1000_taken_by=next((user.name for user in users if user.uid == 1000), ""),
    )


def _with_user(facts: ImageFacts, one: Inspection) -> ImageFacts:
    """With the user of the image; nobody knows whether one is root whom its own passwd file does not have."""
    name, _, group = one.user.partition(":")
    uid, gid, root = _number(name, facts, one)
    if group:
        gid = int(group) if group.isdigit() else (one.groups or {}).get(group)
    word = "root" if root else one.user
    return facts._replace(
        default_user=word,
        default_uid=uid,
        default_gid=gid,
        runs_as_root=root,
        default_user_is_numeric=name.isdigit() and (not group or group.isdigit()) if root is False else None,
    )


def _number(name: str, facts: ImageFacts, one: Inspection) -> tuple[int | None, int | None, bool | None]:
    if name in ("", "root"):
        return 0, 0, True
    match = next((a for a in one.accounts or () if name in (a.name, str(a.uid))), None)
    if match is not None:
        return match.uid, match.gid, match.uid == 0
    if name.isdigit():
        return int(name), None, int(name) == 0
    return None, None, None
