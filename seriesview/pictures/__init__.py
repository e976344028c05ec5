"""Pictures of series as PNG, drawn from stored levels, and a page of them."""

from seriesview.pictures.figure import failed_overview, overview, plot

__all__ = ["failed_overview", "overview", "plot"]
