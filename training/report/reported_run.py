"""The data of a run in a report: network, scores, curves, worst confusions."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfrecords.format import FILE, named
from tfrecords.reading import ClipReader, Split
from tfrecords.storage import StorageError, as_path, is_file
from training.config.train import TrainConfig
from training.evaluate.predictions import confusion_matrix, join_views
from training.evaluate.scores import Report, read_results
from training.run_folder import Run

SHOWN_IN_TABLE = {  # fields of the config, with their headings
    "model": "model",
    "backbone": "backbone",
    "num_frames": "frames",
    "image_size": "size",
    "epochs": "epochs",
    "batch_size": "batch",
    "seed": "seed",
}


@dataclass(frozen=True)
class Confusion:
    """A pair of classes that a model confuses.

    Args:
        true: Index of the true class.
        predicted: Index of the predicted class.
        count: Number of videos of the true class with this prediction.
        videos: Number of all videos of the true class.
        example: Id of the video with the highest score for this prediction.
    """

    true: int
    predicted: int
    count: int
    videos: int
    example: str


@dataclass(frozen=True)
class ReportedRun:
    """A trained run.

    Args:
        name: The run's folder.
        config: The config of the run.
        class_names: The classes, in order.
        curves: The columns of log.csv: values over the epochs.
    """

    name: str
    config: TrainConfig
    class_names: tuple[str, ...]
    curves: dict[str, list[float]]

    @property
    def methods(self) -> list[str]:
        """The methods of its network."""
        return self.config.model.split("+")

    @property
    def columns(self) -> dict[str, Any]:
        """The values of its config in the table of runs, by heading."""
        values = {heading: getattr(self.config, n) for n, heading in SHOWN_IN_TABLE.items()}
        return values | {"model": " ".join((self.config.model, *self.config.options))}


@dataclass(frozen=True)
class EvaluatedRun(ReportedRun):
    """A trained run that `ctm evaluate` scored.

    Args:
        report: The report of its evaluation.
        confusion: Counts `(true class, predicted class)`.
        confusions: The worst confusions, the most frequent first.
    """

    report: Report
    confusion: np.ndarray
    confusions: tuple[Confusion, ...]


def read_run(path: Path, most: int = 8) -> ReportedRun:
    """Reads a run for a report: an `EvaluatedRun` if it was evaluated.

    Args:
        path: Folder of the run.
        most: Maximum number of confusions. Defaults to 8.

    Raises:
        ValueError: If the folder is not a run.
    """
    run = Run.open(path)
    trained = str(path), run.config, run.facts.class_names, _read_curves(run.log)
    if not (path / "report.json").is_file():
        return ReportedRun(*trained)
    predictions, report = read_results(path)
    ids, labels, scores = join_views(predictions)
    matrix = confusion_matrix(labels, scores)
    worst = worst_confusions(ids, labels, scores, matrix, most)
    return EvaluatedRun(*trained, report, matrix, worst)


def _read_curves(log: Path) -> dict[str, list[float]]:
    """The columns of a log.csv; empty without one."""
    if not log.is_file():
        return {}
    with open(log, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [number(row[name]) for row in rows] for name in (rows[0] if rows else {})}


def number(text: str | None) -> float:
    """The number in a cell of a log, NaN for other text."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def worst_confusions(
    ids: np.ndarray, labels: np.ndarray, scores: np.ndarray, matrix: np.ndarray, most: int
) -> tuple[Confusion, ...]:
    """The most frequent confusions between classes, at most `most`."""
    off = matrix - np.diag(matrix.diagonal())
    order = np.argsort(-off, axis=None, kind="stable")[:most]
    best = scores.argmax(axis=1)
    found = []
    for true, predicted in zip(*np.unravel_index(order, off.shape), strict=True):
        if not off[true, predicted]:
            break
        own = np.flatnonzero((labels == true) & (best == predicted))
        example = ids[own[scores[own, predicted].argmax()]]
        counts = int(off[true, predicted]), int(matrix[true].sum())
        found.append(Confusion(int(true), int(predicted), *counts, str(example)))
    return tuple(found)


def clips_of(run: EvaluatedRun, ids: Sequence[str]) -> tuple[dict[str, np.ndarray], str]:
    """Reads the middle clips of videos as the model sees them, from the evaluated data set.

    Args:
        run: An evaluated run.
        ids: Video ids.

    Returns:
        The clips by id, uint8 `(T, S, S, 3)`, and the reason why others are missing, or "".
    """
    data, split = run.report.data, run.report.split
    try:
        if not is_file(as_path(data) / FILE):
            return {}, f"{data}, on which the run was evaluated, is missing."
        videos = Split(data, split)
        options = run.config.clip_options()
        reader = ClipReader(videos, options, np.arange(len(videos.class_names)))
        places = {name: place for place, name in enumerate(videos.ids)}
        clips = {i: reader.evaluation_clip(places[i], 0)[0][0] for i in ids if i in places}
    except (ValueError, StorageError) as error:
        return {}, str(error)
    missing = [i for i in ids if i not in places]
    return clips, f"{data} has no {named(missing)} in its split {split}." if missing else ""
