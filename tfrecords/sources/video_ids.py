"""The ids of videos, made of their paths."""

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
    """A listed path: as it is written where that exists, else with slashes for backslashes."""
    written = "\\" not in path or (os.sep == "/" and file_of(root, path).exists())
    return path if written else path.replace("\\", "/")


def video_id(path: str, start: float | None, end: float | None, keep_suffix: bool = False) -> str:
    """The stable name of a video or a segment of one."""
    pure = PurePosixPath(os.path.normpath(path))
    if pure.suffix.lower() in VIDEOS and not keep_suffix:
        pure = pure.with_suffix("")
    name = plain(str(pure))
    if start is None and end is None:
        return name
    return f"{name}@{start or 0:.10g}-{'end' if end is None else format(end, '.10g')}"


def distinct(entries: Sequence[VideoEntry]) -> list[VideoEntry]:
    """Entries of which those keep the suffix in their ids that would share one.

    The same file or segment twice still shares one: it is a mistake in a list.

    Args:
        entries: Entries, in any order.
    """
    entries, together = list(entries), True
    while together:  # "a.mp4" and "a.avi", whose id becomes "a.avi", as was that of "a.avi.mp4"
        by_id = defaultdict(list)
        for number, entry in enumerate(entries):
            by_id[entry.id].append(number)
        together = False
        for numbers in by_id.values():
            named = {n: _with_suffix(entries[n]) for n in numbers}
            if len({entry.id for entry in named.values()}) > 1:
                together = True
                for number, entry in named.items():
                    entries[number] = entry
    return entries


def _with_suffix(entry: VideoEntry) -> VideoEntry:
    return replace(entry, id=video_id(entry.path, entry.start, entry.end, keep_suffix=True))
