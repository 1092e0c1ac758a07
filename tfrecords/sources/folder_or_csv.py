"""Labeled videos on disk, read from a folder of class folders or from a CSV file."""

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
    """What a source holds.

    Args:
        root: The folder that relative paths start from.
        entries: Sorted by id; `split` is the source's own word for it, or
            empty where it has none.
        notes: What the user should know: what was ignored.
        class_names: The classes in the order of a published index; empty is sorted.
        missing: Frozenset of str, ids of entries that lists name and that are not there.
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
        source: A folder with one sub-folder per class (which may hold folders of the
            splits train, val and test, or stand in them), or a CSV file with the columns `path` and
            `label`, and where wanted `split`, `group`, `start` and `end`.
        split_column: The CSV's column that tells the split; None takes `split`.
        group_column: The CSV's column that tells the group; None takes `group`.

    Raises:
        SourceError: If it is empty, of one class only, names a video or segment twice, or is a CSV
            without what it needs.
    """
    source = Path(source)
    if source.is_dir():
        if split_column or group_column:
            raise SourceError(
                f"{source} is a folder and has no column {split_column or group_column!r}: give a "
                "CSV file, or a group pattern"
            )
        notes: list[str] = []
        root = source
        entries = read_class_folders(source, notes)
    elif source.suffix.lower() in VIDEOS and source.is_file():
        raise SourceError(
            f"{source} is one video: expected a folder with one sub-folder of videos per class, or "
            "a CSV file with the columns path and label"
        )
    elif source.is_file():
        root, notes = source.parent, []
        entries = list(_read_csv(source, split_column, group_column, notes))
    else:
        raise SourceError(f"{source} is neither a folder of class folders nor a CSV file")
    entries = distinct(entries)
    check_entries(source, entries)
    return Source(root, tuple(sorted(entries, key=lambda entry: entry.id)), tuple(notes))


def check_entries(source: Path, entries: list[VideoEntry]) -> None:
    """Raises `SourceError` where ids are not unique or there is nothing to tell apart."""
    if not entries and source.is_file():
        raise SourceError(
            f"{source} lists no videos: it needs a line with a path and a label for each, below "
            "the line with the names of the columns"
        )
    if not entries:
        raise SourceError(
            f"{source} holds no videos: expected {source.name}/CLASS/VIDEO.mp4, or a CSV file "
            "with the columns path and label"
        )
    seen: dict[str, VideoEntry] = {}
    for entry in entries:
        other = seen.setdefault(entry.id, entry)
        if other is not entry:
            raise SourceError(
                f"two videos of {source} have the id {entry.id!r}: {plain(other.path)} and "
                f"{plain(entry.path)}; remove or rename one"
            )
    labels = {entry.label for entry in entries}
    if len(labels) < 2:
        raise SourceError(
            f"{source} has one class only ({labels.pop()!r}): a classifier needs two or more"
        )


# A CSV file


def _read_csv(
    file: Path, split_column: str | None, group_column: str | None, notes: list[str]
) -> Iterator[VideoEntry]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{file} is not UTF-8 ({error.reason}): save it as CSV UTF-8") from None
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
    """Which column of the file plays which part; `path` and `label` must be there."""
    columns = {part: part for part in COLUMNS if part in names}
    columns |= {"split": split_column} if split_column else {}
    columns |= {"group": group_column} if group_column else {}
    needed = ["path", "label", *filter(None, (split_column, group_column))]
    missing = [name for name in needed if name not in names]
    if missing:
        raise SourceError(
            f"{file} has no column {' and no column '.join(map(repr, missing))}; its first line "
            f"names {', '.join(map(repr, names)) or 'nothing'}"
        )
    return columns


def _entry(place: str, root: Path, row: Mapping, columns: Mapping[str, str]) -> VideoEntry:
    if None in row or None in row.values():
        raise SourceError(f"{place} has more or fewer fields than the first line names")
    value = {part: row[column].strip() for part, column in columns.items()}
    for part in ("path", "label"):
        if not value[part]:
            raise SourceError(f"{place} has no {part}")
    start, end = (_time(place, part, value.get(part, "")) for part in ("start", "end"))
    if end is not None and end <= (start or 0):
        raise SourceError(f"{place}: the end {end:g} s is not after the start {start or 0:g} s")
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
        raise SourceError(f"{place}: the {part} {text!r} is not a number of seconds")
    return seconds
