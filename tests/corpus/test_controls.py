"""The rules and the evaluator on every pod of the corpus: what the one forbids, the others tell, and nothing else."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from fixer import manifests
from fixer.config import Config
from fixer.discover import scan
from fixer.errors import Unreadable
from fixer.imageusers import image_user
from fixer.model import Finding
from fixer.parallel import in_parallel
from fixer.pod_security import evaluate
from fixer.rules import on_manifests
from fixer.rules.pods import ManifestView, Surroundings
from fixer.source import SourceFile
from fixer.understand.pods import Pod, steps_of

CONFIG = Config()
RULES = [rule for rule in on_manifests() if "KS001" <= rule.CARD.id <= "KS017"]
# Which rules answer to which control; see `answers` for the three that share one.
ANSWERS = {
    "allowPrivilegeEscalation": "KS003",
    "appArmorProfile": "KS014",
    "capabilities_restricted": "KS004",
    "hostNamespaces": "KS008",
    "hostPorts": "KS011",
    "hostProbesAndHostLifecycle": "KS017",
    "privileged": "KS006",
    "procMount_restricted": "KS012",
    "restrictedVolumes": "KS010",
    "runAsNonRoot": "KS001",
    "runAsUser": "KS002",
    "seLinuxOptions": "KS015",
    "seccompProfile_restricted": "KS007",
    "sysctls": "KS013",
    "windowsHostProcess": "KS016",
}
# These tell a pod, or a label, as a whole; and those of missing settings stand where the settings would.
NOT_AT_THE_PLACE = {"KS001", "KS003", "KS004", "KS007", "KS015"}
ONE_EACH = {"KS003", "KS004"}


class Told(NamedTuple):
    """One pod: the places that the evaluator forbids and those that rules tell, each with the rule."""

    where: str
    forbidden: Counter[tuple[str, int]]
    told: Counter[tuple[str, int]]


def answers(control: str, last: object) -> str:
    """The rule that answers to a control at a place."""
    if control == "capabilities_restricted" and last == "add":
        return "KS005"
    return "KS009" if control == "restrictedVolumes" and last == "hostPath" else ANSWERS[control]


def compared(root: Path, path: str) -> list[Told]:
    surroundings = Surroundings(lambda reference: image_user(reference, CONFIG, lambda name: None))
    try:
        reading = manifests.understand(SourceFile(path, (root / path).read_bytes()), CONFIG, surroundings)
    except Unreadable:
        return []
    return [] if reading is None else [of_pod(reading.view, pod) for pod in reading.view.pods]


def of_pod(view: ManifestView, pod: Pod) -> Told:
    alone = ManifestView(view.source, view.documents, [pod], [], view.surroundings, CONFIG)
    told: list[Finding] = [finding for rule in RULES for finding in rule.check(alone)]
    forbidden: Counter[tuple[str, int]] = Counter()
    for violation in evaluate(pod.template):
        steps = steps_of(violation.path)
        forbidden[answers(violation.control, steps[-1]), view.source.place(pod.at(steps).start)[0]] += 1
    places = Counter((finding.rule, finding.line) for finding in told)
    return Told(f"{view.source.path}: {view.names[pod.key]}", forbidden, places)


@pytest.fixture(scope="module")
def pods(shared: Path) -> list[Told]:
    tree = scan(shared / "corpus", ())
    return [one for each in in_parallel(partial(compared, tree.root), list(tree.manifests)) for one in each]


def test_what_is_forbidden_is_told_and_nothing_else(pods: list[Told]) -> None:
    assert len(pods) > 500
    wrong = [one for one in pods if {rule for rule, _ in one.forbidden} != {rule for rule, _ in one.told}]
    assert not wrong[:5], f"{len(wrong)} of {len(pods)} pods"


def test_what_is_told_stands_where_it_is_forbidden(pods: list[Told]) -> None:
    def exact(places: Counter[tuple[str, int]]) -> set[tuple[str, int]]:
        return {place for place in places if place[0] not in NOT_AT_THE_PLACE}

    def one_each(places: Counter[tuple[str, int]]) -> Counter[str]:
        return Counter(rule for rule, _ in places.elements() if rule in ONE_EACH)

    wrong = [
        one for one in pods if exact(one.forbidden) != exact(one.told) or one_each(one.forbidden) != one_each(one.told)
    ]
    assert not wrong[:5], f"{len(wrong)} of {len(pods)} pods"
    print(sorted(Counter(rule for one in pods for rule, _ in one.told.elements()).items()))  # noqa: T201
