"""The model and the clips of an evaluation, for another look at both."""

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from training.data import view_clips
from training.evaluate import fitted
from training.run import Run
from training.settings import Settings

BATCH_SIZE = 16


def evaluated(path: Path, said: dict[str, Any]) -> tuple[keras.Model, tf.data.Dataset, Settings]:
    """The model, the clips with ids and labels, and the protocol of a run's evaluation.

    Args:
        path: Folder of a run.
        said: Its report, of `read_results`.
    """
    model, settings = fitted(Run.open(path).load_model(said["model"]), Settings(**said["settings"]))
    return model, view_clips(said["data"], said["split"], settings, BATCH_SIZE), settings
