"""Tables that no recording could be: a line that says so, from the command line, soon and in little memory."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

MEMORY = 4 << 30
TABLES = {
    "columns": ",".join(f"c{n}" for n in range(300_000)) + "\n" + ",".join(["1"] * 300_000) + "\n",
    "digits": "t,x\n" + "".join(f"{n},{'9' * 6000}\n" for n in range(100)),
    "digits of times": "t,x\n" + "".join(f"{'9' * 6000},{n}\n" for n in range(100)),
    "a line without end": "1" * 20_000_000,
}


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@pytest.mark.parametrize("kind", TABLES)
def test_vast_tables_are_errors_of_one_line(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.csv").write_text(TABLES[kind])
    for command in ("inspect", "init", "view"):
        result = subprocess.run(
            [sys.executable, "-m", "seriesview.cli.main", command, "a.csv"],
            cwd=tmp_path,
            preexec_fn=limited,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert result.returncode == 2, result.stderr
        assert result.stderr.startswith("seriesview: error: "), result.stderr[-1000:]
        assert len(result.stderr.splitlines()) == 1
        assert len(result.stderr) < 2000
