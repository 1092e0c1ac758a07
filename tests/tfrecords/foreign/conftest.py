"""Foreign shards, written by TensorFlow like those of other projects' generators."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

import tfrecords


def picture(video, frame, height=24, width=32):
    """Frames whose green is the video and whose blue is the frame."""
    colors = [100, 20 + 10 * video, 20 + 5 * frame]
    return np.broadcast_to(np.uint8(colors), (height, width, 3))


def jpegs(video, count, **size):
    pictures = [picture(video, frame, **size) for frame in range(count)]
    return [tf.io.encode_jpeg(image, quality=95).numpy() for image in pictures]


def feature(value):
    """A Feature of one value or of a list of them."""
    values = value if isinstance(value, list) else [value]
    if isinstance(values[0], str | bytes):
        values = [v.encode() if isinstance(v, str) else v for v in values]
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if isinstance(values[0], float):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def example(context, **lists):
    """A SequenceExample: the context, and lists of steps; `image_encoded` is `image/encoded`."""
    made = tf.train.SequenceExample()
    for key, value in context.items():
        made.context.feature[key].CopyFrom(feature(value))
    for key, steps in lists.items():
        own = made.feature_lists.feature_list[key.replace("_", "/", 1)]
        own.feature.extend(feature(step) for step in steps)
    return made


def dmvr(video, count, label, text):
    """The record of a video as DMVR's generate_from_file.py writes it."""
    context = {
        "clip/label/index": label,
        "clip/label/text": text,
        "video/filename": f"videos/{video}.mp4",
        "clip/start/timestamp": 2_000_000,
        "clip/end/timestamp": 2_000_000 + 100_000 * count,
    }
    return example(context, image_encoded=jpegs(video, count))


def write(path, records, compression=None):
    """Writes records (messages or bytes) as TensorFlow does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for record in records:
            writer.write(record if isinstance(record, bytes) else record.SerializeToString())
    return path


def seen(clip):
    """The video and the frames that a clip `(T, S, S, 3)` shows."""
    means = np.asarray(clip, float).mean(axis=(1, 2))
    return round(float((means[0, 1] - 20) / 10)), np.round((means[:, 2] - 20) / 5).tolist()


@pytest.fixture(scope="session")
def shards():
    """The functions above, for tests."""
    return SimpleNamespace(
        jpegs=jpegs, example=example, dmvr=dmvr, write=write, seen=seen, feature=feature
    )


@pytest.fixture
def write_own(tmp_path):
    """`write_own(out)` builds a small data set of frame folders and returns its manifest."""

    def make(out):
        for name in ("wave", "run"):
            for number in range(3):
                folder = tmp_path / "videos" / name / f"v{number}"
                folder.mkdir(parents=True)
                for frame, jpeg in enumerate(jpegs(number, 4)):
                    (folder / f"{frame:05d}.jpg").write_bytes(jpeg)
        return tfrecords.build(tmp_path / "videos", out, shards=1, workers=1, progress=False)

    return make
