from __future__ import annotations

import pytest

from fixer.understand.modes import closed, set_gid, set_uid, world_writable

OPEN = {
    "777": "755",
    "0777": "0755",
    "666": "644",
    "776": "754",
    "774": None,
    "722": "700",
    "4777": "4755",
    "2777": "2775",
    "a+rwx": "u+rwx,go+rx",
    "a+w": "u+w",
    "o+w": "u+w",
    "go+rwX": "u+rwX,go+rX",
    "ugo+rwx": "u+rwx,go+rx",
    "a=rwx": "u=rwx,go=rx",
    "o=rw": "u+rw,o=r",
    "u+x,o+w": "u+x,u+w",
    "u+s,a+rwx": "u+s,u+rwx,go+rx",
}


@pytest.mark.parametrize(("mode", "shut"), OPEN.items())
def test_what_everybody_may_write_is_closed(mode: str, shut: str | None) -> None:
    assert world_writable(mode) is (shut is not None)
    if shut is not None:
        assert closed(mode) == shut
        assert not world_writable(shut)


WELL = (
    "755",
    "1777",
    "01777",
    "+w",
    "u+w",
    "g+w",
    "o-w",
    "a-rwx",
    "a+rwxt",
    "a+r",
    "o=",
    "u=rwx,go=rx",
    "x",
    "888",
    "",
)


@pytest.mark.parametrize("mode", WELL)
def test_what_is_well(mode: str) -> None:
    assert not world_writable(mode)


def test_two_signs_in_one_clause_are_found_and_not_rewritten() -> None:
    assert world_writable("a-x+w")
    assert closed("a-x+w") is None


@pytest.mark.parametrize(("mode", "uid", "gid"), [
    ("4755", True, False), ("2755", False, True), ("6755", True, True), ("755", False, False), ("u+s", True, False),
    ("g+s", False, True), ("+s", True, True), ("a-s", False, False), ("ug+s", True, True), ("o+s", False, False),
])  # fmt: skip
def test_bits_that_change_the_caller(mode: str, uid: bool, gid: bool) -> None:
    assert (set_uid(mode), set_gid(mode)) == (uid, gid)
