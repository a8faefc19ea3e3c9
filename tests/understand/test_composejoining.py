"""Two descriptions of one service as one."""

from __future__ import annotations

from typing import Any

import pytest

from fixer.errors import Unreadable
from fixer.understand.composejoining import joined


@pytest.mark.parametrize(
    ("below", "own", "both"),
    [
        (["data:/data"], ["other:/data/"], ["other:/data/"]),
        (["data:/data:ro", "a1:/a"], [{"target": "/data"}], [{"target": "/data"}, "a1:/a"]),
        (["/data"], ["data:/data"], ["data:/data"]),
        (["data:${AT}"], ["other:${AT}"], ["data:${AT}", "other:${AT}"]),
        (["${FROM}:/data"], ["${FROM:-a:b}:/data"], ["${FROM}:/data", "${FROM:-a:b}:/data"]),
        ([r"C:\x:/data"], [r"C:\x:/more"], [r"C:\x:/data", r"C:\x:/more"]),
        ([r"C:\x:/data"], [r"C:\y:/data:ro"], [r"C:\y:/data:ro"]),
        ([{"type": "tmpfs"}], [{"type": "volume"}], [{"type": "tmpfs"}, {"type": "volume"}]),
    ],
)
def test_what_is_mounted_at_one_place_is_mounted_once(below: list[Any], own: list[Any], both: list[Any]) -> None:
    assert joined({"volumes": below}, {"volumes": own}) == {"volumes": both}


@pytest.mark.parametrize(
    ("key", "below", "own", "both"),
    [
        ("extra_hosts", {"a": ["1", "2"]}, ["a=1", "b=3"], ["a=1", "a=2", "b=3"]),
        ("deploy", {"labels": ["a=1"]}, {"labels": {"b": 2}}, {"labels": {"a": "1", "b": 2}}),
        ("build", "web", {"additional_contexts": ["a=b"]}, {"context": "web", "additional_contexts": ["a=b"]}),
        ("networks", ["a"], {"b": {"aliases": ["c"]}}, {"a": None, "b": {"aliases": ["c"]}}),
        ("security_opt", ["a=1"], ["a=2"], ["a=1", "a=2"]),
    ],
)
def test_the_forms_of_a_setting_are_one(key: str, below: Any, own: Any, both: Any) -> None:
    assert joined({key: below}, {key: own}) == {key: both}


def test_a_list_and_a_map_without_names_are_refused() -> None:
    with pytest.raises(Unreadable, match="cap_add is of another kind in what lies below it"):
        joined({"cap_add": ["CHOWN"]}, {"cap_add": {"CHOWN": True}})


def test_neither_of_two_maps_changes() -> None:
    below, own = {"a": {"b": [1]}}, {"a": {"b": [2]}}
    assert joined(below, own) == {"a": {"b": [1, 2]}}
    assert (below, own) == ({"a": {"b": [1]}}, {"a": {"b": [2]}})
