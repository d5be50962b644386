"""A web server for tests: files of a dictionary, ranges, and faults on demand."""

import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Web:
    """Serves ``files`` (path -> bytes) on 127.0.0.1; counts and remembers what it was asked.

    cuts: path -> how many bytes an answer may have before the connection breaks, one per request.
    status: path -> HTTP statuses to answer with first, one per request.
    tags: path -> ETag; without one, nothing can be gone on with.
    sized: whether answers say how long they are.
    moved: path -> address that it leads to. slow: path -> seconds between two bytes.
    """

    def __init__(self):
        self.files, self.cuts, self.status, self.tags = {}, {}, {}, {}
        self.moved, self.slow = {}, {}
        self.sized = True
        self.asked = []  # (path, Range or None)
        self.sent = 0  # bytes
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                web.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request):
        path = request.path.lstrip("/")
        wanted = request.headers.get("Range")
        self.asked.append((path, wanted))
        if self.status.get(path):
            request.send_error(self.status[path].pop(0))
            return
        if path not in self.files:
            if path in self.moved:
                request.send_response(302)
                request.send_header("Location", self.moved[path])
                request.end_headers()
                return
            request.send_error(404)
            return
        content, tag = self.files[path], self.tags.get(path)
        start = 0
        if wanted and tag and request.headers.get("If-Range") == tag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                request.send_error(416)
                return
        request.send_response(206 if start else 200)
        if tag:
            request.send_header("ETag", tag)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.sized:
            request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        piece = content[start:]
        if self.cuts.get(path):
            piece = piece[: self.cuts[path].pop(0)]
        self._send(request, piece, self.slow.get(path))
        request.close_connection = True

    def _send(self, request, piece, pause):
        with suppress(OSError):  # who asked has heard enough
            for i in range(0, len(piece), 1 if pause else 1 << 16):
                self.sent += request.wfile.write(piece[i : i + (1 if pause else 1 << 16)])
                time.sleep(pause or 0)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
