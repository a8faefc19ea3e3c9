"""The Kustomizations of the corpus: each is read, each patch is found, and none breaks what asks them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from fixer.discover import read_inside, scan
from fixer.model import EnsureItem, RemoveKey, SetKey, YamlChange
from fixer.syntax.yaml import values
from fixer.understand.kustomize import Kustomize
from fixer.understand.workloads import pod_templates


def test_every_repository(shared: Path) -> None:
    missing: list[str] = []
    sentences: set[str] = set()
    seen = renamed = 0
    for repository in sorted(path for path in (shared / "corpus").iterdir() if path.is_dir()):
        tree = scan(repository)
        read = partial(read_inside, repository)
        kustomize = Kustomize(tree.manifests, read)
        missing += [f"{repository.name}/{path}" for path in sorted(kustomize.patches) if read(path) is None]
        seen += len(kustomize.patches)
        for path in tree.manifests:
            kustomize.namespace(path)
            renamed += bool(kustomize.images(path))
            sentences |= _told(kustomize, path, read(path) or "")
    print(f"{seen} patches, {len(sentences)} conflicts, {renamed} files with other images")  # noqa: T201
    assert (seen > 40, renamed > 10, missing) == (True, True, [])
    assert len(sentences) > 5
    assert all(sentence.endswith("; change the patch as well") for sentence in sentences)


def _told(kustomize: Kustomize, path: str, text: str) -> set[str]:
    """What is told about the settings that a fix may want for the pods of a file."""
    documents = values(text) if "containers:" in text else []
    if not documents:
        return set()
    found: set[str | None] = set()
    for number, document in enumerate(documents):
        for template in pod_templates(document):
            changes: list[YamlChange] = [SetKey(number, (*template.path, "securityContext"), "runAsNonRoot", True)]
            for container in template.containers:
                where = (*template.path, *container.path, "securityContext")
                changes += [SetKey(number, where, "runAsUser", 10001), RemoveKey(number, where, "privileged")]
                changes.append(EnsureItem(number, (*where, "capabilities", "drop"), "ALL"))
            found |= {kustomize.conflict(path, document, [change]) for change in changes}
    return {sentence for sentence in found if sentence is not None}
