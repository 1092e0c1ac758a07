"""Which videos are of one scene, person or recording, and so belong into one split."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from tfrecords.format.record import SourceError, VideoEntry
from tfrecords.sources.video_ids import video_id
from tfrecords.text import plain

_SECONDS = r"\d+(?:\.\d+)?(?:e[+-]\d+)?"
_SEGMENT = re.compile(rf"(.+)@{_SECONDS}-(?:end|{_SECONDS})")  # as `video_id` spells it


def with_groups(entries: Sequence[VideoEntry], pattern: str | None = None) -> list[VideoEntry]:
    """Gives each video its group.

    With a pattern, that is what it finds in the path. Without, it is the source's own; or else the
    file, where videos are segments of files, or a file stands next to its frames.

    Args:
        entries: sequence of `VideoEntry` as the source has them.
        pattern: str or None, regular expression: its first parenthesis, or else all of it.

    Raises:
        SourceError: If the pattern is no regular expression or finds nothing in a path.
    """
    if pattern:
        return [replace(entry, group=_found(pattern, entry.path)) for entry in entries]
    recordings = defaultdict(list)
    for entry in entries:
        recordings[video_id(entry.path, None, None)].append(entry)
    groups = {name: _group_of(own) for name, own in recordings.items()}
    return [replace(e, group=e.group or groups[video_id(e.path, None, None)]) for e in entries]


def torn_groups(videos: Iterable[tuple[str | None, str, str]]) -> dict[str, dict[str, list[str]]]:
    """The groups that stand in several splits: the ids of their videos in each.

    Args:
        videos: iterable of the group (or None), the split and the id of each video.
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


def _group_of(recording: Sequence[VideoEntry]) -> str | None:
    """The group of the videos of one recording that have none of their own."""
    first = recording[0]
    if len(recording) == 1 and first.start is None and first.end is None:
        return None
    own = next((entry.group for entry in recording if entry.group), None)
    return own or plain(os.path.normpath(min(entry.path for entry in recording)))


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
