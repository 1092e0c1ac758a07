"""Clips a second, requests and bytes of a clip: a data set on disk and in a bucket.

    python benchmarks/remote.py data/mine                        # moto's S3 server on this machine
    python benchmarks/remote.py data/mine --bucket s3://mine/x   # a bucket that has a copy of it

The index is on this machine before the clock starts. moto is a test server: it takes a processor
core, and copies a whole shard for each request, so that its clips a second say little of S3 (build
with small shards for it). The requests and the bytes are exact, as the file system is asked for.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen
from sys import executable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import tyro

import tfrecords
from tfrecords.reading.split import Split
from tfrecords.storage import byte_ranges
from tfrecords.storage.files import as_path

SERVER = "import sys; from moto.server import main; main(sys.argv[1:])"


def main(
    data: tyro.conf.Positional[Path],
    bucket: str | None = None,
    port: int = 5555,
    clips: int = 240,
    rounds: int = 3,
    batch_size: int = 8,
) -> None:
    """Measures and prints.

    Args:
        data: Folder of a built data set.
        bucket: A remote copy of it; by default one is made in moto's server.
        port: Of moto's server.
        clips: Clips of a round.
        rounds: Rounds, which take turns.
        batch_size: Clips of a batch.
    """
    with bucket_of(data, port) if bucket is None else given(bucket) as remote:
        rates = {str(data): [], remote: []}
        for _ in range(rounds):
            for name, own in rates.items():
                own.append(clips_a_second(name, clips, batch_size))
        for name, own in rates.items():
            print(f"{name:40} {sorted(own)[len(own) // 2]:7.1f} clips/s")
        requests, read, needed, count = asked_for(remote, batch_size)
    print(
        f"a clip from there: {requests / count:.1f} requests, {read / count:,.0f} bytes, "
        f"{read / needed:.4f} times those of its frames"
    )


@contextmanager
def given(bucket: str) -> Iterator[str]:
    """A bucket that is there."""
    yield bucket


@contextmanager
def bucket_of(data: Path, port: int) -> Iterator[str]:
    """A copy of a data set in a bucket of moto's server."""
    own = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(own, AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")
    server = Popen([executable, "-c", SERVER, "-p", str(port)], stdout=DEVNULL, stderr=DEVNULL)
    try:
        folder = as_path("s3://bucket/data")
        time.sleep(3)
        folder.fs.mkdir("bucket")
        for path in sorted(data.iterdir()):
            folder.fs.put_file(str(path), f"{folder.path}/{path.name}")
        yield str(folder)
    finally:
        server.kill()
        server.wait()


def clips_a_second(data: str, clips: int, batch_size: int) -> float:
    """The rate after the first batch."""
    dataset = tfrecords.clips(data, batch_size=batch_size).repeat()
    batches = iter(dataset.take(1 + clips // batch_size))
    next(batches)
    began, done = time.perf_counter(), sum(len(labels) for _, labels in batches)
    return done / (time.perf_counter() - began)


def asked_for(data: str, batch_size: int) -> tuple[int, int, int, int]:
    """Requests, bytes of them, bytes of the frames and clips of an epoch."""
    spans, needed, cover, read = [], [], byte_ranges.spans, Split.read

    def covered(places):
        spans.extend(found := cover(places))
        return found

    def counted(*args):
        needed.extend(map(len, frames := read(*args)))
        return frames

    byte_ranges.spans, Split.read = covered, counted
    try:
        count = sum(len(labels) for _, labels in tfrecords.clips(data, batch_size=batch_size))
    finally:
        byte_ranges.spans, Split.read = cover, read
    return len(spans), sum(end - start for start, end in spans), sum(needed), count


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        tyro.cli(main, description=__doc__)
