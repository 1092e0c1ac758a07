"""The clips and crops of videos that an evaluation takes."""

import tensorflow as tf

import tfrecords
from tfrecords.storage import AnyPath
from training.evaluate.settings import Settings


def view_clips(
    data: str | AnyPath, split: str, settings: Settings, batch_size: int
) -> tf.data.Dataset:
    """The views of each video of a split that a protocol takes, with ids and labels."""
    return tfrecords.clips(
        data, split, options=settings, training=False, with_ids=True, batch_size=batch_size
    )
