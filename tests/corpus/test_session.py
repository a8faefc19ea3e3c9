"""Sessions over real repositories: yes to everything is what `fix` does, and each way out of a finding is known."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fixer import app
from fixer.config import Config
from fixer.engine import Choice
from fixer.session.bench import Bench
from fixer.session.record import Record
from fixer.session.session import Session
from fixer.session.ways import ways
from fixer.source import SourceFile
from fixer.syntax.yaml import load_stream


@pytest.mark.parametrize("name", ["nginx+docker-nginx", "chainguard-dev+cs-workshop"])
def test_yes_to_everything_is_what_fix_does(shared: Path, name: str) -> None:
    folder = shared / "corpus" / name
    one = Session(Bench([folder], Config(), Choice(True)), Record())
    asked = 0
    while (item := one.current()) is not None:
        asked += 1
        assert asked < 1000
        for _, make in ways(one.bench, item):
            way = make()
            assert way.left is not None or way.tried.texts or way.by_hand or way.asks
        if item.repairable:
            one.yes()
        else:
            one.no()
    assert asked > 30
    mine = {change.path: change.after for change in one.changes()}
    whole = {change.path: change.after for change in app.fix(folder, config=Config()).changes}
    assert mine.keys() == whole.keys()
    for path, after in whole.items():
        if after != mine[path]:  # Compose: what is accepted later stands right behind the image
            assert os.path.splitext(path)[1] in (".yml", ".yaml")
            assert load_stream(SourceFile(path, after).text) == load_stream(SourceFile(path, mine[path]).text)
