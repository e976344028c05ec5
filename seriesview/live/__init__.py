"""Snapshots: what there is of series while they are built, for the page of the process that builds them."""
