"""The command `fixer`: start it, and turn what went wrong into one sentence and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn


def main() -> None:
    """Run the command line; the exit code is 0, 1, 2 or 3 as the README tells."""
    from fixer.errors import FixerError

    # Each file leaves a web of small objects behind; looking through them too often costs a tenth of a run.
    gc.set_threshold(100_000, 20, 20)
    try:
        sys.exit(_run(sys.argv[1:]))
    except FixerError as error:
        from fixer import console

        console.error(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) has gone; what it wanted, it has read.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)


def _leave(code: int) -> NoReturn:
    """End without taking tens of thousands of objects apart first, which takes some hundredths of a second."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(words: list[str]) -> int:
    """The plain `fixer check` or `fix` of a hook or a bot without the cost of typer; everything else through it."""
    if "" in words:
        from fixer.errors import UsageError

        raise UsageError("an argument is empty, which a variable without a value often does; leave it out, or fill it")
    if words[:1] in (["check"], ["fix"]):
        from fixer.cli.plain import run_plain

        code = run_plain(words)
        if code is not None:
            _leave(code)
    from fixer.cli.main import app

    app(args=words, prog_name="fixer")
    return 0


if __name__ == "__main__":
    main()
