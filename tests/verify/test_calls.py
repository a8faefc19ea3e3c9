"""What strace prints, in the words that version 6.1 uses, and what is made of it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixer.evidence import Denied, Kind
from fixer.verify.calls import Call, Told, lost, read, refused

NO = "= -1 EACCES (Permission denied)"
LINES = {
    f'1 openat(AT_FDCWD</app>, "db", O_RDWR|O_CREAT, 0644) {NO}': Call("open", "/app/db", "EACCES", "O_RDWR|O_CREAT"),
    f'1 openat(5</srv/x>, "../y", O_WRONLY|O_TRUNC) {NO}': Call("open", "/srv/y", "EACCES", "O_WRONLY|O_TRUNC"),
    '1 open("/x", O_RDONLY|O_CREAT, 0600) = -1 EROFS (Read-only file system)': Call("open", "/x", "EROFS", "O_CREAT"),
    '1 openat2(AT_FDCWD</>, "x", {flags=O_WRONLY|O_APPEND, resolve=0}, 24) = 3</x>': Call(
        "open", "/x", "", "O_WRONLY|O_APPEND"
    ),
    '12    creat("made", 0600)               = 9</srv/made>': Call("open", "/srv/made"),
    f'1 openat(AT_FDCWD</>, "/v", O_RDWR|O_TMPFILE, 0600) {NO}': Call("open", "/v/*.tmp", "EACCES", "O_RDWR|O_TMPFILE"),
    f'1 mkdir("cache", 0777) {NO}': Call("mkdir", "/srv/cache", "EACCES"),
    f'1 mkdirat(AT_FDCWD</a>, "//b/./c/", 0777) {NO}': Call("mkdir", "/b/c", "EACCES"),
    f'1 unlinkat(3</d>, "e", AT_REMOVEDIR) {NO}': Call("unlink", "/d/e", "EACCES"),
    f'1 rmdir("/d") {NO}': Call("unlink", "/d", "EACCES"),
    f'1 unlink("/d") {NO}': Call("unlink", "/d", "EACCES"),
    f'1 rename("a", "/b") {NO}': Call("rename", "/b", "EACCES"),
    f'1 renameat2(4</t>, "a", 5</u>, "b", RENAME_NOREPLACE) {NO}': Call("rename", "/u/b", "EACCES"),
    f'1 linkat(AT_FDCWD</t>, "a", AT_FDCWD</t>, "b", 0) {NO}': Call("link", "/t/b", "EACCES"),
    f'1 symlinkat("/target", AT_FDCWD</t>, "b") {NO}': Call("symlink", "/t/b", "EACCES"),
    f'1 symlink("/target", "/t/b") {NO}': Call("symlink", "/t/b", "EACCES"),
    f'1 truncate("/t", 0) {NO}': Call("truncate", "/t", "EACCES"),
    f'1 mknodat(AT_FDCWD</>, "/t", S_IFIFO|0600) {NO}': Call("mknod", "/t", "EACCES"),
    f'1 mknod("/t", S_IFSOCK|0600) {NO}': Call("mknod", "/t", "EACCES"),
    f'1 utimensat(AT_FDCWD</>, "/t", NULL, 0) {NO}': Call("utime", "/t", "EACCES"),
    "1 utimensat(4</t>, NULL, [UTIME_NOW, UTIME_NOW], 0) = 0": Call("utime", "/t"),
    f'1 bind(6<socket:[1]>, {{sa_family=AF_UNIX, sun_path="/s"}}, 110) {NO}': Call("bind", "/s", "EACCES"),
    # names with all that strace escapes, and all that it does not
    f'1 mkdir("/a\\"b\\\\c\\n\\303\\244<x>,) {NO}", 0777) = 0': Call("mkdir", f'/a"b\\c\nä<x>,) {NO}'),
    f'1 openat(3</a\\74b\\76>, "O_RDONLY", O_WRONLY) {NO}': Call("open", "/a<b>/O_RDONLY", "EACCES", "O_WRONLY"),
    f'1 mkdir("/\\x41\\1012", 0777) {NO}': Call("mkdir", "/AA2", "EACCES"),
}
OTHERS = [
    'openat(AT_FDCWD</>, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3</etc/passwd>',
    'openat(AT_FDCWD</>, "/O_RDWR", O_RDONLY) = 3</O_RDWR>',
    f'open("/etc/shadow", O_RDONLY) {NO}',
    f'mknod("/dev/x", S_IFCHR|0600, makedev(0x1, 0x3)) {NO}',
    'bind(7<socket:[1]>, {sa_family=AF_UNIX, sun_path=@"abstract"}, 8) = 0',
    'bind(7<socket:[1]>, {sa_family=AF_INET, sin_port=htons(80)}, 16) = -1 EACCES (Permission denied)',
    'openat(AT_FDCWD</>, 0x7ffe1234, O_RDWR) = -1 EFAULT (Bad address)',
    'openat(AT_FDCWD</>, "/x", O_RDWR) = ?',
    'openat(AT_FDCWD</>, "/x", O_RDWR',
    'mkdir("/x"',
    'mkdir() = 0',
    "+++ exited with 0 +++",
    "<... mkdir resumed>) = 0",
    "strace: something is wrong",
    "",
]  # fmt: skip


@pytest.mark.parametrize(("line", "call"), LINES.items())
def test_a_call_that_asks_for_writing_is_read(line: str, call: Call) -> None:
    assert read(line + "\n", "/srv").writes == (call,)


@pytest.mark.parametrize("line", OTHERS)
def test_what_asks_for_no_writing_is_none(line: str) -> None:
    assert read(f"1 {line}\n", "/srv").writes == ()


def test_relative_names_belong_to_the_folder_of_their_process() -> None:
    told = read(
        f"""\
