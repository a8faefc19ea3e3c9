#!/usr/bin/env python3
"""Cut GitHub's own OpenAPI description to what the program asks of it: `contract.py FULL.json CUT.json`.

Prism then refuses everything else. An answer may also be of the types that GitHub tells clients to accept, or
told them once; the description lists only `application/json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

CALLS = {
    "/app": ["get"],
    "/app/installations/{installation_id}/access_tokens": ["post"],
    "/orgs/{org}/repos": ["get"],
    "/repos/{owner}/{repo}": ["get"],
    "/repos/{owner}/{repo}/issues/{issue_number}": ["get"],
    "/repos/{owner}/{repo}/issues/{issue_number}/comments": ["post"],
    "/repos/{owner}/{repo}/issues/{issue_number}/labels": ["post"],
    "/repos/{owner}/{repo}/pulls": ["get", "post"],
    "/repos/{owner}/{repo}/pulls/{pull_number}": ["patch"],
    "/user": ["get"],
    "/users/{username}/repos": ["get"],
}
ACCEPTED = ("application/vnd.github+json", "application/vnd.github.machine-man-preview+json")


def cut(whole: dict[str, Any]) -> dict[str, Any]:
    """The description of the calls that are made, with what it refers to."""
    paths = {
        path: {key: value for key, value in whole["paths"][path].items() if key in (*verbs, "parameters")}
        for path, verbs in CALLS.items()
    }
    for operation in (one for path in paths.values() for one in path.values() if isinstance(one, dict)):
        _adapt(operation["responses"])
    _adapt(whole["components"].get("responses", {}))
    found: set[str] = set()
    _collect(whole, paths, found)
    components: dict[str, dict[str, Any]] = {}
    for reference in sorted(found):
        _, kind, name = reference.removeprefix("#/").split("/", 2)
        components.setdefault(kind, {})[name] = whole["components"][kind][name]
    kept = {key: whole[key] for key in ("openapi", "info", "servers")}
    return {**kept, "paths": paths, "components": components}


def _adapt(responses: dict[str, Any]) -> None:
    for response in responses.values():
        response.pop("headers", None)  # examples: each page would say that there is another one
        content = response.get("content", {})
        if "application/json" in content:
            content.update(dict.fromkeys(ACCEPTED, content["application/json"]))


def _collect(whole: dict[str, Any], node: Any, found: set[str]) -> None:
    """All references in a part of the description, and in what they lead to."""
    pending = [node]
    while pending:
        one = pending.pop()
        if isinstance(one, list):
            pending += one
        elif isinstance(one, dict):
            pending += one.values()
            reference = one.get("$ref")
            if isinstance(reference, str) and reference not in found:
                found.add(reference)
                _, kind, name = reference.removeprefix("#/").split("/", 2)
                pending.append(whole["components"][kind][name])


def main() -> None:
    """Write the cut beside its place, then move it there."""
    source, target = map(Path, sys.argv[1:])
    unfinished = target.with_suffix(".new")
    unfinished.write_text(json.dumps(cut(json.loads(source.read_text(encoding="utf-8")))), encoding="utf-8")
    unfinished.replace(target)


if __name__ == "__main__":
    main()
