"""Which videos train and which ones judge: a function of their ids, groups or own words."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tfrecords.names import plain
from tfrecords.schema import VideoEntry
from tfrecords.sources import SourceError

SPLITS = ("train", "val", "test")
_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def assign_splits(
    entries: Sequence[VideoEntry],
    *,
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
    videos' ids, or of their groups where they have some, which then stay together.

    Args:
        entries: sequence of `VideoEntry` as the source has them.
        val: sequence of str, values of the split column that make the validation split.
        test: sequence of str, values of the split column that make the test split.
        val_fraction: float in [0, 1), share of each class for validation.
        test_fraction: float in [0, 1), share of each class for the test.
        group_pattern: str or None, regular expression that finds the group in a path: its first
            parenthesis, or else all of it.
        seed: int, another division.

    Returns:
        The entries with their splits, and notes for the user.

    Raises:
        SourceError: If the options do not fit the source, or no video is left to train.
    """
    entries = list(entries)
    if group_pattern:
        entries = [replace(e, group=_group(group_pattern, e.path)) for e in entries]
    if any(entry.split for entry in entries) or val or test:
        entries = _by_words(entries, _texts(val), _texts(test))
        torn = _torn_groups(entries)
        if torn and group_pattern:
            raise SourceError(
                f"the group {torn[0]!r} falls in two splits: leave the group pattern or the "
                "split column out"
            )
    else:
        entries = _by_hash(entries, val_fraction, test_fraction, seed)
        torn = []
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
        words = {word: _WORDS.get(word.lower(), "") for word in found}
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
    by_class = defaultdict(list)
    for name in sorted(units, key=lambda name: stable_hash(f"{seed}:{name}")):
        by_class[units[name][0].label].append(units[name])
    split_of = {}
    for own in by_class.values():
        rest = _take(own, test_fraction, "test", sum(map(len, own)), split_of)
        rest = _take(rest, val_fraction, "val", sum(map(len, own)), split_of)
        split_of |= {entry.id: "train" for unit in rest for entry in unit}
    return [replace(entry, split=split_of[entry.id]) for entry in entries]


def _take(
    units: list[list[VideoEntry]], fraction: float, split: str, total: int, split_of: dict
) -> list[list[VideoEntry]]:
    """Marks units from the front until the share is nearest; at least one, and never the last."""
    taken, rest = 0, []
    for place, unit in enumerate(units):
        wanted = taken + len(unit) / 2 <= fraction * total or (fraction and not taken)
        if wanted and len(rest) + len(units) - place > 1:
            taken += len(unit)
            split_of |= {entry.id: split for entry in unit}
        else:
            rest.append(unit)
    return rest


def _group(pattern: str, path: str) -> str:
    try:
        found = re.search(pattern, path)
    except re.error as error:
        raise SourceError(
            f"the group pattern {pattern!r} is no regular expression: {error}"
        ) from None
    if not found:
        raise SourceError(f"the group pattern {pattern!r} finds nothing in {plain(path)}")
    return plain(found.group(1) if found.groups() else found.group())


def _torn_groups(entries: Iterable[VideoEntry]) -> list[str]:
    splits = defaultdict(set)
    for entry in entries:
        splits[entry.group].add(entry.split)
    return sorted(group for group, found in splits.items() if group and len(found) > 1)


def _notes(entries: list[VideoEntry], torn: list[str]) -> list[str]:
    notes = []
    if torn:
        notes.append(
            f"The given splits divide {len(torn)} groups, for example {torn[0]!r}: scores on val "
            "may be too good."
        )
    trained = {entry.label for entry in entries if entry.split == "train"}
    if not trained:
        raise SourceError("no video is left to train: every one is in val or test")
    for label in sorted({entry.label for entry in entries} - trained - {""}):
        notes.append(f"The class {label!r} has no video to train on.")
    return notes


def _texts(values: Sequence[str]) -> set[str]:
    return {values} if isinstance(values, str) else {str(value) for value in values}
