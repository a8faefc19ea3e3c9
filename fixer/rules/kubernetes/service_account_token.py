"""A pod is handed a token of the API server that it does not need.

## What it finds
A pod that does not say `automountServiceAccountToken: false`.

## Why it matters
Kubernetes puts a token for its API server into every container unless told otherwise. Who breaks into the program has
the rights of that account, and in many clusters the `default` one has some.

## How safe the fix is
`review`: a program that asks the API server loses its token. It is left where the pod names an account of its own, asks
for the token, or visibly talks to the API server (`kubectl`, the path of the token), since somebody meant that.

## References
CIS Kubernetes 5.1.5 and 5.1.6; NSA/CISA Kubernetes Hardening Guidance; Kubernetes, Configure Service Accounts for Pods.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixer.facts.workloads import POD_SPEC
from fixer.model import Finding, Goal, Refusal, Safety, Severity
from fixer.podusers import set_in_spec
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView
from fixer.understand.pods import Member, Pod
from fixer.understand.workloads import mapping, sequence

CARD = Card(
    id="KS026",
    name="service-account-token",
    title="A pod is handed a token of the API server that it does not need",
    severity=Severity.LOW,
    goals=frozenset({Goal.HARDENED}),
    standards=("CIS Kubernetes 5.1.6", "NSA/CISA: Protecting Pod service account tokens"),
)
_KEY = "automountServiceAccountToken"
_SIGNS = ("kubectl", "/var/run/secrets/kubernetes.io", "/run/secrets/kubernetes.io", "KUBERNETES_SERVICE_HOST")


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each pod."""
    for pod in view.pods:
        # what makes pods of a part of a pod spec may not know the field
        if pod.template.shape == POD_SPEC and pod.spec.get(_KEY) is not False:
            yield _finding(view, pod)


def _finding(view: ManifestView, pod: Pod) -> Finding:
    message = f"{view.names[pod.key]}: its containers are handed a token of the API server"
    at = pod.at((*pod.path, _KEY) if _KEY in pod.spec else pod.path)
    need = _need(pod)
    if need:
        say = f"if it asks nothing of the API server, write {_KEY}: false"
        return view.finding(CARD, at, message, fix=Refusal("needs-token", f"{need}; {say}"))
    risk = "a program that asks the API server loses its token"
    fix = view.fix(pod, f"{_KEY}: false", Safety.REVIEW, risk, [set_in_spec(pod, _KEY, False)])
    return view.finding(CARD, at, message, fix=fix)


def _need(pod: Pod) -> str:
    """What says that the token is needed; "" where nothing does."""
    if pod.spec.get(_KEY) is True:
        return "somebody asked for the token"
    account = pod.spec.get("serviceAccountName") or pod.spec.get("serviceAccount") or "default"
    if account != "default":
        return f"the pod has the account {account} of its own"
    for member in pod.members:
        sign = next((sign for sign in _SIGNS if any(sign in text for text in _texts(member))), "")
        if sign:
            return f"{member.name} mentions {sign}"
    return ""


def _texts(member: Member) -> Iterator[str]:
    yield member.image
    yield from member.words
    for one in sequence(member.container.value.get("env")):
        value: Any = mapping(one).get("value")
        if isinstance(value, str):
            yield value
