"""The table of the rules on commands that start containers: one line a rule, in the order in which they are asked."""

from __future__ import annotations

from types import ModuleType

from fixer.rules.dockerfile import unused_ignore
from fixer.rules.running import (
    daemon_new_privileges,
    daemon_user_namespace,
    exec_as_root,
    run_as_root,
    run_capabilities,
    run_host_mount,
    run_host_namespace,
    run_privileged,
    run_unconfined,
    run_without_user,
)

# By id, but for the last: unused_ignore asks what all others left unused.
RULES: tuple[ModuleType, ...] = (
    run_without_user,
    run_as_root,
    run_privileged,
    run_capabilities,
    run_host_namespace,
    run_host_mount,
    run_unconfined,
    exec_as_root,
    daemon_user_namespace,
    daemon_new_privileges,
    unused_ignore,
)
