"""The model and the clips of an evaluation, for another look at both."""

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfrecords.format.manifest import FILE
from tfrecords.storage.files import as_path, is_file
from training.evaluate.evaluate import fitted
from training.evaluate.settings import Settings
from training.evaluate.view_clips import view_clips
from training.run_folder import Run

BATCH_SIZE = 16


def evaluated(path: Path, said: dict[str, Any]) -> tuple[keras.Model, tf.data.Dataset, Settings]:
    """The model, the clips with ids and labels, and the protocol of a run's evaluation.

    Args:
        path: Folder of a run.
        said: Its report, of `read_results`.

    Raises:
        ValueError: If the data set of the evaluation is gone.
    """
    if not is_file(as_path(said["data"]) / FILE):
        raise ValueError(
            f"{path} was evaluated on {said['data']}, which is gone: bring it back, or say where "
            f"it is now with `ctm evaluate {path} --data`."
        )
    settings = Settings.from_dict(said["settings"])
    model, settings = fitted(Run.open(path).load_model(said["model"]), settings)
    return model, view_clips(said["data"], said["split"], settings, BATCH_SIZE), settings
