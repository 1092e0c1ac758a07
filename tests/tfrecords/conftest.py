"""Small encoded videos whose brightness encodes the frame number."""

import hashlib
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import tfrecords

from .synthetic import synthetic  # noqa: F401


def level(number):
    """The gray of a frame."""
    return 30 + 12 * (number % 16)


def plain_frame(number, height, width):
    return np.full((height, width, 3), level(number), np.uint8)


def encode(
    path,
    frames=12,
    size=(48, 64),
    rate=25,
    codec="libx264",
    pixels="yuv420p",
    draw=plain_frame,
    times=None,
    options=None,
    metadata=None,
    container=None,
):
    """Encodes `frames` pictures of `draw(number, height, width)`; `times` are in 1/1000 s."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", container_options=container or {}) as out:
        out.metadata.update(metadata or {})
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = size
        stream.pix_fmt = pixels
        stream.thread_count = 1
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(draw(number, *size), format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path


def tone(path):
    """A file with audio and without video."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        sound.rate = 8000
        out.mux(stream.encode(sound))
        out.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def write_video():
    return encode


@pytest.fixture(scope="session")
def write_sound():
    return tone


@pytest.fixture(scope="session")
def level_of():
    return level


@pytest.fixture
def tree(tmp_path):
    """`tree(a, b, ...)` makes a source of empty files and returns its folder."""

    def make(*names):
        for name in names:
            file = tmp_path / "videos" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        return tmp_path / "videos"

    return make


@pytest.fixture(scope="session")
def videos(once, write_video):
    """Three classes of eight short videos."""

    def make(root):
        for name in ("- wave", "Füße", "a.b"):
            for number in range(8):
                write_video(root / name / f"clip {number}.mp4", frames=4 + number, size=(40, 60))

    return once("videos", make)


@pytest.fixture(scope="session")
def built(videos, once, tmp_path_factory):
    """The data set of a build with two workers."""
    options = {"shards": 2, "short_side": 32, "workers": 2, "progress": False}
    own = tmp_path_factory.mktemp("built") / "data"
    return shutil.copytree(once("built", lambda out: tfrecords.build(videos, out, **options)), own)


def hashes(folder):
    """The bytes of every file under a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="session")
def content():
    return hashes
