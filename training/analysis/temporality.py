"""Temporal and static classes: class accuracies, and a model's gains over TSN in each class.

Chen et al., Deep Analysis of CNN-based Spatio-temporal Representations for Action Recognition,
CVPR 2021, arXiv 2010.11757, Sections 5.3 and 5.4.
"""

from collections.abc import Sequence

import numpy as np

from training.evaluate.predictions import Predictions, join_views


def class_accuracies(predictions: Predictions) -> np.ndarray:
    """Top-1 accuracy of each class.

    Args:
        predictions: Predictions of one model.

    Output shape:
        `(classes,)`; NaN for a class without a video.
    """
    _, labels, probabilities = join_views(predictions)
    right = probabilities.argmax(axis=1) == labels
    classes = probabilities.shape[1]
    videos = np.bincount(labels, minlength=classes)
    hits = np.bincount(labels, weights=right, minlength=classes)
    return np.where(videos > 0, hits / np.maximum(videos, 1), np.nan)


def temporal_gains(model: Predictions, tsn: Predictions) -> np.ndarray:
    """The gain in top-1 of a model over TSN in each class, `(classes,)`.

    Args:
        model: Predictions of a temporal model.
        tsn: Predictions of TSN for the same videos.

    Raises:
        ValueError: If videos, labels or classes differ.

    Reference:
        Section 5.4.1 of arXiv 2010.11757.
    """
    check_same_videos(model, tsn)
    return class_accuracies(model) - class_accuracies(tsn)


def temporal_classes(gains: np.ndarray, count: int) -> list[int]:
    """The classes with the largest temporal gains, in descending order.

    Args:
        gains: Result of `temporal_gains`.
        count: Number of classes.

    Raises:
        ValueError: If there are fewer classes with videos.

    Reference:
        Section 5.4.1 of arXiv 2010.11757, which uses 32 classes of Kinetics and 18 of SSV2.
    """
    return _greatest(gains, count)


def static_classes(tsn: Predictions, count: int) -> list[int]:
    """The classes that TSN recognizes best, the best first.

    Args:
        tsn: Predictions of TSN.
        count: Number of classes.

    Raises:
        ValueError: If there are fewer classes with videos.

    Reference:
        Section 5.4.1 of arXiv 2010.11757.
    """
    return _greatest(class_accuracies(tsn), count)


def overlap(first: Sequence[int], second: Sequence[int]) -> float:
    """The fraction of one set of classes that is in another set of the same size.

    Args:
        first: Class indices.
        second: The same number of class indices.

    Raises:
        ValueError: If the sets are empty or have different sizes.

    Reference:
        Table 9 of arXiv 2010.11757.
    """
    own, others = set(first), set(second)
    if not own or len(own) != len(others):
        raise ValueError(
            f"An overlap must be of two sets with the same number of classes, received {len(own)} "
            f"and {len(others)}."
        )
    return len(own & others) / len(own)


def gain_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of two models' temporal gains over the classes that both have.

    Args:
        first: Result of `temporal_gains` for a model.
        second: Result of `temporal_gains` for another model.

    Raises:
        ValueError: If there are fewer than two classes, or all gains of a model are equal.

    Reference:
        Figure 8 of arXiv 2010.11757.
    """
    known = ~(np.isnan(first) | np.isnan(second))
    if known.sum() < 2 or not (np.ptp(first[known]) and np.ptp(second[known])):
        raise ValueError(
            f"A correlation requires gains that differ between at least two classes, received "
            f"{int(known.sum())} classes."
        )
    return float(np.corrcoef(first[known], second[known])[0, 1])


def average_temporal_gain(gains: np.ndarray, removed: Sequence[int] = ()) -> float:
    """The average temporal gain over classes (ATG), optionally without some of them.

    The paper trains again without these classes; here they are only excluded from the mean.

    Args:
        gains: Result of `temporal_gains`.
        removed: Classes to exclude, such as the most temporal ones. Defaults to none.

    Raises:
        ValueError: If no class remains.

    Reference:
        Table 10 of arXiv 2010.11757.
    """
    left = np.delete(gains, list(removed))
    if np.isnan(left).all():
        raise ValueError(
            f"At least one class with videos must remain, received {len(removed)} classes to "
            "remove. No class with videos is left."
        )
    return float(np.nanmean(left))


def check_same_videos(first: Predictions, second: Predictions) -> None:
    """Raises ValueError unless two predictions have the same videos with the same labels."""
    videos, others = (dict(zip(p.ids, p.labels, strict=True)) for p in (first, second))
    if videos.keys() != others.keys():
        only = sorted(videos.keys() ^ others.keys())
        raise ValueError(
            f"The predictions are not of the same videos: {len(only)} are in only one, for example "
            f"{str(only[0])!r}. Evaluate both models on the same split."
        )
    if videos != others or first.logits.shape[1] != second.logits.shape[1]:
        raise ValueError(
            "The predictions have different labels for the same videos: the data sets have "
            "different classes. Evaluate both models on the same data set."
        )


def _greatest(values: np.ndarray, count: int) -> list[int]:
    """The indices of the largest values; the first among equals, never NaN."""
    known = int((~np.isnan(values)).sum())
    if not 1 <= count <= known:
        raise ValueError(
            f"count must be from 1 to {known}, the classes with videos, received {count}."
        )
    order = np.argsort(-values, kind="stable")  # NaN comes last
    return order[:count].tolist()