1     mkdir("a", 0777) {NO}
1     chdir("sub")                      = 0
1     chdir("/nowhere")                 = -1 ENOENT (No such file or directory)
1     mkdir("b", 0777) {NO}
1     clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x1a4eb690) = 11
11    chdir("/child")                   = 0
11    mkdir("c", 0777) {NO}
1     mkdir("d", 0777) {NO}
1     clone3({{flags=CLONE_VM|CLONE_FS|CLONE_THREAD, child_tid=0x7f}} => {{parent_tid=[12]}}, 88) = 12
12    fchdir(3</thread>)                = 0
1     mkdir("e", 0777) {NO}
""",
        "/app",
    )
    assert [call.path for call in told.writes] == ["/app/a", "/app/sub/b", "/child/c", "/app/sub/d", "/thread/e"]


def test_unfinished_calls_are_put_together() -> None:
    told = read(
        f"""\
1     chdir("/work")                    = 0
1     vfork( <unfinished ...>
7     mkdir("x", 0777 <unfinished ...>
8     openat(AT_FDCWD</>, "y", O_RDWR <unfinished ...>
7     <... mkdir resumed>)              {NO}
8     <... openat resumed>)             {NO}
1     <... vfork resumed>)              = 7
9     <... mkdir resumed>)              {NO}
""",
        "/",
    )
    assert told.writes == (Call("mkdir", "/work/x", "EACCES"), Call("open", "/y", "EACCES", "O_RDWR"))


def test_the_programs_are_told() -> None:
    text = """\
