"""Decides from the paths of the videos which folders are classes and which are splits.

Two layouts have splits: SPLIT/CLASS/VIDEO and CLASS/SPLIT/VIDEO. A word such as "train" in the name
of a folder means a split only if a folder next to it is named after another split and the rest of
their names or their subfolders match, or if one folder contains everything. Then every video must
have a split, otherwise it is an error.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tfrecords.format.manifest import named
from tfrecords.format.record import SourceError
from tfrecords.sources.class_order import spelling
from tfrecords.sources.split_words import (
    ends_like_split,
    is_like_split,
    splits_in,
    without_split,
)
from tfrecords.text import plain

Parts = tuple[str, ...]  # of a video's path
Folders = Mapping[str, Sequence[Parts]]  # from a name to the parts of the paths of its videos


class Shape(NamedTuple):
    """The indices of the class and the split in a video's path, and the number of both."""

    label: int
    split: int | None
    depth: int


CLASSES = Shape(label=0, split=None, depth=1)
SPLIT_CLASS = Shape(label=1, split=0, depth=2)
CLASS_SPLIT = Shape(label=0, split=1, depth=2)


class Pair(NamedTuple):
    """Two folders in the same folder that look like splits."""

    place: Path
    one: str
    other: str


def shape_of(root: Path, videos: Sequence[Parts]) -> Shape:
    """Finds the levels of the classes and the splits.

    Args:
        root: The folder of the videos, for messages.
        videos: The parts of the path of each video.

    Raises:
        SourceError: If some folders look like splits but others do not.
    """
    tops = folders_of(videos)
    if pair := _same_folders(root, tops):
        _check_splits(root, tops, pair)
        return SPLIT_CLASS
    if _is_one_split(tops):
        return SPLIT_CLASS
    _check_classes(root, tops)
    inside = {name: folders_of(own) for name, own in tops.items()}
    for name, own in inside.items():
        _check_no_splits_below(root / name, own)
    pairs = (_look_like_splits(root / name, own) for name, own in inside.items())
    pair = next(filter(None, pairs), None)
    if not pair:
        _check_same_classes(root, inside)
        return CLASSES
    for name, own in inside.items():
        _check_splits_of_class(root / name, tops[name], own, pair)
    return CLASS_SPLIT


def folders_of(videos: Sequence[Parts]) -> Folders:
    """Groups paths by their first folder. The values are the rest of the paths."""
    found = defaultdict(list)
    for parts in videos:
        if len(parts) > 1:
            found[parts[0]].append(parts[1:])
    return found


def _look_like_splits(place: Path, folders: Folders) -> Pair | None:
    return _same_folders(place, folders) or _same_names(place, folders)


def _same_folders(place: Path, folders: Folders) -> Pair | None:
    """Two folders of different splits that contain a folder of the same name."""
    below = {n: set(map(spelling, folders_of(own))) for n, own in folders.items() if splits_in(n)}
    pairs = _different_splits(place, folders)
    return next((pair for pair in pairs if below[pair.one] & below[pair.other]), None)


def _same_names(place: Path, folders: Folders) -> Pair | None:
    """Two folders of different splits whose names are otherwise equal."""
    pairs = _different_splits(place, folders)
    same = (pair for pair in pairs if without_split(pair.one) == without_split(pair.other))
    return next(same, None)


def _different_splits(place: Path, folders: Folders) -> Iterator[Pair]:
    for one, other in itertools.combinations(sorted(filter(splits_in, folders)), 2):
        if splits_in(one) != splits_in(other):
            yield Pair(place, one, other)


def _is_one_split(tops: Folders) -> bool:
    """Whether there is only one folder, which is named after a split and contains others."""
    return len(tops) == 1 and all(
        len(splits_in(name)) == 1 and len(folders_of(own)) > 1 for name, own in tops.items()
    )


def _check_splits(place: Path, folders: Folders, pair: Pair) -> None:
    """Raises unless each folder has exactly one split of its own."""
    by_split: dict[str, str] = {}
    for name in sorted(folders):
        found = splits_in(name)
        if len(found) != 1:
            count = "two splits" if found else "no split"
            raise _unclear(pair, f"the name of {place / name} contains {count}")
        (split,) = found
        other = by_split.setdefault(split, name)
        if other != name:
            raise _unclear(pair, f"{plain(other)} and {plain(name)} are both {split}")


def _check_classes(root: Path, tops: Folders) -> None:
    """Raises if the folders that would be classes are splits without common classes."""
    rests = {tuple(without_split(name)) for name in tops}
    if (pair := _same_names(root, tops)) and all(map(splits_in, tops)) and len(rests) == 1:
        raise _unclear(pair, "no class has a folder in both")
    for name in filter(splits_in, tops):
        others = set(map(spelling, tops.keys() - {name}))
        if same := sorted(own for own in folders_of(tops[name]) if spelling(own) in others):
            raise SourceError(
                f"{root / name} could be a split or a class: it contains folders with the same "
                f"names as those next to it, such as {plain(same[0])}. Move the folders next to it "
                "into a folder of their split, such as train, or use a CSV file with the columns "
                "path, label and split."
            )


def _check_same_classes(root: Path, inside: Mapping[str, Folders]) -> None:
    """Raises if a folder that may be a split has several subfolders in common with another."""
    like, ends = set(filter(is_like_split, inside)), set(filter(ends_like_split, inside))
    below = {name: {spelling(n): n for n in own} for name, own in inside.items()}
    for one, other in itertools.combinations(sorted(inside), 2):
        shared = sorted(n for key, n in below[one].items() if key in below[other])
        if len(shared) > 1 and ({one, other} & like or {one, other} <= ends):
            raise SourceError(
                f"{plain(one)} and {plain(other)} in {root} could be splits or classes: both "
                f"contain {named(list(map(plain, shared)))}. If they are splits, rename them to "
                "train, val or test, or use a CSV file with the columns path, label and split. If "
                "they are the classes, use a CSV file with the columns path and label."
            )


def _check_no_splits_below(place: Path, folders: Folders) -> None:
    """Raises if splits are deeper than directly in a class."""
    for name, own in folders.items():
        below = folders_of(own)
        if pair := _look_like_splits(place / name, below):
            raise _unclear(pair, f"{plain(name)} is not directly in the source")
        _check_no_splits_below(place / name, below)


def _check_splits_of_class(
    folder: Path, videos: Sequence[Parts], inside: Folders, pair: Pair
) -> None:
    """Raises unless all videos of a class are in folders of its splits."""
    if any(len(parts) == 1 for parts in videos):
        raise _unclear(pair, f"{folder} contains videos outside such folders")
    if same := _same_folders(folder, inside):
        raise SourceError(
            f"{plain(same.one)} and {plain(same.other)} in {folder} look like splits, and both "
            f"contain the same folders. If these are the classes, use {folder} as the source."
        )
    _check_splits(folder, inside, pair)


def _unclear(pair: Pair, reason: str) -> SourceError:
    return SourceError(
        f"{plain(pair.one)} and {plain(pair.other)} in {pair.place} look like splits, but "
        f"{reason}. Arrange the source as SPLIT/CLASS/VIDEO, where SPLIT is train, val or test, "
        "without other folders of videos, or use a CSV file with the columns path, label and "
        "split."
    )
