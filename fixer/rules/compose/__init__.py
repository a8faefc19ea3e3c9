"""The table of the rules on files of Compose: one line a rule, in the order in which they are asked."""

from __future__ import annotations

from types import ModuleType

from fixer.rules.compose import (
    docker_socket,
    named_service_user,
    other_service_user,
    privileged_service,
    root_service,
    service_added_capabilities,
    service_capabilities,
    service_devices,
    service_host_namespace,
    service_host_path,
    service_low_port,
    service_new_privileges,
    service_unconfined,
    service_volume_owner,
    service_writable_root,
)
from fixer.rules.dockerfile import unused_ignore

# By id, but for the last: unused_ignore asks what all others left unused.
RULES: tuple[ModuleType, ...] = (
    root_service,
    named_service_user,
    privileged_service,
    service_capabilities,
    service_added_capabilities,
    service_new_privileges,
    service_unconfined,
    service_host_namespace,
    docker_socket,
    service_host_path,
    service_devices,
    service_low_port,
    service_volume_owner,
    service_writable_root,
    other_service_user,
    unused_ignore,
)
