"""The JSON schema of series manifests: `python -m seriesview.series.schema > docs/schemas/series.schema.json`."""

from __future__ import annotations

from seriesview.documents.checking import schema_text
from seriesview.series.manifest import SeriesManifest


def series_schema_text() -> str:
    """The schema as docs/schemas/ holds it."""
    normative = "docs/format.md is the normative description."
    return schema_text(SeriesManifest, "seriesview series manifest", description=normative)


if __name__ == "__main__":
    print(series_schema_text(), end="")
