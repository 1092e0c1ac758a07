"""The model and the clips of an evaluation, for another look at both."""

from pathlib import Path

import keras
import tensorflow as tf

import tfrecords
from training.evaluate import fitted, read_results
from training.run import Run
from training.settings import Settings

BATCH_SIZE = 16


def evaluated(path: Path) -> tuple[keras.Model, tf.data.Dataset, Settings]:
    """The model, the clips with ids and labels, and the protocol of a run's evaluation.

    Args:
        path: Folder of a run.

    Raises:
        ValueError: If `ctm evaluate` did not score it.
    """
    _, said = read_results(path)
    model, settings = fitted(Run.open(path).load_model(said["model"]), Settings(**said["settings"]))
    batches = tfrecords.clips(
        said["data"],
        said["split"],
        training=False,
        with_ids=True,
        batch_size=BATCH_SIZE,
        **settings.clip_options(),
    )
    return model, batches, settings
