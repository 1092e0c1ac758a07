"""`ctm evaluate`: a run's numbers on a split, with the protocol and the coverage beside them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import ctm_keras
import tfrecords
from tfrecords.disk import full_disk_in_words
from tfrecords.manifest import FILE, named, write_json
from tfrecords.storage import is_file
from training.config import TrainConfig
from training.data import sampling
from training.devices import require_tensorflow
from training.pictures import draw_confusion
from training.predictions import (
    Predictions,
    confusion_matrix,
    join_views,
    mean_class_accuracy,
    predict_views,
    top_k_accuracy,
)
from training.run import Run


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
            f"protocol: {self.protocol}\n"
            f"coverage: split {self.split}, {self.coverage}"
        )


def evaluate(
    run: Path,
    data: str | Path | None = None,
    split: str = "val",
    num_clips: int = 10,
    num_crops: int = 3,
    batch_size: int = 16,
    which: str = "model",
) -> Report:
    """Scores a run's model on every video of a split.

    Args:
        run: Folder of the run.
        data: Folder of the data set; None is the one the run was trained on.
        split: Which split.
        num_clips: Clips of a video, evenly from its start to its end.
        num_crops: 1 (centre) or 3 crops of each clip.
        batch_size: Views scored at once.
        which: `"model"`, the last, or `"best"`, the best on the validation split.

    Returns:
        The report, also written to RUN/report.json with the confusion matrix as a picture
        and all predictions.

    Raises:
        ValueError: If the classes of model and data differ, or the split does not exist.

    Reference:
        CTM, section 4.2 (the inference of non-local networks: 10 clips, probabilities
        averaged).
    """
    require_tensorflow()
    run = Run.open(run)
    config = run.config
    if data is None and not is_file(config.data / FILE):
        raise ValueError(f"{config.data} is gone: say where the data set is now with --data.")
    data = data or config.data
    manifest = tfrecords.read_manifest(data)
    model = run.load_model(which)
    check_classes(ctm_keras.class_names(model), manifest.class_names, data)
    views = {"num_clips": num_clips, "num_crops": num_crops}
    batches = tfrecords.clips(
        data,
        split,
        training=False,
        batch_size=batch_size,
        with_ids=True,
        **views,
        **sampling(config),
    )
    predictions = predict_views(model, batches, len(batches))
    report = score(predictions, manifest, split, protocol(config, **views))
    with full_disk_in_words(run.path, "evaluate again"):
        write_results(run, predictions, report, {"model": which, "data": str(data)})
    return report


def write_results(run: Run, predictions: Predictions, report: Report, facts: dict) -> None:
    """Writes predictions.npz, report.json and confusion.png into a run."""
    predictions.save(run.path / "predictions.npz")
    write_json(run.path / "report.json", report.to_dict() | facts)
    title = f"{report.split}: top-1 {report.top1:.3f}"
    draw_confusion(report.confusion, report.class_names, title, run.path / "confusion.png")


def score(
    predictions: Predictions, manifest: tfrecords.Manifest, split: str, protocol: str
) -> Report:
    """The report of predictions."""
    ids, labels, probabilities = join_views(predictions)
    missing = {f.id: f.reason for f in manifest.failures if f.split == split}
    missing |= dict.fromkeys(manifest.missing.get(split, ()), "listed, not there")
    unscored = sorted(set(manifest.ids(split)) - set(ids.tolist()))
    missing |= dict.fromkeys(unscored, "not scored")
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
        class_names=manifest.class_names,
        confusion=confusion,
    )


def check_classes(
    model_classes: list[str] | None, data_classes: tuple[str, ...], data: Path
) -> None:
    """Raises ValueError when a model and a data set do not have the same classes."""
    if list(model_classes or ()) == list(data_classes):
        return
    only_model = sorted(set(model_classes or ()) - set(data_classes))
    only_data = sorted(set(data_classes) - set(model_classes or ()))
    differences = [f"only the model has {', '.join(only_model)}"] * bool(only_model)
    differences += [f"only the data set has {', '.join(only_data)}"] * bool(only_data)
    raise ValueError(
        f"The model's classes are not those of {data}: "
        f"{'; '.join(differences) or 'their order differs'}. Evaluate on the data set it was "
        "trained on, or train on this one."
    )


def protocol(config: TrainConfig, num_clips: int, num_crops: int) -> str:
    """The protocol in words, as every number needs it beside it."""
    short_side = round(config.scale[0] * config.image_size / 224)
    dense = f"{config.interval} apart"
    taken = dense if config.sampling == "dense" else "one of each equal part"
    return (
        f"{counted(num_clips, 'clip')} x {counted(num_crops, 'crop')} of {config.image_size} from "
        f"short side {short_side}, {config.num_frames} frames, {taken}; probabilities averaged"
    )


def counted(number: int, thing: str) -> str:
    """`"1 crop"`, `"3 crops"`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
