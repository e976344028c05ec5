"""Builds into a bucket: the same series as in a storage directory, whatever happens on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bucket_servers import CuttingProxy, Service, google, google_port, s3, s3_port, service  # noqa: F401
from closed_port import CLOSED_PORT
from waiting import until

import seriesview
from seriesview.build.outlook import build_outlook
from seriesview.build.results import read_results
from seriesview.cloud import retrying
from seriesview.config import with_defaults
from seriesview.errors import SeriesviewError
from seriesview.pipeline.chunk import build_chunk
from seriesview.pipeline.configured import Configured
from seriesview.pipeline.results import Results
from seriesview.pipeline.session_results import write_sessions

BUILD = "import json, sys, seriesview; print(seriesview.build_workspace(json.loads(sys.argv[1])).uri)"


@pytest.fixture(autouse=True)
def caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.01)
    monkeypatch.setenv("SERIESVIEW_CACHE_DIR", str(tmp_path / "caches"))


@pytest.fixture
def large(here: Path) -> dict[str, Any]:
    """A recording of some packs, and the keys that open it."""
    np.random.default_rng(3).integers(-3000, 3000, (1_200_000, 16), dtype=np.int16).tofile(here / "large.dat")
    return {"path": "large.dat", "dtype": "int16", "channels": 16, "sampling_frequency": 30_000}


def into(config: dict[str, Any], store: str, results: str | None = None) -> dict[str, Any]:
    more = {} if results is None else {"results": results}
    return {**config, **more, "store": {"storage_dir": store, "mode": "auto"}}


def stored(config: dict[str, Any]) -> dict[str, Any]:
    """The same with all samples stored."""
    datasets = config["datasets"].items()
    return {**config, "datasets": {name: entry | {"full_resolution": "store"} for name, entry in datasets}}


def via(service: Service, port: int, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    for name, value in service.environment(port).items():
        monkeypatch.setenv(name, value)


def test_series_are_those_of_a_storage_directory_with_all_samples(
    service: Service,  # noqa: F811
    config: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    expected = seriesview.build_workspace(into(stored(config), "storage", "local"))
    address = service.address("lab")
    built = seriesview.build_workspace(into(config, address, "results"))
    assert built.uri == expected.uri
    # On another machine without results nothing is new; the bucket's own place can also be published to.
    monkeypatch.setenv("SERIESVIEW_CACHE_DIR", str(tmp_path / "others"))
    names = set(service.names("lab/sha1/"))
    assert seriesview.build_workspace(into(config, address, "again")).uri == expected.uri
    assert set(service.names("lab/sha1/")) == names
    found = seriesview.verify(built.uri, store=address)
    assert found.is_right
    published = seriesview.publish(built.uri, address, store=address, raw=True)
    assert published.uri == built.uri
    assert published.num_present >= len(names) - 1
    assert set(service.names("lab/sha1/")) == names


def test_a_link_is_refused_with_what_to_set(s3: Service, config: dict[str, Any]) -> None:  # noqa: F811
    config["datasets"]["raw"]["full_resolution"] = "link"
    with pytest.raises(
        SeriesviewError, match=r"dataset raw: full_resolution: link: .*set `full_resolution: store`"
    ):
        seriesview.build_workspace(into(config, s3.address("lab"), "results"))


def test_a_build_that_is_killed_goes_on(
    s3: Service,  # noqa: F811
    large: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = {"workspace": "large", "datasets": {"large": large}}
    expected = seriesview.build_workspace(into(stored(config), "storage", "local")).uri
    proxy = CuttingProxy(s3.port, cuts=0, after=1)
    via(s3, proxy.port, monkeypatch)
    words = [sys.executable, "-c", BUILD, json.dumps(into(config, s3.address("lab"), "results"))]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    until(lambda: len(s3.names("lab/sha1/")) >= 2, "packs are there", process=process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = sum(len(s3.read(name)) for name in s3.names("lab/sha1/"))
    sent = proxy.bytes_sent
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
    total = sum(len(s3.read(name)) for name in s3.names("lab/sha1/"))
    assert proxy.bytes_sent - sent < total - there + 1_000_000
    proxy.close()
    via(s3, s3.port, monkeypatch)
    assert seriesview.verify(expected, store=s3.address("lab")).is_right


def test_two_builds_at_once_lose_nothing(
    s3: Service,  # noqa: F811
    config: dict[str, Any],
    tmp_path: Path,
) -> None:
    address = s3.address("lab")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BUILD, json.dumps(into(config, address, name))],
            env={**os.environ, "SERIESVIEW_CACHE_DIR": str(tmp_path / name)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    uris = {process.communicate()[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    (uri,) = uris
    assert seriesview.verify(uri, store=address).is_right
    assert len(s3.names("lab/seriesview/record/")) == 2


def test_a_bit_that_flipped_in_the_bucket_is_named(s3: Service, config: dict[str, Any]) -> None:  # noqa: F811
    address = s3.address("lab")
    uri = seriesview.build_workspace(into(config, address, "results")).uri
    name = max(s3.names("lab/sha1/"), key=lambda each: len(s3.read(each)))
    content = bytearray(s3.read(name))
    content[1000] ^= 1
    s3.write(name, bytes(content))
    found = seriesview.verify(uri, store=address)
    (problem,) = found.problems
    assert (problem.kind, problem.artifact[7:47]) == ("altered", name.rpartition("/")[2])
    assert name in problem.message


def test_without_a_network_no_dataset_is_to_blame(
    s3: Service,  # noqa: F811
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (here / "rec").mkdir()
    np.save(here / "rec/one.npy", np.zeros((3000, 2), np.int16))
    content = into(
        {"sessions": {"path": "rec/{name}.npy"}, "defaults": {"sampling_frequency": 10}}, s3.address("lab")
    )
    seriesview.build_sessions(content)
    configured, results = Configured.of(with_defaults(content)), Results()
    via(s3, CLOSED_PORT, monkeypatch)
    with pytest.raises(SeriesviewError, match="cannot be reached"):
        build_outlook(configured.datasets, results.work, configured.open_store())
    with pytest.raises(SeriesviewError, match="cannot be reached"):
        write_sessions(configured, results, configured.open_store())
    assert results.of_session("one").is_dir()


def test_a_network_that_is_lost_is_told_with_the_dataset_and_no_outcome(
    s3: Service,  # noqa: F811
    large: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = CuttingProxy(s3.port, cuts=10**6, after=8_000_000, in_all=True)
    via(s3, proxy.port, monkeypatch)
    config = into({"datasets": {"large": large}, "wanted": ["large"]}, s3.address("lab"))
    out = Path("outcome.json")
    with pytest.raises(SeriesviewError, match=r"dataset large: s3://.* cannot be reached") as caught:
        build_chunk(config, Path("results"), out, 2, lambda _: None)
    assert caught.value.code == "bucket-unusable"
    assert not out.exists()
    proxy.close()
    via(s3, s3.port, monkeypatch)
    assert build_chunk(config, Path("results"), out, 2, lambda _: None) == 0
    (series,) = read_results([Path("results/series/large.json")])
    assert read_results([out])[0]["datasets"]["large"]["state"] == "built"
    assert seriesview.verify(series["uri"], store=s3.address("lab")).is_right
