"""The contract of requests, on the forge in a folder over real git."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixer.deliver.ledger import End, Ended
from fixer.deliver.pace import Pace, Paced
from fixer.deliver.plans import Plan, PlannedUnit
from fixer.deliver.publish import Place, Terms, publish
from fixer.errors import FixerError
from fixer.forge.base import Draft, Request, State
from fixer.forge.memory import Fault, Memory, Trouble
from fixer.render.request import OFF, Words, read_marker
from tests.deliver.hosting import AFTER, BEFORE, NAME, branches, commit, git, hosted, place, plan, unit

FULL = Terms(draft=False)


@pytest.fixture
def forge(tmp_path: Path) -> Memory:
    forge = Memory(tmp_path / "forge")
    hosted(forge.folder)
    return forge


def path(forge: Memory) -> Path:
    return forge.folder / f"{NAME}.git"


def run(forge: Memory, wanted: Plan, terms: Terms = FULL) -> list[Ended]:
    return list(publish(wanted, place(forge), terms))


def ends(found: list[Ended]) -> list[str]:
    return [one.end.value for one in found]


def requests(forge: Memory) -> list[Request]:
    return list(forge.requests(NAME))


def writes(forge: Memory) -> tuple[list[Request], list[tuple[str, str]], dict[str, str]]:
    """All that a second run could change."""
    return requests(forge), forge.comments(NAME, 1), branches(path(forge))


# --- opening ----------------------------------------------------------------------------------------------------------


def test_a_request_is_opened_for_a_unit(forge: Memory) -> None:
    (ended,) = run(forge, plan(unit()), Terms(draft=True, labels=("security", "containers")))
    (found,) = requests(forge)
    assert (ended.end, ended.url) == (End.OPENED, found.url)
    assert (found.state, found.branch, found.base, found.draft) == (State.OPEN, "nonroot/web-0123456789", "main", True)
    assert (found.title, found.labels) == ("Run web as 10001", ("security", "containers"))
    marker = read_marker(found.body)
    assert marker is not None
    assert (marker.unit, marker.fingerprints, marker.closed) == ("web", ("0123456789",), "")


def test_the_branch_has_one_commit_with_the_files_of_the_unit(forge: Memory) -> None:
    run(forge, plan(unit()))
    repository = path(forge)
    assert git(repository, "rev-list", "--count", "main..nonroot/web-0123456789") == "1"
    assert git(repository, "diff", "--name-status", "main", "nonroot/web-0123456789") == "M\tweb/Dockerfile"
    assert git(repository, "show", "nonroot/web-0123456789:web/Dockerfile").encode() == AFTER.strip()
    git(repository, "fsck", "--strict")


def test_the_same_again_writes_nothing(forge: Memory) -> None:
    run(forge, plan(unit()))
    before = writes(forge)
    assert ends(run(forge, plan(unit()))) == ["unchanged"]
    assert writes(forge) == before


def test_the_branch_is_the_same_on_another_forge(forge: Memory, tmp_path: Path) -> None:
    run(forge, plan(unit()))
    other = Memory(tmp_path / "other")
    hosted(other.folder)
    run(other, plan(unit()))
    assert branches(path(forge)) == branches(path(other))


def test_each_unit_has_its_request_up_to_the_limit(forge: Memory) -> None:
    commit(path(forge), {"a/Dockerfile": BEFORE, "b/Dockerfile": BEFORE, "c/Dockerfile": BEFORE})
    units = [unit(name, mark * 10, f"{name}/Dockerfile") for name, mark in (("a", "1"), ("b", "2"), ("c", "3"))]
    found = run(forge, plan(*units), Terms(draft=False, most_open=2))
    assert ends(found) == ["opened", "opened", "skipped"]
    assert "2 requests are open" in found[2].why
    assert len(requests(forge)) == 2
    forge.merge(NAME, 1)
    rest = [one for one in units if one.name != "a"]
    assert ends(run(forge, plan(*rest), Terms(draft=False, most_open=2))) == ["unchanged", "opened"]


def test_killed_between_push_and_open_it_is_opened_once(forge: Memory) -> None:
    forge.faults = [Fault("open", Trouble.BROKEN)]
    (ended,) = run(forge, plan(unit()))
    assert ended.end is End.FAILED
    pushed = branches(path(forge))
    assert (len(pushed), requests(forge)) == (1, [])
    assert ends(run(forge, plan(unit()))) == ["opened"]
    assert branches(path(forge)) == pushed
    assert len(requests(forge)) == 1


def test_an_answer_that_is_lost_opens_nothing_twice(forge: Memory) -> None:
    forge.faults = [Fault("open", Trouble.TIMEOUT, done=True)]
    waits: list[float] = []
    paced = Paced(forge, Pace((), None, sleep=waits.append))
    (ended,) = publish(plan(unit()), place(forge)._replace(forge=paced), FULL)
    assert (ended.end, len(requests(forge))) == (End.OPENED, 1)


# --- what people did --------------------------------------------------------------------------------------------------


def test_what_a_person_closed_stays_closed(forge: Memory) -> None:
    run(forge, plan(unit()))
    Memory(forge.folder, "person").close(NAME, 1)
    (ended,) = run(forge, plan(unit()))
    assert ended.end is End.SKIPPED
    assert "closed by a person" in ended.why
    assert len(requests(forge)) == 1


def test_it_stays_closed_when_the_person_deletes_the_branch_or_has_the_same_login(forge: Memory) -> None:
    run(forge, plan(unit()))
    forge.close(NAME, 1)
    git(path(forge), "update-ref", "-d", "refs/heads/nonroot/web-0123456789")
    assert ends(run(forge, plan(unit()))) == ["skipped"]
    assert branches(path(forge)) == {}


def test_it_stays_closed_when_one_finding_more_is_found(forge: Memory) -> None:
    run(forge, plan(unit()))
    Memory(forge.folder, "person").close(NAME, 1)
    more = unit(mark="9999999999")._replace(fingerprints=("0123456789", "9999999999"))
    assert ends(run(forge, plan(more))) == ["skipped"]


def test_other_work_in_the_same_unit_is_proposed(forge: Memory) -> None:
    run(forge, plan(unit()))
    Memory(forge.folder, "person").close(NAME, 1)
    assert ends(run(forge, plan(unit(mark="9999999999")))) == ["opened"]


def test_a_persons_commit_is_respected_and_told_once(forge: Memory) -> None:
    run(forge, plan(unit()))
    branch = "nonroot/web-0123456789"
    theirs = commit(path(forge), {"web/Dockerfile": b"FROM scratch\n"}, branch)
    later = unit(after=AFTER + b"# more\n")
    for _ in range(3):
        (ended,) = run(forge, plan(later))
        assert ended.end is End.SKIPPED
        assert "somebody else" in ended.why
    assert branches(path(forge)) == {branch: theirs}
    assert len(forge.comments(NAME, 1)) == 1
    assert "it is yours" in forge.comments(NAME, 1)[0][1]


def test_an_amended_commit_is_a_persons(forge: Memory) -> None:
    run(forge, plan(unit()))
    branch = "nonroot/web-0123456789"
    message = git(path(forge), "log", "-1", "--format=%B", branch)
    git(path(forge), "update-ref", f"refs/heads/{branch}", "main")
    theirs = commit(path(forge), {"web/Dockerfile": AFTER + b"# mine\n"}, branch, message)
    assert ends(run(forge, plan(unit()))) == ["skipped"]
    assert branches(path(forge)) == {branch: theirs}


def test_a_branch_of_a_person_without_a_request_is_left(forge: Memory) -> None:
    theirs = commit(path(forge), {"web/Dockerfile": b"FROM scratch\n"}, "nonroot/web-0123456789")
    assert ends(run(forge, plan(unit()))) == ["skipped"]
    assert branches(path(forge)) == {"nonroot/web-0123456789": theirs}
    assert requests(forge) == []


def test_what_a_person_wrote_stays(forge: Memory) -> None:
    run(forge, plan(unit()))
    (found,) = requests(forge)
    body = found.body.replace("What happens", "My own words: what happens")
    forge.update(NAME, 1, Draft(found.branch, "main", "My title", body))
    assert ends(run(forge, plan(unit(after=AFTER + b"# more\n")))) == ["updated"]
    (after,) = requests(forge)
    assert (after.title, after.body.strip()) == ("My title", body.strip())


def test_a_request_of_another_account_is_left_to_it(forge: Memory) -> None:
    run(forge, plan(unit()))
    before = writes(forge)
    other = Memory(forge.folder, "another-bot")
    assert ends(run(other, plan(unit(after=AFTER + b"# more\n")))) == ["skipped"]
    assert ends(run(other, plan())) == []
    assert writes(forge) == before


def test_a_request_of_a_person_with_a_copied_marker_is_left(forge: Memory) -> None:
    run(forge, plan(unit()))
    (ours,) = requests(forge)
    theirs = commit(path(forge), {"web/Dockerfile": b"FROM scratch\n"}, "feature")
    forge.open(NAME, Draft("feature", "main", "Mine", ours.body))
    run(forge, plan())
    assert git(path(forge), "rev-parse", "feature") == theirs
    assert [one.state for one in requests(forge) if one.branch == "feature"] == [State.OPEN]


def test_what_was_merged_and_taken_back_is_left(forge: Memory) -> None:
    run(forge, plan(unit()))
    forge.merge(NAME, 1)
    commit(path(forge), {"web/Dockerfile": BEFORE}, message="Revert")
    (ended,) = run(forge, plan(unit()))
    assert ended.end is End.SKIPPED
    assert "merged" in ended.why
    assert len(requests(forge)) == 1


@pytest.mark.parametrize("off", [True, False])
def test_who_wants_no_requests_gets_none(forge: Memory, off: bool) -> None:
    run(forge, plan(unit()))
    files = {"web/Dockerfile": BEFORE} | ({} if off else {OFF: b""})
    commit(path(forge), files)
    found = run(forge, plan(unit())._replace(off=off))
    assert ends(found) == ["updated", "skipped"]
    assert [one.state for one in requests(forge)] == [State.CLOSED]
    assert branches(path(forge)) == {}


def test_an_archived_repository_is_left(forge: Memory) -> None:
    forge.settings(NAME, archived=True)
    assert ends(run(forge, plan(unit()))) == ["skipped"]
    assert branches(path(forge)) == {}


# --- keeping up -------------------------------------------------------------------------------------------------------


def test_other_work_goes_into_the_open_request_of_the_unit(forge: Memory) -> None:
    run(forge, plan(unit()))
    more = unit(mark="9999999999", after=AFTER + b"# more\n")
    more = more._replace(said=Words("Run web as 10001 and more", "Other words.\n"))
    assert ends(run(forge, plan(more))) == ["updated"]
    (found,) = requests(forge)
    assert found.title == "Run web as 10001 and more"
    assert "Other words" in found.body
    assert git(path(forge), "show", f"{found.branch}:web/Dockerfile").endswith("# more")
    assert git(path(forge), "rev-list", "--count", f"main..{found.branch}") == "1"
    before = writes(forge)
    assert ends(run(forge, plan(more))) == ["unchanged"]
    assert writes(forge) == before


def test_units_that_join_keep_one_request_and_close_the_other(forge: Memory) -> None:
    commit(path(forge), {"a/Dockerfile": BEFORE, "b/Dockerfile": BEFORE})
    a, b = (unit(name, mark * 10, f"{name}/Dockerfile") for name, mark in (("a", "1"), ("b", "2")))
    run(forge, plan(a, b))
    both = a._replace(name="both", branch="nonroot/both-3", files=a.files + b.files)
    both = both._replace(fingerprints=a.fingerprints + b.fingerprints)
    found = run(forge, plan(both))
    assert sorted(ends(found)) == ["updated", "updated"]
    assert sorted(one.state for one in requests(forge)) == [State.CLOSED, State.OPEN]
    assert ends(run(forge, plan(both))) == ["unchanged"]


def test_a_base_that_moved_elsewhere_changes_nothing(forge: Memory) -> None:
    run(forge, plan(unit()))
    before = branches(path(forge))
    commit(path(forge), {"web/Dockerfile": BEFORE, "README": b"other words\n"})
    assert ends(run(forge, plan(unit()))) == ["unchanged"]
    assert branches(path(forge)) == before


def test_a_plan_that_is_out_of_date_is_told(forge: Memory) -> None:
    commit(path(forge), {"web/Dockerfile": BEFORE + b"# moved\n"})
    (ended,) = run(forge, plan(unit()))
    assert ended.end is End.SKIPPED
    assert "was changed on main" in ended.why
    assert branches(path(forge)) == {}


def test_what_is_no_longer_needed_is_closed_with_a_sentence_and_may_return(forge: Memory) -> None:
    run(forge, plan(unit()))
    assert ends(run(forge, plan())) == ["updated"]
    (found,) = requests(forge)
    assert found.state is State.CLOSED
    assert branches(path(forge)) == {}
    assert [("needs no repair any more" in text) for _, text in forge.comments(NAME, 1)] == [True]
    before = writes(forge)
    assert run(forge, plan()) == []
    assert writes(forge) == before
    assert ends(run(forge, plan(unit()))) == ["opened"]


def test_closing_that_was_interrupted_is_not_a_persons(forge: Memory) -> None:
    run(forge, plan(unit()))
    forge.faults = [Fault("close", Trouble.BROKEN)]
    assert ends(run(forge, plan())) == ["failed"]
    assert ends(run(forge, plan())) == ["updated"]
    assert len(forge.comments(NAME, 1)) == 1
    assert ends(run(forge, plan(unit()))) == ["opened"]


def test_what_is_no_longer_needed_stays_when_a_person_worked_on_it(forge: Memory) -> None:
    run(forge, plan(unit()))
    theirs = commit(path(forge), {"web/Dockerfile": b"FROM scratch\n"}, "nonroot/web-0123456789")
    assert ends(run(forge, plan())) == ["skipped"]
    assert branches(path(forge)) == {"nonroot/web-0123456789": theirs}
    assert [one.state for one in requests(forge)] == [State.OPEN]


def test_one_unit_that_fails_does_not_stop_the_others(forge: Memory) -> None:
    commit(path(forge), {"a/Dockerfile": BEFORE, "b/Dockerfile": BEFORE})
    forge.faults = [Fault("open", Trouble.NONSENSE)]
    units = [unit(name, mark * 10, f"{name}/Dockerfile") for name, mark in (("a", "1"), ("b", "2"))]
    found = run(forge, plan(*units))
    assert ends(found) == ["failed", "opened"]
    assert "makes no sense" in found[0].why


def test_somebody_who_is_faster_is_not_overwritten(forge: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the push, a person pushes."""
    from fixer.deliver import gitremote

    push = gitremote.push

    def late(*arguments: object) -> None:
        commit(path(forge), {"web/Dockerfile": b"FROM scratch\n"}, "nonroot/web-0123456789")
        push(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(gitremote, "push", late)
    (ended,) = run(forge, plan(unit()))
    assert ended.end is End.SKIPPED
    assert "changed by somebody meanwhile" in ended.why
    assert git(path(forge), "show", "nonroot/web-0123456789:web/Dockerfile") == "FROM scratch"
    assert requests(forge) == []


def test_a_plan_without_a_change_is_told(forge: Memory) -> None:
    same: PlannedUnit = unit(after=BEFORE)
    (ended,) = run(forge, plan(same))
    assert ended.end is End.FAILED
    assert "changes nothing" in ended.why


def test_a_base_that_is_not_there_is_told(forge: Memory) -> None:
    with pytest.raises(FixerError, match="couldn't find remote ref"):
        run(forge, plan(unit(), base="absent"))


def test_a_repository_that_is_not_there_is_told(forge: Memory) -> None:
    nowhere = Place(forge, "acme/nothing", place(forge).remote)
    with pytest.raises(FixerError):
        list(publish(plan(unit()), nowhere, FULL))
