"""The one place that prints. Rich is loaded only for a terminal that wants colours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from fixer import masking
from fixer.render.text import Line

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x0A}


def clean(text: str) -> str:
    """Text from a repository without control characters, which a terminal would obey."""
    return text.translate(_CONTROL).encode("utf-8", "backslashreplace").decode("utf-8")


def colourful(stream: IO[str]) -> bool:
    """Whether a stream is a terminal that may be coloured (`NO_COLOR` and `TERM=dumb` say no)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def show(lines: Iterable[Line], stream: IO[str] | None = None) -> None:
    """Print styled lines, on standard output unless told otherwise."""
    out: IO[str] = sys.stdout if stream is None else stream
    if colourful(out):
        _show_rich(lines, out)
        return
    encoding = getattr(out, "encoding", None) or "utf-8"
    texts = [masking.mask("".join([piece for piece, _ in line])) for line in lines]
    whole = " ".join(texts)
    # Which takes no time, and most are plain.
    if not (whole.isascii() and whole.isprintable()) or "##[" in whole or "::" in whole:
        texts = [_harmless(text, encoding) for text in texts]
    out.write("\n".join([*texts, ""]))


def _harmless(text: str, encoding: str) -> str:
    """A line that neither a terminal nor the log of a CI job obeys, in signs that the stream can show."""
    if not (text.isascii() and text.isprintable()):
        text = clean(text).replace("\n", " ").encode(encoding, "backslashreplace").decode(encoding)
    return _inert(text) if "##[" in text or text.lstrip().startswith("::") else text


def _inert(text: str) -> str:
    """A line that the log of a CI job does not take for a command to the one that runs it."""
    blank = text[: len(text) - len(text.lstrip())]
    text = text.replace("##[", "##\\x5b")
    return f"{blank}\\x3a{text[len(blank) + 1 :]}" if text.lstrip().startswith("::") else text


def _show_rich(lines: Iterable[Line], out: IO[str]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*((plain(piece), style or "default") for piece, style in line)))


def plain(piece: str) -> str:
    """One line of a piece, without control characters and secrets."""
    return clean(masking.mask(piece)).replace("\n", " ")


def error(message: str) -> None:
    """One sentence on standard error."""
    show([[("fixer: ", "bold red"), (message, "")]], sys.stderr)


def text(words: str) -> None:
    """Plain text of the program's own on standard output."""
    sys.stdout.write(masking.mask(words))


def raw(data: bytes) -> None:
    """Bytes on standard output, exactly: for diffs of files in any encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def watched() -> bool:
    """Whether somebody watches standard error, so that a counter makes sense."""
    return colourful(sys.stderr)


@contextmanager
def progress(what: str) -> Iterator[Any]:
    """A counter on standard error for long work, on a terminal only. Yields a function to call for each file."""
    if not colourful(sys.stderr):
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed} files"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda: bar.advance(task)
