"""Who an image that a manifest names runs as: what the configuration says, what a Dockerfile of the repository shows,
or what facts have verified. Nothing is guessed: an image that nobody knows stays unknown.
"""

from __future__ import annotations

from collections.abc import Callable

from fixer.config import Config, ImageConfig
from fixer.decide import Decision
from fixer.facts import ImageFacts, ImageRef, knowledge, untagged
from fixer.model import Refusal
from fixer.tuples import NamedTuple
from fixer.understand.users import number_of


class Made(NamedTuple):
    """A Dockerfile of the repository that makes an image.

    `decision` is what was decided about it; `moves` tells that this run takes it off root. `how` says how the two
    belong together, and `named` whether some file says so.
    """

    path: str
    decision: Decision
    moves: bool
    how: str
    named: bool


class Several(NamedTuple):
    """That several builds make an image, none of them nearer than the others; `candidates` tells which."""

    candidates: str


FindMade = Callable[[str], "Made | Several | None"]


class ImageUser(NamedTuple):
    """Who an image runs as, or could.

    `root` is None when nobody knows. `ready` tells that the image is not root by number, so that nothing but
    `runAsNonRoot` is needed; else `uid` and `gid` are those to write, None where they are not known: without a group
    the passwd entry of the image decides. `certain` is False where the evidence is not verified. `refusal` says why
    there is no number. `facts` are those of the image itself, `path` is the Dockerfile that makes it, and `steps_down`
    an entrypoint that needs root at its start. `risk` is what a person should look at, "" for nothing. `made` is what
    is known of that Dockerfile.
    """

    reference: str
    root: bool | None
    ready: bool = False
    uid: int | None = None
    gid: int | None = None
    certain: bool = False
    evidence: str = ""
    refusal: Refusal | None = None
    facts: ImageFacts | None = None
    path: str = ""
    steps_down: bool = False
    risk: str = ""
    made: Made | None = None

    @property
    def familiar(self) -> bool:
        """Whether somebody looked into the image: its Dockerfile is here, or facts on it were read in its sources."""
        return bool(self.path) or (self.facts is not None and self.facts.confidence != "inferred")

    @property
    def certain_user(self) -> bool:
        """Whether it is more than a guess who it runs as: by its Dockerfile, by facts, or by the image itself."""
        return bool(self.path) or (self.facts is not None and self.facts.certainty("user") != "inferred")

    @property
    def changes_user(self) -> bool:
        """Whether its program is known to start as root and to give that up by itself, which takes capabilities."""
        facts = self.facts
        if self.steps_down or facts is None or self.path:
            return self.steps_down
        return facts.runs_as_root is True and (facts.app_user is not None or facts.steps_down)


def image_user(reference: str, config: Config, find_made: FindMade) -> ImageUser:
    """Who an image runs as.

    Args:
        reference: the image as a manifest names it, after Kustomize renamed it.
        config: the configuration, whose `[images."name"]` counts before everything else.
        find_made: finds the Dockerfile of the repository that makes the image, or tells that it may be several.
    """
    chosen = configured_image(reference, config)
    facts = knowledge(config.inspected)(reference)
    if chosen.root_on_purpose:
        message = f"fixer.toml says that {reference} is root on purpose: {chosen.root_on_purpose}"
        return ImageUser(reference, True, refusal=Refusal("configured-root", message, reference), facts=facts)
    if chosen.user:
        uid, _, gid = chosen.user.partition(":")
        number = int(gid) if gid else int(uid)
        # a guess about the image that a person confirms is none any more
        root = False if facts is not None and facts.default_uid == int(uid) else None
        return ImageUser(reference, root, False, int(uid), number, True, "fixer.toml names this user", facts=facts)
    if not reference:
        return ImageUser(reference, None, refusal=Refusal("no-image", "the container names no image"))
    made = find_made(reference)
    if isinstance(made, Several):
        why = f"several builds may make {reference}, and nobody knows which of them does: {made.candidates}"
        return ImageUser(reference, None, refusal=Refusal("unknown-image", f"{why}; {_say(reference)}", reference))
    if made is not None:
        return _of_file(reference, made)._replace(made=made)
    return _of_facts(reference, facts, config)


def as_built(image: ImageUser) -> ImageUser:
    """An image as it is once it is built anew from a Dockerfile that this run takes off root."""
    moves = image.made is not None and image.made.moves
    return image._replace(root=False, ready=True) if moves else image


def gives_capabilities(image: ImageUser) -> str:
    """The Dockerfile of an image that gives capabilities to a program file (`setcap`); "" for none."""
    if image.made is None:
        return ""
    runs = (item for item in image.made.decision.image.body if item.keyword == "RUN")
    return image.made.path if any("setcap" in item.source[slice(*item.span)] for item in runs) else ""


def program_capabilities(image: ImageUser) -> tuple[str, ...]:
    """The capabilities that its program file is known to have of its own: where they are dropped, it does not start."""
    facts = image.made.decision.image.facts if image.made is not None else image.facts
    return facts.file_capabilities if facts is not None else ()


def configured_image(reference: str, config: Config) -> ImageConfig:
    """What the configuration says about an image: under its name as written, without its digest, without its tag."""
    if not config.images:
        return ImageConfig()
    names = [reference, reference.partition("@")[0]]
    try:
        ref = ImageRef.parse(reference)
        names += [str(ref), str(ref._replace(digest="")), str(ref._replace(digest="", tag=""))]
    except ValueError:
        pass
    names.append(untagged(reference))
    return next((config.images[name] for name in names if name in config.images), ImageConfig())


