"""Creates the ids of videos from their paths."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tfrecords.format.record import VideoEntry
from tfrecords.sources.file_names import file_of
from tfrecords.text import plain
from tfrecords.video.suffixes import VIDEOS


def with_slashes(root: Path, path: str) -> str:
    """Replaces the backslashes of a listed path unless it exists as written."""
    written = "\\" not in path or (os.sep == "/" and file_of(root, path).exists())
    return path if written else path.replace("\\", "/")


def video_id(path: str, start: float | None, end: float | None, keep_suffix: bool = False) -> str:
    """The stable id of a video or of a segment."""
    pure = PurePosixPath(os.path.normpath(path))
    if pure.suffix.lower() in VIDEOS and not keep_suffix:
        pure = pure.with_suffix("")
    name = plain(str(pure))
    if start is None and end is None:
        return name
    return f"{name}@{start or 0:.10g}-{'end' if end is None else format(end, '.10g')}"


def distinct(entries: Sequence[VideoEntry]) -> list[VideoEntry]:
    """Keeps the file suffix in ids that would otherwise collide.

    The ids of a file or segment that is listed twice still collide, since that is an error.

    Args:
        entries: Entries, in any order.
    """
    entries, collide = list(entries), True
    while collide:  # "a.avi", next to "a.mp4", gets the id that "a.avi.mp4" has
        by_id = defaultdict(list)
        for number, entry in enumerate(entries):
            by_id[entry.id].append(number)
        collide = False
        for numbers in by_id.values():
            named = {n: _with_suffix(entries[n]) for n in numbers}
            if len({entry.id for entry in named.values()}) > 1:
                collide = True
                for number, entry in named.items():
                    entries[number] = entry
    return entries


def _with_suffix(entry: VideoEntry) -> VideoEntry:
    return replace(entry, id=video_id(entry.path, entry.start, entry.end, keep_suffix=True))
