"""Thousands of sessions: planning them, building some of them, and the index of all in a browser.

All are planned; those of the index are the ones that were built, again and again under other names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import amount, print_table, processor_seconds, run
from benchmarks.viewer import chromium
from seriesview.sessions.page import index_page
from seriesview.sessions.table import sessions_table

CORES = ("--cores", "2")
_SHAPE = (500, 4)
_CONFIG = """\
workspace: Many
store: {storage_dir: kachery, mode: embedded}
results: lab
defaults: {unit: uV}
sessions:
  path: data/{subject}/{number}/raw.dat
  label: "{subject}, {number}"
  datasets:
    probe: {dtype: int16, channels: 4, sampling_frequency: 1000, scale: 0.195}
  views:
    - label: "{subject}"
      panels: [{type: ContinuousTraces, series: probe}]
"""

# Milliseconds until what is asked for is laid out.
_TIMED = """async action => {
  const began = performance.now();
  action === 'sort'
    ? [...document.querySelectorAll('th button')].find(button => button.textContent === 'session').click()
    : (search => { search.value = action; search.dispatchEvent(new Event('input')); })(
        document.getElementById('search'));
  document.body.getBoundingClientRect();
  return performance.now() - began;
}"""


def make_sessions(folder: Path, numbers: range) -> Path:
    """Write recordings of 4 kB, one a session, and the configuration of all; the folder."""
    rng = np.random.default_rng(numbers.start)
    for number in numbers:
        place = folder / "data" / f"rat{number % 20}" / f"{number:05d}"
        place.mkdir(parents=True)
        np.cumsum(rng.integers(-20, 21, _SHAPE), axis=0).astype("<i2").tofile(place / "raw.dat")
    (folder / "config.yaml").write_text(_CONFIG)
    return folder


def many(sessions: Sequence[Mapping[str, Any]], count: int) -> list[dict[str, Any]]:
    """So many sessions for an index, made of a few."""
    found = []
    for number in range(count):
        subject = f"rat{number % 20}"
        named = {"id": f"{subject}_{number:05d}", "label": f"{subject}, {number:05d}"}
        values = {"subject": subject, "number": f"{number:05d}", "date": None}
        found.append({**sessions[number % len(sessions)], **named, "values": values})
    return found


def print_sessions(directory: Path, count: int, built: int) -> None:
    """Print what planning `count` sessions and building `built` of them takes, and what the index of `count` does."""
    plan = run(make_sessions(directory / "planned", range(count)), "build", "-n", *CORES)
    lab = make_sessions(directory / "built", range(built))
    first = run(lab, "build", *CORES)
    again = run(lab, "build", *CORES)
    make_sessions(lab, range(built, built + 1))
    one_more = run(lab, "build", *CORES)
    files = [path for path in lab.joinpath("lab").rglob("*") if path.is_file()]
    print_table(
        ("sessions of one recording of 4 kB", "how many", "processor", "a session", "largest process"),
        [
            [
                what,
                f"{number:,}",
                f"{spent.seconds:.1f} s",
                f"{1000 * spent.seconds / number:.1f} ms",
                f"{spent.peak_bytes / 1e6:.0f} MB",
            ]
            for what, number, spent in (
                ("`seriesview build -n`, nothing built", count, plan),
                ("`seriesview build`", built, first),
                ("the same, nothing to do", built, again),
                ("the same, one session more", built + 1, one_more),
            )
        ],
    )
    sessions = json.loads((lab / "lab" / "sessions.json").read_text())["sessions"]
    index = many(sessions, count)
    texts: list[str] = []
    seconds = processor_seconds(
        lambda: texts.extend((index_page("Many", index, "seriesview serve"), sessions_table(index)))
    )
    page = lab / "lab" / "many.html"
    page.write_text(texts[0])
    rows = [
        ["files in the folder of results", f"{len(files) / (built + 1):.1f} a session"],
        ["page; table", f"{len(texts[0]) / 1e6:.1f} MB; {len(texts[1]) / 1e6:.1f} MB"],
        ["writing both", f"{seconds:.2f} s"],
        *in_browser(page),
    ]
    print_table(("an index* of", f"{count:,} sessions"), rows)


def in_browser(page: Path) -> list[list[str]]:
    """How long a page takes to open, to sort and to search, in a browser, and the memory of its scripts."""
    with chromium() as browser:
        opened = browser.new_page()
        opened.goto(page.as_uri())
        opening = opened.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
        sorting, searching, comparing = (
            opened.evaluate(_TIMED, action) for action in ("sort", "rat7", "channels>3")
        )
        heap = opened.evaluate("performance.memory.usedJSHeapSize")
    return [
        ["opening it", f"{opening:.0f} ms"],
        ["sorting by a column", f"{sorting:.0f} ms"],
        ["finding a word; `channels>3`", f"{searching:.0f}; {comparing:.0f} ms"],
        ["memory of its scripts", f"{amount(heap / 1e6)} MB"],
    ]
