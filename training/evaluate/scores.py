"""The report of an evaluation: its scores, protocol and coverage."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import tfrecords
from tfrecords.format import SplitName, named, write_json
from tfrecords.reading import Split
from training.evaluate.interval import note, wilson, with_interval
from training.evaluate.predictions import (
    Predictions,
    confusion_matrix,
    join_views,
    mean_class_accuracy,
    top_k_accuracy,
)
from training.evaluate.settings import Settings
from training.pictures.charts import draw_confusion

MODELS = {
    "model": "the last",
    "best": "the best on the validation split",
    "file": "the .keras file",
}
OF_THE_NETWORK = ("num_frames", "image_size", "own_size")  # settings that depend on the network
UNNAMED = "the model stores no names; its outputs are taken as the classes of the data, in order"
OTHER_RATE = (
    "the data has {0:g} frames per second, the model's training videos had {1:g}: its clips span "
    "another time here; `ctm build --fps {1:g}` makes both equal"
)


@dataclass(frozen=True)
class Basis:
    """How a score was measured: split, protocol, coverage and model; `str` is one line."""

    split: str
    protocol: str
    coverage: str
    model: str

    def __str__(self) -> str:
        return f"{self.split}: {self.protocol}; {self.coverage}; model: {MODELS[self.model]}"


@dataclass(frozen=True, kw_only=True)
class Scored:
    """What was scored, and how.

    Args:
        data: The data set.
        data_hash: Its hash.
        split: The split of the data set.
        model: Which model was scored, a key of `MODELS`.
        protocol: Description of clips, crops, sizes and averaging.
        settings: The same as values; None for several models combined.
        missing: Ids of the videos that were not scored, with the reasons.
        trained_on: Number of the videos that the model was trained on.
        unnamed: Whether the model stores no class names, so that its classes are those of the data.
        rates: Frames per second of the data and of the model's training videos, if clips of the
            data span another time.
    """

    data: str
    data_hash: str
    split: str
    model: str
    protocol: str
    settings: Settings | None = None
    missing: dict[str, str]
    trained_on: int = 0
    unnamed: bool = False
    rates: tuple[float, float] | None = None


@dataclass(frozen=True)
class ClassScore:
    """The top-1 of a class, and its number of videos."""

    top1: float
    videos: int

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ClassScore":
        """The score that `to_dict` wrote, or a version without intervals."""
        return cls(values["top1"], values["videos"])

    def to_dict(self) -> dict[str, Any]:
        """The score with its interval, as values that JSON supports."""
        return {**vars(self), "top1_interval": wilson(self.top1, self.videos)}


@dataclass(frozen=True, kw_only=True)
class Report(Scored):
    """The results of an evaluation, saved as report.json; `str` gives them as text.

    Args:
        top1: Fraction of the videos whose top class is correct.
        top5: Fraction of the videos whose class is among the top min(5, classes).
        mean_class_accuracy: Mean of the per-class top-1 accuracies.
        videos: Number of scored videos.
        expected: Number of videos that the source listed.
        per_class: The score of each class, in class order.
    """

    top1: float
    top5: float
    mean_class_accuracy: float
    videos: int
    expected: int
    per_class: dict[str, ClassScore]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in order."""
        return tuple(self.per_class)

    @property
    def coverage(self) -> str:
        """`"5 of 5 videos, missing none"`; names at most 20 videos, `missing` has all."""
        names = named([f"{video} ({reason})" for video, reason in self.missing.items()], most=20)
        trained = f"; the model was trained on {self.trained_on}" if self.trained_on else ""
        return f"{self.videos} of {self.expected} videos, missing {names or 'none'}{trained}"

    @property
    def basis(self) -> Basis:
        """How its scores were measured."""
        return Basis(self.split, self.protocol, self.coverage, self.model)

    @property
    def views(self) -> dict[str, Any]:
        """The settings that must be the same for all networks that are compared."""
        settings = vars(self.one_protocol)
        views = {name: value for name, value in settings.items() if name not in OF_THE_NETWORK}
        return {**views, "split": self.split, "model": self.model}

    def to_dict(self) -> dict[str, Any]:
        """The report as values that JSON supports, with the 95% intervals of its accuracies."""
        values = {
            **vars(self),
            "coverage": self.coverage,
            "top1_interval": wilson(self.top1, self.videos),
            "top5_interval": wilson(self.top5, self.videos),
            "per_class": {name: own.to_dict() for name, own in self.per_class.items()},
        }
        del values["settings"]
        return values | ({"settings": self.settings.to_dict()} if self.settings else {})

    @property
    def one_protocol(self) -> Settings:
        """The settings of a report about one model.

        Raises:
            ValueError: If the report combines several models.
        """
        if self.settings is None:
            raise ValueError("The report combines several models. Give the runs one by one.")
        return self.settings

    @classmethod
    def read(cls, folder: Path) -> "Report":
        """The report that `ctm evaluate` wrote into a run.

        Raises:
            ValueError: If the run was not evaluated, or by an older version.
        """
        path = folder / "report.json"
        if not path.is_file():
            raise ValueError(f"{folder} was not evaluated yet. Run `ctm evaluate {folder}`.")
        stored = json.loads(path.read_bytes())
        names = {field.name for field in dataclasses.fields(Report)}  # the others are computed
        values = {"model": "model"} | {n: value for n, value in stored.items() if n in names}
        try:
            per_class = values["per_class"].items()
            values["per_class"] = {name: ClassScore.from_dict(own) for name, own in per_class}
            values["settings"] = Settings.from_dict(values["settings"])
            values["rates"] = tuple(values.get("rates") or ()) or None
            return Report(**values)
        except (KeyError, TypeError):
            raise ValueError(
                f"{folder} was evaluated by an older version. Evaluate it again."
            ) from None

    def __str__(self) -> str:
        k, videos = min(5, len(self.per_class)), self.videos
        scores = (
            f"top-1 {with_interval(self.top1, videos)}   top-{k} {with_interval(self.top5, videos)}"
            f"   mean class accuracy {self.mean_class_accuracy:.4f}"
        )
        return "\n".join(filter(None, (scores, note(videos), self.beside(self.coverage))))

    def beside(self, coverage: str) -> str:
        """The lines below a score: protocol, coverage, model, and what may be wrong."""
        lines = [
            f"protocol: {self.protocol}",
            f"coverage: split {self.split}, {coverage}",
            f"model: {MODELS[self.model]}",
        ]
        if self.unnamed:
            lines.append(f"classes: {UNNAMED}")
        if self.rates:
            lines.append(f"frame rate: {OTHER_RATE.format(*self.rates)}")
        return "\n".join(lines)


