"""Storing through the node with kachery-client: 100 MB, and 1000 files of 100 KB.

The limit is the same client against a server that hashes what it gets and keeps nothing.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LARGE_BYTES = 100_000_000
LARGE_GOAL = 300.0
"""MB/s."""
SMALL_FILES = 1000
SMALL_BYTES = 100_000

CLIENT = """
import json, sys, time
import kachery_client as kc
taken = []
for path in sys.argv[1:]:
    begin = time.perf_counter()
    kc.store_file(path)
    taken.append(time.perf_counter() - begin)
print(json.dumps(taken))
"""


def serve_hashes(directory: str, ports: multiprocessing.Queue[int]) -> None:
    """Answer as a node that has everything already."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            node_id = (Path(directory) / "kachery-node-id").read_text()
            self._answer({"success": True, "nodeId": node_id, "kacheryStorageDir": directory})

        def do_POST(self) -> None:
            hasher = hashlib.sha1()
            left = int(self.headers["Content-Length"])
            while left:
                piece = self.rfile.read1(min(left, 2**18))
                hasher.update(piece)
                left -= len(piece)
            self._answer({"success": True, "error": None, "sha1": hasher.hexdigest(), "manifestSha1": None})

        def _answer(self, value: dict[str, object]) -> None:
            text = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ports.put(server.server_address[1])
    server.serve_forever()


def store(port: int, directory: Path, paths: list[Path]) -> list[float]:
    """Seconds that kachery-client takes for each file."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("KACHERY_")},
        "KACHERY_DAEMON_PORT": str(port),
        "KACHERY_TEMP_DIR": str(directory / "tmp"),
        "NO_PROXY": "localhost",
    }
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, *map(str, paths)], env=environment, capture_output=True, check=True
    )
    taken: list[float] = json.loads(done.stdout)
    return taken


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("SERIESVIEW_BENCHMARK_DIR")) as name:
        directory = Path(name)
        storage = directory / "storage"
        node = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "seriesview.cli.main",
                "node",
                "--storage-dir",
                str(storage),
                "--port",
                "0",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        ports: multiprocessing.Queue[int] = multiprocessing.Queue()
        limit = multiprocessing.Process(target=serve_hashes, args=(str(storage), ports), daemon=True)
        try:
            assert node.stdout is not None
            port = int(node.stdout.readline().split("http://")[1].split(",")[0].rpartition(":")[2])
            limit.start()
            limit_port = ports.get()
            large = [directory / f"large{number}" for number in range(7)]
            small = [directory / f"small{number}" for number in range(SMALL_FILES)]
            for path in large:
                path.write_bytes(os.urandom(LARGE_BYTES))
            for path in small:
                path.write_bytes(os.urandom(SMALL_BYTES))
            speed = LARGE_BYTES / 1e6 / statistics.median(store(port, directory, large))
            best = LARGE_BYTES / 1e6 / statistics.median(store(limit_port, directory, large))
            print(
                f"100 MB: {speed:.0f} MB/s (goal {LARGE_GOAL:.0f}), "
                f"{speed / best:.2f} of the limit, {best:.0f} MB/s"
            )
            rate = SMALL_FILES / sum(store(port, directory, small))
            best = SMALL_FILES / sum(store(limit_port, directory, small))
            print(f"1000 files of 100 KB: {rate:.0f} a second, {rate / best:.2f} of the limit, {best:.0f}")
        finally:
            node.terminate()
            node.wait()
            with suppress(AttributeError):
                limit.terminate()


if __name__ == "__main__":
    main()
