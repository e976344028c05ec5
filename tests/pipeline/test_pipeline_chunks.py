"""Which datasets share a job, and what jobs say meanwhile."""

from __future__ import annotations

from pathlib import Path

from waiting import until

from seriesview.pipeline.chunks import SMALL_BYTES, chunks_of, num_shards
from seriesview.pipeline.snakemake import JobLogs


def many(count: int, size: int | None = 160_000) -> dict[str, int | None]:
    return {f"r{number:04}": size for number in range(count)}


def test_a_thousand_small_datasets_are_few_jobs_and_three_thousand_thrice_as_many_at_most() -> None:
    assert len(chunks_of(many(1000))) == 16
    assert len(chunks_of(many(3000))) <= 64
    assert max(map(len, chunks_of(many(3000)).values())) < 128


def test_one_that_comes_or_goes_changes_one_job() -> None:
    before, after = chunks_of(many(1000)), chunks_of({**many(1000), "new": 1})
    assert before.keys() == after.keys()
    (changed,) = [chunk for chunk, names in after.items() if before[chunk] != names]
    assert [name for name in after[changed] if name != "new"] == list(before[changed])


def test_what_is_large_or_not_known_has_a_job_of_its_own() -> None:
    chunks = chunks_of({"a": 1, "large": SMALL_BYTES, "made": None, "b": 1})
    assert chunks == {"some/0-of-1": ("a", "b"), "one/large": ("large",), "one/made": ("made",)}


def test_chunks_hold_about_a_gigabyte() -> None:
    chunks = chunks_of(many(100, 200_000_000))
    assert len(chunks) > 16
    assert max(map(len, chunks.values())) < 10


def test_the_datasets_of_a_session_come_together() -> None:
    sizes = {f"s{number}/{name}": 1 for number in range(200) for name in ("lfp", "units")}
    for names in chunks_of(sizes).values():
        assert {name.replace("lfp", "units") for name in names} == set(names) - {
            name for name in names if name.endswith("lfp")
        }


def test_shards_follow_from_the_bytes_where_nobody_says() -> None:
    assert [num_shards(scatter, 100 << 30) for scatter in (None, 3, "auto")] == [1, 3, 12]
    assert num_shards("auto", 1000) == num_shards("auto", None) == 1
    assert num_shards("auto", 1 << 50) == 64


def test_lines_of_logs_are_told_once_and_old_ones_not(tmp_path: Path) -> None:
    (tmp_path / "before.log").write_text("old\n")
    (tmp_path / "chunks").mkdir()
    log = tmp_path / "chunks" / "new.log"
    said: list[str] = []
    with JobLogs(tmp_path, said.append):
        with log.open("w") as file:
            file.write("first\nhalf a ")
            file.flush()
            until(lambda: "first" in said)
            file.write("line\nseriesview: error: told at the end\n")
        until(lambda: "half a line" in said)
        # A job that is tried again has its log anew.
        log.write_text("again\n")
    assert said == ["first", "half a line", "again"]
