"""fixer takes containers off root: it finds what runs as root and hands back the smallest correct change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fixer.app import check, fix
    from fixer.model import Result

__version__ = "0.1.0"
__all__ = ["Result", "check", "fix"]


def __getattr__(name: str) -> Any:
    """Load the public names on first use, so that importing the package costs nothing."""
    if name in ("check", "fix"):
        from fixer import app

        return getattr(app, name)
    if name == "Result":
        from fixer.model import Result

        return Result
    raise AttributeError(f"module 'fixer' has no attribute '{name}'")
