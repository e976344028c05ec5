"""Small pages for tests: views and parents at an origin of their own, and npm packages as modules for browsers."""

from __future__ import annotations

import json
import mimetypes
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "node_modules"

REACT = """
const nothing = () => undefined;
export default {createContext: () => ({Provider: nothing})};
export const useCallback = f => f, useMemo = f => f(), useState = v => [v, nothing];
export const useContext = () => ({}), useEffect = nothing, useReducer = nothing, useRef = nothing;
export const jsx = nothing, jsxs = nothing;
"""
CORE = """
export { randomAlphaString } from '/npm/@figurl/core-utils/dist/random-string/index.js';
export * from '/npm/@figurl/core-utils/dist/validate-object/index.js';
export const useWindowDimensions = () => undefined;
"""
IMPORTS = {
    "react": "/stubs/react.js",
    "react/jsx-runtime": "/stubs/react.js",
    "crypto": "/stubs/react.js",
    "@figurl/core-utils": "/stubs/core.js",
}


class ViewServer:
    """Serves documents, the viewer below /viewer/, and installed npm packages below /npm/."""

    def __init__(self, host: str = "localhost") -> None:
        self.documents = {"/stubs/react.js": REACT, "/stubs/core.js": CORE}
        self._folders = {"/viewer/": ROOT / "seriesview" / "viewer", "/npm/": PACKAGES}
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer((host, 0), Handler)
        self._http.daemon_threads = True
        self.address = f"http://{host}:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def page(self, path: str, script: str, body: str = "") -> str:
        """Add a page that runs a module; returns its address."""
        imports = json.dumps({"imports": IMPORTS})
        self.documents[path] = (
            f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">{body}'
            f'<script type="importmap">{imports}</script><script type="module">{script}</script>'
        )
        return self.address + path

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = request.path.partition("?")[0]
        kind = mimetypes.guess_type(path)[0] or "text/html"
        data: bytes | None = None
        if path in self.documents:
            data = self.documents[path].encode()
        else:
            for prefix, folder in self._folders.items():
                file = _module(folder / path[len(prefix) :]) if path.startswith(prefix) else None
                if file is not None:
                    data, kind = file.read_bytes(), mimetypes.guess_type(file.name)[0] or "text/plain"
        request.send_response(404 if data is None else 200)
        request.send_header("Content-Type", f"{kind}; charset=utf-8")
        request.send_header("Content-Length", str(len(data or b"")))
        request.end_headers()
        request.wfile.write(data or b"")


def _module(path: Path) -> Path | None:
    """The file that an import means, as bundlers see it."""
    for file in (path, path.with_name(path.name + ".js"), path / "index.js"):
        if file.is_file():
            return file
    return None
