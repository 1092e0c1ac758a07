"""The report of a cross-validation: each video scored by the model that was not trained on it."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tfrecords
from tfrecords.reading import Split
from training.evaluate.interval import wilson, with_interval
from training.evaluate.predictions import Predictions
from training.evaluate.scores import Report, missing_videos, read_results, score

SCORES = ("top1", "top5", "mean_class_accuracy")


@dataclass(frozen=True)
class FoldScore:
    """The scores of one fold, on its own videos.

    Args:
        run: Name of the run's folder.
        videos: Number of its videos.
        top1: As in `Report`.
        top5: As in `Report`.
        mean_class_accuracy: As in `Report`.
    """

    run: str
    videos: int
    top1: float
    top5: float
    mean_class_accuracy: float

    def to_dict(self) -> dict[str, Any]:
        """The scores with the interval of top-1, as values that JSON supports."""
        return {**vars(self), "top1_interval": wilson(self.top1, self.videos)}


@dataclass(frozen=True, kw_only=True)
class CrossValidation(Report):
    """The report over the videos of all folds, saved as report.json; `str` gives it as text.

    Args:
        folds: The scores of each fold.
    """

    folds: tuple[FoldScore, ...]

    def over_folds(self, statistic: Any) -> dict[str, float]:
        """A statistic of each score over the folds, such as `np.mean`."""
        return {name: float(statistic([getattr(f, name) for f in self.folds])) for name in SCORES}

    @property
    def mean(self) -> dict[str, float]:
        """The mean of each score over the folds."""
        return self.over_folds(np.mean)

    @property
    def standard_deviation(self) -> dict[str, float]:
        """The standard deviation of each score over the folds, with n - 1."""
        return self.over_folds(lambda values: np.std(values, ddof=1))

    def to_dict(self) -> dict[str, Any]:
        """The report as values that JSON supports."""
        return super().to_dict() | {
            "folds": [fold.to_dict() for fold in self.folds],
            "mean": self.mean,
            "standard_deviation": self.standard_deviation,
        }

    def __str__(self) -> str:
        mean, deviation = self.mean, self.standard_deviation
        rows = [
            f"{fold.run:8} {fold.videos:7,}  {with_interval(fold.top1, fold.videos):23}  "
            f"{fold.mean_class_accuracy:.4f}"
            for fold in self.folds
        ]
        top1, of_classes = (f"{mean[n]:.4f} ± {deviation[n]:.4f}" for n in (SCORES[0], SCORES[2]))
        return "\n".join(
            [
                f"{'run':8} {'videos':>7}  {'top-1':23}  mean class accuracy",
                *rows,
                f"{'mean':16}  {top1:23}  {of_classes}",
                "all videos, each scored by the model that was not trained on it:",
                super().__str__(),
            ]
        )


def pooled(folder: Path, runs: Sequence[Path], split: str) -> tuple[Predictions, CrossValidation]:
    """The predictions of all folds together, and their report.

    Args:
        folder: Folder of the cross-validation.
        runs: The evaluated run of each fold.
        split: The splits that were divided, such as `"train+val"`.

    Raises:
        ValueError: If the folds do not have each video once, since the data set changed.
    """
    results = [read_results(path) for path in runs]
    first = results[0][1]
    predictions, videos = together([own for own, _ in results]), Split(first.data, split)
    ids = [video for own, _ in results for video in dict.fromkeys(own.ids.tolist())]
    if sorted(ids) != sorted(videos.ids):
        raise ValueError(
            f"The folds in {folder} must have each video of {split} once, but the groups of "
            f"{first.data} have changed since the first fold was trained. Give a new --out."
        )
    missing = missing_videos(tfrecords.read_manifest(first.data), videos, ids)
    scored = dataclasses.replace(first, split=split, missing=missing)
    report = score(predictions, first.class_names, scored)
    folds = tuple(
        FoldScore(path.name, own.videos, *(getattr(own, name) for name in SCORES))
        for path, (_, own) in zip(runs, results, strict=True)
    )
    return predictions, CrossValidation(**vars(report), folds=folds)


def together(parts: Sequence[Predictions]) -> Predictions:
    """The rows of several predictions."""
    names = ("ids", "views", "labels", "logits")
    rows: dict[str, Any] = {n: np.concatenate([getattr(part, n) for part in parts]) for n in names}
    return dataclasses.replace(parts[0], **rows)
