"""File modes as people write them: who may write, and the same mode without that."""

from __future__ import annotations

from fixer.lazy import regex

_OTHERS_WRITE = 0o002
_GROUP_WRITE = 0o020
_SET_GID = 0o2000
_SET_UID = 0o4000
_STICKY = 0o1000
_NUMBER = regex(r"[0-7]{1,5}")
_CLAUSE = regex(r"(?P<who>[ugoa]*)(?P<actions>(?:[-+=][rwxXst]*)+)")
_ACTION = regex(r"([-+=])([rwxXst]*)")
_READ_AND_START = 0o5
# A symbolic mode that takes from others, or gives to the owner alone, what one must have to read or start a file.
_KEEPS_OUT = regex(r"(?:u=?\+?[rwx]+,)?(?:go|o|g?o)(?:=|-[rwx]*[rx][rwx]*)|u\+x|u=[rwx]*x")


def number(mode: str) -> int | None:
    """The value of an octal mode, or None for a symbolic one."""
    return int(mode, 8) if _NUMBER.fullmatch(mode) else None


def keeps_out(mode: str) -> bool:
    """Whether a mode keeps others from reading or starting what its owner can read or start."""
    value = number(mode)
    return bool(_KEEPS_OUT.fullmatch(mode)) if value is None else bool(value >> 6 & _READ_AND_START & ~value)


def lets_in(mode: str) -> bool:
    """Whether a mode lets others read what its owner can read, whatever the mode was before."""
    value = number(mode)
    if value is not None:
        return not keeps_out(mode)
    return any("r" in rights and (not who or bool({"o", "a"} & set(who))) for who, rights in _given(mode))


def world_writable(mode: str) -> bool:
    """Whether the mode lets everybody write; a folder with the sticky bit, such as /tmp, is meant to."""
    value = number(mode)
    if value is not None:
        return bool(value & _OTHERS_WRITE) and not value & _STICKY
    if any("t" in rights for _, rights in _given(mode)):
        return False
    return any(_opens(who, rights) for who, rights in _given(mode))


def _opens(who: str, rights: str) -> bool:
    return "w" in rights and bool({"o", "a"} & set(who))


def _given(mode: str) -> list[tuple[str, str]]:
    """To whom a symbolic mode gives which rights; nobody (an empty word) means all, within the umask."""
    found = [_CLAUSE.fullmatch(clause) for clause in mode.split(",")]
    return [
        (clause["who"], rights)
        for clause in found
        if clause is not None
        for sign, rights in _ACTION.findall(clause["actions"])
        if sign != "-"
    ]


def closed(mode: str) -> str | None:
    """The mode without write access for others (and for the group that has it likewise); None when unclear.

    What others could write, the owner can: `o+w` becomes `u+w`.
    """
    value = number(mode)
    if value is not None:
        kept = value & ~_OTHERS_WRITE
        return f"{kept if value & _SET_GID else kept & ~_GROUP_WRITE:0{len(mode)}o}"
    parts: list[str] = []
    for clause in mode.split(","):
        found = _CLAUSE.fullmatch(clause)
        actions = _ACTION.findall(found["actions"]) if found is not None else []
        if found is None or (len(actions) > 1 and world_writable(clause)):
            return None
        sign, rights = actions[0]
        opens = sign != "-" and _opens(found["who"], rights)
        parts.append(_closed_clause(found["who"], sign, rights) if opens else clause)
    return ",".join(parts)


def _closed_clause(who: str, sign: str, rights: str) -> str:
    others = "go" if "a" in who else who.replace("u", "")
    owner = f"u{'=' if sign == '=' and set('ua') & set(who) else '+'}{rights}"
    left = rights.replace("w", "")
    return f"{owner},{others}{sign}{left}" if left or sign == "=" else owner


def set_uid(mode: str) -> bool:
    """Whether the mode makes a program run as its owner."""
    return _special(mode, _SET_UID, "u")


def set_gid(mode: str) -> bool:
    """Whether the mode makes a program run as its group (or a folder hand its group down)."""
    return _special(mode, _SET_GID, "g")


def _special(mode: str, bit: int, letter: str) -> bool:
    value = number(mode)
    if value is not None:
        return bool(value & bit)
    return any("s" in rights and (not who or {letter, "a"} & set(who)) for who, rights in _given(mode))
