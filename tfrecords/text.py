"""Names of videos and classes: as text, as ids, as they are printed; and numbers in words."""

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tfrecords.format.record import VideoEntry

LONGEST_NAME = 32  # letters of a name in a table, a sentence or a picture
VIDEOS = {
    *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".mkv", ".webm", ".ogv", ".ogm"),
    *(".avi", ".divx", ".xvid", ".wmv", ".asf", ".flv", ".f4v", ".rm", ".rmvb", ".gif"),
    *(".mpg", ".mpeg", ".mpe", ".mpv", ".m1v", ".m2v", ".vob", ".mod", ".dv", ".mxf"),
    *(".ts", ".mts", ".m2ts", ".m2t", ".trp", ".tod", ".h264", ".264", ".h265", ".265", ".hevc"),
    *(".mjpeg", ".mjpg", ".y4m"),
}
_HALF_PAIR = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # the rest stand for bytes of file names


def plain(name: str) -> str:
    """A name as text that every system spells alike and every file can hold."""
    name = _HALF_PAIR.sub("\ufffd", name)
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", name)


def printable(name: str) -> str:
    """A name from outside, safe to print: what would control a terminal is spelled out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def shorten(name: str) -> str:
    """The name, or its begin where it is long."""
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def counted(number: int, noun: str) -> str:
    """`"1 video"`, `"2 videos"`."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def timed(seconds: float) -> str:
    """`"a second"`, `"20 seconds"`, `"1.5 hours"`."""
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds" if seconds >= 1.5 else "a second"


def sized(number: float) -> str:
    """Bytes: `"12.3 MB"`, `"1.5 GB"`."""
    for unit, size in (("TB", 1e12), ("GB", 1e9)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number / 1e6:.3g} MB"


def with_slashes(root: Path, path: str) -> str:
    """A listed path: as it is written where that exists, else with slashes for backslashes."""
    written = "\\" not in path or (os.sep == "/" and (root / path).exists())
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
        entries: sequence of `VideoEntry`, in any order.
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