def _of_file(reference: str, made: Made) -> ImageUser:
    """What the Dockerfile shows that makes an image."""
    decision, user = made.decision, made.decision.image.user
    identity = decision.identity
    risk = "" if made.named else f"that {made.path} makes {reference} is told by its name alone"
    if made.moves and identity is not None:
        risk = f"the image must be built anew from {made.path}" + (f"; {risk}" if risk else "")
        evidence = f"{made.how}, which this change takes off root"
        gid = identity.uid if identity.gid is None and identity.new is not None else identity.gid
        return ImageUser(reference, True, False, identity.uid, gid, False, evidence, path=made.path, risk=risk)
    if decision.is_root or user.root is not False:
        return _rooted(reference, made)
    evidence = f"{made.how}, and runs as {user.text}"
    uid = identity.uid if identity is not None else None
    gid = identity.gid if identity is not None else None
    if user.numeric:
        return ImageUser(reference, False, True, uid, gid, not risk, evidence, path=made.path, risk=risk)
    if uid is None:
        known = number_of(decision.image, {decision.image.stage.index: decision.image}, user.name)
        if known is None or known.confidence != "verified":
            message = f"{made.path} makes this image as '{user.text}', whose number nobody knows"
            why = Refusal("number-unknown", message, reference)
            return ImageUser(reference, False, refusal=why, path=made.path, evidence=evidence)
        uid, gid = known.uid, known.gid
    return ImageUser(reference, False, False, uid, gid, not risk, evidence, path=made.path, risk=risk)


def _rooted(reference: str, made: Made) -> ImageUser:
    """An image of the repository that stays root, or of which only the build tells who it runs as."""
    decision = made.decision
    why = decision.refusal
    if why is None:
        root = decision.is_root
        message = "it runs as root; fix that file first" if root else "only its build tells who it runs as"
        why = Refusal("root-image" if root else "unknown-image", message)
    code = why.code if why.code in ("root-image", "unknown-image", "configured-root") else f"image-{why.code}"
    # it is no image of others, of which fixer.toml could tell something: the remedy is in that file
    refusal = Refusal(code, f"{made.path} makes this image: {why.message}")
    root_now = True if decision.is_root else None
    return ImageUser(reference, root_now, refusal=refusal, path=made.path, steps_down=why.code == "steps-down")


def _of_facts(reference: str, facts: ImageFacts | None, config: Config) -> ImageUser:
    """What is known about an image that others make."""
    if facts is None or facts.certainty("user") == "inferred":
        # a guess about a public image may well be right, and still must not decide whether a pod starts
        probably = ""
        if facts is not None and facts.runs_as_root is not None:
            probably = f" (probably {'root' if facts.runs_as_root else facts.default_user}, which nobody verified)"
        why = f"nobody knows who {reference} runs as{probably}; {_say(reference)}"
        if any(sign in reference for sign in ("$(", "${")):
            why = f"only a parameter tells which image {reference} is; write runAsUser where the parameter is set"
        return ImageUser(reference, None, refusal=Refusal("unknown-image", why, reference), facts=facts)
    if facts.family == "windows":
        windows = Refusal("windows", "this is a Windows image, which has no user 0")
        return ImageUser(reference, False, refusal=windows, facts=facts)
    verified = facts.certainty("user") == "verified"
    said = f"{reference} runs as {facts.default_user}{facts.told('user')}"
    if facts.runs_as_root is False:
        uid, gid = facts.default_uid, facts.default_gid
        risk = "" if verified else "the number is documented, not verified"
        if facts.default_user_is_numeric:
            return ImageUser(reference, False, True, uid, gid, verified, said, facts=facts, risk=risk)
        if uid is not None:
            return ImageUser(reference, False, False, uid, gid, verified, said, facts=facts, risk=risk)
        why = f"{reference} runs as '{facts.default_user}', whose number nobody knows; {_say(reference)}"
        return ImageUser(reference, False, refusal=Refusal("number-unknown", why, reference), facts=facts)
    if facts.runs_as_root is None:
        why = f"nobody knows who {reference} runs as; {_say(reference)}"
        if facts.lost_user:
            why = f"{reference} {facts.lost_user}; build it anew, or {_say(reference)}"
        return ImageUser(reference, None, refusal=Refusal("unknown-image", why, reference), facts=facts)
    return _root(reference, facts, config)


def _root(reference: str, facts: ImageFacts, config: Config) -> ImageUser:
    """A root image of others: with a user that works, where facts say that its makers meant it to run as one."""
    verified = facts.confidence == "verified"
    said = f"{reference} runs as root{facts.told('user')}"
    low = [port for port in facts.ports if port < 1024]
    user = facts.app_user
    if user is not None and not low and (facts.steps_down or facts.arbitrary_user):
        evidence = f"{said}, and ships user {user.name} ({user.uid}:{user.gid}) for its program"
        risk = f"the program no longer starts as root; files of its volumes must belong to {user.uid} or its fsGroup"
        return ImageUser(reference, True, False, user.uid, user.gid, verified, evidence, facts=facts, risk=risk)
    if facts.arbitrary_user and not low:
        evidence = f"{said}, and is made to run as any user"
        risk = "the program no longer starts as root"
        return ImageUser(reference, True, False, config.uid, config.gid, verified, evidence, facts=facts, risk=risk)
    other = f"; {facts.nonroot_variant} is not root" if facts.nonroot_variant else ""
    why = f"{reference} runs as root, and nobody verified a user that it works with{other}; {_say(reference)}"
    return ImageUser(
        reference,
        True,
        evidence=said,
        refusal=Refusal("root-image", why, reference),
        facts=facts,
        steps_down=facts.steps_down,
    )


def _say(reference: str) -> str:
    return f'tell who it works as with [images."{untagged(reference)}"] user = "1000:1000" in fixer.toml'
