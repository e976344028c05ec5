"""Sharing: a workspace as plain files that any web server shows, raw samples only when asked for."""
