"""The clips and crops that an evaluation scores."""

import tensorflow as tf

import tfrecords
from tfrecords.storage import AnyPath
from training.evaluate.settings import Settings


def view_clips(
    data: str | AnyPath, split: str, settings: Settings, batch_size: int
) -> tf.data.Dataset:
    """The protocol's views of each video of a split, with ids and labels."""
    return tfrecords.clips(
        data, split, options=settings, training=False, with_ids=True, batch_size=batch_size
    )