1     execve("/bin/sh", ["sh", "-c", "cd /etc; echo x > foo"...], 0x7ffeae4f3980 /* 3 vars */) = 0
1     execve("/bin/none", ["none"], 0x7ffeae4f3980 /* 3 vars */) = -1 ENOENT (No such file or directory)
1     execve("run", ["run"], 0x1 /* 3 vars */) = 0
1     execveat(3</x>, "y", ["y"], 0x1 /* 3 vars */, 0) = 0
1     execve("/bin/sh", ["sh"], 0x1 /* 3 vars */) = 0
"""
    assert read(text, "/srv") == Told((), ("/bin/sh", "/srv/run", "/x/y"))


WORDS = st.sampled_from(
    '1 |12 |openat(|mkdir(|bind(|execve(|clone(|chdir(|AT_FDCWD</a>|, |"/x"|"y|{|}|[|)|\\|\\3|\\x4|<|>|O_RDWR|O_CREAT'
    "| = |-1 |EACCES|0|NULL|sun_path=| <unfinished ...>|<... mkdir resumed>|\n|S_IFCHR|...".split("|")
)


@given(st.lists(WORDS, max_size=60).map("".join), st.sampled_from(["", "/", "/app", "app"]))
@example('1 mkdir("\\', "/")
@example('1 chdir("\\0") = 0\n1 mkdir("x") = 0', "/")
def test_whatever_stands_in_a_trace_is_read(text: str, workdir: str) -> None:
    told = read(text, workdir)
    assert all(call.path.startswith("/") and ".." not in call.path.split("/") for call in told.writes)
    assert lost(told, told) == ((), ())


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1)


@given(NAMES.filter(lambda name: name not in (".", "..")))
@example('"')
@example("\\")
@example("\n1 mkdir(")
@example("\u00e47")
def test_every_name_is_decoded(name: str) -> None:
    """As strace prints it: octal for what no terminal shows."""
    plain = {byte: chr(byte) for byte in range(32, 127)} | {ord('"'): '\\"', ord("\\"): "\\\\"}
    text = "".join(plain.get(byte, f"\\{byte:03o}") for byte in name.encode())
    assert read(f'1 mkdirat(3</f>, "{text}", 0777) = 0', "/").writes == (Call("mkdir", f"/f/{name}"),)


def test_a_line_that_no_call_has_is_left_out() -> None:
    long = f'1 mkdir("/{"x" * (1 << 16)}", 0777) {NO}\n'
    assert read(f'{long}1 mkdir("/y", 0777) {NO}', "/").writes == (Call("mkdir", "/y", "EACCES"),)


# --- what is made of it -----------------------------------------------------------------------------------------------


def told(*calls: str) -> Told:
    """Calls in short: `open /x`, with `!` behind one that was refused."""
    rows = (one.split() for one in calls)
    return Told(tuple(Call(what, path.rstrip("!"), "EACCES" if path.endswith("!") else "") for what, path in rows))


def paths(after: Told, before: Told) -> list[str]:
    return [one.what for one in lost(after, before).denied]


def test_what_the_original_may_do_is_lost() -> None:
    after = Told((Call("open", "/app/db", "EACCES", "O_RDWR"), Call("open", "/app/db", "EACCES", "O_RDWR")))
    denied = Denied(Kind.PATH, "/app/db", "in a trace of its calls: open O_RDWR EACCES")
    assert lost(after, told("open /app/db")) == ((denied,), ())


@pytest.mark.parametrize("error", ["EACCES", "EPERM", "EROFS"])
def test_each_kind_of_refusal_counts(error: str) -> None:
    assert [one.what for one in lost(Told((Call("mkdir", "/x", error),)), told("mkdir /x")).denied] == ["/x"]
    assert lost(Told((Call("mkdir", "/x", error),)), Told((Call("mkdir", "/x", error),))) == ((), ())


@pytest.mark.parametrize("error", ["ENOENT", "EEXIST", "EISDIR", "ENOTDIR", "ENOSPC"])
def test_other_errors_are_no_refusals(error: str) -> None:
    after = Told((Call("open", "/app/db", error),))
    assert refused(after) == ()
    assert lost(after, told("open /app/db")) == ((), ())


def test_what_is_allowed_in_another_way_is_not_lost() -> None:
    assert refused(told("mkdir /x!", "utime /x")) == ()
    assert refused(told("open /x", "open /x!")) == (Call("open", "/x", "EACCES"),)


@pytest.mark.parametrize(
    "path", ["/proc/self/oom_score_adj", "/sys/x", "/dev/tty", "/app/__pycache__/a.pyc.123", "/app/__pycache__"]
)
def test_what_programs_do_without_is_not_lost(path: str) -> None:
    after = told(f"open {path}!")
    assert refused(after) == ()
    assert lost(after, told(f"open {path}")) == ((), ())
    assert refused(told("open /devices!")), "only whole names count"


def test_what_was_written_without_a_tracer_is_not_lost() -> None:
    after = told("mkdir /x!", "open /y!")
    assert [call.path for call in refused(after, ["/x/below"])] == ["/y"]
    assert [one.what for one in lost(after, told("mkdir /x", "open /y"), ["/x/below"]).denied] == ["/y"]


def test_what_the_original_is_refused_too_is_no_news() -> None:
    assert lost(told("open /x!"), told("open /x!")) == ((), ())


def test_what_the_original_does_not_try_is_an_observation() -> None:
    names = [f"/home/{letter}" for letter in "abcde"]
    found = lost(told(*(f"mkdir {name}!" for name in names)), told("mkdir /root/a", "open /home/a"))
    assert found.denied == ()
    assert found.notes == (
        "a trace of its calls shows that it may not write /home/a, /home/b, /home/c and 2 more, which the original does"
        " not try",
    )


def test_other_attempts_at_what_is_lost_are_not_told() -> None:
    found = lost(told("open /a/*.tmp!", "open /a/tmp123!", "open /b/tmp123!"), told("open /a/*.tmp"))
    assert [one.what for one in found.denied] == ["/a/*.tmp"]
    assert found.notes == (
        "a trace of its calls shows that it may not write /b/tmp123, which the original does not try",
    )


def test_one_that_is_content_with_another_place_has_lost_nothing() -> None:
    after = told("open /a/log!", "open /b/log!", "open /c/log")
    found = lost(after, told("open /a/log"))
    assert found.denied == ()
    assert found.notes[0].endswith("that it may not write /a/log, /b/log, and that it writes /c/log instead")


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(told("open /c/log", "open /a/log!"), id="before it was refused"),
        pytest.param(told("open /a/log!", "open /c/other"), id="another name"),
        pytest.param(told("open /a/log!", "mkdir /c/log"), id="another call"),
        pytest.param(told("open /a/log!", "open /both/log"), id="as the original does too"),
        pytest.param(told("open /a/log!", "open /c/log!"), id="refused there too"),
    ],
)
def test_what_is_no_other_place_does_not_excuse(after: Told) -> None:
    assert paths(after, told("open /a/log", "open /both/log")) == ["/a/log"]


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("/a/tmpab12cd_x", "/a/tmpqw98er_y"),
        ("/a/etilqs_0123456789abcdef", "/a/etilqs_fedcba9876543210"),
        ("/a/app.17.tmp", "/a/app.4711.tmp"),
        ("/a/1b4e28ba-2fa1-11d2-883f-0016d3cca427", "/a/9d2f6a10-0c31-4d2e-9a77-aa16d3cca427"),
    ],
)
def test_a_name_that_each_run_makes_up_is_the_same(new: str, old: str) -> None:
    assert paths(told(f"open {new}!"), told(f"open {old}")) == [new]
    assert paths(told(f"open {new}!"), told(f"mkdir {old}")) == []
    assert paths(told(f"open {new}!"), told(f"open /elsewhere{old}")) == []
    assert paths(told(f"open {new}!", f"open {old}"), told(f"open {old}")) == [], "this one is no made-up name"
    other = new.replace("/a/", "/b/").replace("1", "2")  # the next one that it makes up
    assert paths(told(f"open {new}!", f"open {other}"), told(f"open {old}")) == []
    assert paths(told(f"open {new}!", f"open {other}"), told(f"open {old}", f"open {old.replace('/a/', '/b/')}")) == [
        new
    ]


def test_names_that_differ_are_not_taken_for_made_up_ones() -> None:
    assert paths(told("open /a/server.log!"), told("open /a/access.log")) == []
    assert paths(told("open /a/server.log!", "open /b/session.log"), told("open /a/server.log")) == ["/a/server.log"]


def test_a_name_that_the_original_uses_is_not_made_up() -> None:
    assert paths(told("open /a/12!"), told("unlink /a/12", "open /a/34")) == []
    assert paths(told("open /a/12!"), told("open /a/34")) == ["/a/12"]


def test_the_refusals_are_bounded() -> None:
    many = [f"open /a/{number}" for number in range(200)]
    found = lost(told(*(f"{one}!" for one in many)), told(*many))
    assert len(found.denied) == 50


def test_what_is_told_is_one_line_of_bounded_length() -> None:
    path = "/a/\x1b[31m\n" + "x" * 999
    (one,) = lost(Told((Call("open", path, "EPERM"),)), Told((Call("open", path),))).denied
    assert "\x1b" not in one.what
    assert "\n" not in one.what
    assert len(one.what) <= 200
    (note,) = lost(Told((Call("open", path, "EPERM"),)), Told()).notes
    assert "\x1b" not in note
