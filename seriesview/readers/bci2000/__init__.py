"""Recordings of BCI2000."""
