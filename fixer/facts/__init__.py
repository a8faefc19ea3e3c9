"""What is known about images and distributions, with where it was read; no guess is dressed up as a fact."""

from __future__ import annotations

from fixer.facts.hardened import Hardened, hardened
from fixer.facts.images import (
    Family,
    Gotcha,
    ImageFacts,
    ImageRef,
    KnownUser,
    families,
    family,
    family_from_package_manager,
    lookup,
    package_managers,
    taken_ids,
    untagged,
)
from fixer.facts.inspected import Known, base_facts, inspection_of, knowledge, laid_over
from fixer.facts.users import NewUser, creation, style

__all__ = [
    "Family",
    "Gotcha",
    "Hardened",
    "ImageFacts",
    "ImageRef",
    "Known",
    "KnownUser",
    "NewUser",
    "base_facts",
    "creation",
    "families",
    "family",
    "family_from_package_manager",
    "hardened",
    "inspection_of",
    "knowledge",
    "laid_over",
    "lookup",
    "package_managers",
    "style",
    "taken_ids",
    "untagged",
]
