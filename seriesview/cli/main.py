"""`seriesview`: the commands, each loaded when it is asked for."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any, NoReturn

import click

from seriesview.errors import ConfigError, SeriesviewError, one_line

# Command -> its line in the help, so that the help needs no command's module.
COMMANDS = {
    "view": "Show recordings in a browser: build what is missing, print a link, and answer it.",
    "serve": "Show a workspace in a browser: print a link, and answer it.",
    "init": "Write a commented config.yaml for the files it is given.",
    "build": "Build the workspace that a config.yaml describes.",
    "build-dataset": "Build one dataset: a step of a build, for other programs.",
    "build-chunk": "Build many datasets in one job: each with its series and its picture.",
    "build-workspace": "Put series together: the last step of a build, for other programs.",
    "build-index": "Put sessions together: the last step of their build, for other programs.",
    "inspect": "Say what is in a file, and what to write into config.yaml for it.",
    "info": "Say in words what a series or a workspace holds.",
    "window": "Read a window of a series at any zoom into a file.",
    "plot": "Draw a stretch of a series into a picture.",
    "export": "Write a workspace as a folder that any web server shows, or as one file.",
    "publish": "Put a workspace into a bucket, and print the link to open.",
    "bucket": "Check whether a bucket is set up for publishing; set its CORS rules.",
    "verify": "Hash everything that a workspace, a series or an exported folder reaches again.",
    "ls": "List the workspaces of a store, with sizes and dates.",
    "forget": "Say that a workspace need not be kept any more.",
    "gc": "Remove what seriesview stored and no kept workspace reaches.",
    "relink": "Find raw files that moved, by their SHA-1, and link them again.",
    "node": "Serve a kachery storage directory, as the kachery daemon does.",
    "channel": "Create, show and change a node's channels.",
    "token": "Make, list and take back tokens of remote backends and of browsers' users.",
    "task": "Ask a backend for a task.",
    "demo-data": "Write the demo's recordings.",
}

ERROR_STATUS = 2
INTERRUPTED_STATUS = 130


class _Commands(click.Group):
    """A group whose commands are modules of this package, imported only to run or to be helped with."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Names that the help shows."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command called `name`, or None."""
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"seriesview.cli.{name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _version() -> str:
    from importlib.metadata import version

    return version("seriesview")


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"seriesview {_version()}")
        context.exit()


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`seriesview COMMAND --help` explains a command. Exit status: 0 done, 1 something was found wrong or is "
    "missing, 2 an error, 130 interrupted.",
)
@click.option("--traceback", is_flag=True, help="Show where in the program an error comes from.")
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show it."
)
@click.pass_context
def cli(context: click.Context, traceback: bool) -> None:
    """Look at long recordings at every zoom, exactly.

    A config.yaml names recordings (HDF5, NWB, flat binary, npy, CSV); `seriesview build` makes multiresolution
    views of them, stored by content in kachery; everything else works from those.

    Start with `seriesview inspect FILE`, or with `seriesview init FILE...` and `seriesview build`.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; exits with its status."""
    run_command(cli, sys.argv[1:] if arguments is None else arguments, "seriesview")


def run_command(command: click.Command, arguments: list[str], name: str) -> NoReturn:
    """Run a command called `name` and exit with its status; errors of users are one line."""
    try:
        status = command.main(arguments, prog_name=name, standalone_mode=False)
        sys.exit(status if isinstance(status, int) else 0)
    except click.exceptions.Abort:
        sys.exit(INTERRUPTED_STATUS)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED_STATUS)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(ERROR_STATUS)
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else name
        click.echo(f"seriesview: error: {error.format_message()} (`{path} --help` explains)", err=True)
        sys.exit(ERROR_STATUS)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except (MemoryError, RecursionError) as error:
        # Whatever took it, a file that somebody made: more than there is, or nested without end.
        reason = (
            "not enough memory for this" if isinstance(error, MemoryError) else "nested too deeply to be read"
        )
        _report(SeriesviewError(f"{reason}; --traceback shows where"), "--traceback" in arguments)
        sys.exit(ERROR_STATUS)
    except (SeriesviewError, OSError) as error:
        _report(error, "--traceback" in arguments)
        sys.exit(ERROR_STATUS)


def _report(error: SeriesviewError | OSError, with_traceback: bool) -> None:
    if with_traceback:
        traceback.print_exception(error)
    for line in _lines(error):
        click.echo(f"seriesview: error: {line}", err=True)


def _lines(error: SeriesviewError | OSError) -> list[str]:
    """What is wrong, one line each."""
    if isinstance(error, ConfigError):
        return error.problems
    if isinstance(error, OSError) and error.filename is not None:
        return [f"{os.fsdecode(error.filename)}: {error.strerror}"]
    return [one_line(error)]


if __name__ == "__main__":
    main()
