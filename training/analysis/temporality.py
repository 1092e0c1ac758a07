"""Which classes need time: accuracies of classes, and what a model gains there over TSN.

Chen et al., Deep Analysis of CNN-based Spatio-temporal Representations for Action Recognition,
CVPR 2021, arXiv 2010.11757, Sections 5.3 and 5.4.
"""

from collections.abc import Sequence

import numpy as np

from training.evaluate.predictions import Predictions, join_views


def class_accuracies(predictions: Predictions) -> np.ndarray:
    """Top-1 of each class, views joined by video.

    Args:
        predictions: Of one model.

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
    """What a model gains over TSN in each class, `(classes,)`, in shares of its videos.

    Args:
        model: Predictions of a model of time.
        tsn: Predictions of TSN for the same videos.

    Raises:
        ValueError: If they are not of the same videos, labels and classes.

    Reference:
        Section 5.4.1 of arXiv 2010.11757.
    """
    check_same_videos(model, tsn)
    return class_accuracies(model) - class_accuracies(tsn)


def temporal_classes(gains: np.ndarray, count: int) -> list[int]:
    """The classes with the greatest temporal gains, the greatest first.

    Args:
        gains: What `temporal_gains` gave.
        count: How many.

    Raises:
        ValueError: If there are not so many classes with videos.

    Reference:
        Section 5.4.1 of arXiv 2010.11757, which takes 32 of Kinetics and 18 of SSV2.
    """
    return _greatest(gains, count)


def static_classes(tsn: Predictions, count: int) -> list[int]:
    """The classes that TSN recognizes best, the best first.

    Args:
        tsn: Predictions of TSN.
        count: How many.

    Raises:
        ValueError: If there are not so many classes with videos.

    Reference:
        Section 5.4.1 of arXiv 2010.11757.
    """
    return _greatest(class_accuracies(tsn), count)


def overlap(first: Sequence[int], second: Sequence[int]) -> float:
    """The share of one set of classes that is in the other, equally large one.

    Args:
        first: Classes.
        second: As many classes.

    Raises:
        ValueError: If the sets are empty or not equally large.

    Reference:
        Table 9 of arXiv 2010.11757.
    """
    own, others = set(first), set(second)
    if not own or len(own) != len(others):
        raise ValueError(
            f"The overlap is of two sets of equally many classes, received {len(own)} and "
            f"{len(others)}."
        )
    return len(own & others) / len(own)


def gain_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Pearson's correlation of two models' temporal gains over the classes that both have.

    Args:
        first: What `temporal_gains` gave for a model.
        second: The same for another model.

    Raises:
        ValueError: If fewer than two classes are there, or one model's gains are all alike.

    Reference:
        Figure 8 of arXiv 2010.11757.
    """
    known = ~(np.isnan(first) | np.isnan(second))
    if known.sum() < 2 or not (np.ptp(first[known]) and np.ptp(second[known])):
        raise ValueError(
            f"A correlation needs gains that differ between two classes or more, received "
            f"{int(known.sum())} classes."
        )
    return float(np.corrcoef(first[known], second[known])[0, 1])


def average_temporal_gain(gains: np.ndarray, removed: Sequence[int] = ()) -> float:
    """The mean temporal gain over classes (ATG), some of them left out.

    The paper trains anew without them; from saved predictions they are only left out of the mean.

    Args:
        gains: What `temporal_gains` gave.
        removed: Classes that do not count, such as the most temporal ones.

    Raises:
        ValueError: If no class is left.

    Reference:
        Table 10 of arXiv 2010.11757.
    """
    left = np.delete(gains, list(removed))
    if np.isnan(left).all():
        raise ValueError(f"No class with videos is left when {len(removed)} are removed.")
    return float(np.nanmean(left))


def check_same_videos(first: Predictions, second: Predictions) -> None:
    """Raises ValueError unless two predictions are of the same videos with the same labels."""
    videos, others = (dict(zip(p.ids, p.labels, strict=True)) for p in (first, second))
    if videos.keys() != others.keys():
        only = sorted(videos.keys() ^ others.keys())
        raise ValueError(
            f"The predictions are not of the same videos: {len(only)} are in one only, for example "
            f"{str(only[0])!r}. Evaluate both models on the same split."
        )
    if videos != others or first.logits.shape[1] != second.logits.shape[1]:
        raise ValueError(
            "The predictions have other labels for the same videos: the models were evaluated on "
            "data sets with other classes."
        )


def _greatest(values: np.ndarray, count: int) -> list[int]:
    """The places of the greatest values; of equal ones the first, NaN never."""
    known = int((~np.isnan(values)).sum())
    if not 1 <= count <= known:
        raise ValueError(f"There are {known} classes with videos: 1 to {known}, not {count}.")
    order = np.argsort(-values, kind="stable")  # NaN comes last
    return order[:count].tolist()
