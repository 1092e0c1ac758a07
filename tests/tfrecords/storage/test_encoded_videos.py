"""Encoded videos on a server: the same clips, from requests for only the required packets."""

import re

import av
import numpy as np
import pytest

import tfrecords
from tfrecords.reading.split import Split

CLIPS = {"image_size": 32, "num_frames": 4, "interval": 4, "batch_size": 3, "training": False}


def write_video(path, random):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = random.integers(0, 256, (64, 200, 3), dtype=np.uint8)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"g": "20", "preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt, stream.thread_count = 64, 96, "yuv420p", 1
        for number in range(100):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, number, 1)[:, :96].copy())
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    root, random = tmp_path_factory.mktemp("encoded"), np.random.default_rng(0)
    for name in ("x/1", "x/2", "y/1", "y/2"):
        write_video(root / "videos" / f"{name}.mp4", random)
    options = {"store": "video", "val_fraction": 0.5, "progress": False}
    tfrecords.build(root / "videos", root / "data", **options)
    return root / "data"


def test_clips_from_s3_equal_those_from_disk(local, s3):
    remote = s3.put(local, "data/encoded")
    assert Split(remote, "val").encoded.all()
    for split in ("train", "val"):
        pair = [tfrecords.clips(data, split, **CLIPS) for data in (local, remote)]
        for one, other in zip(*(dataset.as_numpy_iterator() for dataset in pair), strict=True):
            np.testing.assert_array_equal(one[0], other[0])


def test_only_required_packets_are_fetched(local, s3):
    split = Split(s3.put(local, "data/encoded"), "train")
    s3.requests.clear()
    media = split.read_media(0, np.array([45, 50]))
    pieces = [piece.data for stretch in media.stretches for piece in stretch]
    assert 10 <= len(pieces) < 15
    fetched = 0
    for method, path, byte_range, status in s3.requests:
        assert (method, status) == ("GET", 206)
        assert path.endswith(".tfrecord")
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", byte_range).groups())
        fetched += last - first + 1
    assert fetched <= 1.05 * sum(map(len, [media.head, *pieces]))
