"""A traced run beside the judged ones: it shows which writes a program is refused without saying so.

A tracer slows a program down and takes away what set-uid files give, so that nothing else is concluded from such a run,
and nothing at all from one that goes otherwise than the same run without a tracer.
"""

from __future__ import annotations

from collections.abc import Callable

from fixer.evidence import Recipe, Seen
from fixer.tuples import NamedTuple
from fixer.verify import calls, files
from fixer.verify.api import Refused
from fixer.verify.judge import Pair, is_refused_a_path
from fixer.verify.run import Before, Runner
from fixer.verify.said import tidy
from fixer.verify.tracer import CALLS, FOLDER, Tracer, Untraced, around, tracer

_MOST_CALLS = 16 << 20  # bytes of a trace
_MOST_PROGRAMS = 40  # whose permissions are asked
_NONE = "a trace of its calls shows no refused write"
_SAME = "a trace of its calls shows no refused write that the original is allowed"


class Side(NamedTuple):
    """One side of a trial: who runs it, an image, how it is started, and what was seen of it without a tracer."""

    runner: Runner
    image: str
    recipe: Recipe
    seen: Seen


def seen_with_trace(before: Side, after: Side, say: Callable[[str], None]) -> Seen:
    """What was seen of a fixed image, with what a trace of its calls adds, or a note why there is none.

    The original is traced too, where the fixed one was refused something. Nothing is run where a refused path is known
    already, or where one of the sides does not start.
    """
    if not _is_wanted(before.seen, after.seen):
        return after.seen
    try:
        tool = tracer(after.runner.api.system, after.runner.api.machine, after.runner.beginning)
        say("runs with the fix, under strace")
        new = _traced(after, tool)
        if not calls.refused(new, after.seen.written):
            return _noted(after.seen, _NONE)
        _check_set_uid(after, new)
        say("runs as it was, under strace")
        lost = calls.lost(new, _traced(before, tool), after.seen.written)
    except Untraced as why:
        return _noted(after.seen, f"its calls were not traced: {why}")
    if not lost.denied:
        return _noted(after.seen, *(lost.notes or (_SAME,)))
    return _noted(after.seen, *lost.notes)._replace(denied=(*after.seen.denied, *lost.denied))


def _is_wanted(before: Seen, after: Seen) -> bool:
    return not (before.error or before.exit_code or after.error or is_refused_a_path(Pair(before, after)))


def _noted(seen: Seen, *notes: str) -> Seen:
    return seen._replace(notes=(*seen.notes, *notes))


def _traced(side: Side, tool: Tracer) -> calls.Told:
    """What a side does, call by call.

    Raises:
        Untraced: when it cannot be traced, or goes otherwise with a tracer.
    """
    runner = side.runner
    try:
        found = runner.api.image(side.image)
        config = found.get("Config") or {}
        if found.get("Architecture") not in (runner.api.machine, None, ""):
            raise Untraced(f"the image is made for {tidy(str(found['Architecture']), 20)}")
        recipe = around(tool, side.recipe, config)
        volume = runner.filled(side.image, tool.tar)
        try:
            log = _run(side, recipe, volume)
            data = runner.kept(side.image, volume, CALLS, _MOST_CALLS)
        finally:
            runner.forget(volume)
    except Refused as problem:
        raise Untraced(str(problem)) from None
    if data is None:
        raise Untraced("they are too many, or were not kept")
    told = calls.read(files.text(data), side.recipe.workdir or str(config.get("WorkingDir") or "/"))
    if not told.programs:
        raise Untraced(next((line for line in log if line.startswith("strace: ")), "strace has told nothing"))
    return told


def _run(side: Side, recipe: Recipe, volume: str) -> tuple[str, ...]:
    """Run a side under a tracer for as long as without; its log.

    Raises:
        Untraced: when it ends otherwise, or does not listen where it did.
    """
    usual = side.seen
    heard = {port.number for port in usual.ports if port.protocol == "tcp"}
    length = Before((), usual.seconds, usual.exit_code is not None, len(heard))
    seen = side.runner.run(side.image, recipe, {FOLDER: volume}, length).seen
    if seen.error or seen.exit_code != usual.exit_code:
        last = seen.error or next(iter(seen.log[-1:]), "")
        raise Untraced(
            f"with strace, {_end(seen)}, and without, {_end(usual)}" + (f" ({tidy(last, 120)})" if last else "")
        )
    if heard - {port.number for port in seen.ports}:
        raise Untraced("with strace, it does not listen on all of its ports")
    return seen.log


def _end(seen: Seen) -> str:
    if seen.error:
        return "it does not start"
    return "it stays up" if seen.exit_code is None else f"it ends with {seen.exit_code}"


def _check_set_uid(side: Side, told: calls.Told) -> None:
    """See that no right was missed that the tracer alone has taken away.

    Raises:
        Untraced: when one may have been.
    """
    if side.recipe.no_new_privileges or not any(one.uid for one in side.seen.processes):
        return
    found = side.runner.set_uid(side.image, told.programs[:_MOST_PROGRAMS])
    if found:
        raise Untraced(f"{tidy(found[0], 100)} is set-uid, which has no effect under strace")
