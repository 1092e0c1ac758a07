"""The clips and crops of videos that an evaluation takes."""

from pathlib import Path

import tensorflow as tf

import tfrecords
from training.evaluate.settings import Settings


def view_clips(
    data: str | Path, split: str, settings: Settings, batch_size: int
) -> tf.data.Dataset:
    """The views of each video of a split that a protocol takes, with ids and labels."""
    how = {"training": False, "with_ids": True, "batch_size": batch_size}
    return tfrecords.clips(data, split, options=settings, **how)
