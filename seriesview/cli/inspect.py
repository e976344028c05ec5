"""`seriesview inspect`: what is in a file, and what to write into config.yaml for it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seriesview.cli.arguments import follow_option, json_option, open_reading_store, storage_option
from seriesview.terms import bytes_in_words

if TYPE_CHECKING:
    from seriesview.build.findings import Entry, Finding
    from seriesview.readers import Reader
    from seriesview.readers.folders import Inside


@click.command(short_help="What is in a file or folder, and the YAML that opens it.")
@click.argument("path")
@click.option("--reader", help="Reader to use, such as nwb, spikeglx, edf or binary.  [default: guessed]")
@follow_option
@storage_option
@json_option
def command(
    path: str, reader: str | None, follow_external: bool, storage_dir: Path | None, as_json: bool
) -> None:
    """Say what PATH holds: a file or a folder, or the sha1:// URI of a file.

    Each series with its shape, dtype, rate, unit and duration, and the lines to paste below `datasets:` in
    config.yaml; then what cannot be shown, and why. Of a folder of several recordings: which these are.
    """
    from seriesview.build.dataset import Dataset, located_source
    from seriesview.build.findings import configurable_entries, find_all, name_of
    from seriesview.build.source import identify
    from seriesview.layout.remote_path import located
    from seriesview.readers import ReadOptions
    from seriesview.readers.registry import choose_reader, inside_folder

    source = Dataset("", path, reader, ReadOptions())
    with ExitStack() as opened:
        file = located(path)
        if source.is_kachery_uri:
            file = opened.enter_context(located_source(source, open_reading_store(storage_dir)))
        inside = inside_folder(file, reader) if file.is_dir() else None
        if inside is not None and inside.recordings:
            if len(inside.recordings) > 1 or not inside.is_whole:
                click.echo(json.dumps(_listed(path, inside)) if as_json else "\n".join(_list(path, inside)))
                return
            file = inside.recordings[0][0]
            path = str(file)
        chosen = choose_reader(file, reader)
        findings = find_all(file, chosen, follow_external)
        size = identify(file).size
        stem = name_of(file)
    entries = configurable_entries(path, stem, findings, chosen if reader is not None else None)
    if as_json:
        click.echo(json.dumps(_document(path, chosen, size, findings, entries), allow_nan=False))
        return
    click.echo("\n".join(_words(path, chosen, size, findings, entries)))


def _listed(path: str, inside: Inside) -> dict[str, Any]:
    recordings = [{"path": str(each), "reader": reader.name} for each, reader in inside.recordings]
    return {"path": path, "recordings": recordings, "is_whole": inside.is_whole}


def _list(path: str, inside: Inside) -> Iterator[str]:
    yield f"{path}: a folder of {len(inside.recordings)} recordings{'' if inside.is_whole else ' and more'}"
    yield ""
    for each, reader in inside.recordings:
        size = "a folder" if each.is_dir() else bytes_in_words(each.stat().st_size)
        yield f"  {each}: {size}, reader {reader.name}"
    yield ""
    yield f"what is in one of them: seriesview inspect {shlex.quote(str(inside.recordings[0][0]))}"


def _document(
    path: str, reader: Reader, size: int, findings: list[Finding], entries: list[Entry | None]
) -> dict[str, Any]:
    from seriesview.pipeline.config_file import entry_yaml
    from seriesview.series.channel_words import channel_facts

    candidates = []
    for finding, entry in zip(findings, entries, strict=True):
        # A table of units may have a million channels: what is said of them stands for them.
        candidate = asdict(replace(finding, channels=())) | {"irregular": finding.is_irregular}
        candidate["channels"] = channel_facts(finding.channels)
        del candidate["of_options"]
        candidate["shape"] = [int(length) for length in finding.shape]
        if entry is not None:
            candidate |= {
                "name": entry.name,
                "config": entry.keys,
                "yaml": entry_yaml(entry.name, entry.keys),
            }
        candidates.append(candidate)
    return {"path": path, "reader": reader.name, "bytes": size, "candidates": candidates}


def _words(
    path: str, reader: Reader, size: int, findings: list[Finding], entries: list[Entry | None]
) -> Iterator[str]:
    from seriesview.build.finding_words import described
    from seriesview.pipeline.config_file import entry_yaml
    from seriesview.series.channel_words import channel_lines

    yield f"{path}: {bytes_in_words(size)}, reader {reader.name}"
    for finding, entry in zip(findings, entries, strict=True):
        if entry is not None:
            yield ""
            yield _what(finding, path)
            yield f"  {described(finding)}"
            for line in channel_lines(finding.channels):
                yield f"  {line}"
            for decision in finding.decisions:
                yield f"  {'guessed: ' if decision.is_guess else ''}{decision.text}"
    usable = [entry for entry in entries if entry is not None]
    if usable:
        yield ""
        yield "To paste into config.yaml:"
        yield ""
        yield "datasets:"
        for entry in usable:
            yield entry_yaml(entry.name, entry.keys)
    hidden = [finding for finding, entry in zip(findings, entries, strict=True) if entry is None]
    if hidden:
        yield ""
        yield "Cannot be shown:"
        for finding in hidden:
            yield f"  {_what(finding, path)}: {finding.problem}"
    if not findings:
        yield ""
        yield "Nothing in it looks like a recording."


def _what(finding: Finding, path: str) -> str:
    """What of the path a finding is."""
    from seriesview.layout.remote_path import located

    whole = "(the whole folder)" if located(path).is_dir() else "(the whole file)"
    return finding.dataset or whole
