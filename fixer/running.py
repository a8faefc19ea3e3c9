"""One file of each kind, checked or fixed as the choice of a run says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from fixer import engine
from fixer.config import Config
from fixer.engine import Choice, Outcome, Setting
from fixer.source import A_DOCKERFILE, SourceFile, read_bytes

if TYPE_CHECKING:
    from fixer.imageusers import ImageUser
    from fixer.rules.pods import Surroundings
    from fixer.rules.services import ComposeSurroundings


def read_source(root: Path, path: str) -> SourceFile:
    """Read one Dockerfile.

    Raises:
        Unreadable: when it is a link, no regular file, too large, or cannot be read.
    """
    return SourceFile(path, read_bytes(root, path, *A_DOCKERFILE))


def run_dockerfile(
    source: SourceFile, config: Config, setting: Setting, rules: tuple[ModuleType, ...], choice: Choice
) -> Outcome:
    """Check one Dockerfile, or fix it, as `choice` says."""
    if not choice.apply:
        return engine.check(source, config, setting, rules)
    from fixer.fixing import fix

    return fix(source, config, setting, rules, choice)


def run_manifest(
    source: SourceFile, config: Config, surroundings: Surroundings, rules: tuple[ModuleType, ...], choice: Choice
) -> Outcome | None:
    """Check one file of manifests, or fix it, as `choice` says; None where it holds none."""
    if not choice.apply:
        from fixer.manifests import check

        return check(source, config, surroundings, rules)
    from fixer.fixing import fix_manifest

    return fix_manifest(source, config, surroundings, rules, choice)


def run_compose(
    source: SourceFile,
    config: Config,
    surroundings: ComposeSurroundings,
    rules: tuple[ModuleType, ...],
    choice: Choice,
) -> Outcome | None:
    """Check one file of Compose, or fix it, as `choice` says; None where it holds no service."""
    if not choice.apply:
        from fixer.compose import check

        return check(source, config, surroundings, rules)
    from fixer.fixing import fix_compose

    return fix_compose(source, config, surroundings, rules, choice)


def run_runs(
    source: SourceFile,
    find_user: Callable[[str], ImageUser],
    config: Config,
    rules: tuple[ModuleType, ...],
    choice: Choice,
) -> Outcome | None:
    """Check one file that starts containers by commands, which is never changed; None where nothing is to be said."""
    from fixer.runs import check

    outcome = check(source, find_user, config, rules)
    if outcome is not None and choice.apply:
        from fixer.fixing import leave

        outcome.findings = leave(outcome.findings, choice)
    return outcome
