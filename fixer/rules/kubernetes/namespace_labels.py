"""Nothing says what the pods of a namespace may do.

## What it finds
A `kind: Namespace` without the labels of Pod Security admission: without `pod-security.kubernetes.io/enforce` any pod
is let in, and without `warn` and `audit` nobody hears of those that are not restricted. Also a level that is lower than
what all pods of the namespace satisfy once they are fixed.

## Why it matters
What the manifests say holds for their own pods. The labels hold for every pod that anybody puts there, and keep a
careless change from undoing the work.

## How safe the fix is
- `safe`: `warn` and `audit` become `restricted`. They refuse nothing.
- `review`: `enforce` becomes the level that all pods satisfy which the manifests put there, `restricted` or `baseline`.
  A pod without a namespace counts for every namespace that `kubectl apply --namespace` could put it into. What others
  put there is refused where it does not satisfy that level.
- `manual`: an `enforce` that is there already is neither raised nor lowered.
- left: a pod of the manifests does not even satisfy `baseline`; or no manifest puts a pod there; or a template, a
  chart, a patch, or an object of which an operator makes pods may put others there, so that nobody can tell. The
  namespaces of the cluster itself (`kube-system` and its like, `openshift-`) are left as well: their pods need what the
  levels forbid.

## References
Kubernetes, Enforce Pod Security Standards with Namespace Labels; CIS Kubernetes 5.2.1; NSA/CISA Kubernetes Hardening
Guidance, Pod Security.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fixer.model import Finding, Fix, Goal, Refusal, Safety, SetKey, Severity, Span
from fixer.pod_security import Level
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.syntax.yaml import Document
from fixer.understand.workloads import mapping, word

CARD = Card(
    id="KS025",
    name="namespace-labels",
    title="Nothing says what the pods of a namespace may do",
    severity=Severity.MEDIUM,
    goals=frozenset({Goal.HARDENED}),
    standards=("CIS Kubernetes 5.2.1", "NSA/CISA: Pod Security"),
)
_PREFIX = "pod-security.kubernetes.io/"
_ENFORCE = f"{_PREFIX}enforce"
_TELLING = ("warn", "audit")
_LABELS = ("metadata", "labels")
_LEVELS = tuple(level.value for level in (Level.PRIVILEGED, Level.BASELINE, Level.RESTRICTED))
_SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease"})


def check(view: ManifestView) -> Iterator[Finding]:
    """At most one finding for each namespace about `enforce`, and one about the labels that only tell."""
    for document in view.namespaces:
        name = word(mapping(document.value["metadata"]).get("name"))
        labels = mapping(mapping(document.value["metadata"]).get("labels"))
        who = f"Namespace/{name}"
        silent = [mode for mode in _TELLING if not labels.get(f"{_PREFIX}{mode}")]
        if name in _SYSTEM or name.startswith("openshift-"):
            if silent or not labels.get(_ENFORCE):
                yield _system(view, document, who)
            continue
        yield from (
            _enforced(view, document, who, name, labels) if labels.get(_ENFORCE) else _open(view, document, who, name)
        )
        if silent:
            yield _silent(view, document, who, silent)


def _system(view: ManifestView, document: Document, who: str) -> Finding:
    refusal = Refusal(
        "system-namespace",
        f"{who} belongs to the cluster, and its pods need what the levels forbid; leave it, or exempt it in the"
        " configuration of the API server",
    )
    return view.finding(CARD, _at(document), f"{who}: nothing says what its pods may do", fix=refusal)


def _open(view: ManifestView, document: Document, who: str, name: str) -> Iterator[Finding]:
    """Any pod is let in."""
    message = f"{who}: any pod is let in (no label {_ENFORCE})"
    found = view.surroundings.namespace_level(name)
    fix: Fix | Refusal
    if found.level is None:
        why = f"{found.reason}; set {_ENFORCE} to the level that all pods there satisfy"
        fix = Refusal("unknown-pods", why)
    elif found.level is Level.PRIVILEGED:
        why = f"its pods do not satisfy baseline: {found.reason}; change that pod, or give it a namespace of its own"
        fix = Refusal("privileged-pods", why)
    else:
        risk = f"a pod that others put there is refused where it is not {found.level}"
        change = SetKey(document.index, _LABELS, _ENFORCE, found.level.value)
        fix = _fix(view, document, f"enforce: {found.level}", Safety.REVIEW, risk, (change,))
    reason = found.reason if found.level is Level.BASELINE else ""
    yield view.finding(CARD, _at(document), message, reason=reason, fix=fix)


def _enforced(
    view: ManifestView, document: Document, who: str, name: str, labels: Mapping[Any, Any]
) -> Iterator[Finding]:
    """A level that a person chose, and that could be higher."""
    asked = word(labels[_ENFORCE])
    at = _at(document, _ENFORCE)
    if asked not in _LEVELS:
        message = f"{who}: {_ENFORCE} is '{asked}', which is no level"
        steps = f"write one of {', '.join(_LEVELS)}; until then the API server refuses every pod that is not restricted"
        fix = Fix("enforce a level", Safety.MANUAL, "only its owner knows what was meant", instructions=steps)
        yield view.finding(CARD, at, message, fix=fix)
        return
    found = view.surroundings.namespace_level(name)
    if asked == Level.RESTRICTED or found.level is None or _LEVELS.index(found.level) <= _LEVELS.index(asked):
        return
    message = f"{who}: {asked} is enforced, and all its pods satisfy {found.level} once they are fixed"
    risk = f"a pod that others put there is refused where it is not {found.level}"
    steps = f"set {_ENFORCE} to {found.level} once the pods of others satisfy it too"
    fix = Fix(f"enforce: {found.level}", Safety.MANUAL, risk, instructions=steps)
    yield view.finding(CARD, at, message, reason=found.reason, fix=fix, severity=Severity.LOW)


def _silent(view: ManifestView, document: Document, who: str, modes: list[str]) -> Finding:
    message = f"{who}: nobody hears of pods that are not restricted (no label {_PREFIX}{' and '.join(modes)})"
    changes = tuple(
        SetKey(document.index, _LABELS, f"{_PREFIX}{mode}", Level.RESTRICTED.value, (_ENFORCE, f"{_PREFIX}warn"))
        for mode in modes
    )
    fix = _fix(view, document, f"{' and '.join(modes)}: restricted", Safety.SAFE, "", changes)
    return view.finding(CARD, _at(document), message, fix=fix, severity=Severity.LOW)


def _fix(
    view: ManifestView, document: Document, title: str, safety: Safety, risk: str, changes: tuple[SetKey, ...]
) -> Fix | Refusal:
    why = view.surroundings.conflict(document.value, changes)
    return Fix(title, safety, risk, changes) if why is None else Refusal("overlay", why)


def _at(document: Document, label: str = "") -> Span:
    """A label, the labels, or else what holds them."""
    for path in ((*_LABELS, label), ("metadata", "name"), ("metadata",)):
        node = document.find(path)
        if node is not None:
            return node.span
    return document.root.span
