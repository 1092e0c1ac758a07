"""Real servers on localhost that note every request: moto's S3, and web servers of files."""

import functools
import gc
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import werkzeug.serving

from tfrecords import servers

BUCKET = "bucket"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def impatient(monkeypatch):
    """Servers are given up soon; iterators that still read end before the server does."""
    monkeypatch.setattr(servers, "PATIENCE", 0.5)
    monkeypatch.setattr(servers, "FIRST_PATIENCE", 0.5)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    yield
    gc.collect()


@pytest.fixture(scope="session")
def moto():
    """An S3 server and the list of its requests, each (method, path, range or None, status)."""
    from moto.server import ThreadedMotoServer

    requests = []

    def note(self, code="-", size="-"):
        path = self.path.partition("?")[0]
        requests.append((self.command, path, self.headers.get("Range"), int(code)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(werkzeug.serving.WSGIRequestHandler, "log_request", note)
        server = ThreadedMotoServer("127.0.0.1", port=0)
        server.start()
        host, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield requests
        server.stop()


@pytest.fixture
def s3(moto):
    """An empty bucket: its file system, its requests, and `put(folder, name)`."""
    from s3fs import S3FileSystem

    fs = S3FileSystem(use_listings_cache=False)
    fs.mkdir(BUCKET)

    def put(folder, name):
        for path in sorted(folder.iterdir()):
            fs.pipe_file(f"{BUCKET}/{name}/{path.name}", path.read_bytes())
        return f"s3://{BUCKET}/{name}"

    moto.clear()
    yield SimpleNamespace(fs=fs, requests=moto, put=put)
    fs.rm(BUCKET, recursive=True)


class Ranges(SimpleHTTPRequestHandler):
    """Serves files and parts of them; notes requests; fails as often as it is told to."""

    def __init__(self, *args, notes, **kwargs):
        self.notes = notes
        super().__init__(*args, **kwargs)

    def log_message(self, *_):
        pass

    def do_GET(self):
        asked = self.headers.get("Range")
        self.notes.requests.append((self.path, asked))
        if self.notes.failures:
            self.send_error(self.notes.failures.pop())
        elif not asked or not self.notes.ranges:
            super().do_GET()
        else:
            self._send_part(*map(int, asked.removeprefix("bytes=").split("-")))

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
    """A web server of the files in `folder`: `url`, `requests`, `failures` to come, `ranges`."""
    notes = SimpleNamespace(requests=[], failures=[], ranges=True, folder=tmp_path / "www")
    notes.folder.mkdir()
    handler = functools.partial(Ranges, notes=notes, directory=str(notes.folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    notes.url = f"http://127.0.0.1:{server.server_port}"
    notes.stop = server.shutdown
    yield notes
    server.shutdown()
    server.server_close()
    thread.join()
