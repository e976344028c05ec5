"""Nothing but people reads sentences: with every one of them reworded all goes on as before."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REWORDED = HERE / "support" / "reworded"

# Tests that do not look at words, of what once depended on them: codes of tasks, at home and over the wire; files that
# moved; recordings and datasets that are named once; a node that stops; builds of which something is missing.
PYTHON = [
    "tests/tasks/test_tasks_codes.py",
    "tests/tasks/test_tasks_damage.py::test_damaged_artifacts_give_errors_and_no_wrong_pictures",
    "tests/backend/test_backend_codes.py",
    "tests/backend/test_backend_stopping.py::test_a_restart_of_the_node_loses_and_doubles_no_answer[15]",
    "tests/build/test_build_places.py",
    "tests/pipeline/test_pipeline_in_process.py::test_one_that_fails_while_it_is_read_stops_the_others_or_is_missing",
    "tests/share/test_share_single_file.py::test_what_is_too_large_says_so_by_its_code",
    "tests/upkeep/test_upkeep_relinking.py::test_what_is_not_found_is_said",
    "tests/upkeep/test_upkeep_relinking.py::test_a_file_that_was_only_touched_is_linked_again",
    "tests/upkeep/test_upkeep_relinking.py::test_a_link_that_was_lost_is_made_again",
]
JAVASCRIPT = ["source-lost-samples.test.js", "source-tasks.test.js"]


def test_python_reads_no_sentence() -> None:
    paths = [str(REWORDED), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *PYTHON]
    ended = subprocess.run(
        command, cwd=HERE.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("name", JAVASCRIPT)
def test_javascript_reads_no_sentence(name: str) -> None:
    node = shutil.which("node")
    assert node, "node is missing: tests/install-programs installs it"
    command = [node, "--import", REWORDED / "errors.js", "--test", HERE / "viewer" / name]
    ended = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_sentences_are_reworded_there() -> None:
    script = "from seriesview.errors import TaskError; print(TaskError('gone', where=('here',)))"
    environment = {**os.environ, "PYTHONPATH": str(REWORDED)}
    assert (
        subprocess.check_output([sys.executable, "-c", script], env=environment, text=True) == "HERE: GONE\n"
    )
