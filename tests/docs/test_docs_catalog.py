"""What the Snakemake workflow catalog asks of a workflow with standardized usage."""

import re
import tomllib

import yaml
from docs_pages import ROOT
from packaging.requirements import Requirement

from seriesview.config import check_config


def test_the_layout_is_that_of_the_catalog() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"] == {"conda": True}
    assert usage["report"] is True
    assert "pip install seriesview" in usage["mandatory-flags"]["desc"]
    assert (ROOT / "workflow" / "Snakefile").is_file()
    assert (ROOT / "config" / "README.md").is_file()
    # It looks for repositories by words of their README.
    assert {"snakemake", "workflow"} <= set(re.findall(r"\w+", (ROOT / "README.md").read_text().lower()))


def test_the_configuration_to_begin_with_is_one() -> None:
    content = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    check_config(content)
    readme = (ROOT / "config" / "README.md").read_text()
    examples = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)]
    assert examples[0] == content
    for example in examples:
        check_config(example)


def test_the_environment_of_jobs_has_one_version_of_all_that_is_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    allowed = map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["demo"]])
    environment = yaml.safe_load((ROOT / "workflow" / "envs" / "seriesview.yaml").read_text())
    (pip,) = (each["pip"] for each in environment["dependencies"] if isinstance(each, dict))
    pinned = {}
    for requirement in map(Requirement, pip):
        (version,) = requirement.specifier
        assert version.operator == "=="
        pinned[requirement.name] = version.version
    assert pinned.pop("seriesview") == project["version"]
    assert {each.name: each.specifier.contains(pinned[each.name]) for each in allowed} == dict.fromkeys(
        pinned, True
    )