def score(predictions: Predictions, class_names: Sequence[str], scored: Scored) -> Report:
    """Computes the report of predictions.

    Args:
        predictions: Scores of all views.
        class_names: The classes, in order.
        scored: What was scored, and how.
    """
    ids, labels, probabilities = join_views(predictions)
    confusion = confusion_matrix(labels, probabilities)
    counts = confusion.sum(axis=1).tolist()
    right = (confusion.diagonal() / confusion.sum(axis=1).clip(1)).tolist()
    names = [field.name for field in dataclasses.fields(Scored)]
    return Report(
        **{name: getattr(scored, name) for name in names},
        top1=top_k_accuracy(labels, probabilities, 1),
        top5=top_k_accuracy(labels, probabilities, 5),
        mean_class_accuracy=mean_class_accuracy(confusion),
        videos=len(ids),
        expected=len(ids) + len(scored.missing),
        per_class=dict(zip(class_names, map(ClassScore, right, counts), strict=True)),
    )


def first_difference(values: dict[str, Sequence[Any]]) -> str | None:
    """The first name whose values are not all equal, or None."""
    for name, each in values.items():
        if any(value != each[0] for value in each):
            return name
    return None


def means(reports: Sequence[Report]) -> str:
    """The means and standard deviations over runs, e.g. over the three splits of UCF101.

    If classes, split, protocol or checkpoint differ, explains why there is no mean.
    """
    first = reports[0]
    what = first_difference(
        {
            "classes": [report.class_names for report in reports],
            "splits": [_without_fold(report.split) for report in reports],
            "protocols": [report.protocol for report in reports],
            "checkpoints": [report.model for report in reports],
        }
    )
    if what:
        return f"No mean of the {len(reports)} runs: they were scored with different {what}."
    k = min(5, len(first.per_class))
    names = {"top1": "top-1", "top5": f"top-{k}", "mean_class_accuracy": "mean class accuracy"}
    found = []
    for name, words in names.items():
        values = [getattr(report, name) for report in reports]
        found.append(f"{words} {np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}")
    videos = sum(report.videos for report in reports)
    expected = sum(report.expected for report in reports)
    coverage = f"{videos} of {expected} videos over all runs, missing {expected - videos or 'none'}"
    head = f"mean of {len(reports)} runs and standard deviation: {', '.join(found)}"
    whole = dataclasses.replace(first, split=_without_fold(first.split))
    return f"{head}\n{whole.beside(coverage)}"


def _without_fold(split: str) -> str:
    """The same text for all folds of a cross-validation; the name of any other split."""
    name = SplitName.parse(split)
    return f"{name.base} in {name.folds} folds" if name.folds and not name.others else split


def missing_videos(
    manifest: tfrecords.Manifest, videos: Split, scored: Sequence[str]
) -> dict[str, str]:
    """The listed videos of a split that were not scored: ids and reasons.

    Videos that could not be read belong to no fold, only to the whole splits.
    """
    name = SplitName.parse(videos.name)
    whole = () if name.folds else name.splits
    missing = {f.id: f.reason for f in manifest.failures if f.split in whole}
    for split in whole:
        missing |= dict.fromkeys(manifest.missing.get(split, ()), "listed, but missing")
    unscored = sorted(set(videos.ids) - set(scored))
    return missing | dict.fromkeys(unscored, "not scored")


def write_results(folder: Path, predictions: Predictions, report: Report) -> None:
    """Writes predictions.npz, report.json and confusion.png into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    predictions.save(folder / "predictions.npz")
    write_json(folder / "report.json", report.to_dict())
    _, labels, probabilities = join_views(predictions)
    matrix = confusion_matrix(labels, probabilities)
    title = f"{report.split}: top-1 {with_interval(report.top1, report.videos, '{:.3f}'.format)}"
    draw_confusion(matrix, report.class_names, title, folder / "confusion.png")


def read_results(folder: Path, model: Path | None = None) -> tuple[Predictions, Report]:
    """The predictions and the report that `ctm evaluate` wrote into a folder.

    Args:
        folder: The folder for the results of a model.
        model: The model, if it is not the run in that folder.

    Raises:
        ValueError: If the model was not evaluated.
    """
    path, model = folder / "predictions.npz", model or folder
    if not path.is_file():
        raise ValueError(f"{model} was not evaluated yet. Run `ctm evaluate {model}`.")
    return Predictions.load(path), Report.read(folder)
