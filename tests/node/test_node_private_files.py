"""Small files of the node's own are replaced whole or not at all."""

import resource
import subprocess
import sys
import textwrap
from pathlib import Path


def test_a_disk_that_takes_a_part_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "channels"
    file.write_bytes(b"as it was")
    script = """
        import resource, sys
        from pathlib import Path
        from seriesview.node.private_files import write_atomically
        try:
            write_atomically(Path(sys.argv[1]), b"x" * 5000, 0o600)
        except OSError as error:
            print("refused", error.errno)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(file)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("refused"), done.stderr
    assert file.read_bytes() == b"as it was"
    assert list(tmp_path.iterdir()) == [file]
