"""Changes as commits on a branch, made beside the work tree."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from fixer.deliver.gitstore import Commit, GitStore, Person
from fixer.errors import FixerError

_TREE = re.compile(r"^Fixer-Tree: ([0-9a-f]{40})$", re.MULTILINE)
NOBODY = Person("fixer", "fixer@nonroot-fixer.invalid")


class Step(NamedTuple):
    """One commit to be: what it says, and the new bytes of each file by its path from the top."""

    message: str
    files: Mapping[bytes, bytes]


class Delivered(NamedTuple):
    """What became of a branch: `state` is created, updated, unchanged or empty, `commits` are their ids in order."""

    branch: str
    state: str
    commits: tuple[str, ...] = ()


def deliver(store: GitStore, name: str, base: Commit, steps: Iterable[Step], who: Person, sign_off: bool) -> Delivered:
    """Commit steps one on another on top of a base, and let a branch stand for the last.

    A branch that is there is only replaced when all that it has beyond the base was made here and is as it was made.
    The same steps on the same base give the same ids: the commits have the date of the base, or that of
    `SOURCE_DATE_EPOCH`.

    Raises:
        UsageError: for a name that no branch can have.
        FixerError: when the branch is a person's, is checked out, or moved meanwhile.
    """
    old = store.branch(name)
    commits = _commits(store, base, steps, who, sign_off)
    if not commits:
        return Delivered(name, "empty")
    if old == commits[-1]:
        return Delivered(name, "unchanged", tuple(commits))
    if old is not None:
        _must_be_ours(store, name, base, old)
    if store.in_use(name):  # also where it has no commit yet
        raise FixerError(f"branch '{name}' is checked out; it was left as it is, switch to another branch first")
    store.set_branch(name, commits[-1], old)
    return Delivered(name, "created" if old is None else "updated", tuple(commits))


def _commits(store: GitStore, base: Commit, steps: Iterable[Step], who: Person, sign_off: bool) -> list[str]:
    made: list[str] = []
    tree, parent, date = base.tree, base.oid, _date(base)
    for step in steps:
        after = store.changed(tree, step.files)
        if after != tree:
            parent = store.add_commit(
                after, parent, _message(step.message, after, who if sign_off else None), who, date
            )
            made.append(parent)
            tree = after
    return made


def _message(text: str, tree: str, signer: Person | None) -> str:
    rows = [f"Fixer-Tree: {tree}"]
    if signer is not None:
        rows.append(f"Signed-off-by: {signer.name} <{signer.email}>")
    return "\n".join([text.strip(), "", *rows, ""])


def _date(base: Commit) -> tuple[int, str]:
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    return (int(fixed), "+0000") if re.fullmatch(r"\d{1,12}", fixed) else base.date


def is_ours(commit: Commit) -> bool:
    """Whether a commit was made here, and nobody has changed it since."""
    found = _TREE.findall(commit.message)
    return found[-1:] == [commit.tree] and len(commit.parents) == 1 and commit.by_one


def _must_be_ours(store: GitStore, name: str, base: Commit, old: str) -> None:
    other = next((one for one in store.between(base.oid, old) if not is_ours(one)), None)
    if other is not None:
        what = f"branch '{name}' has a commit that was not made here ({other.oid[:10]})"
        raise FixerError(f"{what}; it was left as it is, choose another name or delete that branch")
