"""A model's scores for every view of every video, and what they add up to."""

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
        ids: One id for each row, `(rows,)`.
        views: The view's number in its video, `(rows,)`.
        labels: Class indices, `(rows,)`.
        logits: Scores, `(rows, num_classes)`.
        average: What is averaged over the views of a video, `"probabilities"` or `"logits"`.
    """

    ids: np.ndarray
    views: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    average: str = "probabilities"

    def save(self, path: Path) -> None:
        """Writes an .npz without pickles, whole or not at all."""
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
    """Scores every view that the batches bring.

    Args:
        model: A video model.
        batches: What `tfrecords.clips(..., with_ids=True)` gives.
        total: Number of batches, for the progress bar.
        average: What will be averaged over the views of a video.

    Raises:
        ValueError: If a score is no finite number.
    """
    rows = []
    for batch in tqdm(batches, total=total, unit="batch", desc="evaluate"):
        logits = model.predict_on_batch(batch["clip"])
        rows.append((batch["id"], batch["view"], batch["label"], logits))
    ids, views, labels, logits = (np.concatenate(column) for column in zip(*rows, strict=True))
    if broken := (~np.isfinite(logits).all(axis=1)).sum():
        raise ValueError(
            f"{model.name} gives scores that are no finite numbers for {broken} of {len(ids)} "
            "views: its training diverged. Look at log.csv; --which best may be sound."
        )
    return Predictions(np.array([i.decode() for i in ids]), views, labels, logits, average)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis, in float64."""
    powers = np.exp(np.float64(logits) - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def join_views(predictions: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ids, labels and probabilities of the videos, views joined by id.

    Probabilities are the mean of those of the views, or come from the mean of their logits.

    Raises:
        ValueError: If a view appears twice, or views of one video carry different labels.
    """
    keys = list(zip(predictions.ids.tolist(), predictions.views.tolist(), strict=True))
    if len(set(keys)) < len(keys):
        raise ValueError("A view appears twice in the predictions: they were joined wrongly.")
    ids, first, inverse = np.unique(predictions.ids, return_index=True, return_inverse=True)
    labels = predictions.labels[first]
    if (labels[inverse] != predictions.labels).any():
        raise ValueError("Views of one video carry different labels.")
    of_logits = predictions.average == "logits"
    values = np.float64(predictions.logits) if of_logits else softmax(predictions.logits)
    sums = np.zeros((len(ids), values.shape[1]))
    np.add.at(sums, inverse, values)
    means = sums / np.bincount(inverse)[:, None]
    return ids, labels, softmax(means) if of_logits else means


def top_k_accuracy(labels: np.ndarray, scores: np.ndarray, k: int) -> float:
    """Share of rows whose label is among the k best scores; k is at most the classes.

    A label that ties with others counts as behind them, so equal scores earn nothing, nor do
    scores that are no numbers.
    """
    classes = scores.shape[1]
    own = scores[np.arange(len(labels)), labels]
    worse = (scores < own[:, None]).sum(axis=1)
    return float((worse >= classes - min(k, classes)).mean())


def top1(predictions: Predictions) -> float:
    """The share of videos whose best class is right, views joined by id."""
    _, labels, scores = join_views(predictions)
    return top_k_accuracy(labels, scores, 1)


def confusion_matrix(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Counts `(true class, predicted class)`."""
    classes = scores.shape[1]
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (labels, scores.argmax(axis=1)), 1)
    return matrix


def mean_class_accuracy(confusion: np.ndarray) -> float:
    """The mean over the classes that occur of each one's accuracy."""
    counts = confusion.sum(axis=1)
    return float((confusion.diagonal()[counts > 0] / counts[counts > 0]).mean())
