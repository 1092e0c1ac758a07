"""Groups of videos of one scene, person or recording, which must be in one split."""

import functools
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tfrecords.format.record import SourceError, VideoEntry
from tfrecords.sources.file_names import file_of
from tfrecords.sources.video_ids import video_id
from tfrecords.text import plain

_SECONDS = r"\d+(?:\.\d+)?(?:e[+-]\d+)?"
_SEGMENT = re.compile(rf"(.+)@{_SECONDS}-(?:end|{_SECONDS})")  # the format of `video_id`


def with_groups(
    entries: Sequence[VideoEntry], pattern: str | None = None, root: Path = Path()
) -> list[VideoEntry]:
    """Assigns a group to each video.

    With a pattern, the group is its match in the path. Otherwise it is the group in the source. If
    the source has none, the file is the group of its segments, of its frames next to it, and of
    several paths to it.

    Args:
        entries: The entries of the source.
        pattern: Regular expression. The group is its first capture group, or the whole match.
        root: The folder that relative paths start from.

    Raises:
        SourceError: If the pattern is not a regular expression or does not match a path.
    """
    if pattern:
        return [replace(entry, group=_found(pattern, entry.path)) for entry in entries]
    groups: dict[str, str | None] = {}
    for recording in _recordings(entries, root):
        groups |= dict.fromkeys((entry.path for entry in recording), _group_of(recording))
    return [replace(entry, group=entry.group or groups[entry.path]) for entry in entries]


def torn_groups(videos: Iterable[tuple[str | None, str, str]]) -> dict[str, dict[str, list[str]]]:
    """The groups in several splits, with the ids of their videos in each split.

    Args:
        videos: The group (or None), the split and the id of each video.
    """
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for group, split, name in videos:
        if group:
            found[group][split].append(name)
    return {group: dict(own) for group, own in sorted(found.items()) if len(own) > 1}


def groups_of(ids: Iterable[str], groups: Mapping[str, str]) -> dict[str, str]:
    """The groups of a data set, by id. In old data sets, segments are recognized by their ids."""
    segments = {name: found[1] for name in ids if (found := _SEGMENT.fullmatch(name))}
    return segments | dict(groups)


def _recordings(entries: Sequence[VideoEntry], root: Path) -> Iterable[list[VideoEntry]]:
    """The entries of each recording, whose paths or files differ at most in the suffix."""
    above: dict[str, str] = {}

    def top(name: str) -> str:
        while (name_above := above.setdefault(name, name)) != name:
            name = name_above
        return name

    real_folder = functools.cache(_real)
    for path in {entry.path for entry in entries}:
        file = file_of(root, path)
        real = _real(file) if os.path.islink(file) else real_folder(file.parent) / file.name
        above[top(_name(path))] = top(_name(str(real)))
    recordings = defaultdict(list)
    for entry in entries:
        recordings[top(_name(entry.path))].append(entry)
    return recordings.values()


def _name(path: str) -> str:
    return video_id(path, None, None)


def _real(path: Path) -> Path:
    try:
        return Path(os.path.realpath(path))
    except ValueError:  # a zero byte, which no file name contains
        return path


def _group_of(recording: Sequence[VideoEntry]) -> str | None:
    """The group of the videos of a recording that have no group in the source."""
    first = recording[0]
    if len(recording) == 1 and first.start is None and first.end is None:
        return None
    own = next((entry.group for entry in recording if entry.group), None)
    return own or plain(
        os.path.normpath(min((os.path.isabs(e.path), e.path) for e in recording)[1])
    )


def _found(pattern: str, path: str) -> str:
    try:
        found = re.search(pattern, path)
    except re.error as error:
        raise SourceError(
            f"The group pattern must be a regular expression, received {pattern!r}: {error}."
        ) from None
    if not found:
        raise SourceError(
            f"The group pattern must match every path, but {pattern!r} does not match "
            f"{plain(path)}."
        )
    return plain(found.group(1) if found.groups() else found.group())
