"""The command line as a whole: a help page that fits a screen, and one sentence for words that cannot be meant."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from fixer.errors import UsageError, near

# The library has its errors in a private place, and another one in each of its versions.
_Wrong: Any = typer.BadParameter.__mro__[1]
_CHOICES = re.compile(r"'([^']*)' is not one of (.+)")
_SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
_QUOTED = re.compile(r"'([^']*)'")
_UNKNOWN = re.compile(r"No such option: (-[^ ]*)")
_TYPE = re.compile(r" <.*>$")
_WORDS = {
    re.compile(r"[Pp]ath '(.*)' is not readable"): r"\1 cannot be read; check its permissions",
    re.compile(r"Option '(.*)' requires an argument"): r"\1 is given without its value",
    re.compile(r"Option '(.*)' does not take a value"): r"\1 takes no value",
    re.compile(r"Got unexpected extra argument\(s\) \((.*)\)"): r"too many words: \1",
    re.compile(r".*greater than or equal to (\d+)"): r"the smallest number is \1",
    re.compile(r".*less than or equal to (\d+)"): r"the largest number is \1",
    re.compile(r".*valid integer.*"): r"it takes a number",
}


class Command(TyperCommand):
    """A command whose help names its arguments as its usage does, without types of Python."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options."""
        for title, rows in (("Arguments", arguments(self, ctx)), ("Options", options(self, ctx))):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """What may stand there; see `_bare`."""
        return _bare(super().shell_complete(ctx, incomplete))


def _bare(items: Any) -> Any:
    """Completions without their help: for that the library loads what takes as long as all else at each Tab."""
    for item in items:
        item.help = None
    return items


def arguments(command: Any, ctx: Any) -> list[tuple[str, str]]:
    """The arguments of a command, each with its help."""
    return [(_TYPE.sub("", name), words) for name, words in _records(command, ctx, "argument")]


def options(command: Any, ctx: Any) -> list[tuple[str, str]]:
    """The options of a command, each with its values and its help."""
    return list(_records(command, ctx, "option"))


def _records(command: Any, ctx: Any, kind: str) -> Iterator[tuple[str, str]]:
    for one in command.get_params(ctx):
        record = one.get_help_record(ctx)
        if one.param_type_name == kind and record is not None:
            yield record


class Group(TyperGroup):
    """The commands, each in the group that its `rich_help_panel` names."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write a page of at most 80 columns and 24 lines, the commands that people need first."""
        lines = [f"Usage: {ctx.command_path} COMMAND [OPTIONS] [PATH]...", "", *(self.help or "").splitlines()]
        shown: list[Any] = [one for name in self.list_commands(ctx) if (one := self.get_command(ctx, name))]
        shown = [one for one in shown if not one.hidden]
        width = max(len(one.name or "") for one in shown)
        title = ""
        for one in shown:
            if one.rich_help_panel and one.rich_help_panel != title:
                title = one.rich_help_panel
                lines.append(f"{title}:")
            lines.append(f"  {one.name:<{width}}  {one.short_help}")
        formatter.write("\n".join([*lines, *(self.epilog or "").splitlines()]) + "\n")

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """What may stand there; see `_bare`."""
        return _bare(super().shell_complete(ctx, incomplete))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names.

        Raises:
            UsageError: when it names none.
        """
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            name = args[0]
            hint = near(name, self.list_commands(ctx))
            raise UsageError(f"there is no command '{name}'{hint}; 'fixer --help' lists them")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run, and leave with the exit code; what is wrong with the words becomes one sentence.

        Raises:
            UsageError: for words that cannot be meant.
        """
        given = extra.pop("args", args[0] if args else None)
        words = sys.argv[1:] if given is None else list(given)
        if words in (["--install-completion"], ["--show-completion"]):
            _shell_must_be_known()
        try:
            sys.exit(super().main(list(words), **{**extra, "standalone_mode": False}) or 0)
        except typer.Abort:
            sys.exit(130)
        except _Wrong as error:
            if not words:  # which shows the help
                error.show()
                sys.exit(2)
            name = next((word for word in words if word in self.commands), "")
            raise UsageError(self._sentence(error, name)) from None

    def _sentence(self, error: Any, name: str) -> str:
        """What is wrong, where, and where to look, from an error of the library."""
        command = f"fixer {name}".rstrip()
        message = error.format_message().strip().rstrip(".")
        unknown = _UNKNOWN.match(message)
        if unknown:
            hint = near(unknown[1], self._options(name))
            return f"{name or 'fixer'} has no option {unknown[1]}{hint}; '{command} --help' lists them"
        return f"{_place(error, name)}{_told(error, message)}; '{command} --help' tells more"

    def _options(self, name: str) -> list[str]:
        command = self.commands.get(name, self)
        return ["--help", *(word for one in command.params for word in one.opts if word.startswith("--"))]


def _shell_must_be_known() -> None:
    """Refuse where the library would say that the shell None is not supported."""
    import shellingham

    try:
        name, _ = shellingham.detect_shell()
    except shellingham.ShellDetectionFailure:
        name = "none"
    if name not in _SHELLS:
        raise UsageError(f"the shell here is {name}; run this from {', '.join(_SHELLS)}, which can complete")


def _place(error: Any, name: str) -> str:
    """The command, and the option or argument that an error is about."""
    about = getattr(error, "param", None)
    words = [name]
    if about is not None:
        words.append(about.opts[-1] if about.param_type_name == "option" else str(about.metavar or about.name))
    return "".join(f"{word}: " for word in words if word)


def _told(error: Any, message: str) -> str:
    """What is wrong, in the words of this program where they are known."""
    about = getattr(error, "param", None)
    if about is not None and message.startswith("Missing"):
        return f"nothing is given ({about.help.rstrip('.')})"
    own = str(getattr(error, "message", "") or message).removeprefix("Value error, ").strip().rstrip(".")
    choice = _CHOICES.search(own)
    if choice:
        known = _QUOTED.findall(choice[2])
        return f"'{choice[1]}' is none of {', '.join(known)}{near(choice[1], known)}"
    for pattern, plain in _WORDS.items():
        found = pattern.fullmatch(own)
        if found:
            return found.expand(plain)
    return own[:1].lower() + own[1:]
