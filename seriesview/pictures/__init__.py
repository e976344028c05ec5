"""Pictures of series as PNG, drawn from stored levels, and a page of them."""

from seriesview.pictures.figure import overview, plot

__all__ = ["overview", "plot"]
