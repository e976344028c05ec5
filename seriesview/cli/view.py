"""`seriesview view`: from a recording to a picture in a browser, in one command."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from seriesview.cli.arguments import follow_option, open_reading_store, storage_option
from seriesview.cli.entry_options import entry_options, given_keys, option_name
from seriesview.cli.filter_options import filter_options, wanted_filter
from seriesview.cli.growing import following_of, growing_options
from seriesview.cli.link_server import say, serve_options, serve_view

MISSING_STATUS = 1
# What a file may leave open.
ENTRY_KEYS = (
    "dtype",
    "channels",
    "sampling_frequency",
    "byte_offset",
    "order",
    "allow_truncated",
    "timestamps",
    "timezone",
    "session_start",
    "start_time",
    "header_lines",
    "unit",
    "scale",
    "offset",
    "missing",
)


@click.command(short_help="Show recordings in a browser; build what is missing.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where configuration and results go.  [default: RECORDING.seriesview beside the first recording, else here; "
    "the folder of a config.yaml]",
)
@click.option("--reader", help="Reader to use, such as nwb, spikeglx, edf or binary.  [default: guessed]")
@entry_options(*ENTRY_KEYS)
@growing_options
@follow_option
@storage_option
@filter_options
@serve_options
def command(
    paths: tuple[str, ...],
    directory: Path | None,
    reader: str | None,
    follow_external: bool,
    storage_dir: Path | None,
    **options: Any,
) -> int:
    """Show what PATH holds in a browser: build what is missing, print a link, and answer it until Ctrl-C.

    PATH is a recording, or several: a file, the folder that a rig wrote, or an https://, s3:// or gs:// address. Or it
    is a config.yaml or a folder with one, a results/workspace.json, a sha1:// URI, a link, or the address of something
    published. Recordings get a folder of their own with a config.yaml that you may edit, and with all that is built;
    the command says which. What is built already is not built again. The page opens at once, and shows what there is
    while it is built: exact, or hatched. Everything else is as with `seriesview serve`.

    With --follow recordings that are still written are shown as they grow: the page moves with their end, and H holds
    it still. When a recording has ended it is built as if nobody had looked on. Nothing is written on the file system
    that is recorded to: name a --storage-dir and a --directory elsewhere, or say --same-disk.

    Links show what PATH holds, and nothing else of the storage directory, unless --all is given.

    A link may be old, printed, and of any host: what it names is shown from the storage directory here, with the range
    and the settings that it holds. What was exported or published is opened where it is.

    \b
    Examples:
      seriesview view session.nwb
      seriesview view run_g0
      seriesview view raw.dat spikes.csv --dtype int16 --channels 32 --sampling-frequency 30000
      seriesview view run_g0 --preset spikes
      seriesview view night.edf --bandpass 0.3 35 --notch 50 --reference M1,M2
      seriesview view --follow run_g0 --storage-dir /fast/kachery-storage
      seriesview view config.yaml
      seriesview view 'http://127.0.0.1:20431/f?v=/view/seriesview&d=4f2a...&s=...'
    """
    from seriesview.figures.finding import meant

    wanted = wanted_filter(options)
    following = following_of(options)
    given = {**given_keys(options), "reader": reader, "follow_external": follow_external or None}
    found = meant(
        paths,
        lambda: open_reading_store(storage_dir),
        directory=directory,
        store=storage_dir,
        given=given,
        announce=say,
        how_to_say=_again,
        following=following,
    )
    return 0 if serve_view(found, {"filter": wanted} if wanted else {}, **options) else MISSING_STATUS


def _again(path: str, keys: Sequence[str]) -> str:
    """The command that says what a recording leaves open."""
    options = " ".join(f"{option_name(key)} {key.upper()}" for key in keys if key in ENTRY_KEYS)
    return f"seriesview view {shlex.quote(path)} {options}"
