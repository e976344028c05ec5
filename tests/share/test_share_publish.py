"""Publishing: a bucket gets what an export holds, each object once, and links nothing before all of it is there."""

import json
import re
import urllib.error

import pytest
from bucket_servers import Service
from shared_workspaces import make_workspace, run

from seriesview.cloud.bucket_address import parse_address, prefix_of_label, public_base_url
from seriesview.cloud.buckets import LARGE_BYTES
from seriesview.cloud.open_bucket import open_bucket
from seriesview.errors import SeriesviewError
from seriesview.share.checking import verify_folder
from seriesview.share.choice import Wish
from seriesview.share.export import plan_export
from seriesview.share.publishing import BucketTarget, publish_plan


@pytest.fixture
def published(store, workspace):
    """Publishes into an address."""

    def to(address, wish=None, uri=workspace, **more):
        bucket = open_bucket(parse_address(address))
        try:
            return publish_plan(plan_export(store, uri, wish or Wish()), store, bucket, **more)
        finally:
            bucket.close()

    return to


def assert_whole(service: Service, prefix: str, directory, uri: str | None = None) -> None:
    """What lies in the bucket is an export that verifies."""
    found = verify_folder(service.download(prefix, directory))
    assert found.problems == ()
    assert uri is None or found.uri == uri


def test_a_bucket_gets_a_whole_export(service, published, tmp_path):
    done = published(service.address("night/7"), Wish(raw=True))
    names = service.names()
    assert done.num_uploaded == len(names) == len(set(names))
    assert all(name.startswith("night/7/") for name in names)
    assert (done.num_present, done.bytes_present) == (0, 0)
    assert_whole(service, "night/7", tmp_path / "copy", done.uri)
    description = json.loads((tmp_path / "copy" / "export.json").read_bytes())
    assert (description["format"], description["left_out"]) == ("seriesview-export/1", [])
    assert done.link == service.url("night/7/index.html")


def test_the_page_finds_its_files(service, published):
    done = published(service.address("night"))
    page = service.read("night/index.html").decode()
    names = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(names) > 2
    assert all(service.read(f"night/{name}") for name in names)
    assert done.link == service.url("night/index.html")


def test_a_second_publishing_uploads_nothing(service, published):
    first = published(service.address("again"), Wish(raw=True))
    second = published(service.address("again"), Wish(raw=True))
    assert (second.num_uploaded, second.bytes_uploaded) == (0, 0)
    assert (second.num_present, second.bytes_present) == (first.num_uploaded, first.bytes_uploaded)
    assert (second.uri, second.link) == (first.uri, first.link)


def test_another_workspace_at_the_same_place_sends_what_is_new(service, published, store, uris, tmp_path):
    published(service.address("place"), uri=make_workspace(store, uris, "probe", "short"))
    new = make_workspace(store, uris, "probe", "spikes")
    done = published(service.address("place"), uri=new)
    assert done.num_present > 10
    assert_whole(service, "place", tmp_path / "copy", done.uri)


def test_how_objects_are_served(service, published):
    published(service.address("p"))
    kept, asked = "public, max-age=31536000, immutable", "no-cache"
    for name in service.names():
        content_type, cache_control = service.headers(name)
        is_kept = name.startswith(("p/sha1/", "p/viewer/"))
        assert cache_control == (kept if is_kept else asked), name
        if name.startswith("p/sha1/"):
            assert content_type == "application/octet-stream"
    for name, content_type in {"index.html": "text/html", "export.json": "application/json"}.items():
        assert service.headers(f"p/{name}")[0].startswith(content_type)
    scripts = [name for name in service.names() if name.endswith(".js")]
    assert scripts
    assert all(service.headers(name)[0].startswith("text/javascript") for name in scripts)


def test_nothing_is_linked_before_it_is_there(google, published, store):
    done = published(google.address("order"), Wish(raw=True))
    written = [name.removeprefix("order/") for name in google.names()]
    assert written[-2:] == ["export.json", "index.html"]
    place = {name.rpartition("/")[2]: number for number, name in enumerate(written) if "sha1/" in name}

    def hashes(uri):
        text = google.read(f"order/sha1/{uri[7:9]}/{uri[9:11]}/{uri[11:13]}/{uri[7:47]}").decode()
        return re.findall(r"sha1://([0-9a-f]{40})", text), re.findall(r"sha1://[0-9a-f]{40}/[\w.]+", text)

    for _, series in [hashes(done.uri)]:
        for uri in series:
            assert place[uri[7:47]] < place[done.uri[7:47]]
            assert all(place[sha1] < place[uri[7:47]] for sha1 in hashes(uri)[0])


def test_a_page_of_somebody_else_is_not_written_over(service, published):
    service.write("site/index.html", b"<h1>my page</h1>")
    with pytest.raises(SeriesviewError, match=r"index\.html that seriesview did not write; choose another"):
        published(service.address("site"))
    assert service.names() == ["site/index.html"]


def test_bytes_that_are_not_those_of_their_name_are_never_published(service, store, tmp_path):
    bucket = open_bucket(parse_address(service.address("bad")))
    target = BucketTarget(bucket)
    for size in (1000, LARGE_BYTES + 1000):
        sha1 = f"{size:040x}"
        assert not target.has_artifact(sha1, size)
        with pytest.raises(SeriesviewError, match="other bytes in the store"):
            target.put_artifact(sha1, [b"x" * size])
    bucket.close()
    assert service.names() == []


