"""Finds listed videos under a folder by their names."""

import itertools
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from tfrecords.format.record import VideoEntry
from tfrecords.sources.file_names import as_text, file_of
from tfrecords.sources.folder_or_csv import SourceError
from tfrecords.sources.folders import list_folder
from tfrecords.text import plain
from tfrecords.video.suffixes import VIDEOS


def find_videos(root: Path, videos: Iterable[VideoEntry]) -> dict[str, str]:
    """A mapping from the id of each existing video to its path.

    A video is the file or frame folder of its name with any suffix. Of several candidates, an exact
    match of the path wins, then the longest match of its last folders. No video gets the file of
    another listed video.

    Args:
        root: The folder to search.
        videos: The entries with their listed paths, which may be absolute.

    Raises:
        SourceError: If two files match a video, or a file matches two videos.
    """
    existing: dict[str, list[str]] = defaultdict(list)
    for path in map(as_text, walk(root)):
        existing[_parts(path)[-1]].append(path)
    found: dict[str, str] = {}
    claims: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for video in videos:
        candidates = existing[_parts(video.path)[-1]]
        if os.path.isabs(video.path) and file_of(root, video.path).exists():
            found[video.id] = video.path
        elif file := _as_written(video.path, candidates) or _most_alike(
            root, video.path, candidates
        ):
            found[video.id] = file
            claims[file].setdefault(video.path, []).append(video.id)
    for file, claimants in claims.items():
        for name in _losers(root, file, claimants):
            del found[name]
    return found


def walk(root: Path) -> Iterator[str]:
    """The videos and frame folders under a folder, relative to it."""
    folders, seen = [""], {os.path.realpath(root)}
    while folders:
        folder = folders.pop()
        inside = list_folder(root / folder)
        if folder and inside.is_frames:
            yield folder
            continue
        yield from (os.path.join(folder, name) for name in inside.videos)
        for name in inside.folders:
            real = os.path.realpath(root / folder / name)
            if real not in seen:  # not a cycle of links
                seen.add(real)
                folders.append(os.path.join(folder, name))


def _parts(path: str) -> list[str]:
    """The folders and the name of a path, without the suffix of a video."""
    pure = PurePosixPath(path.replace("\\", "/"))
    pure = pure.with_suffix("") if pure.suffix.lower() in VIDEOS else pure
    return [plain(part) for part in pure.parts] or [""]


def _alike(one: str, other: str) -> int:
    """The number of equal parts at the end of two paths."""
    pairs = zip(reversed(_parts(one)), reversed(_parts(other)), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _as_written(listed: str, candidates: list[str]) -> str | None:
    path = os.path.normpath(listed)
    return path if path in candidates else None


def _most_alike(root: Path, listed: str, candidates: list[str]) -> str | None:
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    most = max(_alike(listed, path) for path in candidates)
    best = [path for path in candidates if _alike(listed, path) == most]
    if len(best) > 1:
        raise SourceError(
            f"{plain(best[0])} and {plain(best[1])} under {root} could both be the listed "
            f"{listed}. Use the folder that contains one of them as SOURCE."
        )
    return best[0]


def _losers(root: Path, path: str, claimants: dict[str, list[str]]) -> Iterator[str]:
    """The ids of videos whose file better matches the listed path of another video."""
    if len(claimants) < 2:
        return
    most = max(_alike(listed, path) for listed in claimants)
    best = [listed for listed in claimants if _alike(listed, path) == most]
    if len(best) > 1:
        raise SourceError(
            f"{plain(path)} under {root} could be {best[0]} or {best[1]} of the lists. Keep the "
            "folders as they were published."
        )
    for listed in claimants.keys() - set(best):
        yield from claimants[listed]
