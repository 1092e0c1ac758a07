"""Small data sets whose pixels encode the video, frame and position."""

import hashlib
import zlib
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tensorflow as tf

from tfrecords.format.index import FRAME_DTYPE, VIDEO_DTYPE, index_path, write_index
from tfrecords.format.manifest import Manifest, Shard, write_manifest
from tfrecords.format.record import layout

CLASSES = ("wave", "swipe_left", "swipe_right", "jump")
TFRECORD_HEADER = 12


def picture(video, frame, x, y):
    """Colors that encode the position (red), the video (green) and the frame (blue)."""
    red = 10 + x + y / 2
    return np.stack(np.broadcast_arrays(red, 20 + 10 * video, 20 + 2 * frame), axis=-1)


def frame_of(video, frame, height, width):
    y, x = np.mgrid[:height, :width]
    return np.round(picture(video, frame, x, y)).astype(np.uint8)


def read_off(clip):
    """The video and the frame numbers that a clip `(T, S, S, 3)` shows."""
    means = np.asarray(clip, np.float64).mean(axis=(1, 2))
    video = np.unique(np.round((means[:, 1] - 20) / 10).astype(int))
    assert len(video) == 1
    return int(video[0]), np.round((means[:, 2] - 20) / 2).astype(int).tolist()


def expected_clip(video, frames, box, size, flip=False):
    """The expected pixels of a clip, computed from the formula of the pictures."""
    top, left, side = box
    places = (np.arange(size) + 0.5) * side / size - 0.5
    y, x = np.clip(places, 0, side - 1)[:, None] + top, np.clip(places, 0, side - 1) + left
    clip = np.stack([picture(video, frame, x, y) for frame in frames])
    return clip[:, :, ::-1] if flip else clip


def jpeg(picture):
    return cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def write_shard(path, first, videos):
    """Writes videos (frames, height, width, label) numbered from `first`; returns a `Shard`."""
    rows, frames = [], []
    with tf.io.TFRecordWriter(str(path)) as writer:
        position = 0
        for number, (count, height, width, label) in enumerate(videos, first):
            jpegs = [jpeg(frame_of(number, f, height, width)) for f in range(count)]
            plan = layout({"clip/label/index": label}, [*map(len, jpegs)], [*range(count)])
            rows.append((len(frames), count, label, height, width, 25.0))
            offset, parts = position + TFRECORD_HEADER + len(plan.head), [plan.head]
            for prefix, data in zip(plan.prefixes, jpegs, strict=True):
                offset += len(prefix)
                frames.append((offset, len(data), zlib.crc32(data)))
                offset += len(data)
                parts += [prefix, data]
            writer.write(b"".join([*parts, plan.tail]))
            position += TFRECORD_HEADER + plan.size + 4
    digest = hashlib.sha256(path.read_bytes())
    index = index_path(path)
    rows, frames = np.array(rows, VIDEO_DTYPE), np.array(frames, FRAME_DTYPE)
    write_index(index, path.stat().st_size, digest.digest(), rows, frames)
    ids = tuple(f"video {first + i}" for i in range(len(videos)))
    return ids, digest.hexdigest(), hashlib.sha256(index.read_bytes()).hexdigest()


def write_dataset(folder: Path, splits, shards=2, class_names=CLASSES) -> Path:
    """A data set; `splits` maps a split to videos (frames, height, width, label).

    Videos are numbered through all splits in the order given; video k has the id "video k".
    """
    folder.mkdir(parents=True, exist_ok=True)
    written, number = [], 0
    for split, videos in splits.items():
        for i, part in enumerate(np.array_split(np.arange(len(videos)), shards)):
            path = folder / f"{split}-{i:05d}-of-{shards:05d}.tfrecord"
            ids, sha, index_sha = write_shard(path, number, [videos[k] for k in part])
            written.append(Shard(path.name, split, ids, path.stat().st_size, sha, index_sha))
            number += len(part)
    counts = {
        split: {"videos": len(videos), "frames": sum(video[0] for video in videos)}
        for split, videos in splits.items()
    }
    frame = {"short_side": 64, "quality": 95, "fps": None}
    write_manifest(folder, Manifest(tuple(class_names), frame, counts, tuple(written)))
    return folder


@pytest.fixture(scope="session")
def synthetic():
    """The functions above, for tests."""
    return SimpleNamespace(
        write_dataset=write_dataset,
        frame_of=frame_of,
        read_off=read_off,
        expected_clip=expected_clip,
        classes=CLASSES,
    )
