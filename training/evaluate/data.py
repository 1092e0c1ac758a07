"""The data set and the split that a model is scored on, and whether they fit the model."""

from collections.abc import Sequence
from pathlib import Path

import keras

import ctm_keras
import tfrecords
from ctm_keras.names import class_difference
from tfrecords.format import FILE, SplitName
from tfrecords.reading import Split
from tfrecords.storage import AnyPath, is_file
from training.config.train import TrainConfig
from training.evaluate.config import EvaluateConfig
from training.open_model import is_run
from training.run_folder import Run
from training.view import View

NEARLY = 0.1  # difference of two frame rates that needs no note


def data_of(path: Path, requested: EvaluateConfig) -> str | AnyPath:
    """The requested data set, or that of the run."""
    if requested.data is not None:
        return requested.data
    if not is_run(path):
        raise ValueError(
            f"A .keras file requires a data set to be evaluated on, received {path} without "
            "--data. Give one with the same classes as --data DIR."
        )
    data = Run.open(path).config.dataset
    if not is_file(data / FILE):
        raise ValueError(f"{data} is missing. Give the data set's new folder as --data.")
    return data


def split_of(config: TrainConfig, same: bool) -> str:
    """The validation split of a run, to score on the same data set or on another."""
    if SplitName.parse(config.val_split).folds and not same:
        raise ValueError(
            f"The run's validation split {config.val_split!r} is a fold of its own data set. Give "
            "--split for another one."
        )
    return config.val_split


def trained_on(runs: Sequence[Run], data: str | AnyPath, split: str) -> int:
    """The number of videos of a split that runs were trained on, in their own data set."""
    parts = set(SplitName.parse(split).splits)
    names = {run.config.train_split for run in runs}
    near = [name for name in names if parts & set(SplitName.parse(name).splits)]
    trained = {video for name in near for video in Split(data, name).ids}
    return len(trained.intersection(Split(data, split).ids))


def other_rates(
    view: View, sampling: str, data: str | AnyPath, split: str
) -> tuple[float, float] | None:
    """Frames per second of the data and of the model's training videos, if dense clips differ."""
    if sampling != "dense" or view.fps is None:
        return None
    _, rate = tfrecords.typical_video(data, split)
    return None if abs(rate / view.fps - 1) <= NEARLY else (rate, view.fps)


def check_outputs(model: keras.Model, classes: tuple[str, ...], data: str | AnyPath) -> None:
    """Raises ValueError unless a model has the classes of a data set, or as many without names."""
    names, count = ctm_keras.class_names(model), model.output_shape[-1]
    if names is not None:
        check_classes(names, classes, data)
    elif count != len(classes):
        raise ValueError(
            f"The model must have the {len(classes)} classes of {data}, received {count} classes "
            "without names. Evaluate it on the data set it was trained on, or train on this one."
        )


def check_classes(
    model_classes: list[str], data_classes: tuple[str, ...], data: str | AnyPath
) -> None:
    """Raises ValueError unless a model and a data set have the same classes."""
    if why := class_difference(model_classes, data_classes, "the model", "the data set"):
        raise ValueError(
            f"The model's classes are not those of {data}: {why}. Evaluate on the data set it was "
            "trained on, or train on this one."
        )
