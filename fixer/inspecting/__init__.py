"""Images themselves, asked of an engine or a registry: their configuration, and their accounts where a name needs them.

Nothing of this is imported unless somebody asks for it. Every failure is an `Unseen` with one sentence; no password,
token or signed address is ever part of it.
"""

from __future__ import annotations

from fixer.inspecting.crowd import Read, inspect_all, reader
from fixer.inspecting.names import references
from fixer.inspecting.unseen import Unseen

__all__ = ["Read", "Unseen", "inspect_all", "reader", "references"]
