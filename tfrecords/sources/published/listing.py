"""What a reader takes, files of lists, and what it gives: class names in order, and videos."""

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
    """The class names in the order of their indices, the videos, and what the user should know.

    A video's path is as the list has it; one whose label no list tells has an empty label.
    """

    class_names: Sequence[str]
    videos: Sequence[VideoEntry]
    notes: Sequence[str] = ()


class Lists:
    """The files that `--annotations` names.

    Args:
        place: A folder of lists, or one list whose companions lie beside it.
        format: The format's name, for messages.
    """

    def __init__(self, place: Path, format: str):
        if not place.exists():
            raise SourceError(f"{place} is not there: --annotations names the lists of {format}")
        self.place, self.format = place, format
        self.folder = place if place.is_dir() else place.parent

    def file(self, *names: str) -> Path:
        """The first of these files that is there."""
        found = self.optional(*names)
        if not found:
            raise SourceError(
                f"{self.format} needs {' or '.join(names)}, which {self.folder} does not hold: "
                "--annotations names the folder of the lists"
            )
        return found

    def optional(self, *names: str) -> Path | None:
        """The first of these files that is there, or None."""
        return next((p for name in names if (p := self.folder / name).is_file()), None)

    def single(self) -> dict[str, Path]:
        """The one list that `--annotations` names, by the split in its name; else empty."""
        return {split_of(self.place.stem) or "": self.place} if self.place.is_file() else {}

    def by_split(
        self, pattern: str, keep: Callable[[str], bool] = lambda name: True
    ) -> dict[str, Path]:
        """The lists by the split that a word in their names tells, at least one.

        Args:
            pattern: Which files.
            keep: Function of a name, which of them.
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
                    f"{found[split]} and {path.name} are both lists of {split}: name one with "
                    "--annotations, or keep those of one data set in a folder"
                )
            found[split] = path
        if not found:
            raise SourceError(
                f"{self.format} needs lists {pattern} with train, val or test in their names, "
                f"which {self.folder} does not hold"
            )
        return found


def text_of(path: Path) -> str:
    """A list as text, whatever wrote it."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path} is not UTF-8 ({error.reason})") from None


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """`("FILE, line 3", text)` of each line that is not blank, spaces around it left out."""
    for number, line in enumerate(re.split(r"\r?\n|\r", text_of(path)), 1):
        if line.strip():
            yield f"{path}, line {number}", line.strip()


def names_of(path: Path) -> list[str]:
    """Class names, one a line."""
    return [plain(line) for _, line in lines_of(path)]


def json_of(path: Path) -> Any:
    """The content of a JSON file."""
    try:
        return json.loads(text_of(path))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path} is not JSON ({error})") from None


def in_order(path: Path, indices: dict[str, int], first: int) -> list[str]:
    """Names in the order of their indices, which count up from `first` without a gap."""
    names = sorted(indices, key=indices.__getitem__)
    if [indices[name] for name in names] != list(range(first, first + len(names))):
        raise SourceError(f"{path}: the classes are not numbered from {first} without a gap")
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
    """An entry whose label is checked against the class names."""
    label = plain(label)
    if label not in names:
        raise SourceError(f"{place}: {label!r} is none of the {len(list(names))} classes")
    return VideoEntry(video_id(path, start, end), path, label, split, start, end, group)


def left_out(count: int) -> list[str]:
    """A note on videos that a list names without a class."""
    if not count:
        return []
    return [f"Left out of the test list, without a label: {counted(count, 'video')}."]
