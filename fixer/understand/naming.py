"""The names of images that files go by, and what Kustomize makes of them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from fixer.facts import untagged
from fixer.lazy import regex


def name_of(path: str) -> tuple[str, str]:
    """The name of an image that a Dockerfile goes by, and its version, "" for none.

    That is what stands before or behind `Dockerfile`, or its folder; a folder that is called like a version, or like
    folders of any program, is one of the folder above.
    """
    folder, file = posixpath.split(path)
    before, _, behind = file.partition(".")
    other = behind if before.lower() in ("dockerfile", "containerfile") else before
    if other and other.lower() != "dockerfile":
        return other, ""
    above, name = posixpath.split(folder)
    if above and _VERSION.fullmatch(name):
        return posixpath.basename(above), name
    return posixpath.basename(above) if above and name in _ANYBODYS else name, ""


_VERSION = regex(r"v?\d[\w.-]*")
_ANYBODYS = ("src", "docker", ".docker", "build")


def renamed(reference: str, names: Mapping[str, str]) -> str:
    """What Kustomize makes of a reference: another name, which keeps the tag or digest unless it has its own."""
    name = untagged(reference)
    new = names.get(name)
    if new is None:
        return reference
    return new if ":" in new.rpartition("/")[2] or "@" in new else new + reference[len(name) :]