def test_a_listing_of_many_pages(s3):
    for number in range(1005):
        s3.write(f"many/sha1/{number:05}", b"")
    s3.write("many/other/x", b"1")
    s3.write("many/top", b"12")
    bucket = open_bucket(parse_address(s3.address("many")))
    assert len(bucket.list("many/sha1/")) == 1005
    assert {name: found.size for name, found in bucket.list("many/", is_deep=False).items()} == {
        "many/top": 2
    }
    bucket.close()


def test_from_the_command_line(service, workspace, store):
    options = ("--storage-dir", store.directory)
    done = run("publish", workspace, service.address("cli"), *options, "--raw-range", "0:10")
    lines = done.stdout.splitlines()
    assert lines[-1] == service.url("cli/index.html")
    assert re.search(r"\d+ files uploaded, .*; 0 were there, 0 bytes", lines[-2])
    assert any(line.startswith("  left out: ") for line in lines)
    again = run(
        "publish", workspace, service.address("cli"), *options, "--raw-range", "0:10", "--json",
        "--public-url", "https://data.lab.org/",
    )  # fmt: skip
    document = json.loads(again.stdout)
    assert (document["files_uploaded"], document["bytes_uploaded"]) == (0, 0)
    assert document["url"] == "https://data.lab.org/cli/index.html"


def test_a_published_workspace_is_kept(google, store, uris):
    uri = make_workspace(store, uris, "short", label="kept")
    run("publish", uri, google.address("kept"), "--storage-dir", store.directory)
    assert ("kept", uri) in {(entry.label, entry.uri) for entry in store.recorded_workspaces()}


def test_the_bucket_of_the_environment(google, workspace, store):
    link = run("publish", workspace, "--storage-dir", store.directory).stdout.splitlines()[-1]
    assert link == google.url("seriesview/night-7/index.html")
    link = run("publish", workspace, "gs:///mine", "--storage-dir", store.directory).stdout.splitlines()[-1]
    assert link == google.url("mine/index.html")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gs://lab/a/b/", ("gs", "lab", "a/b")),
        ("s3://lab", ("s3", "lab", "")),
        (None, ("gs", "mine", "default")),
        ("gs://", ("gs", "mine", "default")),
        ("gs:///x", ("gs", "mine", "x")),
    ],
)
def test_addresses(text, told, monkeypatch):
    monkeypatch.setenv("GOOGLE_BUCKET_NAME", "mine")
    address = parse_address(text, "default")
    assert (address.scheme, address.bucket, address.prefix) == told


@pytest.mark.parametrize(
    "text",
    ["lab", "gcs://lab", "s3:///x", "gs://LAB", "gs://a", "gs://lab/../x", "gs://lab/a//b", "gs://lab/a?b"],
)
def test_what_is_no_address(text):
    with pytest.raises(SeriesviewError, match=r"write|names no|no name|prefix"):
        parse_address(text)


def test_without_any_bucket(monkeypatch):
    monkeypatch.delenv("GOOGLE_BUCKET_NAME", raising=False)
    with pytest.raises(SeriesviewError, match="set GOOGLE_BUCKET_NAME"):
        parse_address(None)


def test_prefixes_of_labels():
    assert prefix_of_label("Rat 7, night (2)", "a" * 40) == "seriesview/rat-7-night-2"
    assert prefix_of_label("Ночь", "a" * 40) == "seriesview/aaaaaaaaaaaa"


def test_what_is_not_there_is_not_served(service):
    with pytest.raises(urllib.error.HTTPError):
        service.read("nothing")


def test_what_was_published_is_opened_by_its_bucket(service, published, store, monkeypatch):
    done = published(service.address("night/7"))
    for address in (
        service.address("night/7"),
        service.address("night/7/"),
        service.address("night/7/index.html"),
    ):
        shown = run("view", address, "--json", "--no-browser")
        assert json.loads(shown.stdout) == {"url": done.link}
        assert f"this is an export of {done.uri}" in shown.stderr
    # The folder itself is no page in a bucket.
    named = done.link.removesuffix("/index.html")
    assert run("view", named, "--no-browser").stdout.strip() == done.link
    said = run("view", service.address("night/8"), expected=2).stderr
    assert "nothing that everybody can read is published there" in said
    assert "export.json gives 404" in said
    said = run("view", f"{service.scheme}://{service.bucket}/seriesview-backends/rig.json", expected=2).stderr
    assert "paste it" in said
    said = run("view", f"{service.scheme}://No", expected=2).stderr
    assert "is no name of a bucket" in said


def test_the_address_of_a_bucket_needs_no_library(monkeypatch):
    for name in ("STORAGE_EMULATOR_HOST", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for address, url in (
        ("gs://lab", "https://storage.googleapis.com/lab"),
        ("s3://lab/x", "https://lab.s3.amazonaws.com"),
    ):
        assert public_base_url(parse_address(address)) == url
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert public_base_url(parse_address("s3://lab.org")) == "https://s3.eu-west-1.amazonaws.com/lab.org"


def test_what_not_everybody_can_read_is_said(s3, store, workspace):
    arguments = ("publish", workspace, s3.address("night"), "--storage-dir", store.directory)
    assert "warning" not in run(*arguments).stderr
    s3.s3_client.delete_bucket_policy(Bucket=s3.bucket)
    done = run(*arguments)
    assert done.stdout.splitlines()[-1] == s3.url("night/index.html")
    assert "warning" in done.stderr
    assert "403" in done.stderr
    assert f"seriesview bucket check s3://{s3.bucket}/night" in done.stderr
