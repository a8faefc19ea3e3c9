"""How several processes share the tests: what has something costly in common stays in one of them.

pytest-xdist collects the tests in each process, and the one that hands them out knows nothing of them but their ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

# One engine serves all of these, and some look at all of its containers.
ENGINE = (
    "tests/examples/test_running.py",
    "tests/facts/test_users.py",
    "tests/house/test_image.py",
    "tests/house/test_rigs.py",
    "tests/inspecting/test_commands.py",
    "tests/proof/",
    "tests/syntax/test_expand.py",
)
# These look at one run over the whole corpus.
WHOLE_RUN = (
    "tests/corpus/test_compose_promises.py",
    "tests/corpus/test_judges.py",
    "tests/corpus/test_manifest_promises.py",
    "tests/corpus/test_promises.py",
    "tests/corpus/test_reports.py",
    "tests/corpus/test_yaml_promises.py",
)
# These ask the engine too, and look at nothing but what they have made: their files may go to different processes.
OWN = ("tests/e2e/", "tests/verify/")
GOLDEN = "tests/rules/test_golden.py"
# What is begun first, so that no process is left with it when the others have nothing more to do. Each process is given
# two at its start, so short ones come second.
LONGEST = (
    "engine",
    "whole run",
    "tests/verify/test_trials.py",
    "tests/verify/test_pieces.py",
    "tests/verify/test_context.py",
    "tests/verify/test_verdicts.py",
    "tests/verify/test_tracing.py",
    "tests/e2e/test_proving_ground.py",
    "tests/corpus/test_hardened.py",
    "tests/deliver/test_fleet.py",
    "tests/deliver/test_hostile.py",
    "tests/deliver/test_branches.py",
    "tests/verify/test_reaper.py",
    "tests/verify/test_builds.py",
)


def unit(nodeid: str) -> str:
    """Give the name of what a test stays together with: its file, mostly. Golden cases go by their rule."""
    file, _, name = nodeid.partition("::")
    if file.startswith(ENGINE):
        return "engine"
    if file in WHOLE_RUN:
        return "whole run"
    if file == GOLDEN:
        return f"{file} {name.partition('[')[2].partition('/')[0]}"
    return file


def scheduler(config: pytest.Config, log: object) -> Any:
    """Give what hands the tests out by their units, in the order in which they were collected."""
    from xdist.scheduler import LoadScopeScheduling

    made = LoadScopeScheduling(config, log)
    made._split_scope = unit
    return made
