"""Divides videos into folds for cross-validation."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfrecords.sources.groups import groups_of
from tfrecords.sources.splits import stable_hash

WHOLE = 1 << 32  # all videos of a class, when parts of classes are compared as integers


def fold_numbers(
    ids: Sequence[str],
    labels: np.ndarray,
    groups: Mapping[str, str],
    folds: int,
    class_names: Sequence[str],
) -> np.ndarray:
    """The fold of each video.

    Each fold has nearly the same number of videos of each class, and a group is in one fold. The
    largest group is assigned first, each to the fold that has the smallest part of its classes.
    All numbers are integers, so that every machine finds the same folds.

    Args:
        ids: The ids of the videos, in any order.
        labels: Their labels, shape `(n,)`.
        groups: Mapping from a video's id to its group, if it has one.
        folds: Number of folds.
        class_names: Class names, in label order.

    Returns:
        An array of integers from 0 to `folds - 1`, shape `(n,)`.

    Raises:
        ValueError: If a class has fewer videos or groups than folds, or all its videos would be in
            one fold.
    """
    group_of = groups_of(ids, groups)
    names = [group_of.get(video, video) for video in ids]  # others are a group of one
    units = sorted(set(names), key=stable_hash)
    place = {name: number for number, name in enumerate(units)}
    unit_of = np.array([place[name] for name in names])
    counts = np.zeros((len(units), len(class_names)), np.int64)
    np.add.at(counts, (unit_of, labels), 1)
    _check_classes(counts, folds, units, class_names)
    return _assigned(counts, folds, class_names)[unit_of]


def _assigned(counts: np.ndarray, folds: int, class_names: Sequence[str]) -> np.ndarray:
    """The fold of each group, from its number of videos of each class."""
    fold_of = np.zeros(len(counts), np.int64)
    found = np.zeros((folds, len(class_names)), np.int64)
    weights = WHOLE // counts.sum(axis=0).clip(1)
    for group in np.lexsort((counts.argmax(axis=1), -counts.sum(axis=1))):
        shares = found @ (counts[group] * weights)
        fold = np.lexsort((found.sum(axis=1), shares))[0]  # of equal ones, the first
        fold_of[group] = fold
        found[fold] += counts[group]
    _check_divided(found, class_names)
    return fold_of


def _check_classes(
    counts: np.ndarray, folds: int, units: Sequence[str], class_names: Sequence[str]
) -> None:
    """Raises ValueError unless each class that has videos has enough for the folds.

    Args:
        counts: Number of videos by group and class.
        folds: Number of folds.
        units: Names of the groups.
        class_names: Class names.
    """
    videos = counts.sum(axis=0)
    groups = np.where(videos, (counts > 0).sum(axis=0), folds)  # a class may have no videos at all
    fewest = int(groups.argmin())
    name, own = class_names[fewest], groups[fewest]
    if own >= folds:
        return
    if videos[fewest] == 1:
        raise ValueError(
            f"A class must have at least 2 videos to be divided into folds, received 1 of {name!r}."
        )
    if own == 1:
        group = units[int(counts[:, fewest].argmax())]
        raise ValueError(
            "The videos of a class must be in several groups to be divided into folds, received "
            f"only the group {group!r} of {name!r}."
        )
    what = "groups" if videos[fewest] > own else "videos"
    raise ValueError(
        f"The number of folds must be at most {own}, the number of {what} of the class {name!r}, "
        f"received {folds}."
    )


def _check_divided(found: np.ndarray, class_names: Sequence[str]) -> None:
    """Raises ValueError if a fold has all videos of a class, so that the others have none.

    Args:
        found: Number of videos by fold and class.
        class_names: Class names.
    """
    videos = found.sum(axis=0)
    alone = np.flatnonzero((found.max(axis=0) == videos) & (videos > 0))
    if alone.size:
        raise ValueError(
            f"Each class must be in several folds, but all videos of {class_names[alone[0]]!r} "
            "would be in one. Give another number of folds, or smaller groups."
        )
