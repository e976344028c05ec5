"""Property tests try the same examples in every run, whatever other code there is; `make fuzz` tries others."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

PROPERTY = """
from other_code import NUMBERS
from hypothesis import given, settings, strategies as st

@settings(max_examples=300)
@given(st.tuples(st.text(), st.integers(), st.floats()))
def test_anything(values):
    assert NUMBERS
    with open("examples", "a") as file:
        print(ascii(values), file=file)
"""


def examples(folder: Path, constants: Iterable[int], *options: str) -> str:
    """What a property test tries beside a module with these constants."""
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    (folder / "test_property.py").write_text(PROPERTY)
    (folder / "other_code.py").write_text(f"NUMBERS = {list(constants)}\n")
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={folder}", *options, "test_property.py"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    return (folder / "examples").read_text()


def test_examples_are_the_same_in_every_run(tmp_path: Path) -> None:
    one = examples(tmp_path / "one", range(7_000_000, 7_000_500))
    assert one.count("\n") >= 300
    assert examples(tmp_path / "two", range(9_000_000, 9_000_500)) == one


def test_fuzzing_tries_others_each_time_and_constants_of_the_code(tmp_path: Path) -> None:
    numbers = range(7_000_000, 7_000_500)
    one, two = (examples(tmp_path / name, numbers, "--hypothesis-profile=fuzz") for name in ("one", "two"))
    assert one != two
    assert re.search(r"\b7000[0-4][0-9]{2}\b", one + two)
