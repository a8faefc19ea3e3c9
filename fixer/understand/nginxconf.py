"""What nginx writes as the configuration says that a build copies into its image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname, normpath

from fixer.lazy import regex
from fixer.understand.image import Image
from fixer.understand.making import SYSTEM, below

_DIRECTIVE = regex(
    r"(?:^|[;{])[ \t]*(access_log|error_log|pid|lock_file|\w+_temp_path|\w+_cache_path)[ \t]+(/[^\s;$]+)", re.MULTILINE
)
# The official image makes these links to the standard streams.
_LINKS = frozenset({"/var/log/nginx/access.log", "/var/log/nginx/error.log"})


def written_by_nginx(image: Image) -> Iterator[tuple[str, str]]:
    """Folders that copied configuration and templates make nginx or its entrypoint write, each with the reason."""
    for copy in image.all_copies:
        line = copy.item.line
        if copy.destination is None or copy.item.flag("from"):
            continue
        if below(copy.destination, "/etc/nginx/templates"):
            yield "/etc/nginx/conf.d", f"line {line}: the entrypoint fills in templates there"
        for source in copy.sources:
            if not source.endswith((".conf", ".template")) and not below(copy.destination, "/etc/nginx"):
                continue
            for name, path in _DIRECTIVE.findall(image.read_context(normpath(source.lstrip("/"))) or ""):
                folder = normpath(path) if name.endswith("_path") else dirname(normpath(path))
                if folder not in SYSTEM and path not in _LINKS:
                    yield folder, f"line {line}: {name} in {source} names it"
