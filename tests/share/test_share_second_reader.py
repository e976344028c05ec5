"""docs/format.md: a reader written from it reads an exported folder that has some of the raw samples."""

import json

import numpy as np
import pytest
from second_reader import SecondReader, Storage
from series_builder import store_series
from shared_workspaces import RATE

from seriesview.share.choice import Wish
from seriesview.share.export import export_folder, plan_export
from seriesview.workspace.manifest import build_workspace, view_from_config


@pytest.mark.parametrize("name", ["probe", "stored"])
def test_a_reader_of_the_format_reads_what_is_there(store, workspace, probe_samples, tmp_path, name):
    export_folder(
        plan_export(store, workspace, Wish(raw_ranges=((100.0, 180.0),))), store, tmp_path / "shared"
    )
    export = json.loads((tmp_path / "shared" / "export.json").read_text())
    document = json.loads(Storage(tmp_path / "shared").read(export["workspace"]))
    [uri] = [entry["uri"] for entry in document["series"] if entry["name"] == name]
    reader = SecondReader(tmp_path / "shared", uri)
    # Parts of 65536 samples: the second and the third.
    first, last = 65536, 3 * 65536
    assert first <= 100 * RATE
    assert last >= 180 * RATE
    assert reader.manifest["values"]["left_out"] == [[0, first], [last, len(probe_samples)]]
    np.testing.assert_array_equal(reader.samples()[0][first:last], probe_samples[first:last])
    low, high = reader.interval(0, first + 3, last - 5)
    np.testing.assert_array_equal(low, probe_samples[first + 3 : last - 4].min(axis=0))
    np.testing.assert_array_equal(high, probe_samples[first + 3 : last - 4].max(axis=0))
    np.testing.assert_array_equal(reader.interval(0, 16, 64)[1], probe_samples[16:65].max(axis=0))
    for p, q in ((0, 3), (first - 1, first), (last, last + 1)):
        with pytest.raises(LookupError, match="not in this copy"):
            reader.interval(0, p, q)


def test_a_density_is_one_in_the_copy_too(store, tmp_path):
    powers = np.random.default_rng(3).exponential(2, (700, 3)).astype(np.float32)
    uris = [("power", store_series(store, [powers], kind="means"))]
    view = view_from_config(
        {"label": "v", "panels": [{"type": "ProbabilityDensity", "series": "power", "label": "p"}]}
    )
    document = build_workspace("w", uris, [view], types={"power": "continuous"})
    uri = str(store.put_json(document, name="workspace.json"))
    export_folder(plan_export(store, uri, Wish(raw_ranges=((0.0, 20.0),))), store, tmp_path / "shared")
    export = json.loads((tmp_path / "shared" / "export.json").read_text())
    [entry] = json.loads(Storage(tmp_path / "shared").read(export["workspace"]))["series"]
    reader = SecondReader(tmp_path / "shared", entry["uri"])
    assert reader.manifest["values"]["kind"] == "means"
    np.testing.assert_allclose(reader.columns(0, 0, 16)[3, 0], powers[48:64].mean(axis=0), rtol=1e-6)
