"""Benchmarks run by hand: what they call is there, and does what they say."""

from benchmarks import scaling


def test_the_tables_of_scaling_are_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SERIESVIEW_BENCH_DIR", str(tmp_path))
    monkeypatch.setenv("SERIESVIEW_BENCH_SIZE", "0.001")
    monkeypatch.setenv("SERIESVIEW_BENCH_PARTS", "year,folders")
    scaling.main()
    printed = capsys.readouterr().out
    assert "| a series of | 1,000 parts of its finest level |" in printed
    assert "| packs; pages that list them | 153; 8 |" in printed
    assert "| in a storage directory | 20 artifacts |" in printed
