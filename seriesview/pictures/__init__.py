"""Pictures of series as PNG, drawn from stored levels, and a page of them."""

PICTURE_VERSION = 1
"""Of how pictures are drawn: goes up where one of the same series would look otherwise."""
