"""Which videos train and which ones judge: a function of their ids, groups or own words."""

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
    """Gives every video its split.

    Where the source names splits, they hold: the values in `val` and `test`, all others train; or
    without these the words train, val and test. Otherwise each class is divided by a hash of its
    videos' ids, or of their groups, which stay together. Segments of a file are a group, too.

    Args:
        entries: Sequence of `VideoEntry` as the source has them.
        root: The folder that relative paths start from.
        val: Values of the split column that make the validation split.
        test: Values of the split column that make the test split.
        val_fraction: Float in [0, 1), share of each class for validation.
        test_fraction: Float in [0, 1), share of each class for the test.
        group_pattern: Regular expression that finds the group in a path: its first
            parenthesis, or else all of it.
        seed: Another division.

    Returns:
        The entries with their splits, and notes for the user.

    Raises:
        SourceError: If the options do not fit the source, or no video is left to train.
    """
    entries = with_groups(entries, group_pattern, root)
    if not (any(entry.split for entry in entries) or val or test):
        entries = _by_hash(entries, val_fraction, test_fraction, seed)
        return entries, _undivided(entries, val_fraction, test_fraction)
    entries = _by_words(entries, _texts(val), _texts(test))
    torn = list(torn_groups((entry.group, entry.split, entry.id) for entry in entries))
    if torn and group_pattern:
        raise SourceError(
            f"the group {torn[0]!r} falls in two splits: leave the group pattern or the split "
            "column out"
        )
    return entries, _notes(entries, torn)


def stable_hash(text: str) -> bytes:
    """The order of ids: alike on every machine, in every process."""
    return hashlib.sha256(text.encode()).digest()


def _by_words(entries: list[VideoEntry], val: set[str], test: set[str]) -> list[VideoEntry]:
    found = {entry.split for entry in entries}
    listed = ", ".join(map(repr, sorted(found - {""}))) or "none"
    if unknown := sorted((val | test) - found):
        raise SourceError(
            f"no video has the split value {unknown[0]!r} (found: {listed}): name the column that "
            "holds it, for example `--split-column fold --val 0`"
        )
    if both := val & test:
        raise SourceError(f"the split value {both.pop()!r} cannot be both val and test")
    if val or test:
        words = {w: "val" if w in val else "test" if w in test else "train" for w in found}
    else:
        words = {word: SPLIT_WORDS.get(word.lower(), "") for word in found}
        if unknown := sorted(word for word in found if not words[word]):
            raise SourceError(
                f"the split {unknown[0]!r} is none of train, val and test (found: {listed}): say "
                "which values are which, for example `--val 0`"
            )
    return [replace(entry, split=words[entry.split]) for entry in entries]


def _by_hash(
    entries: list[VideoEntry], val_fraction: float, test_fraction: float, seed: int
) -> list[VideoEntry]:
    if not (val_fraction >= 0 and test_fraction >= 0 and val_fraction + test_fraction < 1):
        raise SourceError(
            f"val_fraction {val_fraction} and test_fraction {test_fraction} must be 0 or more and "
            "together less than 1"
        )
    units = defaultdict(list)
    for entry in entries:
        units[entry.group or entry.id].append(entry)
    strata = defaultdict(list)  # a class each, and one of the groups with several classes
    left: Counter[str] = Counter()  # groups that are not in val or test, of each class
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
    """Marks units from the front until the share is nearest; at least one, and no class's last."""
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
    """A note for each split that was asked for and has no video."""
    there, first = {entry.split for entry in entries}, entries[0].group
    one_group = first and {entry.group for entry in entries} == {first}
    reason = (
        f"all videos are of one recording or group ({first}), which is not divided"
        if one_group
        else "each recording or group that is left is the only one of some class"
    )
    return [
        f"No video is in {split}: {reason}. Add recordings, or give a CSV file with a column split "
        "or group that divides those that are there."
        for split, fraction in (("val", val_fraction), ("test", test_fraction))
        if fraction and split not in there
    ]


def _notes(entries: list[VideoEntry], torn: list[str]) -> list[str]:
    notes = []
    if torn:
        notes.append(
            f"The given splits divide {counted(len(torn), 'group')}, for example {torn[0]!r}: "
            "scores on val may be too good."
        )
    trained = {entry.label for entry in entries if entry.split == "train"}
    if not trained:
        raise SourceError("no video is left to train: every one is in val or test")
    alike = {spelling(label): label for label in sorted(trained)}
    for label in sorted({entry.label for entry in entries} - trained - {""}):
        other = alike.get(spelling(label))
        but = f" Videos of {other!r}, which is another class, train." if other else ""
        notes.append(f"The class {label!r} has no video to train on.{but}")
    return notes


def _texts(values: Sequence[str]) -> set[str]:
    return {values} if isinstance(values, str) else {str(value) for value in values}
