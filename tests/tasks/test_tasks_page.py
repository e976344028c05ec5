"""docs/tasks.md says what the functions take and give."""

import re
from pathlib import Path

from seriesview.tasks import TASK_FUNCTIONS, TaskLimits

PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text()
ROWS = {
    cells[0].strip(" `").split("`")[0]: re.findall(r"`(\w+)`", cells[1])
    for line in PAGE.splitlines()
    if line.startswith("| `seriesview.") and (cells := line.strip("|").split("|"))
}


def test_every_function_is_there_with_its_arguments():
    assert set(ROWS) == set(TASK_FUNCTIONS)
    for name, arguments in ROWS.items():
        assert list(TASK_FUNCTIONS[name].arguments.model_fields) == arguments, name


def test_the_limits_are_the_defaults():
    limits, text = TaskLimits(), " ".join(PAGE.split())
    megabyte = 2**20
    for sentence in (
        f"A window has at most {limits.max_columns} columns and {limits.max_result_bytes // megabyte} MiB",
        f"of at most {limits.max_result_bytes // megabyte} MiB as they are sent",
        f"larger than {limits.max_manifest_bytes // megabyte} MiB",
        f"more than {limits.max_segments:,} segments or channels",
        f"more than {limits.max_levels} levels",
        f"parts larger than {limits.max_part_bytes // megabyte} MiB",
        f"linked chunks larger than {limits.max_chunk_bytes // megabyte} MiB",
        f"more than {limits.max_reading_bytes // 2**30} GiB is given up",
    ):
        assert sentence in text, sentence
    assert limits.max_segments == limits.max_channels
