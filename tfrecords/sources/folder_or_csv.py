"""Reads labeled videos from a folder of class folders or from a CSV file."""

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tfrecords.format.record import SourceError, VideoEntry
from tfrecords.sources.class_folders import read_class_folders
from tfrecords.sources.video_ids import distinct, video_id, with_slashes
from tfrecords.text import plain
from tfrecords.video.suffixes import VIDEOS

COLUMNS = ("path", "label", "split", "group", "start", "end")


@dataclass(frozen=True)
class Source:
    """The contents of a source.

    Args:
        root: The folder that relative paths start from.
        entries: The entries, sorted by id. Their `split` is the word in the source, or empty.
        notes: Notes for the user, such as ignored files.
        class_names: Class names in the order of a published index; empty for sorted names.
        missing: The ids of listed videos that are missing.
    """

    root: Path
    entries: tuple[VideoEntry, ...]
    notes: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()


def read_source(
    source: str | Path, split_column: str | None = None, group_column: str | None = None
) -> Source:
    """Lists the labeled videos of a source.

    Args:
        source: A folder with one subfolder per class (which may contain folders of the splits
            train, val and test, or be inside them), or a CSV file with the columns `path` and
            `label`, and optionally `split`, `group`, `start` and `end`.
        split_column: CSV column with the split; None is `split`.
        group_column: CSV column with the group; None is `group`.

    Raises:
        SourceError: If the source is empty, has only one class, lists a video or segment twice, or
            is a CSV file without the required columns.
    """
    source = Path(source)
    if source.is_dir():
        if split_column or group_column:
            raise SourceError(
                f"{source} is a folder and has no column {split_column or group_column!r}. Use a "
                "CSV file, or a group pattern."
            )
        notes: list[str] = []
        root = source
        entries = read_class_folders(source, notes)
    elif source.suffix.lower() in VIDEOS and source.is_file():
        raise SourceError(
            "The source must be a folder with one subfolder of videos per class, or a CSV file "
            f"with the columns path and label, received the video {source}."
        )
    elif source.is_file():
        root, notes = source.parent, []
        entries = list(_read_csv(source, split_column, group_column, notes))
    else:
        raise SourceError(
            f"The source must be a folder of class folders or a CSV file, received {source}."
        )
    entries = distinct(entries)
    check_entries(source, entries)
    return Source(root, tuple(sorted(entries, key=lambda entry: entry.id)), tuple(notes))


def check_entries(source: Path, entries: list[VideoEntry]) -> None:
    """Raises `SourceError` unless ids are unique and there are at least two classes."""
    if not entries and source.is_file():
        raise SourceError(
            f"{source} lists no videos. Add a line with a path and a label for each video, below "
            "the line with the names of the columns."
        )
    if not entries:
        raise SourceError(
            f"{source} contains no videos. Arrange them as {source.name}/CLASS/VIDEO.mp4, or use a "
            "CSV file with the columns path and label."
        )
    seen: dict[str, VideoEntry] = {}
    for entry in entries:
        other = seen.setdefault(entry.id, entry)
        if other is not entry:
            raise SourceError(
                f"The ids of videos must be unique, but {plain(other.path)} and "
                f"{plain(entry.path)} of {source} both have the id {entry.id!r}. Rename one."
            )
    labels = {entry.label for entry in entries}
    if len(labels) < 2:
        raise SourceError(
            f"{source} must have at least two classes, received one ({labels.pop()!r})."
        )


# A CSV file


def _read_csv(
    file: Path, split_column: str | None, group_column: str | None, notes: list[str]
) -> Iterator[VideoEntry]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{file} must be UTF-8 ({error.reason}). Save it as CSV UTF-8.") from None
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [(name or "").strip() for name in rows.fieldnames or ()]
        rows.fieldnames = names
        columns = _columns(file, names, split_column, group_column)
        ignored = [name for name in names if name and name not in columns.values()]
        if ignored:
            notes.append(f"Ignored columns of {file.name}: {', '.join(ignored)}")
        for row in rows:
            yield _entry(f"{file}, line {rows.line_num}", file.parent, row, columns)
    except csv.Error as error:
        raise SourceError(f"{file}, after line {rows.line_num}: {error}") from None


def _columns(
    file: Path, names: list[str], split_column: str | None, group_column: str | None
) -> dict[str, str]:
    """Maps each of COLUMNS to its column in the file; `path` and `label` are required."""
    columns = {part: part for part in COLUMNS if part in names}
    columns |= {"split": split_column} if split_column else {}
    columns |= {"group": group_column} if group_column else {}
    needed = ["path", "label", *filter(None, (split_column, group_column))]
    missing = [name for name in needed if name not in names]
    if missing:
        raise SourceError(
            f"{file} has no column {' and no column '.join(map(repr, missing))}. Its first line "
            f"has {', '.join(map(repr, names)) or 'no columns'}."
        )
    return columns


def _entry(place: str, root: Path, row: Mapping, columns: Mapping[str, str]) -> VideoEntry:
    if None in row or None in row.values():
        raise SourceError(f"{place} must have as many fields as the first line.")
    value = {part: row[column].strip() for part, column in columns.items()}
    for part in ("path", "label"):
        if not value[part]:
            raise SourceError(f"{place} has no {part}.")
    start, end = (_time(place, part, value.get(part, "")) for part in ("start", "end"))
    if end is not None and end <= (start or 0):
        raise SourceError(
            f"{place}: end must be after start ({start or 0:g} s), received {end:g} s."
        )
    path = with_slashes(root, value["path"])
    name = video_id(path, start, end)
    group = plain(value.get("group", "")) or None
    return VideoEntry(name, path, plain(value["label"]), value.get("split", ""), start, end, group)


def _time(place: str, part: str, text: str) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise SourceError(f"{place}: {part} must be a number of seconds, received {text!r}.")
    return seconds
