"""What predictions are worth: the report of an evaluation, with protocol and coverage in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tfrecords
from tfrecords.format.manifest import named, write_json
from training.evaluate.predictions import (
    Predictions,
    confusion_matrix,
    join_views,
    mean_class_accuracy,
    top_k_accuracy,
)
from training.pictures.charts import draw_confusion

MODELS = {"model": "the last", "best": "the best on the validation split"}


@dataclass(frozen=True)
class Report:
    """What an evaluation found; `str` gives it in words.

    Args:
        split: The split of the data set.
        top1: Share of videos whose best class is right.
        top5: Share of videos whose class is among the best min(5, classes).
        mean_class_accuracy: The mean over classes of each one's top-1.
        protocol: Clips, crops, sizes and how views were averaged.
        videos: Videos scored.
        expected: Videos that the source listed.
        missing: Id and reason of each video that was not there or could not be read when the
            shards were built.
        class_names: The classes, in order.
        confusion: Counts `(true class, predicted class)`.
        model: Which of the run's models was scored, a key of `MODELS`.
    """

    split: str
    top1: float
    top5: float
    mean_class_accuracy: float
    protocol: str
    videos: int
    expected: int
    missing: dict[str, str]
    class_names: tuple[str, ...]
    confusion: np.ndarray
    model: str = "model"

    @property
    def coverage(self) -> str:
        """`"5 of 5 videos, missing none"`; `missing` has what is too many to name."""
        names = named([f"{video} ({reason})" for video, reason in self.missing.items()], most=20)
        return f"{self.videos} of {self.expected} videos, missing {names or 'none'}"

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it, with top-1 and number of videos of each class."""
        counts = self.confusion.sum(axis=1)
        right = self.confusion.diagonal() / counts.clip(1)
        per_class = {
            name: {"top1": float(share), "videos": int(count)}
            for name, share, count in zip(self.class_names, right, counts, strict=True)
        }
        left_out = ("class_names", "confusion")
        fields = {name: value for name, value in vars(self).items() if name not in left_out}
        return {**fields, "coverage": self.coverage, "per_class": per_class}

    def __str__(self) -> str:
        k = min(5, len(self.class_names))
        return (
            f"top-1 {self.top1:.4f}   top-{k} {self.top5:.4f}   "
            f"mean class accuracy {self.mean_class_accuracy:.4f}\n"
            f"{self.beside(self.coverage)}"
        )

    def beside(self, coverage: str) -> str:
        """What stands beside a number: protocol, coverage and which model."""
        return (
            f"protocol: {self.protocol}\n"
            f"coverage: split {self.split}, {coverage}\n"
            f"model: {MODELS[self.model]}"
        )


def score(
    predictions: Predictions,
    class_names: Sequence[str],
    split: str,
    missing: dict[str, str],
    protocol: str,
    model: str = "model",
) -> Report:
    """The report of predictions, whose names are those of `Report`."""
    ids, labels, probabilities = join_views(predictions)
    confusion = confusion_matrix(labels, probabilities)
    return Report(
        split=split,
        top1=top_k_accuracy(labels, probabilities, 1),
        top5=top_k_accuracy(labels, probabilities, 5),
        mean_class_accuracy=mean_class_accuracy(confusion),
        protocol=protocol,
        videos=len(ids),
        expected=len(ids) + len(missing),
        missing=missing,
        class_names=tuple(class_names),
        confusion=confusion,
        model=model,
    )


def first_difference(values: dict[str, Sequence[Any]]) -> str | None:
    """The name of the first values that are not all the same, or None."""
    for name, each in values.items():
        if any(value != each[0] for value in each):
            return name
    return None


def means(reports: Sequence[Report]) -> str:
    """The means over runs, as over the three splits of UCF101, with standard deviations.

    Where classes, split, protocol or checkpoint differ, it says why there is no mean.
    """
    first = reports[0]
    what = first_difference(
        {
            "classes": [report.class_names for report in reports],
            "splits": [report.split for report in reports],
            "protocols": [report.protocol for report in reports],
            "checkpoints": [report.model for report in reports],
        }
    )
    if what:
        return f"No mean of the {len(reports)} runs: they were scored with different {what}."
    k = min(5, len(first.class_names))
    names = {"top1": "top-1", "top5": f"top-{k}", "mean_class_accuracy": "mean class accuracy"}
    found = []
    for name, words in names.items():
        values = [getattr(report, name) for report in reports]
        found.append(f"{words} {np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}")
    videos = sum(report.videos for report in reports)
    expected = sum(report.expected for report in reports)
    coverage = f"{videos} of {expected} videos over all runs, missing {expected - videos or 'none'}"
    head = f"mean of {len(reports)} runs and standard deviation: {', '.join(found)}"
    return f"{head}\n{first.beside(coverage)}"


def missing_videos(
    manifest: tfrecords.Manifest, split: str, scored: Sequence[str]
) -> dict[str, str]:
    """Id and reason of each video of a split that was listed and not scored."""
    missing = {f.id: f.reason for f in manifest.failures if f.split == split}
    missing |= dict.fromkeys(manifest.missing.get(split, ()), "listed, not there")
    unscored = sorted(set(manifest.ids(split)) - set(scored))
    return missing | dict.fromkeys(unscored, "not scored")


def write_results(
    folder: Path, predictions: Predictions, report: Report, facts: dict[str, Any]
) -> None:
    """Writes predictions.npz, report.json and confusion.png into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    predictions.save(folder / "predictions.npz")
    write_json(folder / "report.json", report.to_dict() | facts)
    title = f"{report.split}: top-1 {report.top1:.3f}"
    draw_confusion(report.confusion, report.class_names, title, folder / "confusion.png")
