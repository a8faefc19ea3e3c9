"""What check and fix do where more than the plain report is wanted: other formats, files, a baseline."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fixer import app, console, masking
from fixer.cli.runs import Options, inspected, show
from fixer.engine import Choice
from fixer.errors import UsageError
from fixer.render.report import FORMATS, Report, notes
from fixer.tuples import NamedTuple

if TYPE_CHECKING:
    from fixer.config import Config
    from fixer.model import Skipped


class _Wanted(NamedTuple):
    """Where reports go: the format on standard output, and the files with theirs."""

    output: str
    files: tuple[tuple[str, Path], ...]

    @property
    def drawn(self) -> bool:
        return "html" in {self.output, *(name for name, _ in self.files)}


def check(paths: list[Path], options: Options, output: str) -> int:
    """Check and report; the exit code.

    Raises:
        UsageError: as `fixer.cli.runs.check`, for a baseline that is none, and for files that cannot be written.
    """
    if options.baseline is not None and options.write_baseline is not None:
        raise UsageError("--baseline and --write-baseline contradict each other; give one of them")
    wanted, old = _wanted(options, output), _old(options.baseline)
    settings, unread = inspected(paths, options)
    report = _run(paths, settings, Choice(), wanted, unread)
    if options.write_baseline is not None:
        from fixer.render.baseline import read, to_json

        text = to_json(report)
        _write(options.write_baseline, text)
        old = read(text)
    return _deliver(report if old is None else report.without(old), wanted)


def fix(paths: list[Path], options: Options, output: str, choice: Choice, write: bool) -> int:
    """Fix, print the diff or write the files, and report; the exit code.

    Raises:
        UsageError: as `check`.
    """
    wanted, old = _wanted(options, output), _old(options.baseline)
    settings, unread = inspected(paths, options)
    report = _run(paths, settings, choice, wanted, unread)
    if write:
        report = report.with_result(app.write_changes(report.told))
    return _deliver(report if old is None else report.without(old), wanted)


def _run(paths: list[Path], settings: Config, choice: Choice, wanted: _Wanted, unread: tuple[Skipped, ...]) -> Report:
    with console.progress("fixing" if choice.apply else "checking") as tick:
        return app.report(paths, settings, choice, tick, drawn=wanted.drawn).with_skipped(unread)


def _wanted(options: Options, output: str) -> _Wanted:
    """What is to be written where; what cannot be is told before the work.

    A file without a format of its own has that of --format, which is then not printed too.
    """
    files: list[tuple[str, Path]] = []
    printed = output
    for word in options.output_file:
        name, sign, file = word.partition("=")
        if not sign or name not in FORMATS:
            name, file, printed = output, word, "text"
        if name == "text":
            raise UsageError(f"--output-file {word}: say in which format, for example --output-file sarif={file}")
        folder = Path(file).parent
        if not file or Path(file).is_dir() or not folder.is_dir():
            what = f"{folder} is no folder" if file and not folder.is_dir() else "it is no file"
            raise UsageError(f"--output-file {word}: {what}; name a file in a folder that is there")
        files.append((name, Path(file)))
    return _Wanted(printed, tuple(files))


def _old(file: Path | None) -> dict[str, int] | None:
    if file is None:
        return None
    from fixer.render.baseline import read

    try:
        return read(file.read_text(encoding="utf-8"))
    except OSError as error:
        what = f"--baseline {file}: cannot be read ({error.strerror}); 'fixer check --write-baseline {file}' makes it"
        raise UsageError(what) from None
    except (ValueError, RecursionError) as error:
        what = f"--baseline {file} is no baseline: {error}; 'fixer check --write-baseline {file}' makes one"
        raise UsageError(what) from None


def _deliver(report: Report, wanted: _Wanted) -> int:
    for name, file in wanted.files:
        _write(file, text_of(name, report))
    if wanted.output == "text":
        _show(report)
    else:
        console.raw(_bytes(text_of(wanted.output, report)))  # whatever encoding standard output has
    return report.tally.exit_code()


def _show(report: Report) -> None:
    """The report for people, as it is without any of these options, and what the baseline did."""
    show(report.told, report.tally, fixing=report.fixing, written=report.written)
    console.show([[(f"  {words}", "")] for words in notes(report)], sys.stderr if report.fixing else sys.stdout)


def text_of(name: str, report: Report) -> str:
    """A report in one of the formats for machines and pages."""
    if name == "json":
        from fixer.render.json import to_json

        return to_json(report.told)
    if name == "sarif":
        from fixer.render.sarif import to_sarif

        return to_sarif(report)
    if name == "gitlab":
        from fixer.render.gitlab import to_gitlab

        return to_gitlab(report)
    if name == "junit":
        from fixer.render.junit import to_junit

        return to_junit(report)
    if name == "github":
        from fixer.render.github import to_github

        return to_github(report)
    if name == "markdown":
        from fixer.render.markdown import to_markdown

        return to_markdown(report)
    from fixer.render.html import to_html

    return to_html(report)


def _write(file: Path, text: str) -> None:
    """Write a file whole or not at all; what is no plain file is written through, and a step summary grows.

    Raises:
        UsageError: when it cannot be written.
    """
    from fixer.deliver.write import replace

    data = _bytes(text)
    grows = os.environ.get("GITHUB_STEP_SUMMARY") == str(file)
    try:
        if grows or (file.exists() and not file.is_file()):
            with file.open("ab") as out:
                out.write(data)
        else:
            replace(file, data)
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}); check its permissions") from error


def _bytes(text: str) -> bytes:
    return masking.mask(text).encode("utf-8", "backslashreplace")
