"""Who may do what in a bucket: wrong, expired and careless credentials; each item of `bucket check`; CORS."""

import json
import os
import subprocess
import sys

import pytest
from bucket_servers import HOST, Service, clean, s3_server
from google_gate import ACCOUNT, Gate
from shared_workspaces import run

from seriesview.cloud import retrying
from seriesview.cloud.bucket_address import parse_address
from seriesview.cloud.buckets import BucketError, Serving
from seriesview.cloud.open_bucket import open_bucket
from seriesview.errors import SeriesviewError
from seriesview.share.bucket_check import check_bucket

ORIGIN = "https://figurl.org"
SERVING = Serving("text/plain", "no-cache")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.02)


@pytest.fixture
def gate(google: Service, monkeypatch, tmp_path):
    """The emulator behind what asks for tokens, and this process with a key for it."""
    with Gate(google.port) as opened:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{HOST}:{opened.at}")
        # With a key the library asks Google, beside all else, in which regions the account may work.
        monkeypatch.setenv("HTTPS_PROXY", f"http://{HOST}:9")
        monkeypatch.setenv("NO_PROXY", HOST)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(opened.write_key(tmp_path / "key.json")))
        yield opened


@pytest.fixture
def check(google):
    """State of each item, and what is told of it, of a check of the bucket."""

    def look(*origins, base_url=None):
        bucket = open_bucket(parse_address(google.address("p")))
        items = list(check_bucket(bucket, origins, base_url))
        bucket.close()
        return [item.state for item in items], [item.told for item in items]

    return look


def listed(address):
    bucket = open_bucket(parse_address(address))
    try:
        return bucket.list("x")
    finally:
        bucket.close()


def test_a_key_works(gate, google):
    bucket = open_bucket(parse_address(google.address("p")))
    assert bucket.account == ACCOUNT
    assert bucket.put("x", b"1", SERVING)
    assert bucket.list("x")["x"].size == 1
    assert bucket.base_url == f"http://{HOST}:{gate.at}/{google.bucket}"
    bucket.close()


def test_what_is_there_is_not_written_again(gate, google):
    """As it is with another publisher between the listing and the upload."""
    bucket = open_bucket(parse_address(google.address("p")))
    assert bucket.put("x", b"1", SERVING, only_new=True)
    assert not bucket.put("x", b"2", SERVING, only_new=True)
    large = b"3" * 1000
    assert not bucket.put_large("x", [large], len(large), "0" * 40, SERVING)
    assert google.read("x") == b"1"
    assert gate.num_conflicts == 2
    bucket.close()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_can_read_is_refused(gate, google, tmp_path, mode):
    key = tmp_path / "key.json"
    key.chmod(mode)
    with pytest.raises(BucketError, match=f"mode {mode:03o}.*run: chmod 600 {key}"):
        listed(google.address("p"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read .No such file"),
        ("no JSON", "no JSON"),
        ("[]", "no service account"),
        ("{}", "no service account"),
        ('{"type": "service_account", "client_email": "a@b"}', "no key that can be used"),
        ('{"type": "other"}', "no key that can be used"),
    ],
)
def test_what_is_no_key(google, monkeypatch, tmp_path, content, told):
    key = tmp_path / "key.json"
    if content is not None:
        key.touch(0o600)
        key.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    with pytest.raises(BucketError, match=told) as found:
        listed(google.address("p"))
    assert found.value.kind == "credentials"
    assert str(key) in str(found.value)


def test_without_credentials(monkeypatch):
    clean(monkeypatch)
    with pytest.raises(
        BucketError, match="set GOOGLE_APPLICATION_CREDENTIALS to a service account's JSON key"
    ):
        listed("gs://lab/x")
    with pytest.raises(BucketError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        listed("s3://lab/x")


def test_a_key_that_was_deleted(gate, google):
    gate.grants_tokens = False
    with pytest.raises(BucketError, match=f"refuses the credentials of {ACCOUNT}.*make another key") as found:
        listed(google.address("p"))
    assert found.value.kind == "credentials"


def test_tokens_from_a_busy_service(gate, google):
    gate.busy = 5
    assert listed(google.address("p")) == {}
    assert gate.busy == 0


def test_a_token_that_is_not_taken(gate, google):
    gate.takes_tokens = False
    with pytest.raises(BucketError, match="are wrong or have expired; make another key"):
        listed(google.address("p"))


def test_an_account_without_the_right(gate, google):
    gate.denied = {"write"}
    bucket = open_bucket(parse_address(google.address("p")))
    for put in (
        lambda: bucket.put("x", b"1", SERVING),
        lambda: bucket.put_large("x", [b"1"], 1, "0" * 40, SERVING),
    ):
        with pytest.raises(
            BucketError, match=r"may not do this .*grant it the role Storage Object Admin"
        ) as found:
            put()
        assert found.value.kind == "forbidden"
    bucket.close()


def test_no_such_bucket(service):
    with pytest.raises(BucketError, match="no such bucket") as found:
        listed(f"{service.scheme}://nobody-has-this/x")
    assert found.value.kind == "missing"


def test_one_line_and_status_two(gate, google, tmp_path):
    (tmp_path / "key.json").chmod(0o644)
    done = run("bucket", "check", google.address("p"), expected=2)
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("seriesview: error: ")


@pytest.fixture(scope="module")
def strict_s3():
    """A server that looks at every signature and right."""
    with s3_server(INITIAL_NO_AUTH_ACTION_COUNT="0") as port:
        yield port


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "is refused .InvalidAccessKeyId.; check AWS_ACCESS_KEY_ID"),
        ({"AWS_SESSION_TOKEN": "old", "AWS_ACCESS_KEY_ID": "ASIAOLD"}, "refused|expired|may not"),
    ],
)
def test_wrong_s3_credentials(strict_s3, monkeypatch, keys, told):
    clean(monkeypatch)
    for name, value in {**Service("s3", strict_s3).environment(), **keys}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BucketError, match=told):
        listed("s3://lab/x")


