"""docs/backend.md: what it tells its reader to type works, in this order."""

from __future__ import annotations

import configparser
import json
import subprocess
from pathlib import Path

from serving_processes import Surroundings
from waiting import MOST_SECONDS

from seriesview.store import open_store
from seriesview.workspace.manifest import build_workspace

ROOT = Path(__file__).parents[2]

READY = {"seriesview node": "is ready at", "seriesview-start-backend": "answers"}


def test_its_commands_work(surroundings: Surroundings) -> None:
    from docs_pages import blocks

    here = surroundings.directory
    with open_store(surroundings.storage, "embedded") as store:
        uri = store.put_json(build_workspace("rat 7", [], []), name="workspace.json")
    (here / "results").mkdir()
    (here / "results" / "workspace.json").write_text(json.dumps({"uri": uri}))
    variables: dict[str, str] = {}
    printed = []
    for block in blocks(ROOT / "docs" / "backend.md"):
        if block.language != "sh":
            continue
        for line in block.text.splitlines():
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").partition("=")
                variables[name] = value
            elif line.startswith(tuple(READY)):
                service = surroundings.start("bash", "-c", f"exec {line}", **variables)
                service.wait_for(next(text for start, text in READY.items() if line.startswith(start)))
            else:
                done = subprocess.run(
                    ["bash", "-c", line],
                    cwd=here,
                    env=surroundings.environment(**variables),
                    capture_output=True,
                    text=True,
                    timeout=MOST_SECONDS,
                    check=False,
                )
                assert done.returncode == 0, f"{block.where}: {line}\n{done.stderr}"
                printed.append(done.stdout)
    assert variables == {"FIGURL_CHANNEL": "lab"}
    assert sum('"status":"ok"' in text for text in printed) == 2
    assert sum("#token=" in text for text in printed) == 1


def test_its_units_start_what_there_is(surroundings: Surroundings) -> None:
    from docs_pages import blocks

    units = [block for block in blocks(ROOT / "docs" / "backend.md") if block.language == "ini"]
    assert len(units) == 2
    for block in units:
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(block.text)
        program, *arguments = unit["Service"]["ExecStart"].split()
        command = [program.removeprefix("%h/seriesview/bin/"), *arguments, "--help"]
        environment = surroundings.environment()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
