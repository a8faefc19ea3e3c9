"""The builds that systems of CI are told to make: GitHub, GitLab, CircleCI, Azure and Cloud Build.

What a matrix, a parameter or an earlier step gives is known to the run alone.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fixer.lazy import regex
from fixer.understand.buildfacts import (
    TOP,
    UNKNOWN,
    Env,
    Hint,
    Said,
    Spot,
    Steps,
    docker_build,
    fill,
    inside,
    pairs,
    texts,
)
from fixer.understand.buildpages import Page, pages
from fixer.understand.builds import Build
from fixer.understand.workloads import mapping, sequence, word


def _run(page: Page, at: Steps, text: Any, folders: tuple[str, ...], env: Env) -> Iterator[Build]:
    """The builds of a text of commands, or of a list of them."""
    from fixer.understand.buildlines import CHECKOUT, Place, command_builds

    if isinstance(text, list):
        for number, one in enumerate(text):
            yield from _run(page, (*at, number), one, folders, env)
    elif isinstance(text, str):
        line = page.script(at)
        # a folder that earlier commands went to is not followed
        moved = re.search(r"^[ \t]*(?:cd|pushd)[ \t][^&;\n]*$", text, re.MULTILINE) is not None
        if not moved:
            yield from command_builds(page.hint, text, Place(folders, {**CHECKOUT, **env}, line))


def _variables(*maps: Any) -> dict[str, str | None]:
    """Variables that are plain texts, the later over the earlier."""
    found: dict[str, str | None] = {}
    for one in maps:
        for name, value in mapping(one).items():
            value = value.get("value") if isinstance(value, Mapping) else value
            text = texts(value, found)
            found[str(name)] = None if text is None or UNKNOWN in text else text
    return found


_WORKFLOW_ENV = regex(r"\$\{\{[ \t]*env\.(\w+)[ \t]*\}\}")
_WORKSPACE = regex(r"\$\{\{[ \t]*github\.workspace[ \t]*\}\}")
_OUTPUTS = regex(r"\$\{\{[ \t]*steps\.([\w-]+)\.outputs\.tags[ \t]*\}\}")


def _expressions(text: str) -> str:
    """The variables of a workflow as those of the shell."""
    return _WORKSPACE.sub(TOP, _WORKFLOW_ENV.sub(r"${\1}", text))


def workflow(hint: Hint) -> Iterator[Build]:
    """The builds of a workflow of GitHub: the action that builds, and the commands of its steps."""
    for page in pages(hint):
        for key, value in mapping(page.value.get("jobs")).items():
            job = mapping(value)
            names: dict[str, tuple[str, ...]] = {}
            base = mapping(mapping(job.get("defaults")).get("run")).get("working-directory")
            for number, one in enumerate(sequence(job.get("steps"))):
                step = mapping(one)
                env = _variables(page.value.get("env"), job.get("env"), step.get("env"))
                at: Steps = ("jobs", str(key), "steps", number)
                uses, given = word(step.get("uses")), mapping(step.get("with"))
                if "docker/metadata-action" in uses:
                    names[word(step.get("id"))] = tuple(
                        f"{name}:{UNKNOWN}" for name in _listed(given.get("images"), env)
                    )
                elif "docker/build-push-action" in uses:
                    yield from _push(page, at, given, env, names)
                else:
                    folder = texts(step.get("working-directory") or base or ".", env) or "."
                    if UNKNOWN not in _expressions(folder):
                        script = step.get("run")
                        text = _expressions(script) if isinstance(script, str) else None
                        yield from _run(page, (*at, "run"), text, (inside("", folder) or "",), env)


def _push(
    page: Page, at: Steps, given: Mapping[Any, Any], env: Env, names: Mapping[str, tuple[str, ...]]
) -> Iterator[Build]:
    said = {key: fill(_expressions(word(given.get(key))), env) for key in ("context", "file", "target")}
    context = re.sub(r"^\{\{defaultContext\}\}:?", "", said["context"]) or "."
    images = list(_listed(given.get("tags"), env))
    for step in _OUTPUTS.findall(word(given.get("tags"))):
        images += names.get(step, ())
    args = pairs(word(given.get("build-args")).split("\n"), env)
    spot = Spot(page.line(at), "docker/build-push-action")
    text = Said(context, said["file"] or None, said["target"] or None, tuple(images), args, base="")
    yield from docker_build(page.hint, spot, text, "")


def _listed(value: Any, env: Env) -> Iterator[str]:
    for line in re.split(r"[\n,]", word(value)):
        line = line.strip()
        if line and not line.startswith("#"):
            yield fill(_expressions(line), env)


def gitlab(hint: Hint) -> Iterator[Build]:
    """The builds of the scripts of a GitLab pipeline."""
    for page in pages(hint):
        for key, value in page.value.items():
            job = mapping(value)
            env = _variables(page.value.get("variables"), job.get("variables"))
            for part in ("before_script", "script"):
                yield from _run(page, (str(key), part), job.get(part), ("",), env)


def circle(hint: Hint) -> Iterator[Build]:
    """The builds of the commands of a CircleCI configuration."""
    for page in pages(hint):
        for kind in ("jobs", "commands"):
            for key, value in mapping(page.value.get(kind)).items():
                for number, one in enumerate(sequence(mapping(value).get("steps"))):
                    run = mapping(one).get("run")
                    at: Steps = (kind, str(key), "steps", number, "run")
                    text = run.get("command") if isinstance(run, Mapping) else run
                    folder = word(mapping(run).get("working_directory")) or word(
                        mapping(value).get("working_directory")
                    )
                    if isinstance(text, str) and not folder and "<<" not in text:
                        env = _variables(mapping(value).get("environment"), mapping(run).get("environment"))
                        yield from _run(page, (*at, "command") if isinstance(run, Mapping) else at, text, ("",), env)


def azure(hint: Hint) -> Iterator[Build]:
    """The builds of the commands and Docker tasks of an Azure pipeline."""
    for page in pages(hint):
        rows = page.value.get("variables")
        listed = {word(mapping(row).get("name")): mapping(row).get("value") for row in sequence(rows)}
        env = {name.replace(".", "_"): value for name, value in _variables(rows, listed).items()}
        for at, step in _steps_below(page.value, (), 0):
            for part in ("script", "bash"):
                text = step.get(part)
                if isinstance(text, str) and "workingDirectory" not in step:
                    filled = re.sub(r"\$\(([\w.]+)\)", lambda match: "${" + match[1].replace(".", "_") + "}", text)
                    yield from _run(page, (*at, part), filled, ("",), env)
            if word(step.get("task")).lower().startswith("docker@"):
                yield from _azure_task(page, at, mapping(step.get("inputs")))


def _steps_below(value: Any, at: Steps, depth: int) -> Iterator[tuple[Steps, Mapping[Any, Any]]]:
    """All steps of a pipeline, wherever its stages and jobs have them."""
    for key, one in mapping(value).items() if depth < 12 else ():
        for number, row in enumerate(sequence(one)):
            below: Steps = (*at, str(key), number)
            if key == "steps" and isinstance(row, Mapping):
                yield below, row
            else:
                yield from _steps_below(row, below, depth + 1)
        if isinstance(one, Mapping):
            yield from _steps_below(one, (*at, str(key)), depth + 1)


def _azure_task(page: Page, at: Steps, given: Mapping[Any, Any]) -> Iterator[Build]:
    """The task that builds; the registry before the name of its image is known to the service connection alone."""
    file, context = word(given.get("Dockerfile")), word(given.get("buildContext"))
    if word(given.get("command")).lower() not in ("", "build", "buildandpush") or not file or re.search(r"[*$]", file):
        return
    place = posixpath.dirname(file) if context in ("", "**") else context
    place = UNKNOWN if "$" in place else place or "."
    images = () if given.get("containerRegistry") else (fill(word(given.get("repository")), {}),)
    said = Said(place, file, images=images, base="")
    yield from docker_build(page.hint, Spot(page.line(at), "task Docker"), said, "")


def cloud_build(hint: Hint) -> Iterator[Build]:
    """The builds of the steps of a Cloud Build configuration."""
    from fixer.understand.buildlines import word_builds

    for page in pages(hint):
        env = _variables(page.value.get("substitutions"))
        for number, one in enumerate(sequence(page.value.get("steps"))):
            step, at = mapping(one), ("steps", number)
            builder = word(step.get("name")).partition(":")[0].rpartition("/")[2]
            words = [fill(word(each), env) for each in sequence(step.get("args"))]
            folder = inside("", fill(word(step.get("dir")), env) or ".")
            entry = word(step.get("entrypoint")).rpartition("/")[2]
            if folder is None:
                continue
            if builder in ("docker", "executor") and entry in ("", "docker"):
                # Cloud Build runs in a copy of what it is given, which is the repository as a rule
                yield from word_builds(hint, page.line(at), [builder, *words], folder)
            elif entry in ("bash", "sh"):
                for place, each in enumerate(sequence(step.get("args"))):
                    if not word(each).startswith("-"):
                        yield from _run(page, (*at, "args", place), each, (folder,), env)
            elif isinstance(step.get("script"), str):
                yield from _run(page, (*at, "script"), step["script"], (folder,), env)