@pytest.mark.parametrize(
    ("package", "scheme", "extra"), [("google.cloud", "gs", "gcs"), ("boto3", "s3", "s3")]
)
def test_a_library_that_is_not_installed(package, scheme, extra, tmp_path):
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from seriesview.cli.main import main\n"
        f"main(['bucket', 'check', '{scheme}://lab/x'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "STORAGE_EMULATOR_HOST": f"http://{HOST}:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"run: pip install 'seriesview[{extra}]'" in done.stderr


def test_all_is_right(gate, google, check):
    run("bucket", "cors", google.address("p"), "--origin", ORIGIN, "--apply")
    states, told = check(ORIGIN)
    assert states == ["ok"] * 4
    assert told[1] == ACCOUNT
    assert google.names() == []
    run("bucket", "check", google.address("p"), "--origin", ORIGIN)


def test_no_rule_for_the_origin(gate, google, check):
    states, told = check("https://other.org")
    assert states == ["ok", "ok", "ok", "not ok"]
    assert told[3].endswith(
        f"seriesview bucket cors {google.address('p')} --origin https://other.org --apply"
    )


@pytest.mark.parametrize("origin", [ORIGIN, "*"])
def test_a_rule_for_whole_objects_is_enough_and_what_range_adds_is_said(gate, google, check, origin):
    bucket = google.google_client.bucket(google.bucket)
    bucket.cors = [{"origin": [origin], "method": ["GET"], "responseHeader": ["Content-Type"]}]
    bucket.patch()
    states, told = check(ORIGIN)
    assert states == ["ok"] * 4
    assert "results of tasks" in told[3]
    assert told[3].endswith(f"seriesview bucket cors {google.address('p')} --origin {ORIGIN} --apply")
    run("bucket", "cors", google.address("p"), "--origin", ORIGIN, "--apply")
    assert check(ORIGIN)[1][3] == "by range too"


@pytest.mark.parametrize("method", ["HEAD", "PUT"])
def test_a_rule_that_lets_nobody_read(gate, google, check, method):
    bucket = google.google_client.bucket(google.bucket)
    bucket.cors = [{"origin": [ORIGIN], "method": [method], "responseHeader": ["Content-Type"]}]
    bucket.patch()
    assert check(ORIGIN)[0][3] == "not ok"


def test_not_public(gate, google, check):
    gate.denied = {"read"}
    states, told = check(ORIGIN)
    assert states == ["ok", "ok", "not ok", "not checked"]
    assert "status 403; gcloud storage buckets add-iam-policy-binding" in told[2]
    assert google.names() == []


def test_not_writable(gate, check):
    gate.denied = {"write"}
    states, told = check(ORIGIN)
    assert states == ["ok", "not ok", "not checked", "not checked"]
    assert "Storage Object Admin" in told[1]


def test_not_removable(gate, google, check):
    gate.denied = {"delete"}
    states, told = check()
    assert states == ["ok", "not ok", "ok"]
    assert google.names()[0] in told[1]


def test_not_listable(gate, check):
    gate.denied = {"list"}
    assert check(ORIGIN)[0] == ["not ok", "not checked", "not checked", "not checked"]


def test_a_host_of_its_own_that_is_not_there(gate, check):
    states, told = check(base_url=f"http://{HOST}:9")
    assert states == ["ok", "ok", "not ok"]
    assert "cannot be reached" in told[2]


def test_no_bucket_at_all(google):
    done = run("bucket", "check", "gs://nobody-has-this", "--json", expected=1)
    document = json.loads(done.stdout)
    assert not document["ok"]
    assert [item["state"] for item in document["items"]] == ["not ok", "not checked", "not checked"]


def test_an_s3_bucket(s3):
    done = run("bucket", "check", s3.address("p"))
    assert [line.split("  ")[0].strip() for line in done.stdout.splitlines()[1:]] == ["ok"] * 3
    assert s3.names() == []


def test_cors_is_added_once_and_other_rules_are_kept(service):
    first = json.loads(run("bucket", "cors", service.address(""), "--origin", ORIGIN, "--apply").stdout)
    for _ in range(2):
        done = run("bucket", "cors", service.address(""), "--origin", "https://b.org", "--apply")
    rules = json.loads(done.stdout)
    count = len if service.scheme == "gs" else lambda document: len(document["CORSRules"])
    assert (count(first), count(rules)) == (1, 2)
    assert "has this rule" in done.stderr


def test_cors_without_the_right(gate, google):
    gate.denied = {"patch"}
    done = run("bucket", "cors", google.address(""), "--origin", ORIGIN, "--apply", expected=2)
    assert "may not do this" in done.stderr


def test_cors_is_printed_without_asking_anybody():
    done = run("bucket", "cors", "gs://lab", "--origin", ORIGIN, "--origin", "https://b.org")
    (rule,) = json.loads(done.stdout)
    assert rule["origin"] == [ORIGIN, "https://b.org"]
    assert "Range" in rule["responseHeader"]
    rule = json.loads(run("bucket", "cors", "s3://lab", "--origin", ORIGIN).stdout)["CORSRules"][0]
    assert rule["AllowedHeaders"] == ["Range"]


@pytest.mark.parametrize("origin", ["figurl.org", "https://figurl.org/", "https://figurl.org/f", "ftp://a"])
def test_what_is_no_origin(origin):
    from seriesview.share.bucket_cors import check_origins

    with pytest.raises(SeriesviewError, match="write https://HOST"):
        check_origins([origin])
