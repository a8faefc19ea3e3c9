"""The command `fixer`: start it, and turn what went wrong into one sentence and an exit code."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; the exit code is 0, 1, 2 or 3 as the README tells."""
    from fixer.cli.main import app
    from fixer.errors import FixerError

    try:
        app(prog_name="fixer")
    except FixerError as error:
        from fixer import console

        console.error(str(error))
        sys.exit(2)
    except BrokenPipeError:
        # The reader (head, less) has gone; what it wanted, it has read.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)


if __name__ == "__main__":
    main()
