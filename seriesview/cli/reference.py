"""The generated parts of docs/cli.md: what every command takes, from the commands themselves.

`python -m seriesview.cli.reference docs/cli.md` renews them, between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from seriesview.cli.main import COMMANDS, cli

PROGRAM = "seriesview"
LIST = "commands"
BACKEND = "seriesview-start-backend"

_PART = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def part(name: str) -> str:
    """A generated part in Markdown: of a command, `seriesview` itself, BACKEND, `commands`. Raises KeyError."""
    if name == PROGRAM:
        return _described(cli, PROGRAM)
    if name == LIST:
        return _list()
    if name == BACKEND:
        from seriesview.cli.start_backend import command

        return _described(command, BACKEND)
    if name not in COMMANDS:
        raise KeyError(f"{name}: no command of that name")
    return _described(_command(name), f"{PROGRAM} {name}")


def renewed(page: str) -> str:
    """The page with its generated parts as they are now. Raises KeyError for a part that is not known."""
    return _PART.sub(lambda match: f"{match[1]}\n{part(match['name'])}\n\n{match[3]}", page)


def part_names(page: str) -> list[str]:
    """Names of the generated parts that a page has, in order."""
    return [match["name"] for match in _PART.finditer(page)]


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def _described(command: click.Command, path: str) -> str:
    """Usage, help and options of a command, and of the commands below it."""
    context = click.Context(command, info_name=path, **cli.context_settings)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines = [f"    {usage}", "", *_help(command), *_options(command, context)]
    if isinstance(command, click.Group) and command is not cli:
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                lines += ["", f"### {path} {name}", "", _described(below, f"{path} {name}")]
    return "\n".join(lines)


def _help(command: click.Command) -> Iterator[str]:
    """Paragraphs of the help; a paragraph behind a `\\b` keeps its lines, as code."""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b"):
            title, *lines = paragraph.removeprefix("\b").strip().splitlines()
            yield from [title, "", *(f"    {line.strip()}" for line in lines), ""]
        else:
            yield from [paragraph.strip(), ""]


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    yield from ["| option | meaning |", "| --- | --- |"]
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            option, meaning = (" ".join(text.replace("|", "\\|").split()) for text in record)
            yield f"| `{option}` | {meaning} |"
    # Not as the command has it: it remembers the names of its first context, whichever that was.
    yield f"| `{', '.join(context.help_option_names)}` | Show this message and exit. |"


def _list() -> str:
    rows = [f"| [`{name}`](#{PROGRAM}-{name}) | {text} |" for name, text in COMMANDS.items()]
    return "\n".join(["| command | what it does |", "| --- | --- |", *rows])


def main(path: Path) -> None:
    """Renew a page in its place."""
    path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
