"""From what was seen of an image before and after a fix to a verdict. Nothing here runs anything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from posixpath import dirname, normpath

from fixer.evidence import Built, Cause, Denied, Kind, Port, Recipe, Seen, Trial, Verdict, Word
from fixer.tuples import NamedTuple
from fixer.understand.making import below
from fixer.verify.refusals import dispensable

# Ports from here on are those that a kernel hands out by chance.
_BY_CHANCE = 32768
_PRIVILEGED = 1024
_WANTS_NETWORK = re.compile(
    r"name resolution|could not resolve|name or service not known|getaddrinfo|ENOTFOUND|EAI_AGAIN|no such host"
    r"|network is unreachable|bad address|lookup .* (?:on|: )|unknown host|nodename nor servname|host not found"
    r"|connection refused|ECONNREFUSED|no route to host|ENETUNREACH",
    re.IGNORECASE,
)
_STEPS_DOWN = re.compile(
    r"\b(?:set(?:res)?[ug]id|setgroups|initgroups|seteuid|gosu|su-exec|setpriv|runuser)\b[^\n]*"
    r"(?:not permitted|denied|failed)"
    r"|must be (?:run|started) (?:as|by) root|must be root|can'?t drop privilege|need to be root|are you root",
    re.IGNORECASE,
)
_ACCOUNTS = re.compile(r"\b(?:useradd|adduser|groupadd|addgroup|usermod)\b")
_NO_USER = re.compile(r"unable to find user|no matching entries in passwd|unable to find group", re.IGNORECASE)
_NOT_THERE = re.compile(r"no such file or directory|not found|cannot find|ENOENT|can't open", re.IGNORECASE)
_REFUSED = re.compile(r"permission denied|EACCES|read-only file system|EROFS", re.IGNORECASE)
_NOT_PERMITTED = re.compile(r"operation not permitted|EPERM", re.IGNORECASE)
_BIND = re.compile(r"\bbind\b|\blisten", re.IGNORECASE)
_PORT = re.compile(r"(?::|port )(\d{1,5})\b")
_FILE = re.compile(r"(/[\w.@+-]+(?:/[\w.@+-]+)*)/?")
_LONGEST = 200
_NO_COMMAND = re.compile(r"no command (?:specified|or entrypoint)", re.IGNORECASE)
_WROTE = "by what it wrote"  # how what nobody was refused, but what root could write, was seen


class Pair(NamedTuple):
    """Two runs of one recipe on one kind of volumes, before and after."""

    before: Seen
    after: Seen


def judge(trial: Trial) -> Verdict:
    """The verdict on a trial: `holds` only where a run was seen, and nothing differs that was not meant to.

    What root's old files on a volume refuse is told as an observation: no fix in a file can hand them over.
    """
    word, reason, causes, observations = _weigh(trial)
    job = trial.job
    return Verdict(
        job.image,
        job.dockerfile,
        word,
        tuple(dict.fromkeys(observations)),
        tuple(_once(causes)),
        reason,
        trial.engine,
        trial.built_before.image_id,
        trial.built_after.image_id,
        job.rules,
    )


def _weigh(trial: Trial) -> tuple[Word, str, list[Cause], list[str]]:
    unbuilt = _unbuilt(trial)
    if unbuilt is not None:
        return unbuilt
    pairs = pairs_of(trial)
    if not pairs:
        return Word.NOT_PROVABLE, "the engine has seen no run of it", [], []
    for pair in pairs:
        why = _broken_before(pair.before)
        if why:
            where = _where(pair.before.recipe)
            if _excused(pair.before):
                return Word.NOT_PROVABLE, f"{where}{why}; {_excuse(pair.before)}", [], []
            return Word.BROKEN_BEFORE, f"{where}{why}", [], []
    causes = [cause for pair in pairs for cause in _causes(trial, pair)]
    observations = [text for pair in pairs for text in _observed(trial, pair)]
    observations += trial.built_after.notes
    if causes:
        return Word.BROKEN, "", causes, observations
    if not any(_shows_who(pair.after) for pair in pairs):
        return Word.NOT_PROVABLE, "it ended before anybody could see who runs", [], observations
    blind = next((pair.after.recipe for pair in pairs if pair.after.recipe.blind), None)
    if blind is not None:
        why = f"{_where(blind)}nothing differs, but it was tried without {_listed(blind.lacks)}"
        return Word.NOT_PROVABLE, why, [], observations
    return Word.HOLDS, "", [], observations


# --- builds -----------------------------------------------------------------------------------------------------------


def _unbuilt(trial: Trial) -> tuple[Word, str, list[Cause], list[str]] | None:
    before, after = trial.built_before, trial.built_after
    if not before.image_id:
        why = _unable(before)
        if why:
            return Word.NOT_PROVABLE, why, [], []
        return Word.BROKEN_BEFORE, _failure(before), [], []
    if after.image_id:
        return None
    why = _unable(after)
    if why:
        return Word.NOT_PROVABLE, f"as fixed, {why}", [], ["the original builds"]
    rule = "DF005" if _ACCOUNTS.search(f"{after.step} {after.error}") else ""
    if not rule and (_REFUSED.search(after.error) or _NOT_PERMITTED.search(after.error)):
        rule = "DF008"
    cause = Cause(
        Kind.BUILD, _short(after.step or after.error), f"the original builds, and as fixed {_failure(after)}", rule
    )
    return Word.BROKEN, "", [cause], ["the original builds"]


def _unable(built: Built) -> str:
    """Why a build cannot be made here, in words; "" where nothing says so."""
    if built.untried and not built.missing:
        return f"it cannot be built here: {_short(built.error) or 'the engine does not say why'}"
    if built.missing:
        return f"base image {built.missing} is not here, and cannot be had"
    if built.secret:
        return f"the build wants a secret{_in_step(built)}"
    if built.network:
        return f"the build wants a network{_in_step(built)}; --network opens it"
    return ""


def _in_step(built: Built) -> str:
    return f" in {_short(built.step)}" if built.step else ""


def _failure(built: Built) -> str:
    return f"the build fails{_in_step(built)}: {_short(built.error) or 'the engine does not say why'}"


# --- runs -------------------------------------------------------------------------------------------------------------


def pairs_of(trial: Trial) -> list[Pair]:
    """The runs that belong together; one on volumes that root has written has the fresh one of before beside it."""
    before = _by_recipe(trial.before, trial.job.before)
    after = _by_recipe(trial.after, trial.job.after)
    out = []
    for (number, volumes), seen in after.items():
        old = before.get((number, volumes)) or before.get((number, "fresh"))
        if old is not None:
            out.append(Pair(old, seen))
    lonely = [old for key, old in before.items() if key not in after and not any(old is pair.before for pair in out)]
    # what ran before and was not tried after has not been seen to hold
    return out + [Pair(old, old._replace(error="it was not tried as fixed")) for old in lonely]


def _by_recipe(seen: tuple[Seen, ...], recipes: tuple[Recipe, ...]) -> dict[tuple[int, str], Seen]:
    """Runs by the number of their recipe and their volumes; equal recipes are told apart by their order."""
    out: dict[tuple[int, str], Seen] = {}
    for one in seen:
        numbers = [n for n, recipe in enumerate(recipes) if recipe == one.recipe] or [0]
        number = next((n for n in numbers if (n, one.volumes) not in out), numbers[-1])
        out[number, one.volumes] = one
    return out


def _broken_before(seen: Seen) -> str:
    """What is wrong with the original, in words; "" for nothing."""
    if seen.error:
        return f"the original does not start: {_short(seen.error)}"
    if seen.exit_code:
        last = _last(seen)
        return f"the original ends with {seen.exit_code}{_after(seen)}" + (f": {last}" if last else "")
    if seen.health == "unhealthy":
        return "the health check of the original fails"
    if seen.smoke:
        return f"the smoke command fails on the original with {seen.smoke}"
    return ""


def _excused(seen: Seen) -> bool:
    return bool(seen.recipe.lacks or seen.absent) or _wants_network(seen) or _is_only_files(seen)


def _excuse(seen: Seen) -> str:
    missing = (*seen.recipe.lacks, *(f"the service {name}" for name in seen.absent))
    if _is_only_files(seen):
        return "it names no command, so that there is nothing to run"
    lacks = f"here it lacks {_listed(dict.fromkeys(missing))}" if missing else ""
    return lacks or "it wants a network or another service, which it has not got here"


def _is_only_files(seen: Seen) -> bool:
    """Whether an image is not there to be run: it only carries files."""
    return _NO_COMMAND.search(seen.error) is not None


def _wants_network(seen: Seen) -> bool:
    return bool(_WANTS_NETWORK.search("\n".join(seen.log)))


def _shows_who(seen: Seen) -> bool:
    return bool(seen.processes)


# --- differences ------------------------------------------------------------------------------------------------------


def _causes(trial: Trial, pair: Pair) -> list[Cause]:
    """What differs and was not meant to, what explains the rest first."""
    after = pair.after
    if after.volumes == "used":  # what root's files refuse there is no fault of the fix
        return [*_wrong_users(trial, pair), *_new_setuid(pair)]
    if after.error:
        return [_not_started(pair)]
    found = [*_wrong_users(trial, pair), *_refusals(trial, pair), *_new_setuid(pair)]
    ended = _ended(pair)
    if ended:
        if not found:
            return [_why_ended(trial, pair, ended)]
        return [found[0]._replace(message=f"{found[0].message}; {ended}"), *found[1:]]
    return [*found, *_ports(trial, pair), *_answers(pair)]


def _not_started(pair: Pair) -> Cause:
    error, where = pair.after.error, _where(pair.after.recipe)
    message = f"{where}it does not start: {_short(error)}"
    if _NO_USER.search(error):
        user = pair.after.recipe.user or "its user"
        return Cause(Kind.USER, user, message, "DF004")
    path = _path_in(error)
    if _REFUSED.search(error):
        return Cause(Kind.PATH, path, message, _rule_of_path(pair, path) if path else "")
    if _NOT_PERMITTED.search(error):
        return Cause(Kind.CAPABILITY, path or "start", message, _by_file(pair, "KS004", "CS004"))
    return Cause(Kind.MISSING if _NOT_THERE.search(error) else Kind.EXIT, path, message)


def _wrong_users(trial: Trial, pair: Pair) -> Iterator[Cause]:
    wanted = _promised(trial, pair.after.recipe)
    if not wanted:
        return
    where = _where(pair.after.recipe)
    for process in pair.after.processes:
        who = f"{process.uid}"
        if process.uid == 0:
            message = f"{where}{_short(process.command)} still runs as root, and {_listed(map(str, wanted))} was meant"
            yield Cause(Kind.USER, who, message, "DF001")
        elif process.uid not in wanted:
            message = f"{where}{_short(process.command)} runs as {who}, and {_listed(map(str, wanted))} was meant"
            yield Cause(Kind.USER, who, message, _by_file(pair, "KS029", "CS015", ""))


def _promised(trial: Trial, recipe: Recipe) -> tuple[int, ...]:
    """The uids that a recipe should run as after the fix; none where nobody promised any."""
    head = recipe.user.partition(":")[0]
    if head.isdecimal():
        return (int(head),) if int(head) else ()
    return trial.job.users if head != "root" else ()


def is_refused_a_path(pair: Pair) -> bool:
    """Whether a run as fixed was seen to be refused a path that the original may use, and that somebody names."""
    return any(one.kind is Kind.PATH and one.what for one in _newly_denied(pair))


def _newly_denied(pair: Pair) -> Iterator[Denied]:
    known = {(one.kind, one.what) for one in pair.before.denied}
    for one in pair.after.denied:
        if (one.kind, one.what) not in known and not _is_dispensable(one) and not _is_home_of_root(one):
            yield one


def _refusals(trial: Trial, pair: Pair) -> Iterator[Cause]:
    for one in _newly_denied(pair):
        yield _refused(trial, pair, one)


def _refused(trial: Trial, pair: Pair, one: Denied) -> Cause:
    where, seen = _where(pair.after.recipe), f" ({one.seen})" if one.seen else ""
    if one.kind is Kind.PATH and not one.what and _NOT_PERMITTED.search(one.seen):
        message = f"{where}it may not do what only root may{seen}"
        return Cause(Kind.CAPABILITY, "", message, _rule_of_capability(trial, pair, ""))
    if one.kind is Kind.PATH and not one.what and _lost_port(trial, pair):
        one = one._replace(kind=Kind.PORT)  # complaints about a port often name nothing at all
    if one.kind is Kind.PATH:
        message = f"{where}it may not use {one.what or 'a path that nobody names'}{seen}"
        return Cause(one.kind, one.what, message, _rule_of_path(pair, one.what))
    if one.kind is Kind.PORT:
        heard = {f"{port.number}" for port in pair.before.ports}
        port = one.what if one.what in heard else _lost_port(trial, pair) or one.what
        return Cause(
            one.kind,
            port,
            f"{where}it may not listen on {f'port {port}' if port else 'its port'}{seen}",
            _rule_of_port(pair),
        )
    if one.kind is Kind.USER:
        return Cause(one.kind, one.what, f"{where}it may not change its user: {one.what}{seen}", _rule_of_user(trial))
    if one.kind is Kind.CAPABILITY:
        message = f"{where}only root, or who has the capability, may do this: {one.what}{seen}"
        return Cause(one.kind, one.what, message, _rule_of_capability(trial, pair, one.what))
    if one.kind is Kind.MISSING:
        rule = "DF010" if one.what.startswith("/root") else ""
        return Cause(one.kind, one.what, f"{where}it does not find {one.what}{seen}", rule)
    return Cause(one.kind, one.what, f"{where}it was refused {one.what}{seen}")


def _lost_port(trial: Trial, pair: Pair) -> str:
    """The port that the original listens on, and that is closed now; "" where that is none, or several."""
    after = {one.number for one in pair.after.ports}
    lost = {one.number for one in pair.before.ports if trial.job.moved.get(one.number, one.number) not in after}
    low = sorted(number for number in lost if number < _PRIVILEGED)
    return f"{low[0]}" if len(low) == 1 else ""


def _is_dispensable(one: Denied) -> bool:
    return one.kind is Kind.PATH and dispensable(one.what)


def _is_home_of_root(one: Denied) -> bool:
    """Whether root wrote something in its home, where another user has a home of its own; nobody was refused that."""
    return one.kind is Kind.PATH and one.seen.startswith(_WROTE) and _below(one.what, "/root")


def _mount_of(recipe: Recipe, path: str) -> str | None:
    inside = (one.target for one in recipe.mounts if _below(path, one.target))
    return max(inside, key=len, default=None)


def _below(path: str, folder: str) -> bool:
    return below(normpath(path), normpath(folder))


def _rule_of_path(pair: Pair, path: str) -> str:
    """The rule whose fix lets a path be used: by a volume that everybody may write, by its group, or by its owner."""
    recipe = pair.after.recipe
    if _below(path, "/root"):
        return "DF010"
    if _mount_of(recipe, path) is not None:
        return _by_file(pair, "KS022", "CS013")
    if recipe.read_only:
        return _by_file(pair, "KS023", "CS014")
    return "DF007"


def _rule_of_port(pair: Pair) -> str:
    return _by_file(pair, "KS018", "DF009", "DF009")


def _rule_of_user(trial: Trial) -> str:
    return "DF017" if trial.job.dockerfile else ""


def _rule_of_capability(trial: Trial, pair: Pair, what: str) -> str:
    """A capability helps who is still root; others need no chown where the image has handed the folder over."""
    if any(one.uid == 0 for one in pair.after.processes):
        return _by_file(pair, "KS004", "CS004", "")
    return "DF007" if what.startswith(("chown", "chmod")) else _rule_of_user(trial)


def _by_file(pair: Pair, kubernetes: str, compose: str, image: str = "DF007") -> str:
    """The rule for the kind of file that a recipe comes from."""
    source = pair.after.recipe.source
    if not source:
        return image
    return compose if ": service " in source else kubernetes


def _new_setuid(pair: Pair) -> Iterator[Cause]:
    for path in sorted(set(pair.after.setuid) - set(pair.before.setuid)):
        yield Cause(Kind.USER, path, f"{_where(pair.after.recipe)}{path} is set-uid, and was not before", "DF013")


# --- how it ends ------------------------------------------------------------------------------------------------------


def _ended(pair: Pair) -> str:
    """How a run ends otherwise than the original, in words; "" where it does not."""
    before, after = pair.before.exit_code, pair.after.exit_code
    if before == after:
        return ""
    if after is None:
        return "it does not end any more"
    old = "stays up" if before is None else f"ends with {before}"
    return f"it ends with {after}{_after(pair.after)}, where the original {old}"


def _why_ended(trial: Trial, pair: Pair, ended: str) -> Cause:
    """What the last words of a log make of an end: the commonest reasons, else the end alone."""
    old = set(pair.before.log)
    new = [line for line in pair.after.log if line not in old]
    where = _where(pair.after.recipe)
    for line in new:
        path = _path_in(line)
        text = f"{where}{ended}: {_short(line)}"
        if _STEPS_DOWN.search(line):
            return Cause(Kind.USER, _short(line), text, "DF017")
        if _BIND.search(line) and (_REFUSED.search(line) or _NOT_PERMITTED.search(line)):
            port = _PORT.search(line)
            return Cause(Kind.PORT, port[1] if port else _lost_port(trial, pair), text, _rule_of_port(pair))
        if _REFUSED.search(line):
            return Cause(Kind.PATH, path, text, _rule_of_path(pair, path) if path else "DF007")
        if _NOT_PERMITTED.search(line):
            return Cause(Kind.CAPABILITY, _short(line), text, _rule_of_capability(trial, pair, line))
        if _NOT_THERE.search(line):
            return Cause(Kind.MISSING, path, text, "DF010" if path.startswith("/root") else "")
    last = _last(pair.after)
    return Cause(Kind.EXIT, str(pair.after.exit_code), f"{where}{ended}" + (f": {last}" if last else ""))


def _after(seen: Seen) -> str:
    return f" after {seen.seconds:.1f} s" if seen.seconds else ""


def _last(seen: Seen) -> str:
    return next((_short(line) for line in reversed(seen.log) if line.strip()), "")


def _path_in(text: str) -> str:
    found = _FILE.search(text)
    return found[1] if found is not None else ""


# --- what it answers --------------------------------------------------------------------------------------------------


def _steady(ports: tuple[Port, ...]) -> dict[tuple[int, str], Port]:
    return {(one.number, one.protocol): one for one in ports if one.number < _BY_CHANCE}


def _ports(trial: Trial, pair: Pair) -> Iterator[Cause]:
    where, moved = _where(pair.after.recipe), trial.job.moved
    before, after = _steady(pair.before.ports), _steady(pair.after.ports)
    for (number, protocol), old in sorted(before.items()):
        place = moved.get(number, number)
        new = after.pop((place, protocol), None)
        if new is None:
            instead = f", and {place} was meant" if place != number else ""
            rule = _rule_of_port(pair) if number < _PRIVILEGED else ""
            yield Cause(Kind.PORT, f"{number}", f"{where}nothing listens on port {place} any more{instead}", rule)
        elif old.status != new.status:
            message = f"{where}port {place} answers GET / with {_status(new)}, and the original with {_status(old)}"
            yield Cause(Kind.ANSWER, f"{place}", message)
    for number, protocol in sorted(after):
        yield Cause(Kind.PORT, f"{number}", f"{where}it listens on {protocol} port {number}, as the original does not")


def _status(port: Port) -> str:
    return "nothing" if port.status is None else f"{port.status}"


def _answers(pair: Pair) -> Iterator[Cause]:
    where, before, after = _where(pair.after.recipe), pair.before, pair.after
    if before.health != after.health and "unhealthy" in (before.health, after.health):
        yield Cause(Kind.ANSWER, "health check", f"{where}the health check says {after.health or 'nothing'}")
    elif before.health == "healthy" != after.health:
        yield Cause(Kind.ANSWER, "health check", f"{where}the health check says nothing, and said healthy")
    if before.smoke != after.smoke:
        end = "was not run" if after.smoke is None else f"ends with {after.smoke}"
        yield Cause(Kind.ANSWER, "smoke command", f"{where}the smoke command {end}, and passes on the original")


# --- what was seen ----------------------------------------------------------------------------------------------------


def _observed(trial: Trial, pair: Pair) -> Iterator[str]:
    """What was seen of one run as fixed, beside the original, in sentences."""
    before, after = pair.before, pair.after
    where = _where(after.recipe)
    if after.volumes == "used":
        yield from _on_old_files(pair)
        return
    if after.error:
        return
    if after.processes:
        yield f"{where}runs as {_who(after)}, before as {_who(before)}"
    if after.exit_code is None:
        same = ", as before" if before.exit_code is None else ""
        yield f"{where}still up after {after.seconds:.0f} s{same}"
    elif before.exit_code == after.exit_code:
        yield f"{where}ends with {after.exit_code}, as before"
    yield from _heard(trial, pair, where)
    if after.health and after.health == before.health:
        yield f"{where}{after.health}, as before"
    if after.smoke == 0 == before.smoke:
        yield f"{where}the smoke command passes, as before"
    if not any(not _is_dispensable(one) for one in after.denied):
        yield f"{where}nothing was refused"
    if after.recipe.lacks:
        yield f"{where}tried without {_listed(after.recipe.lacks)}"
    yield from (f"{where}{_short(note)}" for note in after.notes)


def _heard(trial: Trial, pair: Pair, where: str) -> Iterator[str]:
    old, new = _steady(pair.before.ports), _steady(pair.after.ports)
    for (number, protocol), port in sorted(old.items()):
        place = trial.job.moved.get(number, number)
        other = new.get((place, protocol))
        if other is None:
            continue
        moved = f" ({number} before)" if place != number else ""
        answer = f" and answers GET / with {other.status}" if other.status is not None else ""
        same = ", as before" if not moved and other.status == port.status else ""
        yield f"{where}listens on {protocol} port {place}{moved}{answer}{same}"


def _who(seen: Seen) -> str:
    if not seen.processes:
        return "nobody that was seen"
    users = Counter((one.uid, one.gid) for one in seen.processes)
    rows = [
        f"{uid}:{gid}" + (f" ({number} processes)" if number > 1 else "")
        for (uid, gid), number in sorted(users.items())
    ]
    return _listed(rows)


def _on_old_files(pair: Pair) -> Iterator[str]:
    """What the files of root on a volume refuse, with the command that hands them over."""
    recipe = pair.after.recipe
    where = f"{_where(recipe)}on volumes that root has written"
    user = recipe.user or next((f"{one.uid}:{one.gid}" for one in pair.after.processes if one.uid), "its user")
    folders: dict[str, str] = {}
    known = {(one.kind, one.what) for one in pair.before.denied}
    for one in pair.after.denied:
        if one.kind is Kind.PATH and one.what and (one.kind, one.what) not in known:
            folders.setdefault(_mount_of(recipe, one.what) or dirname(one.what), one.what)
    for folder, path in folders.items():
        yield f"{where}, it may not use {path}; once, as root: chown -R {user} {folder}"
    ended = pair.after.error or _ended(pair)
    if ended and not folders:
        everything = " ".join(one.target for one in recipe.mounts if one.kind == "volume") or "its volumes"
        yield f"{where}, {_short(ended)}; once, as root: chown -R {user} {everything}"
    elif not ended and not folders:
        yield f"{where}, it goes on as on new ones"


# --- words ------------------------------------------------------------------------------------------------------------


def _where(recipe: Recipe) -> str:
    return f"{recipe.source}: " if recipe.source else ""


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _short(text: str) -> str:
    one = " ".join(text.split())
    return one if len(one) <= _LONGEST else f"{one[:_LONGEST]}..."


def _once(causes: list[Cause]) -> Iterator[Cause]:
    """Each cause once, however many runs show it; of the paths of one folder the first, which stands for all."""
    seen: set[tuple[str, str, str]] = set()
    folders: list[str] = []
    for cause in causes:
        path = cause.what if cause.kind is Kind.PATH else ""
        key = (cause.kind, cause.what, cause.rule)
        if key in seen or (path and any(_below(path, folder) for folder in folders)):
            continue
        seen.add(key)
        folders += [one for one in (path, dirname(path)) if one.count("/") > 1]
        yield cause
