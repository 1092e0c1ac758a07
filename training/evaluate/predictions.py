"""A model's scores for each view of each video, and metrics of these scores."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from tqdm import tqdm


@dataclass(frozen=True)
class Predictions:
    """Scores by video id and view.

    Args:
        ids: Video ids, `(rows,)`.
        views: Index of the view within its video, `(rows,)`.
        labels: Class indices, `(rows,)`.
        logits: Logits, `(rows, num_classes)`.
        average: What to average over the views of a video, `"probabilities"` or `"logits"`.
            Defaults to `"probabilities"`.
    """

    ids: np.ndarray
    views: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    average: str = "probabilities"

    def save(self, path: Path) -> None:
        """Writes an .npz file without pickles, atomically."""
        part = path.with_name(f"{path.stem}.part.npz")
        np.savez_compressed(
            part,
            ids=self.ids.astype(np.str_),
            views=self.views,
            labels=self.labels,
            logits=self.logits,
            average=self.average,
        )
        os.replace(part, path)

    @classmethod
    def load(cls, path: Path) -> "Predictions":
        """Reads what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            rows = {name: file[name] for name in ("ids", "views", "labels", "logits")}
            return cls(**rows, average=str(file["average"]) if "average" in file else cls.average)


def predict_views(
    model: keras.Model,
    batches: Iterable[dict],
    total: int | None,
    average: str = Predictions.average,
) -> Predictions:
    """Scores all views in the batches.

    Args:
        model: A video model.
        batches: Batches of `tfrecords.clips(..., with_ids=True)`.
        total: Number of batches, for the progress bar.
        average: What to average later over the views of a video. Defaults to `"probabilities"`.

    Raises:
        ValueError: If a score is not finite.
    """
    rows = []
    for batch in tqdm(batches, total=total, unit="batch", desc="evaluate"):
        logits = model.predict_on_batch(batch["clip"])
        rows.append((batch["id"], batch["view"], batch["label"], logits))
    ids, views, labels, logits = (np.concatenate(column) for column in zip(*rows, strict=True))
    if broken := (~np.isfinite(logits).all(axis=1)).sum():
        raise ValueError(
            f"The scores of {model.name} must be finite, received NaN or infinite scores for "
            f"{broken} of {len(ids)} views: its training diverged. See log.csv, or try --which "
            "best."
        )
    return Predictions(np.array([i.decode() for i in ids]), views, labels, logits, average)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis, in float64."""
    powers = np.exp(np.float64(logits) - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def join_views(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Averages the views of each video; returns ids, labels and probabilities of the videos.

    Averages the probabilities of the views, or their logits before a softmax.

    Raises:
        ValueError: If a view appears twice, or views of one video have different labels.
    """
    keys = list(zip(predictions.ids.tolist(), predictions.views.tolist(), strict=True))
    if len(set(keys)) < len(keys):
        raise ValueError("Each view must appear once in the predictions; a view appears twice.")
    ids, first, inverse = np.unique(predictions.ids, return_index=True, return_inverse=True)
    labels = predictions.labels[first]
    if (labels[inverse] != predictions.labels).any():
        raise ValueError("All views of a video must have one label, received different labels.")
    of_logits = predictions.average == "logits"
    values = np.float64(predictions.logits) if of_logits else softmax(predictions.logits)
    sums = np.zeros((len(ids), values.shape[1]))
    np.add.at(sums, inverse, values)
    means = sums / np.bincount(inverse)[:, None]
    return ids, labels, softmax(means) if of_logits else means


def hits(labels: np.ndarray, scores: np.ndarray, k: int) -> np.ndarray:
    """Whether the label of each row is among its top k scores, k at most the number of classes.

    A label that ties with others ranks behind them, so neither equal scores nor NaN count as hits.
    """
    classes = scores.shape[1]
    own = scores[np.arange(len(labels)), labels]
    worse = (scores < own[:, None]).sum(axis=1)
    return worse >= classes - min(k, classes)


def top_k_accuracy(labels: np.ndarray, scores: np.ndarray, k: int) -> float:
    """The fraction of rows whose label is among the top k scores, see `hits`."""
    return float(hits(labels, scores, k).mean())


def top1(predictions: Predictions) -> float:
    """The top-1 accuracy over videos."""
    _, labels, scores = join_views(predictions)
    return top_k_accuracy(labels, scores, 1)


def confusion_matrix(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Counts `(true class, predicted class)`."""
    classes = scores.shape[1]
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, scores.argmax(axis=1)), 1)
    return matrix


def mean_class_accuracy(confusion: np.ndarray) -> float:
    """The mean of the per-class accuracies, over classes that occur."""
    counts = confusion.sum(axis=1)
    return float((confusion.diagonal()[counts > 0] / counts[counts > 0]).mean())
