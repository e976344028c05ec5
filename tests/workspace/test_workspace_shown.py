"""What a figure is made of, and nothing else: workspaces, series, their arrays; against a slow walk of everything."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from series_builder import store_series

import seriesview
from seriesview.store import Store, open_store, parse_uri
from seriesview.upkeep.verification import Verifier
from seriesview.workspace.manifest import build_workspace
from seriesview.workspace.shown import Shown


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "storage", "embedded") as opened:
        yield opened


def sha1_of(uri: str) -> str:
    return parse_uri(uri)[0]


def series(store: Store, seed: int, count: int = 3000, **more: Any) -> str:
    samples = np.random.default_rng(seed).integers(-100, 100, (count, 2)).astype(np.int16)
    return str(store_series(store, [samples], part_rows=64, **more))


def workspace(store: Store, label: str, *uris: str) -> str:
    named = [(f"s{number}", uri) for number, uri in enumerate(uris)]
    document = build_workspace(label, named, types={name: "continuous" for name, _ in named})
    return str(store.put_json(document, name="workspace.json"))


def reached(store: Store, *uris: str) -> set[str]:
    """SHA-1s of all that some series consist of, their linked files left out."""
    verifier = Verifier(store)
    for uri in uris:
        verifier.series(uri, "s")
    assert verifier.found.problems == []
    return verifier.found.seen


def stored(store: Store) -> set[str]:
    return {path.name for path in store.directory.glob("sha1/??/??/??/*") if not path.suffix}


def covered(store: Store, shown: Shown) -> set[str]:
    return {sha1 for sha1 in stored(store) if shown.covers(sha1)}


def test_a_workspace_reaches_its_series_and_all_their_arrays(store: Store) -> None:
    one, two, other = (series(store, seed) for seed in range(3))
    whole = workspace(store, "both", one, two)
    workspace(store, "another", other, two)
    shown = Shown(store)
    shown.add(sha1_of(whole))
    expected = reached(store, one, two) | {sha1_of(whole)}
    assert covered(store, shown) == expected
    assert len(stored(store) - expected) > 20
    # Once more, now that everything was read; and for what is nowhere.
    assert covered(store, shown) == expected
    assert not shown.covers("0" * 40)
    assert not shown.covers("f" * 40)


def test_what_is_added_later_counts_too(store: Store) -> None:
    one, two = series(store, 1), series(store, 2)
    shown = Shown(store)
    assert covered(store, shown) == set()
    shown.add(sha1_of(one))
    assert covered(store, shown) == reached(store, one)
    shown.add(sha1_of(two))
    assert covered(store, shown) == reached(store, one, two)


def test_of_many_roots_what_is_asked_for_is_read_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    uris = [series(store, seed, count=200) for seed in range(20)]
    roots = [sha1_of(workspace(store, f"{number}", uri)) for number, uri in enumerate(uris)]
    shown = Shown(store)
    for root in roots:
        shown.add(root)
    read: list[str] = []
    get_bytes = store.get_bytes

    def noting(uri: str, *arguments: Any, **more: Any) -> bytes:
        read.append(uri)
        return get_bytes(uri, *arguments, **more)

    monkeypatch.setattr(store, "get_bytes", noting)
    own = reached(store, uris[13])
    read.clear()
    assert shown.covers(roots[13])
    assert shown.covers(sha1_of(uris[13]))
    assert len(read) == 1
    assert all(map(shown.covers, own))
    assert {sha1_of(uri) for uri in read} <= own | {roots[13]}


def test_a_series_that_is_stored_later(store: Store, tmp_path: Path) -> None:
    with open_store(tmp_path / "other", "embedded") as other:
        uri = series(other, 1)
        expected = reached(other, uri)
        document = other.get_json(uri)
    whole = workspace(store, "early", uri)
    shown = Shown(store)
    shown.add(sha1_of(whole))
    part = next(iter(expected - {sha1_of(uri)}))
    assert shown.covers(sha1_of(uri))
    assert not shown.covers(part)
    assert store.put_json(document, name="series.json") == uri
    assert series(store, 1) == uri
    assert covered(store, shown) == expected | {sha1_of(whole)}


@pytest.mark.parametrize("kind", ["panels", "workspace", "series", "arrays"])
def test_figures_reach_what_their_data_name(store: Store, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = series(store, 1), series(store, 2)
    whole = workspace(store, "one", one)
    more = set()
    if kind == "workspace":
        data: Any = {"workspace": whole}
        more = {sha1_of(whole)}
    elif kind == "arrays":
        monkeypatch.setenv("KACHERY_STORAGE_DIR", str(store.directory))
        values = np.random.default_rng(1).normal(size=(50, 2))
        made = seriesview.SVSeries.from_numpy(
            type="continuous",
            sampling_frequency=10,
            start_time=0,
            end_time=5,
            segment_duration=2,
            timestamps=np.arange(50) / 10,
            values=values,
        )
        one = made.to_uri()
        view = seriesview.MultiPanelView()
        view.add_continuous_traces_panel(made, label="a")
        data = view.to_dict()
    elif kind == "panels":
        panel = {"type": "ContinuousTraces", "label": "a", "data": {"seriesUri": one}}
        data = {"type": "seriesview.multipanel-timeseries.2", "data": {"panels": [panel]}}
    else:
        data = {"type": "ContinuousTraces", "data": {"seriesUri": one}}
    root = sha1_of(store.put_json(data, name="figure.json"))
    shown = Shown(store)
    shown.add(root)
    assert covered(store, shown) == reached(store, one) | {root} | more
    assert not shown.covers(sha1_of(other))


def test_a_linked_file_is_not_reached_though_it_is_stored(store: Store, tmp_path: Path) -> None:
    """It may hold more than the series shows."""
    raw = tmp_path / "raw.dat"
    samples = np.random.default_rng(3).integers(-100, 100, (3000, 2)).astype(np.int16)
    uri = str(store_series(store, [samples], part_rows=64, samples="link", link_path=raw))
    link = sha1_of(store.get_json(uri)["values"]["link"]["uri"])
    assert sha1_of(store.put_bytes(raw.read_bytes(), name="raw.dat")) == link
    shown = Shown(store)
    shown.add(sha1_of(uri))
    assert not shown.covers(link)
    assert covered(store, shown) == reached(store, uri) - {link}


def test_documents_that_are_nothing_reach_nothing(store: Store) -> None:
    other = series(store, 2)
    for document in (
        {"format": "seriesview-workspace/1", "series": [None, 3, {"uri": 5}, {"uri": "sha1://" + "0" * 40}]},
        {"format": "seriesview-workspace/1", "series": {"uri": other}},
        {"segments": [other]},
        {"note": other},
        {"type": "x", "more": {"uri": other}},
    ):
        root = sha1_of(store.put_json(document, name="x.json"))
        shown = Shown(store)
        shown.add(root)
        assert shown.covers(root)
        assert not shown.covers(sha1_of(other)), json.dumps(document)


def test_many_ask_at_once(store: Store) -> None:
    uris = [series(store, seed) for seed in range(4)]
    shown = Shown(store)
    for uri in uris:
        shown.add(sha1_of(uri))
    expected = reached(store, *uris)
    wrong: list[str] = []

    def ask(seed: int) -> None:
        for sha1 in np.random.default_rng(seed).permutation(sorted(expected)):
            if not shown.covers(str(sha1)):
                wrong.append(str(sha1))

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
