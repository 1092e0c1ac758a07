"""The input of a format's reader, list files, and its output: ordered classes and videos."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tfrecords.format.record import VideoEntry
from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.split_words import split_of
from tfrecords.sources.video_ids import video_id
from tfrecords.text import counted, plain


class Listing(NamedTuple):
    """The class names in the order of their indices, the videos, and notes for the user.

    The paths of videos are those in the list. A video without a label in any list has an empty one.
    """

    class_names: Sequence[str]
    videos: Sequence[VideoEntry]
    notes: Sequence[str] = ()


class Lists:
    """The list files in `--annotations`.

    Args:
        place: A folder of lists, or one list with the others next to it.
        format: The format's name, for messages.
    """

    def __init__(self, place: Path, format: str):
        if not place.exists():
            raise SourceError(
                f"--annotations must be the lists of {format}, received {place}, which is missing."
            )
        self.place, self.format = place, format
        self.folder = place if place.is_dir() else place.parent

    def file(self, *names: str) -> Path:
        """The first of these files that exists."""
        found = self.optional(*names)
        if not found:
            raise SourceError(
                f"{self.format} requires {' or '.join(names)}, which {self.folder} does not "
                "contain. Set --annotations to the folder of the lists."
            )
        return found

    def optional(self, *names: str) -> Path | None:
        """The first of these files that exists, or None."""
        return next((p for name in names if (p := self.folder / name).is_file()), None)

    def single(self) -> dict[str, Path]:
        """A mapping from its split to the list, if `--annotations` is one list, else empty."""
        return {split_of(self.place.stem) or "": self.place} if self.place.is_file() else {}

    def by_split(
        self, pattern: str, keep: Callable[[str], bool] = lambda name: True
    ) -> dict[str, Path]:
        """A mapping from a split to the list with its word in the name. At least one.

        Args:
            pattern: Pattern of the names of the files.
            keep: Whether to use the file of a name.
        """
        if self.place.match(pattern) and (single := self.single()):
            return single
        found: dict[str, Path] = {}
        for path in sorted(self.folder.glob(pattern)):
            split = split_of(path.stem)
            if not split or not keep(path.name):
                continue
            if split in found:
                raise SourceError(
                    f"{found[split]} and {path.name} are both lists of {split}. Set "
                    "--annotations to one of them, or keep the lists of each data set in a folder."
                )
            found[split] = path
        if not found:
            raise SourceError(
                f"{self.format} requires lists {pattern} with train, val or test in their names, "
                f"which {self.folder} does not contain."
            )
        return found


def text_of(path: Path) -> str:
    """The text of a list."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} must be UTF-8 ({error.reason}).") from None


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yields `("FILE, line 3", text)` of each line that is not blank, stripped."""
    for number, line in enumerate(re.split(r"\r?\n|\r", text_of(path)), 1):
        if line.strip():
            yield f"{path}, line {number}", line.strip()


def names_of(path: Path) -> list[str]:
    """Class names, one per line."""
    return [plain(line) for _, line in lines_of(path)]


def json_of(path: Path) -> Any:
    """The content of a JSON file."""
    try:
        return json.loads(text_of(path))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} must be JSON ({error}).") from None


def in_order(path: Path, indices: dict[str, int], first: int) -> list[str]:
    """Names in the order of their indices, which must start at `first` without gaps."""
    names = sorted(indices, key=indices.__getitem__)
    if [indices[name] for name in names] != list(range(first, first + len(names))):
        raise SourceError(f"{path}: the classes must be numbered from {first} without gaps.")
    return [plain(name) for name in names]


def listed(
    place: str,
    names: Iterable[str],
    path: str,
    label: str,
    split: str,
    start: float | None = None,
    end: float | None = None,
    group: str | None = None,
) -> VideoEntry:
    """Creates an entry and checks its label against the class names."""
    label = plain(label)
    if label not in names:
        raise SourceError(
            f"{place}: the class must be one of the {len(list(names))} classes, received {label!r}."
        )
    return VideoEntry(video_id(path, start, end), path, label, split, start, end, group)


def left_out(count: int) -> list[str]:
    """A note on listed videos without a class."""
    if not count:
        return []
    return [f"Left out {counted(count, 'video')} of the test list without a label."]
