"""The whole way from a configuration to a workspace: in this process, or by Snakemake."""

from seriesview.pipeline.snakemake import workflow_file

__all__ = ["workflow_file"]
