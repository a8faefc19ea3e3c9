"""The account files out of layers: as an engine would lay them, and never more than makes sense."""

from __future__ import annotations

import contextlib
import gzip
import io
import posixpath
import tarfile
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from fixer.inspecting import Unseen
from fixer.inspecting.configuration import Files
from fixer.inspecting.layers import Accounts, Unpacked, accounts
from fixer.inspecting.tarred import Broken, Tar, clean
from tests.inspecting.made import GROUP, PACKINGS, PASSWD, tar

BASE = tar(("etc", None), ("etc/passwd", PASSWD), ("etc/group", GROUP))
OTHER = "other:x:7:7::/:\n"


def reading(data: bytes) -> Callable[[Accounts], None]:
    return lambda found: found.add(io.BytesIO(data))


def read(*layers: bytes) -> Files:
    """Read layers, the lowest first, as a manifest lists them."""
    return accounts([reading(layer) for layer in reversed(layers)])


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("lead", ["", "./", "/"])
def test_files_are_found(packing: str, kind: int, lead: str) -> None:
    layer = tar((f"{lead}etc/passwd", PASSWD), (f"{lead}etc/group", GROUP), kind=kind)
    assert read(PACKINGS[packing](layer)) == Files(PASSWD, GROUP)


@pytest.mark.parametrize(
    ("upper", "passwd"),
    [
        ([("opt/etc/passwd-not", "x")], PASSWD),
        ([("etc/passwd", OTHER)], OTHER),
        ([("etc/passwd", "first"), ("etc/passwd", OTHER)], OTHER),
        ([("etc/.wh.passwd", "")], None),
        ([("etc/.wh.passwd", ""), ("etc/passwd", OTHER)], OTHER),
        ([("etc/passwd", OTHER), ("etc/.wh.passwd", "")], OTHER),
        ([("etc/.wh..wh..opq", "")], None),
        ([(".wh..wh..opq", "")], None),
        ([(".wh.etc", "")], None),
        ([("etc/.wh.shadow", "")], PASSWD),
        ([("etc/passwd", "-> group")], GROUP),
        ([("etc/passwd", "-> /etc/group")], GROUP),
        ([("etc/passwd", "-> ../../../etc/group")], GROUP),
        ([("etc/passwd", "=> etc/group")], GROUP),
        ([("usr/etc/passwd", OTHER), ("etc", "-> usr/etc")], OTHER),
        ([("etc/passwd-", OTHER), ("etc/passwd", "=> etc/passwd-")], OTHER),
        ([("etc/passwd", None)], None),
    ],
)
def test_the_uppermost_decides(upper: list[tuple[str, str | None]], passwd: str | None) -> None:
    layer = tar(*upper)
    assert read(BASE, layer).passwd == passwd


def test_what_lies_below_a_whiteout_stays_hidden() -> None:
    assert read(BASE, tar(("etc/.wh.passwd", "")), tar(("opt/x", ""))).passwd is None
    assert read(BASE, tar((".wh.etc", "")), tar(("etc/passwd", OTHER))) == Files(OTHER, None)


def test_an_image_without_accounts_has_none() -> None:
    assert read(tar(("app", b"\x7fELF"))) == Files(None, None)
    assert read() == Files(None, None)


@pytest.mark.parametrize(
    "entries",
    [
        [("etc/passwd", "-> group"), ("etc/group", "-> passwd")],
        [("etc/passwd", "-> passwd")],
        [("etc/passwd", "-> /nix/store/abc")],
        [("etc/passwd", "=> opt/elsewhere"), ("opt/elsewhere", PASSWD)],
        [("etc/passwd", b"x" * 1_100_000)],
    ],
)
def test_what_leads_nowhere_is_told(entries: list[tuple[str, str | bytes]]) -> None:
    with pytest.raises(Unseen) as caught:
        read(tar(*entries))
    assert caught.value.reason == "image-invalid"


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("cut", [1, 3, 300, 600, 1100])
def test_a_layer_that_ends_too_early_is_told(packing: str, cut: int) -> None:
    layer = PACKINGS[packing](BASE)
    if cut < len(layer):
        with pytest.raises(Unseen, match="a layer is damaged"):
            read(layer[:cut])
    else:
        assert len(layer) <= 1100


@pytest.mark.parametrize("data", [b"\x1f\x8bnot gzip at all", b"\x28\xb5\x2f\xfdneither zstd", b"x" * 2048])
def test_what_is_no_layer_is_told(data: bytes) -> None:
    with pytest.raises(Unseen, match="a layer is damaged"):
        read(data)


