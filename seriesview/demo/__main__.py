"""`python -m seriesview.demo DIR` writes the demo's data into DIR."""

import argparse
import sys
from pathlib import Path

from seriesview.demo.files import write_demo_data
from seriesview.errors import SeriesviewError


def main() -> int:
    """Write the data and name the files; 2 and one line on standard error where that fails."""
    parser = argparse.ArgumentParser(prog="python -m seriesview.demo", description="Write the demo's data.")
    parser.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    try:
        for path in write_demo_data(arguments.directory):
            print(f"{path}  ({path.stat().st_size:,} bytes)")
    except SeriesviewError as error:
        print(f"seriesview: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
