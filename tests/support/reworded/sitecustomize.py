"""With this folder on PYTHONPATH every sentence of seriesview's errors is in capitals, in each process that starts."""

from contextlib import suppress

with suppress(ImportError):
    from seriesview import errors

    errors.translate = str.upper
