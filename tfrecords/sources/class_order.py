"""The order of the class names of a source, and names that may be two spellings of a class."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tfrecords.text import shorten

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def sorted_names(labels: Iterable[str]) -> tuple[str, ...]:
    """Sorts class names, by value if all are numbers."""
    names = sorted(set(labels))
    return tuple(sorted(names, key=float) if are_numbers(names) else names)


def are_numbers(names: Iterable[str]) -> bool:
    """Whether all class names are numbers."""
    return all(map(_NUMBER.fullmatch, names))


def numeric_order(names: Sequence[str]) -> dict[str, str]:
    """The note in a plan if the class order differs from that of older builds."""
    return {"class_order": "by value"} if list(names) != sorted(names) else {}


def spelling(name: str) -> str:
    """Normalizes a name: no case, spaces, hyphens or Unicode variants."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    kept = "".join(c for c in folded if c.isprintable() and not c.isspace() and c not in "_-")
    return kept or name


def class_notes(names: Sequence[str]) -> list[str]:
    """Notes for the user about the ordered class names of a data set."""
    notes = []
    if are_numbers(names) and tuple(names) == sorted_names(names):
        shown = ", ".join(names[:3]) + (f", ..., {names[-1]}" if len(names) > 3 else "")
        notes.append(
            f"All class names are numbers and are sorted by value: {shown} are the outputs 0 to "
            f"{len(names) - 1}."
        )
    alike = defaultdict(list)
    for name in names:
        alike[float(name) if are_numbers(names) else spelling(name)].append(name)
    for same in (own for own in alike.values() if len(own) > 1):
        notes.append(
            f"The classes {' and '.join(repr(shorten(name)) for name in same)} differ only in "
            "their spelling. Give them one name if they are one class."
        )
    return notes
