"""Assigns videos to splits by their ids, their groups or the splits of the source."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tfrecords.format.record import SourceError, VideoEntry
from tfrecords.sources.class_order import spelling
from tfrecords.sources.groups import torn_groups, with_groups
from tfrecords.sources.split_words import SPLIT_WORDS
from tfrecords.text import counted


def assign_splits(
    entries: Sequence[VideoEntry],
    *,
    root: Path = Path(),
    val: Sequence[str] = (),
    test: Sequence[str] = (),
    val_fraction: float = 0.2,
    test_fraction: float = 0.0,
    group_pattern: str | None = None,
    seed: int = 0,
) -> tuple[list[VideoEntry], list[str]]:
    """Assigns a split to every video.

    Splits of the source have priority: the values in `val` and `test` define these splits, and all
    other videos are for training. Without them, the words train, val and test define the splits. If
    the source has no splits, each class is divided by a hash of the ids of its videos, or of their
    groups, which are not divided. The segments of a file are a group as well.

    Args:
        entries: The entries of the source.
        root: The folder that relative paths start from.
        val: Values of the split column that form the validation split.
        test: Values of the split column that form the test split.
        val_fraction: Fraction of each class for validation, in [0, 1).
        test_fraction: Fraction of each class for testing, in [0, 1).
        group_pattern: Regular expression that finds the group in a path: its first capture group,
            or the whole match if it has none.
        seed: Seed of the random division.

    Returns:
        The entries with their splits, and notes for the user.

    Raises:
        SourceError: If the options do not match the source, or no video is left for training.
    """
    entries = with_groups(entries, group_pattern, root)
    if not (any(entry.split for entry in entries) or val or test):
        entries = _by_hash(entries, val_fraction, test_fraction, seed)
        return entries, _undivided(entries, val_fraction, test_fraction)
    entries = _by_words(entries, _texts(val), _texts(test))
    torn = list(torn_groups((entry.group, entry.split, entry.id) for entry in entries))
    if torn and group_pattern:
        raise SourceError(
            f"The group {torn[0]!r} must be in one split, but is in two. Omit the group pattern or "
            "the split column."
        )
    return entries, _notes(entries, torn)


def stable_hash(text: str) -> bytes:
    """Hashes an id for sorting: equal on every machine and in every process."""
    return hashlib.sha256(text.encode()).digest()


def _by_words(entries: list[VideoEntry], val: set[str], test: set[str]) -> list[VideoEntry]:
    found = {entry.split for entry in entries}
    listed = ", ".join(map(repr, sorted(found - {""}))) or "none"
    if unknown := sorted((val | test) - found):
        raise SourceError(
            f"No video has the split value {unknown[0]!r} (found: {listed}). Set the column that "
            "contains it, for example `--split-column fold --val 0`."
        )
    if both := val & test:
        raise SourceError(f"The split value {both.pop()!r} must not be in both val and test.")
    if val or test:
        words = {w: "val" if w in val else "test" if w in test else "train" for w in found}
    else:
        words = {word: SPLIT_WORDS.get(word.lower(), "") for word in found}
        if unknown := sorted(word for word in found if not words[word]):
            raise SourceError(
                f"The split must be one of train, val and test, received {unknown[0]!r} (found: "
                f"{listed}). Set the values of each split, for example `--val 0`."
            )
    return [replace(entry, split=words[entry.split]) for entry in entries]


def _by_hash(
    entries: list[VideoEntry], val_fraction: float, test_fraction: float, seed: int
) -> list[VideoEntry]:
    if not (val_fraction >= 0 and test_fraction >= 0 and val_fraction + test_fraction < 1):
        raise SourceError(
            "val_fraction and test_fraction must be at least 0 with a sum below 1, received "
            f"{val_fraction} and {test_fraction}."
        )
    units = defaultdict(list)
    for entry in entries:
        units[entry.group or entry.id].append(entry)
    strata = defaultdict(list)  # one per class, and one for groups of several classes
    left: Counter[str] = Counter()  # number of groups per class that are not in val or test
    for name in sorted(units, key=lambda name: stable_hash(f"{seed}:{name}")):
        labels = _labels(units[name])
        strata[labels.copy().pop() if len(labels) == 1 else None].append(units[name])
        left.update(labels)
    split_of = {entry.id: "train" for entry in entries}
    for own in strata.values():
        rest = _take(own, test_fraction, "test", sum(map(len, own)), left, split_of)
        _take(rest, val_fraction, "val", sum(map(len, own)), left, split_of)
    return [replace(entry, split=split_of[entry.id]) for entry in entries]


def _take(
    units: list[list[VideoEntry]],
    fraction: float,
    split: str,
    total: int,
    left: Counter,
    split_of: dict[str, str],
) -> list[list[VideoEntry]]:
    """Takes units until the fraction is closest; at least one, but never the last of a class."""
    taken, rest = 0, []
    for unit in units:
        wanted = taken + len(unit) / 2 <= fraction * total or (fraction and not taken)
        if wanted and all(left[label] > 1 for label in _labels(unit)):
            taken += len(unit)
            left.subtract(_labels(unit))
            split_of |= {entry.id: split for entry in unit}
        else:
            rest.append(unit)
    return rest


def _labels(unit: list[VideoEntry]) -> set[str]:
    return {entry.label for entry in unit}


def _undivided(entries: list[VideoEntry], val_fraction: float, test_fraction: float) -> list[str]:
    """A note for each requested split without videos."""
    present, first = {entry.split for entry in entries}, entries[0].group
    one_group = first and {entry.group for entry in entries} == {first}
    reason = (
        f"all videos are from one recording or group ({first}), which must not be divided"
        if one_group
        else "each remaining recording or group is the only one of a class"
    )
    return [
        f"No video is in {split}: {reason}. Add recordings, or use a CSV file with a split or "
        "group column that divides the existing ones."
        for split, fraction in (("val", val_fraction), ("test", test_fraction))
        if fraction and split not in present
    ]


def _notes(entries: list[VideoEntry], torn: list[str]) -> list[str]:
    notes = []
    if torn:
        notes.append(
            f"The given splits divide {counted(len(torn), 'group')}, for example {torn[0]!r}: "
            "validation scores may be too high."
        )
    trained = {entry.label for entry in entries if entry.split == "train"}
    if not trained:
        raise SourceError(
            "No video is left for training: all are in val or test. Check the split values."
        )
    alike = {spelling(label): label for label in sorted(trained)}
    for label in sorted({entry.label for entry in entries} - trained - {""}):
        other = alike.get(spelling(label))
        but = f" There are training videos of {other!r}, which is another class." if other else ""
        notes.append(f"The class {label!r} has no training videos.{but}")
    return notes


def _texts(values: Sequence[str]) -> set[str]:
    return {values} if isinstance(values, str) else {str(value) for value in values}
