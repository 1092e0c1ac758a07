"""What a report says of a run: its network, its numbers, its curves, its worst confusions."""

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

SHOWN_IN_TABLE = {  # of a config, under which heading
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
    """Two classes of which a model takes the first for the second.

    Args:
        true: Class index.
        predicted: Class index.
        count: Videos of the true class that were taken for the predicted one.
        videos: All videos of the true class.
        example: Id of the video that was taken so with the greatest score.
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
        config: What it was trained with.
        class_names: The classes, in order.
        curves: For each column of log.csv its values over the epochs.
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
        """The columns of its config in the table of runs, by heading."""
        values = {heading: getattr(self.config, n) for n, heading in SHOWN_IN_TABLE.items()}
        return values | {"model": " ".join((self.config.model, *self.config.options))}


@dataclass(frozen=True)
class EvaluatedRun(ReportedRun):
    """A trained run that `ctm evaluate` scored.

    Args:
        report: Its report.
        confusion: Counts `(true class, predicted class)`.
        confusions: The worst ones, the most frequent first.
    """

    report: Report
    confusion: np.ndarray
    confusions: tuple[Confusion, ...]


def read_run(path: Path, most: int = 8) -> ReportedRun:
    """A run as a report shows it: an `EvaluatedRun` if it was evaluated.

    Args:
        path: Folder of the run.
        most: Greatest number of confusions.

    Raises:
        ValueError: If there is no run.
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
    """A number of a log, NaN where there is none."""
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def worst_confusions(
    ids: np.ndarray, labels: np.ndarray, scores: np.ndarray, matrix: np.ndarray, most: int
) -> tuple[Confusion, ...]:
    """Pairs of classes by the videos that fall from the first into the second."""
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
    """The middle clips of videos as an evaluated run's model sees them, by id, and which lack.

    They come from the data set that was scored.

    Args:
        run: An evaluated run.
        ids: Of videos.

    Returns:
        The clips, uint8 `(T, S, S, 3)`, and why others are not there, or nothing.
    """
    data, split = run.report.data, run.report.split
    try:
        if not is_file(as_path(data) / FILE):
            return {}, f"{data}, on which the run was evaluated, is gone."
        videos = Split(data, split)
        options = run.config.clip_options()
        reader = ClipReader(videos, options, np.arange(len(videos.class_names)))
        places = {name: place for place, name in enumerate(videos.ids)}
        clips = {i: reader.evaluation_clip(places[i], 0)[0][0] for i in ids if i in places}
    except (ValueError, StorageError) as error:
        return {}, str(error)
    lacking = [i for i in ids if i not in places]
    return clips, f"{data} has no {named(lacking)} in its split {split}." if lacking else ""
