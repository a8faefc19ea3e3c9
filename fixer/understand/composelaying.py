"""One file of Compose laid upon another as `docker compose up` does it: what a service is when all have spoken."""

from __future__ import annotations

from collections.abc import Mapping

from fixer.errors import Unreadable
from fixer.understand.builds import Read
from fixer.understand.compose import Service, extended
from fixer.understand.composejoining import RESET, Written, upon
from fixer.understand.composevalues import variables


def laid(service: Service, own: Written, rows: Mapping[str, Written], path: str, read: Read) -> Service | None:
    """A service with what another file says about it.

    Args:
        service: the service of the file below.
        own: what the other file says.
        rows: all that the other file says, for what a service of it extends.
        path: where the other file is, relative to the root.
        read: gives the text of a file below the root, or None.

    Returns:
        The service, at its place in the file below; None where the other file takes it away.

    Raises:
        Unreadable: when the one cannot be laid upon the other, which Compose refuses too.
    """
    if own.tags.get(()) == RESET:
        return None
    said = extended(own, rows, path, read)
    if said is None:
        raise Unreadable("fragment", f"{path} extends a service that is not here")
    env = service.env or variables(service.folder, read)
    value = upon(service.value, own._replace(value=said))
    return Service(service.document, service.path, value, service.base, env, service.folder)
