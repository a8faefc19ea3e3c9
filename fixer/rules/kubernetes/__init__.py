"""The table of the rules on manifests of Kubernetes: one line a rule, in the order in which they are asked."""

from __future__ import annotations

from types import ModuleType

from fixer.rules.dockerfile import unused_ignore
from fixer.rules.kubernetes import (
    added_capabilities,
    app_armor,
    host_namespace,
    host_path,
    host_port,
    host_process,
    kept_capabilities,
    namespace_labels,
    privilege_escalation,
    privileged,
    probe_host,
    proc_mount,
    refused_image,
    root_allowed,
    root_number,
    seccomp,
    selinux_options,
    unsafe_sysctl,
    volume_type,
)

# By id, but for the last: unused_ignore asks what all others left unused.
RULES: tuple[ModuleType, ...] = (
    root_allowed,
    root_number,
    privilege_escalation,
    kept_capabilities,
    added_capabilities,
    privileged,
    seccomp,
    host_namespace,
    host_path,
    volume_type,
    host_port,
    proc_mount,
    unsafe_sysctl,
    app_armor,
    selinux_options,
    host_process,
    probe_host,
    namespace_labels,
    refused_image,
    unused_ignore,
)
