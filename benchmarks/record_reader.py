"""The plain way to read shards: whole SequenceExamples in the order of the files, by tf.data.

It is what a pipeline without an index does: each record is read and parsed whole, eight of its
JPEGs are decoded, and one random square of them is cut and scaled.
"""

from pathlib import Path

import tensorflow as tf

FRAMES, INTERVAL, SIZE = 8, 8, 224


def plain_records(data: Path, threads: int, batch_size: int) -> tf.data.Dataset:
    """Batches of clips of the shards of a folder, uint8 `(B, 8, 224, 224, 3)`."""
    files = sorted(str(path) for path in data.glob("*.tfrecord"))
    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    records = tf.data.TFRecordDataset(files).with_options(options)
    return records.map(_clip, threads).batch(batch_size).prefetch(2)


def _clip(record: tf.Tensor) -> tf.Tensor:
    feature = tf.io.FixedLenSequenceFeature([], tf.string)
    _, lists = tf.io.parse_single_sequence_example(
        record, sequence_features={"image/encoded": feature}
    )
    jpegs = lists["image/encoded"]
    count = tf.shape(jpegs)[0]
    last = tf.maximum(1, count - FRAMES * INTERVAL + 1)
    start = tf.random.uniform([], 0, last, tf.int32)
    chosen = tf.gather(jpegs, (start + INTERVAL * tf.range(FRAMES)) % count)
    frames = tf.map_fn(
        lambda jpeg: tf.io.decode_jpeg(jpeg, 3, dct_method="INTEGER_ACCURATE"),
        chosen,
        fn_output_signature=tf.uint8,
    )
    shape = tf.shape(frames)
    side = tf.minimum(shape[1], shape[2]) * 224 // tf.random.uniform([], 256, 321, tf.int32)
    square = tf.image.random_crop(frames, [FRAMES, side, side, 3])
    return tf.cast(tf.image.resize(square, (SIZE, SIZE)), tf.uint8)
