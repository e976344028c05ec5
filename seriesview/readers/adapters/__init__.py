"""Readers that stand on other projects' libraries, which are imported when a file needs them."""
