"""Reads list files of other projects: a path and an integer label in each line.

Class names come from classes.txt, category.txt, labels.txt or label_map*.txt next to the lists, one
per line. Without such a file, the names are the numbers.
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published.listing import Listing, Lists, left_out, lines_of, listed, names_of
from tfrecords.video.images import FOLDER_FPS

_NAMES = ("classes.txt", "category.txt", "categories.txt", "labels.txt")
_NO_LABEL = -1


class _Row(NamedTuple):
    place: str
    split: str
    path: str
    numbers: tuple[int, ...]  # the label is the last


def mmaction2(lists: Lists, split_number: int = 1) -> Listing:
    """mmaction2's lists of videos, NAME_train_list_videos.txt: path label.

    Example:
    ctm build videos --format mmaction2 --annotations data/kinetics400 --out data/k400
    """
    return _listing(lists, _rows(lists, "*.txt", 1, _of_mmaction2("rawframes", split_number)))


def mmaction2_rawframes(lists: Lists, split_number: int = 1) -> Listing:
    """mmaction2's lists of frame folders, NAME_train_list_rawframes.txt: path frames label.

    Example:
    ctm build rawframes --format mmaction2-rawframes --annotations data/sthv1 --out data/sthv1
    """
    return _listing(lists, _rows(lists, "*.txt", 2, _of_mmaction2("videos", split_number)))


def pyslowfast(lists: Lists) -> Listing:
    """PySlowFast's train.csv, val.csv, test.csv: path label, separated by a space or a comma.

    Example:
    ctm build videos --format pyslowfast --annotations lists --out data/k400
    """
    return _listing(lists, _rows(lists, "*.csv", 1))


def tsm(lists: Lists) -> Listing:
    """TSM's train_videofolder.txt, val_videofolder.txt: folder frames label.

    Example:
    ctm build frames --format tsm --annotations lists --out data/sthv1
    """
    return _listing(lists, _rows(lists, "*.txt", 2))


def ibm(lists: Lists) -> Listing:
    """IBM's train.txt, val.txt: folder first last label, separated by a space or a semicolon.

    A folder that is listed several times, or not from its first frame, is split into segments.

    Example:
    ctm build frames --format ibm --annotations lists --out data/mini_sthv2
    """
    return _listing(lists, _segments(_rows(lists, "*.txt", 3)))


def _of_mmaction2(other: str, split_number: int) -> Callable[[str], bool]:
    """Selects mmaction2's files: not those of the other kind or of another split."""

    def keep(name: str) -> bool:
        number = re.search(r"split_(\d+)", name)
        return other not in name and (not number or int(number[1]) == split_number)

    return keep


def _rows(
    lists: Lists, pattern: str, count: int, keep: Callable[[str], bool] = lambda name: True
) -> list[_Row]:
    """The lines of the lists: a path, which may contain spaces, and `count` numbers."""
    line_of = re.compile(r"(.+?)" + r"(?:\s+|\s*[,;]\s*)(\d+)" * count)
    rows = []
    for split, path in (lists.single() or lists.by_split(pattern, keep)).items():
        for place, line in lines_of(path):
            found = line_of.fullmatch(line)
            if found:
                rows.append(_Row(place, split, found[1], tuple(map(int, found.groups()[1:]))))
            elif split == "test":
                rows.append(_Row(place, split, line, (_NO_LABEL,)))
            else:
                what = {1: "a label", 2: "its frames and a label", 3: "two frames and a label"}
                raise SourceError(f"{place} must be a path, {what[count]}, received {line!r}.")
    return rows


def _listing(lists: Lists, rows: list[_Row]) -> Listing:
    labeled = [row for row in rows if row.numbers[-1] != _NO_LABEL]
    names = _names(lists, max((row.numbers[-1] for row in labeled), default=-1) + 1)
    videos, order = [], set(names)
    for row in labeled:
        if row.numbers[-1] >= len(names):
            raise SourceError(
                f"{row.place}: the label must be below {len(names)}, received {row.numbers[-1]}."
            )
        label = names[row.numbers[-1]]
        times = _times(row.numbers) if len(row.numbers) == 3 else ()
        videos.append(listed(row.place, order, row.path, label, row.split, *times))
    return Listing(names, videos, left_out(len(rows) - len(labeled)))


def _names(lists: Lists, count: int) -> list[str]:
    maps = sorted(path.name for path in lists.folder.glob("label_map*.txt"))
    file = lists.optional(*_NAMES, *maps)
    if file and file.name in maps[:1] and len(maps) > 1:
        raise SourceError(
            f"{lists.folder} has {maps[0]} and {maps[1]}. Rename the right one to classes.txt."
        )
    return names_of(file) if file else [str(number) for number in range(count)]


def _segments(rows: list[_Row]) -> list[_Row]:
    """Removes the frame numbers of folders that are used from the first frame to the last."""
    often = Counter(row.path for row in rows)
    return [
        row._replace(numbers=row.numbers[-1:])
        if len(row.numbers) == 3 and row.numbers[0] <= 1 and often[row.path] == 1
        else row
        for row in rows
    ]


def _times(numbers: tuple[int, ...]) -> tuple[float, float]:
    """Converts the first and last frame, counted from 1, to seconds of a frame folder."""
    first, last, _ = numbers
    return (max(first, 1) - 1) / FOLDER_FPS, last / FOLDER_FPS
