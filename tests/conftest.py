"""What every test shares: where the real videos are, an S3 server, and quiet logs."""

import fcntl
import gc
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
if "PYTEST_XDIST_WORKER" in os.environ:  # the flag stays ours: children would print a library's
    os.environ.pop("PYTHONWARNDEFAULTENCODING", None)

BUCKET = "bucket"
REAL_VIDEOS = Path(__file__).parents[2] / "shared" / "data"


def pytest_collection_finish():
    # What is imported by now stays: collections need not look through it again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 100)  # models are large: collections took 6% of the time


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """`once(name, make)` is a folder that `make(folder)` fills once for all workers of xdist."""
    top = tmp_path_factory.getbasetemp()
    top = top.parent if "PYTEST_XDIST_WORKER" in os.environ else top

    def once(name, make):
        folder, done = top / name, top / f"{name}.done"
        with open(top / f"{name}.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                make(folder)
                done.touch()
        return folder

    return once


@pytest.fixture
def no_random_start(monkeypatch):
    """Kernels start at zero: drawing them is half of the time that a network takes to build."""
    import keras

    def zeros(self, shape, dtype=None, **_):
        return keras.ops.zeros(shape, dtype)

    monkeypatch.setattr(keras.initializers.VarianceScaling, "__call__", zeros)


@pytest.fixture(scope="session")
def real_videos() -> Path:
    """The folder of real videos beside the project; the test is skipped where it is absent."""
    if not REAL_VIDEOS.is_dir():
        pytest.skip("needs the real videos in ../shared/data, which are not part of the project")
    return REAL_VIDEOS


@pytest.fixture(scope="session")
def moto():
    """An S3 server and the list of its requests, each (method, path, range or None, status)."""
    import werkzeug.serving
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


@pytest.fixture
def lost_s3(s3, monkeypatch):
    """The bucket's server cannot be reached, and is given up at once."""
    from tfrecords.storage import retry

    with monkeypatch.context() as patch:
        patch.setattr(retry, "PATIENCE", 0.2)
        patch.setattr(retry, "FIRST_PATIENCE", 0.2)
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        type(s3.fs).clear_instance_cache()
        yield
    type(s3.fs).clear_instance_cache()
