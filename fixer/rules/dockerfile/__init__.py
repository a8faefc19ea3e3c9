"""The table of the rules on Dockerfiles: one line a rule, in the order in which they are asked."""

from __future__ import annotations

from types import ModuleType

from fixer.rules.dockerfile import (
    base_for_others,
    broken_user_creation,
    hardened_base,
    lost_ownership,
    missing_user,
    named_user,
    nonroot_variant,
    onbuild_root,
    privileged_port,
    root_again,
    root_home,
    root_step_after_user,
    root_user,
    setuid_left,
    steps_down,
    sudo,
    unchowned_copy,
    unused_ignore,
    unwritable_path,
    world_writable,
)

# By id, but for the last: unused_ignore asks what all others left unused.
RULES: tuple[ModuleType, ...] = (
    root_user,
    root_again,
    named_user,
    missing_user,
    broken_user_creation,
    unchowned_copy,
    unwritable_path,
    root_step_after_user,
    privileged_port,
    root_home,
    sudo,
    world_writable,
    setuid_left,
    onbuild_root,
    nonroot_variant,
    hardened_base,
    steps_down,
    base_for_others,
    lost_ownership,
    unused_ignore,
)
