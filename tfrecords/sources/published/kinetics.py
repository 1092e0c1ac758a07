"""Kinetics-400, -600 and -700 (Kay et al., arXiv 1705.06950), and two data sets made of it."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tfrecords.format.record import VideoEntry
from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.published.listing import (
    Listing,
    Lists,
    left_out,
    lines_of,
    listed,
    names_of,
    text_of,
)
from tfrecords.sources.split_words import split_of
from tfrecords.text import plain


class _Row(NamedTuple):
    place: str
    youtube_id: str
    path: str
    label: str
    split: str


def kinetics(lists: Lists) -> Listing:
    """Kinetics-400, -600, -700: CSV files with train, val or test in their names.

    Videos are YTID_000010_000020.mp4, as downloaders name them, in any folders.

    Example:
    ctm build k400 --format kinetics --annotations k400/annotations --out data/k400
    """
    return _listing(list(_rows(lists)))


def mini_kinetics_200(lists: Lists) -> Listing:
    """Mini-Kinetics-200 of S3D: train_ytid_list.txt, val_ytid_list.txt, Kinetics-400's CSV files.

    Example:
    ctm build k400 --format mini-kinetics-200 --annotations mini --out data/mini200
    """
    rows: dict[str, list[_Row]] = {}
    for row in _rows(lists):
        rows.setdefault(row.youtube_id, []).append(row)
    videos, unknown = [], 0
    for split, path in lists.by_split("*_ytid_list.txt").items():
        own = [_join(place, name, split, rows.get(name, [])) for place, name in lines_of(path)]
        if not any(video.label for video in own):
            raise SourceError(
                f"{lists.folder} has no Kinetics-400 CSV file with the ids of {path.name}, which "
                "has no labels. Copy the CSV file there."
            )
        unknown += sum(not video.label for video in own)
        videos += own
    note = f"{unknown:,} ids are in no Kinetics CSV file and count as missing."
    names = sorted({video.label for video in videos if video.label})
    return Listing(names, videos, [note] if unknown else [])


def mini_kinetics_ibm(lists: Lists) -> Listing:
    """Mini-Kinetics of IBM: the classes of mini_kinetics400.txt in Kinetics-400's CSV files.

    Example:
    ctm build k400 --format mini-kinetics-ibm --annotations lists --out data/mini_ibm
    """
    file = lists.file("mini_kinetics400.txt")
    wanted = {_letters(name): name for name in names_of(file)}  # it has "yoga''."
    rows = [row for row in _rows(lists) if not row.label or _letters(row.label) in wanted]
    for key in sorted(wanted.keys() - {_letters(row.label) for row in rows}):
        raise SourceError(f"{file}: no Kinetics CSV file next to it has the class {wanted[key]!r}.")
    return _listing(rows)


def _rows(lists: Lists) -> Iterator[_Row]:
    for of_file, path in lists.by_split("*.csv").items():
        rows = csv.DictReader(io.StringIO(text_of(path), newline=""))
        if missing := {"youtube_id", "time_start", "time_end"} - set(rows.fieldnames or ()):
            raise SourceError(
                f"{path} must be a Kinetics CSV file, but has no column {sorted(missing)[0]!r}."
            )
        for row in rows:
            place = f"{path}, line {rows.line_num}"
            try:
                times = [int(float(row[key])) for key in ("time_start", "time_end")]
            except (TypeError, ValueError):
                raise SourceError(f"{place}: times must be numbers of seconds.") from None
            stem = "{}_{:06d}_{:06d}".format(row["youtube_id"], *times)
            label = plain((row.get("label") or "").replace('"', "").strip())
            split = of_file or split_of(row.get("split") or "") or ""
            yield _Row(place, row["youtube_id"], stem, label, split)


def _listing(rows: list[_Row]) -> Listing:
    names = sorted({row.label for row in rows if row.label})
    order, videos = set(names), []
    often = Counter(row.youtube_id for row in rows)
    for row in rows:
        if row.label:
            group = row.youtube_id if often[row.youtube_id] > 1 else None
            videos.append(listed(row.place, order, row.path, row.label, row.split, group=group))
        elif row.split != "test":
            raise SourceError(f"{row.place} has no label.")
    return Listing(names, videos, left_out(len(rows) - len(videos)))


def _join(place: str, youtube_id: str, split: str, rows: list[_Row]) -> VideoEntry:
    if len(rows) > 1:
        raise SourceError(
            f"{place}: {youtube_id} is in both {rows[0].place} and {rows[1].place}. Keep only the "
            "train and validation CSV files of Kinetics-400."
        )
    if not rows:
        return VideoEntry(youtube_id, youtube_id, "", split)
    return VideoEntry(rows[0].path, rows[0].path, rows[0].label, split)


def _letters(name: str) -> str:
    return re.sub("[^a-z]", "", name.lower())
