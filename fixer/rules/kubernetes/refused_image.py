"""The kubelet will refuse to start the image.

## What it finds
A container for which `runAsNonRoot: true` holds and no `runAsUser`, and whose image is root, or names its user by a
word, as a Dockerfile of this repository or verified facts tell.

## Why it matters
The kubelet must know that the user of a container is not 0 before it starts it. An image that is root is refused with
"container has runAsNonRoot and image will run as root", one with a name with "cannot verify user is non-root". The pod
stays in CreateContainerConfigError.

## How safe the fix is
The number of the user comes into the manifest as `runAsUser` and `runAsGroup`, as root-allowed does it, and is `review`
like there. It is left where no user of the image is known to work; a variant of the image that is not root is told
then.

## References
Kubernetes, Configure a Security Context; Pod Security Standards, restricted: Running as Non-root.
"""

from __future__ import annotations

from collections.abc import Iterator

from fixer.model import Finding, Severity
from fixer.podusers import Seat
from fixer.rules.base import Card
from fixer.rules.pods import ManifestView, unprivileged
from fixer.understand.pods import Pod

CARD = Card(
    id="KS028",
    name="refused-image",
    title="The kubelet will refuse to start the image",
    severity=Severity.HIGH,
    standards=("PSS restricted: Running as Non-root",),
)


def check(view: ManifestView) -> Iterator[Finding]:
    """One finding for each container that cannot start."""
    for pod in view.pods:
        for seat in view.plan(pod).seats:
            if pod.effective(seat.member, "runAsNonRoot") is True and pod.user(seat.member) is None and _refused(seat):
                yield _finding(view, pod, seat)


def _refused(seat: Seat) -> bool:
    """Whether the image is known to be one that the kubelet does not start."""
    image = seat.image
    return image.certain_user and not image.ready and image.root is not None and image.uid != 0


def _finding(view: ManifestView, pod: Pod, seat: Seat) -> Finding:
    name, image = seat.member.name, seat.image
    what = "is root" if image.root else "names its user by a word"
    message = f"{view.names[pod.key]}: {name} must not be root, and its image {what}, so it does not start"
    at = pod.at(seat.member.path)
    fix = seat.refusal or view.user_fix(pod, seat.member, "write the number of its user")
    return view.finding(CARD, at, message, reason=image.evidence, fix=fix, alternatives=unprivileged(image))
