import pytest
from hypothesis import given
from hypothesis import strategies as st
from kachery_client._misc import _parse_kachery_uri

from seriesview.errors import FormatError
from seriesview.store import parse_uri, sha1_uri

HASH = "0123456789abcdef0123456789abcdef01234567"
hashes = st.text("0123456789abcdef", min_size=40, max_size=40)
names = st.text(
    st.characters(blacklist_characters="/\\\x7f", min_codepoint=32, codec="utf-8"), min_size=1
).filter(lambda name: name not in (".", ".."))


@given(hashes, names, st.none() | hashes)
def test_uris_round_trip(sha1: str, name: str, manifest: str | None) -> None:
    assert parse_uri(sha1_uri(sha1, name, manifest)) == (sha1, name, manifest)


@given(hashes, names, st.none() | hashes)
def test_kachery_client_reads_the_same_hashes(sha1: str, name: str, manifest: str | None) -> None:
    protocol, algorithm, found, _, query = _parse_kachery_uri(sha1_uri(sha1, name, manifest))
    assert (protocol, algorithm, found) == ("sha1", "sha1", sha1)
    assert query == ({} if manifest is None else {"manifest": [manifest]})


def test_names_are_percent_encoded_and_raw_ones_of_kachery_client_are_read() -> None:
    assert sha1_uri(HASH, "my file?#1.dat") == f"sha1://{HASH}/my%20file%3F%231.dat"
    assert parse_uri(f"sha1://{HASH}/my file.dat") == (HASH, "my file.dat", None)
    assert parse_uri(f"sha1://{HASH}/Zürich 50%.dat")[1] == "Zürich 50%.dat"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/etc/passwd",
        f"sha1://{HASH}/\ud800",
        "file:///etc/passwd",
        f"md5://{HASH}/a",
        f"sha1://{HASH}",
        f"sha1://{HASH}/",
        f"sha1://{HASH[:-1]}/a",
        f"sha1://{HASH}0/a",
        f"sha1://{HASH.upper()}/a",
        f"sha1://{HASH[:-1]}g/a",
        f"sha1://{HASH}/..",
        f"sha1://{HASH}/.",
        f"sha1://{HASH}/../../etc/passwd",
        f"sha1://{HASH}/%2e%2e",
        f"sha1://{HASH}/%2e%2e%2fetc%2fpasswd",
        f"sha1://{HASH}/a%00b",
        f"sha1://{HASH}/a\\b",
        f"sha1://{HASH}/a\n",
        f"sha1://{HASH}/a#b",
        f"sha1://{HASH}/a?manifest=",
        f"sha1://{HASH}/a?manifest={HASH}&x=1",
        f"sha1://{HASH}/a?chunkOf={HASH}~0~1",
        f" sha1://{HASH}/a",
        f"sha1://{HASH[:-1]}\u0661/a",
        None,
        7,
        b"sha1://",
    ],
)
def test_anything_else_is_refused_in_one_line(uri: object) -> None:
    with pytest.raises(FormatError) as problem:
        parse_uri(uri)  # type: ignore[arg-type]
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\0", "a\n"])
def test_no_uri_is_made_with_a_name_that_could_leave_a_folder(name: str) -> None:
    with pytest.raises(FormatError):
        sha1_uri(HASH, name)
