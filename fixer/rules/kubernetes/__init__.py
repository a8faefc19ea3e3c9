"""The table of the rules on manifests of Kubernetes: one line a rule, in the order in which they are asked."""

from __future__ import annotations

from types import ModuleType

from fixer.rules.dockerfile import unused_ignore
from fixer.rules.kubernetes import (
    kept_capabilities,
    namespace_labels,
    privilege_escalation,
    root_allowed,
    root_number,
    seccomp,
)

# By id, but for the last: unused_ignore asks what all others left unused.
RULES: tuple[ModuleType, ...] = (
    root_allowed,
    root_number,
    privilege_escalation,
    kept_capabilities,
    seccomp,
    namespace_labels,
    unused_ignore,
)
