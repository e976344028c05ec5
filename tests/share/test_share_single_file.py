"""One HTML file: the same bytes each time, nothing in it that reaches out, refused where it would be too large."""

import base64
import hashlib
import json
import re

import pytest
from shared_workspaces import run

from seriesview.errors import SeriesviewError
from seriesview.share import single_file
from seriesview.share.choice import Wish
from seriesview.viewer.files import viewer_files
from seriesview.viewer.modules import bundled, worker_paths


def written(store, workspace, out, wish=None):
    return single_file.export_single_file(
        single_file.plan_single_file(store, workspace, wish or Wish()), store, out
    )


def test_the_same_bytes_each_time_and_all_data_inside(store, workspace, place, tmp_path):
    done = written(store, workspace, tmp_path / "one.html")
    written(store, workspace, tmp_path / "two.html")
    page = (tmp_path / "one.html").read_bytes()
    assert page == (tmp_path / "two.html").read_bytes()
    assert len(page) == done.bytes_written
    assert str(place).encode() not in page
    text = page.decode()
    data = {
        path: base64.b64decode(content)
        for path, content in re.findall(
            r'<script type="text/plain" data-path="([^"]+)">([^<]*)</script>', text
        )
    }
    assert json.loads(data.pop("export.json"))["workspace"] == done.uri
    assert data
    for path, content in data.items():
        assert hashlib.sha1(content).hexdigest() == path.rpartition("/")[2]
    assert not re.search(r"<[^>]+\b(src|href)=\"(?!data:)", text.partition("<script")[0])
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy


def test_a_label_is_text(store, uris, tmp_path):
    document = store.get_json(uris["spikes"]) | {"label": "</title><script>alert(1)</script>"}
    written(store, store.put_json(document), tmp_path / "one.html")
    assert "<script>alert" not in (tmp_path / "one.html").read_text()


def test_too_large_is_refused_with_what_to_leave_out(store, workspace, monkeypatch, tmp_path):
    monkeypatch.setattr(single_file, "MAX_BYTES", 3_000_000)
    with pytest.raises(SeriesviewError, match=r"would have .* are possible; --max-size .* a folder"):
        written(store, workspace, tmp_path / "out.html")
    with pytest.raises(SeriesviewError, match="fewer raw samples"):
        written(store, workspace, tmp_path / "out.html", Wish(raw=True))
    assert list(tmp_path.iterdir()) == []
    done = written(store, workspace, tmp_path / "out.html", Wish(max_bytes=3_000_000))
    assert done.bytes_written <= 3_000_000


def test_what_is_too_large_says_so_by_its_code(store, workspace, monkeypatch, tmp_path):
    monkeypatch.setattr(single_file, "MAX_BYTES", 3_000_000)
    for wish in (Wish(), Wish(max_bytes=900_000)):
        with pytest.raises(SeriesviewError) as error:
            written(store, workspace, tmp_path / "out.html", wish)
        assert error.value.code == "too-large"
    assert error.value.facts["key"] == "--max-size"
    assert "at most 3 mb" in str(error.value).lower()


def test_the_command(store, workspace, tmp_path):
    out = tmp_path / "night 7.html"
    done = run("export", workspace, "--single-file", out, "--json", "--storage-dir", store.directory)
    document = json.loads(done.stdout)
    assert document["bytes"] == out.stat().st_size
    assert document["file"] == str(out)
    missing = tmp_path / "no" / "folder.html"
    done = run("export", workspace, "--single-file", missing, "--storage-dir", store.directory, expected=2)
    assert "choose another place" in done.stderr


def test_the_viewer_can_be_put_into_one_script():
    files = viewer_files()
    assert worker_paths(files) == ["drawing/worker.js"]
    for entry in ("main.js", *worker_paths(files)):
        script = bundled(files, entry)
        assert not re.search(r"^(import|export) ", script, re.MULTILINE)
    assert "seriesviewEmbedded.startWorker('drawing/worker.js')" in bundled(files, "main.js")


def test_names_of_imports_and_exports():
    files = {
        "a.js": b"import { one, two as deux } from './b/c.js';\nexport const sum = one() + deux;\n",
        "b/c.js": b"import { three } from '../d.js';\nexport function one() { return three; }\nexport const two = 2;\n",
        "d.js": b"/** @type {import('./a.js').A} */\nexport const three = 3;\nexport {};\n",
    }
    script = bundled(files, "a.js")
    assert "const { one, two: deux } = module1;" in script
    assert "return { one, two };" in script


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import everything from './b.js';", "cannot be put"),
        ("import * as b from './b.js';", "cannot be put"),
        ("export default 1;", "cannot be put"),
        ("export { a };", "cannot be put"),
        ("export let a = 1;", "cannot be put"),
        ("const a = await import('./b.js');", "cannot be put"),
        ("const a = new URL('x', import.meta.url);", "cannot be put"),
        ("import { a } from './a.js';", "imports itself"),
        ("import { a } from './nothing.js';", "is not there"),
    ],
)
def test_what_is_not_understood_is_refused(text, message):
    with pytest.raises(SeriesviewError, match=message):
        bundled({"a.js": text.encode(), "b.js": b""}, "a.js")
