"""Keys and words from a person. The only module that knows prompt_toolkit."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.key_binding import KeyPressEvent
    from prompt_toolkit.output import Output

TAB = "Tab"
END = "end"
"""What is answered for Ctrl-D, and where the input ends."""


def _plain_output() -> Output | None:
    """An output without a single escape sequence, for a terminal that knows none; None for any other."""
    if os.environ.get("TERM", "dumb") != "dumb":
        return None
    from prompt_toolkit.output.plain_text import PlainTextOutput

    return PlainTextOutput(sys.stdout)


class Keyboard:
    """What a person presses and writes.

    Without an input and an output it is the terminal. Raises KeyboardInterrupt for Ctrl-C.
    """

    def __init__(self, given: Input | None = None, output: Output | None = None) -> None:
        # A terminal is never asked where its cursor is: some answer late, and the answer would count as keys.
        os.environ.setdefault("PROMPT_TOOLKIT_NO_CPR", "1")
        from prompt_toolkit import PromptSession
        from prompt_toolkit.application import create_app_session

        with create_app_session(output=_plain_output() if output is None else None):
            self._session: PromptSession[str] = PromptSession(input=given, output=output)

    def key(self, words: str, known: Collection[str]) -> str:
        """Ask for one key; any other is not heard.

        Args:
            words: what stands before the cursor; the program's own, as it is not cleaned.
            known: the keys, one character each, or `Tab`.

        Returns:
            One of them, or END.
        """
        from prompt_toolkit.key_binding import KeyBindings
        from prompt_toolkit.keys import Keys

        bindings = KeyBindings()

        def pressed(event: KeyPressEvent) -> None:
            name = TAB if event.data == "\t" else event.data
            if name in known:
                event.current_buffer.insert_text(name)
                event.app.exit(result=name)
            else:
                event.app.output.bell()

        def ended(event: KeyPressEvent) -> None:
            event.app.exit(result=END)

        for name in (Keys.Any, Keys.Tab, Keys.Enter, Keys.Escape, Keys.Backspace):
            bindings.add(name, eager=True)(pressed)

        def interrupted(event: KeyPressEvent) -> None:
            event.app.exit(exception=KeyboardInterrupt)

        bindings.add(Keys.ControlC, eager=True)(interrupted)
        bindings.add(Keys.ControlD, eager=True)(ended)
        return self._ask(words, key_bindings=bindings)

    def line(self, words: str) -> str:
        """Ask for one line; "" for none, and END where the input ends."""
        from prompt_toolkit.key_binding import KeyBindings

        return self._ask(words, key_bindings=KeyBindings())  # not those of the key before

    def _ask(self, words: str, **options: Any) -> str:
        try:
            return self._session.prompt(words, **options)
        except EOFError:
            return END
