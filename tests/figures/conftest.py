import sys
from pathlib import Path

for room in ("backend", "series"):
    sys.path.insert(0, str(Path(__file__).parents[1] / room))
