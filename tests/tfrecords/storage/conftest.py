"""A web server of files that records every request and fails on demand."""

import functools
import gc
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from tfrecords.storage import retry


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def impatient(monkeypatch):
    """Retries end soon; iterators are collected before the server stops."""
    monkeypatch.setattr(retry, "PATIENCE", 0.5)
    monkeypatch.setattr(retry, "FIRST_PATIENCE", 0.5)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    yield
    gc.collect()


class Ranges(SimpleHTTPRequestHandler):
    """Serves files and byte ranges, records requests, and fails on demand."""

    def __init__(self, *args, notes, **kwargs):
        self.notes = notes
        super().__init__(*args, **kwargs)

    def log_message(self, *_):
        pass

    def do_GET(self):
        byte_range = self.headers.get("Range")
        self.notes.requests.append((self.path, byte_range))
        if self.notes.failures:
            self.send_error(self.notes.failures.pop())
        elif not byte_range or not self.notes.ranges:
            super().do_GET()
        else:
            self._send_part(*map(int, byte_range.removeprefix("bytes=").split("-")))

    def _send_part(self, first, last):
        with open(self.translate_path(self.path), "rb") as file:
            content = file.read()
        part = content[first : last + 1]
        if not part:
            self.send_error(416)
            return
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


@pytest.fixture
def web(tmp_path):
    """A web server of `folder`: `url`, `requests`, pending `failures`, `ranges`."""
    notes = SimpleNamespace(requests=[], failures=[], ranges=True, folder=tmp_path / "www")
    notes.folder.mkdir()
    handler = functools.partial(Ranges, notes=notes, directory=str(notes.folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # the client closed the connection
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    notes.url = f"http://127.0.0.1:{server.server_port}"
    notes.stop = server.shutdown
    yield notes
    server.shutdown()
    server.server_close()
    thread.join()
