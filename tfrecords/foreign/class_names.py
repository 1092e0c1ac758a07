"""Finds the class names of a foreign data set and the label of each video.

A record may have the name of its class, its number, or both. Names have priority over numbers:
DMVR's generator numbers the classes of each run in the order of a Python set, so the numbers in its
train and test shards may differ.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tfrecords.sources.class_order import sorted_names
from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published.listing import in_order, json_of, names_of
from tfrecords.text import plain

MOST_CLASSES = 1_000_000
Label = tuple[int | None, str]  # the number and the name of a class, as a record has them


class Classes(NamedTuple):
    """Class names in label order, the label of each video, and notes for the user."""

    names: Sequence[str]
    labels: Sequence[int]
    notes: Sequence[str]


def read_classes(file: Path) -> list[str]:
    """Reads class names from a text file with one per line, or from JSON (a list or a mapping).

    Raises:
        SourceError: If the file is neither, or lists a name twice.
    """
    if not file.is_file():
        raise SourceError(
            f"--classes must be a file with a class name per line, or JSON, received {file}."
        )
    names = _names_of_json(file) if file.suffix.lower() == ".json" else names_of(file)
    if twice := [name for name in names if names.count(name) > 1]:
        raise SourceError(f"{file} must list each class once, but lists {twice[0]!r} twice.")
    return names


def choose_classes(labels: Sequence[Label], names: Sequence[str] | None = None) -> Classes:
    """Determines the classes of a data set.

    Args:
        labels: The number (or None) and the name (or empty) of the class of each record.
        names: Class names in label order, if the user gives them.

    Raises:
        SourceError: If the class of a record is unknown, or not in `names`.
    """
    if not any(text for _, text in labels):
        numbers = [number for number, _ in labels if number is not None]
        return _named(numbers, names) if names else _unnamed(numbers)
    meanings: dict[int, set[str]] = defaultdict(set)
    for number, text in labels:
        if number is not None and text:
            meanings[number].add(text)
    texts = [text or _meaning(number, meanings) for number, text in labels]
    names, notes = (names, []) if names else _ordered(meanings, texts)
    place = {name: number for number, name in enumerate(names)}
    if unknown := sorted(set(texts) - place.keys()):
        raise SourceError(
            f"--classes must list all classes of the records, but {unknown[0]!r} is missing."
        )
    return Classes(names, [place[text] for text in texts], notes)


def _named(numbers: list[int], names: Sequence[str]) -> Classes:
    """Numbers with given names, counted from 1 if 0 is missing and the largest is their count."""
    first = int(min(numbers) >= 1 and max(numbers) == len(names))
    if max(numbers) - first >= len(names):
        raise SourceError(
            f"--classes must list all classes of the records, received {len(names)} for the class "
            f"number {max(numbers)}."
        )
    notes = ["The records number the classes from 1."] if first else []
    return Classes(names, [number - first for number in numbers], notes)


def _unnamed(numbers: list[int]) -> Classes:
    """Without names, the numbers are the names, including those that no record has."""
    last = max(numbers)
    if last >= MOST_CLASSES:
        raise SourceError(
            f"The class number of a record must be below {MOST_CLASSES:,}, received {last}."
        )
    note = f"The records have no class names. The classes are named 0 to {last}. See --classes."
    return Classes([str(number) for number in range(last + 1)], numbers, [note])


def _meaning(number: int | None, meanings: Mapping[int, set[str]]) -> str:
    """The class name of a number in other records."""
    names = set() if number is None else meanings.get(number, set())
    if len(names) != 1:
        found = " and ".join(map(repr, sorted(names))) or "nothing"
        raise SourceError(
            f"The class number {number} of a record without a name must have one name in other "
            f"records, received {found}. Leave its shard out with --train."
        )
    return next(iter(names))


def _ordered(meanings: Mapping[int, set[str]], texts: list[str]) -> tuple[list[str], list[str]]:
    """The names in the order of their numbers, or sorted if the numbers conflict; and notes."""
    pairs = [(number, text) for number in sorted(meanings) for text in sorted(meanings[number])]
    names = [text for _, text in pairs]
    if len(names) == len(set(names)) == len(meanings) and set(names) == set(texts):
        return names, []
    first = next(
        (f"{n} is {' and '.join(map(repr, sorted(t)))}" for n, t in meanings.items() if len(t) > 1),
        "",
    )
    note = (
        "The class numbers differ between records"
        + (f" ({first})" if first else "")
        + ". The names are used instead, sorted."
    )
    return list(sorted_names(texts)), [note] if meanings else []


def _names_of_json(file: Path) -> list[str]:
    content = json_of(file)
    if isinstance(content, dict) and content and all(type(n) is int for n in content.values()):
        return in_order(file, content, first=min(min(content.values()), 1))
    if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise SourceError(
            f"{file} must be a list of class names or a mapping from names to numbers."
        )
    return [plain(name) for name in content]