def bomb(size: int, kind: bytes) -> bytes:
    info = tarfile.TarInfo("etc/x")
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_a_header_that_is_too_large_is_not_read(kind: bytes) -> None:
    with pytest.raises(Unseen, match="an extended header is too large"):
        read(bomb(1 << 40, kind))


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_bomb_stops_at_its_bound(packing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixer.inspecting.layers._MOST_UNPACKED", 10 << 20)
    layer = PACKINGS[packing](bomb(64 << 20, b"0") + bytes(64 << 20))
    assert len(layer) < 1 << 17
    with pytest.raises(Unseen, match="unpacks to more than"):
        read(layer)


def test_too_many_entries_stop_at_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixer.inspecting.layers._MOST_ENTRIES", 50)
    with pytest.raises(Unseen, match="more than four million entries"):
        read(bomb(0, b"0") * 60)


def test_too_much_to_keep_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixer.inspecting.layers._MOST_KEPT", 5000)
    many = [(f"etc/{n}", "x" * 1000) for n in range(10)]
    assert read(tar(("etc/passwd", PASSWD), ("etc/group", GROUP), *many)) == Files(PASSWD, GROUP)
    with pytest.raises(Unseen, match="is too large"):
        read(tar(*many, ("etc/passwd", PASSWD)))


def test_a_window_that_is_too_large_is_refused() -> None:
    wide = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=True)
    layer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    data = layer.compress(BASE) + layer.flush()
    with pytest.raises(Unseen, match="a layer is damaged"):
        read(data)


def test_several_members_of_gzip_are_one_layer() -> None:
    assert read(gzip.compress(BASE[:700]) + gzip.compress(BASE[700:]) + bytes(100)).passwd == PASSWD


# --- tar against the standard library ---------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=60)
PATHS = st.lists(NAMES, min_size=1, max_size=6).map("/".join)
ENTRIES = st.lists(st.tuples(PATHS, st.one_of(st.none(), st.binary(max_size=2000))), max_size=8)


@settings(deadline=None)
@given(ENTRIES, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
def test_archives_are_read_as_the_standard_library_does(entries: list[tuple[str, bytes | None]], kind: int) -> None:
    data = tar(*entries, kind=kind)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        expected = [(clean(m.name), m.isdir(), (f.read() if (f := archive.extractfile(m)) else b"")) for m in archive]
    mine = Tar(io.BytesIO(data))
    assert [(entry.path, entry.kind == "folder", mine.content()) for entry in mine.entries()] == expected


@settings(deadline=None)
@given(st.binary(max_size=3000), st.integers(0, 3000), st.binary(min_size=1, max_size=40))
def test_whatever_comes_is_read_or_refused(noise: bytes, at: int, other: bytes) -> None:
    for data in (noise, BASE[:at] + other + BASE[at + len(other) :]):
        with contextlib.suppress(Unseen):
            read(data)


@settings(deadline=None)
@given(st.binary(max_size=5000), st.sampled_from(sorted(PACKINGS)), st.integers(1, 700))
def test_unpacking_gives_back_what_was_packed(data: bytes, packing: str, size: int) -> None:
    data = b"...." + data  # which is no magic number of a packing
    stream = Unpacked(io.BytesIO(PACKINGS[packing](data)))
    pieces: list[bytes] = []
    while piece := stream.read(size):
        assert len(piece) <= size
        pieces.append(piece)
    assert b"".join(pieces) == data


# --- overlays against a file system in memory -------------------------------------------------------------------------

STEPS = st.one_of(
    st.tuples(st.just("etc/passwd"), st.sampled_from(["a", "b", "c"])),
    st.tuples(st.just("etc/group"), st.sampled_from(["d", "e"])),
    st.tuples(st.sampled_from(["etc/.wh.passwd", "etc/.wh.group", ".wh.etc", "etc/.wh..wh..opq"]), st.just("")),
)


def laid(layers: list[list[tuple[str, str]]]) -> dict[str, str]:
    """Lay layers over each other: first what a layer hides, then what it has."""
    files: dict[str, str] = {}
    for layer in layers:
        for path, _ in layer:
            folder, name = posixpath.split(path)
            if name == ".wh..wh..opq":
                files = {p: c for p, c in files.items() if not p.startswith(f"{folder}/")}
            elif name.startswith(".wh."):
                gone = posixpath.join(folder, name[4:])
                files = {p: c for p, c in files.items() if p != gone and not p.startswith(f"{gone}/")}
        files |= {path: content for path, content in layer if ".wh." not in path}
    return files


@settings(deadline=None)
@given(st.lists(st.lists(STEPS, max_size=4), max_size=5))
def test_layers_are_laid_as_a_file_system_would(layers: list[list[tuple[str, str]]]) -> None:
    expected = laid(layers)
    found = read(*(tar(*layer) for layer in layers))
    assert found == Files(expected.get("etc/passwd"), expected.get("etc/group"))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [(slice(124, 136), b"9" * 11 + b"\0", "a size is no number"), (slice(0, 4), b"abcd", "a checksum is wrong")],
)
def test_headers_that_lie_are_told(field: slice, value: bytes, words: str) -> None:
    header = bytearray(bomb(0, b"0"))
    header[field] = value
    with pytest.raises(Broken, match=words):
        list(Tar(io.BytesIO(bytes(header))).entries())


def test_large_and_negative_sizes() -> None:
    big = bytearray(bomb((1 << 40), b"0"))
    with pytest.raises(Broken, match="ends too early"):
        list(Tar(io.BytesIO(bytes(big))).entries())
    big[124:136] = b"\xff" * 12
    with pytest.raises(Broken, match="a size is no number"):
        list(Tar(io.BytesIO(bytes(big))).entries())
