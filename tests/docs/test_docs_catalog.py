"""What the Snakemake workflow catalog asks of a workflow with standardized usage."""

import yaml
from docs_pages import ROOT


def test_the_layout_is_that_of_the_catalog() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"] == {"conda": True}
    assert usage["report"] is True
    assert "pip install seriesview" in usage["mandatory-flags"]["desc"]
    assert (ROOT / "workflow" / "Snakefile").is_file()
    assert (ROOT / "config" / "README.md").is_file()
