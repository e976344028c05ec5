"""Pictures of series as PNG, drawn from stored levels, and a page of them."""

from seriesview.pictures.figure import PICTURE_VERSION, failed_overview, overview, plot

__all__ = ["PICTURE_VERSION", "failed_overview", "overview", "plot"]
