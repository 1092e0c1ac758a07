"""The class names of a foreign data set, and the label of each of its videos.

A record may name its class, number it, or both. Names count before numbers: DMVR's generator
numbers the classes of each run in the order of a set, so that its train and test shards disagree.
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
    """Class names in order, the place of each video's class in them, and notes for the user."""

    names: Sequence[str]
    labels: Sequence[int]
    notes: Sequence[str]


def read_classes(file: Path) -> list[str]:
    """Class names from a text file with one in each line, or from JSON: a list, or name to number.

    Raises:
        SourceError: If it is neither, or a name stands there twice.
    """
    if not file.is_file():
        raise SourceError(f"{file} is no file: --classes takes a class name in each line, or JSON")
    names = _names_of_json(file) if file.suffix.lower() == ".json" else names_of(file)
    if twice := [name for name in names if names.count(name) > 1]:
        raise SourceError(f"{file} names the class {twice[0]!r} twice")
    return names


def choose_classes(labels: Sequence[Label], names: Sequence[str] | None = None) -> Classes:
    """Settles the classes of a data set.

    Args:
        labels: Sequence of the number (or None) and the name (or empty) that each record has.
        names: The classes in order, where the user gives them.

    Returns:
        `Classes`.

    Raises:
        SourceError: If a record's class stays unknown, or is none of `names`.
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
        raise SourceError(f"the records name the class {unknown[0]!r}, which --classes does not")
    return Classes(names, [place[text] for text in texts], notes)


def _named(numbers: list[int], names: Sequence[str]) -> Classes:
    """Numbers with given names; one above the last, and none 0, says that they count from 1."""
    first = int(min(numbers) >= 1 and max(numbers) == len(names))
    if max(numbers) - first >= len(names):
        raise SourceError(
            f"the records have the class number {max(numbers)}, which is none of the {len(names)} "
            "classes of --classes"
        )
    notes = ["The records number the classes from 1."] if first else []
    return Classes(names, [number - first for number in numbers], notes)


def _unnamed(numbers: list[int]) -> Classes:
    """Numbers alone are the names too, also those that no record has."""
    last = max(numbers)
    if last >= MOST_CLASSES:
        raise SourceError(f"a record has the class number {last}, more than any data set has")
    note = f"The records do not name the classes, which are called 0 to {last}: see --classes."
    return Classes([str(number) for number in range(last + 1)], numbers, [note])


def _meaning(number: int | None, meanings: Mapping[int, set[str]]) -> str:
    """The name that other records give to a number."""
    names = set() if number is None else meanings.get(number, set())
    if len(names) != 1:
        found = " and ".join(map(repr, sorted(names))) or "nothing"
        raise SourceError(
            f"a record has the class number {number} and no name, and others call it {found}: "
            "leave its shard out, see --train"
        )
    return next(iter(names))


def _ordered(meanings: Mapping[int, set[str]], texts: list[str]) -> tuple[list[str], list[str]]:
    """The names by their numbers, or sorted where the records do not agree on these; and notes."""
    pairs = [(number, text) for number in sorted(meanings) for text in sorted(meanings[number])]
    names = [text for _, text in pairs]
    if len(names) == len(set(names)) == len(meanings) and set(names) == set(texts):
        return names, []
    first = next(
        (f"{n} is {' and '.join(map(repr, sorted(t)))}" for n, t in meanings.items() if len(t) > 1),
        "",
    )
    note = (
        "The numbers of the classes do not hold for all records"
        + (f" ({first})" if first else "")
        + ": the names count, sorted."
    )
    return list(sorted_names(texts)), [note] if meanings else []


def _names_of_json(file: Path) -> list[str]:
    content = json_of(file)
    if isinstance(content, dict) and content and all(type(n) is int for n in content.values()):
        return in_order(file, content, first=min(min(content.values()), 1))
    if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise SourceError(f"{file} is neither a list of class names nor names with their numbers")
    return [plain(name) for name in content]
