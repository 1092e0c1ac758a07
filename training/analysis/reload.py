"""Loads the model and the clips of an evaluation again, for further analysis."""

from pathlib import Path

import keras
import tensorflow as tf

from tfrecords.format import FILE
from tfrecords.storage import as_path, is_file
from training.evaluate.evaluate import fitted
from training.evaluate.scores import Report
from training.evaluate.settings import Settings
from training.evaluate.view_clips import view_clips
from training.run_folder import Run

BATCH_SIZE = 16


def evaluated(path: Path, report: Report) -> tuple[keras.Model, tf.data.Dataset, Settings]:
    """The model, the clips with ids and labels, and the protocol of a run's evaluation.

    Args:
        path: Folder of a run.
        report: The report of its evaluation.

    Raises:
        ValueError: If the data set of the evaluation is missing.
    """
    if not is_file(as_path(report.data) / FILE):
        raise ValueError(
            f"{path} was evaluated on {report.data}, which is missing. Restore it, or give its new "
            f"folder with `ctm evaluate {path} --data`."
        )
    model, settings = fitted(Run.open(path).load_model(report.model), report.one_protocol)
    return model, view_clips(report.data, report.split, settings, BATCH_SIZE), settings
