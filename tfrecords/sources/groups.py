"""Which videos are of one scene, person or recording, and so belong into one split."""

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
_SEGMENT = re.compile(rf"(.+)@{_SECONDS}-(?:end|{_SECONDS})")  # as `video_id` spells it


def with_groups(
    entries: Sequence[VideoEntry], pattern: str | None = None, root: Path = Path()
) -> list[VideoEntry]:
    """Gives each video its group.

    With a pattern, that is what it finds in the path. Without, it is the source's own; or else the
    file, where videos are segments of files, a file stands next to its frames, or one file has
    several paths.

    Args:
        entries: Sequence of `VideoEntry` as the source has them.
        pattern: Regular expression: its first parenthesis, or else all of it.
        root: The folder that relative paths start from.

    Raises:
        SourceError: If the pattern is no regular expression or finds nothing in a path.
    """
    if pattern:
        return [replace(entry, group=_found(pattern, entry.path)) for entry in entries]
    groups: dict[str, str | None] = {}
    for recording in _recordings(entries, root):
        groups |= dict.fromkeys((entry.path for entry in recording), _group_of(recording))
    return [replace(entry, group=entry.group or groups[entry.path]) for entry in entries]


def torn_groups(videos: Iterable[tuple[str | None, str, str]]) -> dict[str, dict[str, list[str]]]:
    """The groups that stand in several splits: the ids of their videos in each.

    Args:
        videos: Iterable of the group (or None), the split and the id of each video.
    """
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for group, split, name in videos:
        if group:
            found[group][split].append(name)
    return {group: dict(own) for group, own in sorted(found.items()) if len(own) > 1}


def groups_of(ids: Iterable[str], groups: Mapping[str, str]) -> dict[str, str]:
    """The groups of a data set, by id; in old ones those of segments are told by their ids."""
    segments = {name: found[1] for name in ids if (found := _SEGMENT.fullmatch(name))}
    return segments | dict(groups)


def _recordings(entries: Sequence[VideoEntry], root: Path) -> Iterable[list[VideoEntry]]:
    """The entries of each recording: their paths or files differ in the suffix at most."""
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
    except ValueError:  # a zero byte, of which no file has a name
        return path


def _group_of(recording: Sequence[VideoEntry]) -> str | None:
    """The group of the videos of one recording that have none of their own."""
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
            f"the group pattern {pattern!r} is no regular expression: {error}"
        ) from None
    if not found:
        raise SourceError(f"the group pattern {pattern!r} finds nothing in {plain(path)}")
    return plain(found.group(1) if found.groups() else found.group())
