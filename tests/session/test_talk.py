"""The conversation: every key through prompt_toolkit's pipe, what is shown, what is kept, and what is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from fixer.config import Config
from fixer.deliver.journal import undo
from fixer.engine import Choice
from fixer.errors import FixerError
from fixer.render.text import Line
from fixer.session.bench import Bench
from fixer.session.editor import edit
from fixer.session.kept import Keeper
from fixer.session.keys import END, Keyboard
from fixer.session.record import Record
from fixer.session.session import Session
from fixer.session.talk import taken_up
from tests.deliver.repos import ROOT, fill
from tests.session.people import DEBIAN, FILES, NODE, POD, UNKNOWN, session, talk


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "state"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "repo").mkdir()
    return tmp_path / "repo"


def texts(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_one_finding_with_all_that_is_known(root: Path) -> None:
    shown, _ = talk(session(root, {"Dockerfile": NODE}), "q", Keeper([root]))
    for part in (
        "1 file, 1 question. Nothing is written before the end; ? helps.",
        "[1/1] DF001 root-user  high, review",
        "Dockerfile:4:1",
        "  the image runs as root: no USER is set",
        "  +COPY --chown=1000:1000 . .",
        "  +USER 1000:1000",
        "  why   base image node:20-bookworm runs as root",
        "  fix   run as 1000:1000, base image node:20-bookworm ships user node",
        "  risk  ",
        "  with  DF007 unwritable-path (line 2); DF006 unchowned-copy (line 3)",
        "  Tab  * 1 run as 1000:1000",
        "         2 run as a new user, made for this",
        "y yes  n no  a all of rule  f rest of file  d leave file  i ignore",
        "   1 not answered",
        "no files changed",
    ):
        assert part in shown, part
    assert max(len(line) for line in shown.splitlines() if not line.startswith("  +")) <= 80


def test_yes_is_written_at_the_end_and_undone(root: Path) -> None:
    one = session(root)
    shown, _ = talk(one, "yaqy", Keeper([root]))
    after = texts(root)
    assert {path for path in FILES if after[path] != FILES[path]} == {"api/Dockerfile", "job/Dockerfile"}
    assert "Write 2 files? y write, n only keep the answers, c go on" in shown
    assert "2 files written" in shown
    assert "fixed   DF001 root-user api/Dockerfile:4 (review)" in shown
    assert undo(root).left == ()
    assert texts(root) == FILES


@pytest.mark.parametrize("keys", ["yqn", "yq\x04", "ydq\x04", "y\x04\x04"])
def test_nothing_is_written_unless_somebody_says_so(root: Path, keys: str) -> None:
    shown, _ = talk(session(root), keys, Keeper([root]))
    assert texts(root) == FILES
    assert "the answers are kept: 'fixer fix -i' goes on from here" in shown


def test_going_on_after_the_question(root: Path) -> None:
    one = session(root)
    shown, _ = talk(one, "yqcnqn", Keeper([root]))
    assert [answer.done[0].path for answer in one.record.answers] == ["api/Dockerfile", "job/Dockerfile"]
    assert shown.count("Summary") == 2


def test_where_nothing_was_found_nobody_is_asked(root: Path) -> None:
    shown, _ = talk(session(root, {"Dockerfile": b"FROM scratch\nUSER 10001:10001\n"}), "", Keeper([root]))
    assert "1 file, 0 questions." in shown
    assert "nothing is left that was found" in shown
    assert not Keeper([root]).file.exists()


def test_leaving(root: Path) -> None:
    one = session(root)
    shown, _ = talk(one, "ndad", Keeper([root]))
    assert one.current() is None
    assert "all findings are answered" in shown
    assert "left    DF001 root-user odd/Dockerfile:2" in shown
    assert one.changes() == ()


def test_every_answer_is_taken_back_by_its_key(root: Path) -> None:
    one = session(root)
    keys = "".join(f"{key}u" for key in ("y", "n", "a", "f", "d", "ifor a reason\r", "e"))
    shown, _ = talk(one, keys + "q", Keeper([root]), lambda name, data: b"# mine\n" + data)
    assert shown.count("taken back:") == 7
    for word, often in {"fixed": 3, "left": 2, "ignored": 1, "edited": 1}.items():  # each is told, and told again
        assert shown.count(f"\n{word:<8}DF001 root-user api/Dockerfile:4") == 2 * often, word
    assert one.record.done == ()
    assert "no files changed" in shown


def test_the_last_answer_of_all_can_be_taken_back(root: Path) -> None:
    one = session(root, {"Dockerfile": b"FROM scratch\nUSER 0\n"})
    shown, _ = talk(one, "yuyy", Keeper([root]))
    assert "u undo the last one" in shown
    assert texts(root)["Dockerfile"] == b"FROM scratch\nUSER 10001:10001\n"
    assert not Keeper([root]).file.exists()  # all is answered, and written


def test_an_ignore_takes_its_reason_or_goes_back(root: Path) -> None:
    one = session(root, {"Dockerfile": DEBIAN})
    shown, _ = talk(one, "i\ri  \rithe build needs it\rqy", Keeper([root]))
    assert b"# fixer: ignore[DF001] the build needs it\nCMD" in texts(root)["Dockerfile"]
    assert "   1 ignored with a comment, 0 edited by hand" in shown


def test_an_ignore_that_cannot_stand_is_told(root: Path) -> None:
    (root / "pod.json").write_text('{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"image": "a"}]}}')
    one = session(root, {})
    shown, _ = talk(one, "ireason\rq", Keeper([root]))
    assert "pod.json: JSON has no comments; name the rule under `ignore` in fixer.toml" in shown


def test_other_ways_by_tab(root: Path) -> None:
    one = session(root, {"Dockerfile": NODE})
    shown, _ = talk(one, "\tyqy", Keeper([root]))
    assert "       * 2 run as a new user, made for this" in shown
    assert b"USER 10001:10001\n" in texts(root)["Dockerfile"]


def test_help_page_and_summary_ask_again(root: Path) -> None:
    one = session(root)
    shown, _ = talk(one, "?wsq", Keeper([root]))
    assert " Tab  the next way: another user, another base image, a moved port" in shown
    assert "## How safe the fix is" in shown
    assert shown.count("Summary") == 2
    assert shown.count("[1/7]") == 1  # the finding itself is not shown again
    assert one.record.done == ()


def test_keys_that_make_no_sense_are_not_heard(root: Path) -> None:
    one = session(root, {"run.sh": b"docker run --privileged debian:12\n"})
    shown, _ = talk(one, "yfu\tzY \r\x1b[Aq", Keeper([root]))
    assert one.record.done == ()
    assert "n no  a leave all of rule  d leave file  i ignore  e edit  w why  s summary" in shown
    assert "  hand  leave out --privileged\n  do    docker run debian:12\n" in shown
    assert "[manual]" not in shown


def test_what_to_do_by_hand_is_told_once(root: Path) -> None:
    one = session(root, {"Dockerfile": b"FROM httpd:2.4\nUSER 1000\nEXPOSE 80\n"})
    shown, _ = talk(one, "\tq", Keeper([root]))
    assert shown.count("let the program listen on 8080") == 1
    assert "  left  [port-stays] port 80 does not move" in shown
    one = session(root, {"Dockerfile": b"FROM debian:12\nRUN apt-get install -y sudo\nUSER 1000\n"})
    shown, _ = talk(one, "q", Keeper([root]))
    assert shown.count("take sudo out of the packages") == 1


def test_an_editor_gets_the_change_and_what_it_makes_counts(root: Path) -> None:
    given: list[tuple[str, bytes]] = []

    def mine(name: str, data: bytes) -> bytes:
        given.append((name, data))
        return data.replace(b"USER 1000:1000", b"USER 1000")

    talk(session(root, {"Dockerfile": NODE}), "eqy", Keeper([root]), mine)
    assert given[0][0] == "Dockerfile"
    assert b"USER 1000:1000\n" in given[0][1]
    assert b"USER 1000\n" in texts(root)["Dockerfile"]


def test_an_editor_that_changes_nothing_or_fails(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = session(root, {"Dockerfile": UNKNOWN})
    shown, _ = talk(one, "eq", Keeper([root]), edit_with(monkeypatch, "true"))
    assert "the text is what it was; nothing was changed" in shown
    shown, _ = talk(one, "eq", Keeper([root]), edit_with(monkeypatch, "false"))
    assert "the editor 'false' ended with 1; nothing was changed" in shown
    shown, _ = talk(one, "eq", Keeper([root]), edit_with(monkeypatch, "/nowhere/editor --wait"))
    assert "the editor '/nowhere/editor --wait' cannot be started" in shown
    assert one.changes() == ()


def edit_with(monkeypatch: pytest.MonkeyPatch, words: str):
    monkeypatch.setenv("VISUAL", words)
    return edit


def test_an_editor_works_on_a_copy(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f'{sys.executable} -c \'import sys; open(sys.argv[1], "ab").write(b"# x")\'')
    assert edit("Dockerfile", b"FROM a\n") == b"FROM a\n# x"
    assert texts(root) == {}


def test_a_session_is_taken_up_where_it_stopped(root: Path) -> None:
    keeper = Keeper([root])
    talk(session(root), "ynq\x04", keeper)
    assert oct(keeper.file.stat().st_mode & 0o777) == "0o600"
    shown, record = up(keeper, "y")
    assert "A session was left here: 2 answers, 1 file to write." in shown
    assert record is not None
    again = Session(Bench([root], Config(), Choice(True)), record)
    assert again.position()[0] == 3
    assert again.current().lead.path == "odd/Dockerfile"  # type: ignore[union-attr]
    again.undo()
    again.undo()
    assert again.current().lead.path == "api/Dockerfile"  # type: ignore[union-attr]
    assert again.changes() == ()


def up(keeper: Keeper, keys: str) -> tuple[str, Record | None]:
    shown: list[str] = []

    def show(lines: Iterable[Line]) -> None:
        shown.extend("".join(piece for piece, _ in line) for line in lines)

    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        record = taken_up(keeper, Keyboard(pipe, DummyOutput()), show)
    return "\n".join(shown), record


def test_a_file_that_changed_is_asked_about_again(root: Path) -> None:
    keeper = Keeper([root])
    talk(session(root), "yyq\x04", keeper)
    (root / "api/Dockerfile").write_bytes(DEBIAN)
    shown, record = up(keeper, "y")
    assert "api/Dockerfile: changed since; what was answered about it is asked again" in shown
    assert record is not None
    assert [Path(text.place).parent.name for text in record.changes()] == ["job"]


def test_beginning_anew_or_not_at_all(root: Path) -> None:
    keeper = Keeper([root])
    talk(session(root), "yq\x04", keeper)
    assert up(keeper, "q")[1] is None
    assert up(keeper, "\x04")[1] is None
    assert keeper.file.exists()
    record = up(keeper, "n")[1]
    assert record is not None
    assert record.done == ()
    assert not keeper.file.exists()


def test_what_was_kept_and_is_damaged_is_told(root: Path) -> None:
    keeper = Keeper([root])
    keeper.save(Record())
    keeper.file.write_text(json.dumps({"version": 9}))
    with pytest.raises(FixerError, match=r"another version of fixer.*; remove it"):
        keeper.load()
    keeper.file.write_bytes(b"\xff")
    with pytest.raises(FixerError, match="cannot be read"):
        keeper.load()


def test_what_is_written_is_not_asked_again_and_its_answers_stay(root: Path) -> None:
    keeper = Keeper([root])
    talk(session(root), "ynqy", keeper)
    record = keeper.load()
    assert record is not None
    assert [done.kind.value for done in record.done] == ["fixed", "left"]
    assert record.changes() == ()
    again = Session(Bench([root], Config(), Choice(True)), record)
    assert again.current().lead.path == "odd/Dockerfile"  # type: ignore[union-attr]


def test_a_file_that_changed_meanwhile_is_left_and_told(root: Path) -> None:
    one = session(root)
    one.yes()
    (root / "api/Dockerfile").write_bytes(UNKNOWN)
    shown, told = talk(one, "qy", Keeper([root]))
    assert texts(root)["api/Dockerfile"] == UNKNOWN
    assert "api/Dockerfile: skipped [not-written]" in shown
    assert "some files could not be written; the answers are kept:" in shown
    assert len(told.failed) == 1


def test_nothing_of_a_hostile_file_reaches_the_terminal(root: Path) -> None:
    hostile = b'FROM debian:12\nRUN echo "\x1b]0;owned\x07\x1b[31m\xc2\x9b0m"\nCMD ["./r\x1b[2Jn"]\n'
    code = (
        "import sys\nfrom pathlib import Path\nfrom prompt_toolkit.input import create_pipe_input\n"
        "from prompt_toolkit.output import DummyOutput\nfrom fixer import console\n"
        "from fixer.session.keys import Keyboard\nfrom fixer.session.kept import Keeper\n"
        "from fixer.session.talk import Talk\nfrom tests.session.people import session\n"
        f"root = Path({str(root)!r})\n"
        f"files = {{'a\\x1b[2Jb/Dockerfile': {hostile!r}}}\n"
        "with create_pipe_input() as pipe:\n"
        "    pipe.send_text('swydq\\x04')\n"
        "    Talk(session(root, files), Keyboard(pipe, DummyOutput()), console.show, Keeper([root]), None).run()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, timeout=120)
    assert b"a\\x1b[2Jb/Dockerfile" in done.stdout
    assert not {*done.stdout} & {*range(10), *range(11, 32), 127}
    assert b"\xc2\x9b" not in done.stdout


def test_a_person_is_asked_for_lines_and_keys() -> None:
    with create_pipe_input() as pipe:
        keyboard = Keyboard(pipe, DummyOutput())
        pipe.send_text("xq\tword\r\x04\x04")
        assert keyboard.key("> ", ("q",)) == "q"
        assert keyboard.key("> ", ("Tab",)) == "Tab"
        assert keyboard.line("> ") == "word"
        assert keyboard.key("> ", ("q",)) == END
        assert keyboard.line("> ") == END
        pipe.send_text("\x03")
        with pytest.raises(KeyboardInterrupt):
            keyboard.key("> ", ("q",))


def test_paths_that_no_text_can_hold(root: Path) -> None:
    name = os.fsdecode(b"\xff")
    fill(root, {f"{name}/Dockerfile": DEBIAN, "pod.yaml": POD})
    keeper = Keeper([root])
    one = session(root, {})
    assert one.current().lead.path == f"{name}/Dockerfile"  # type: ignore[union-attr]
    talk(one, "yq\x04", keeper)
    record = keeper.load()
    assert record is not None
    assert [os.fsencode(text.place).split(b"/")[-2] for text in record.changes()] == [b"\xff"]


def test_a_user_is_named_for_a_base_that_nobody_knows(root: Path) -> None:
    one = session(root, {"Dockerfile": UNKNOWN})
    shown, _ = talk(one, "yroot\ry0\ry\ry1234:99\ryqy", Keeper([root]))
    assert "DF001 root-user  high, left for a person" in shown
    assert "  left  [unknown-base] nothing is known about base image\n        nobody.example.org/knows:1," in shown
    assert "  fix   run as a user whose numbers you name" in shown
    assert "'root' is no user; it takes numbers other than 0, for example 1000:1000" in shown
    assert "'0' is no user" in shown
    assert "  fix   run as 1234:99, whom you named" in shown
    assert texts(root)["Dockerfile"] == UNKNOWN.replace(b"CMD", b"USER 1234:99\nCMD")
