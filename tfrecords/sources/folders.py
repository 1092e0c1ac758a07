"""The contents of a folder: videos, the frames of a video, or folders."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tfrecords.format.record import SourceError
from tfrecords.text import counted
from tfrecords.video.images import is_animated_webp
from tfrecords.video.picture import VideoError
from tfrecords.video.suffixes import IMAGES, VIDEOS


class Contents(NamedTuple):
    """The names in a folder by kind, each sorted, without hidden files."""

    videos: list[str]
    images: list[str]
    folders: list[str]
    others: list[str]

    @property
    def is_frames(self) -> bool:
        """Whether the folder is a video: it has images, and neither videos nor folders."""
        return bool(self.images) and not self.videos and not self.folders


def list_folder(folder: Path) -> Contents:
    """Lists a folder. WebP files count as videos if all of them are animations."""
    found = Contents([], [], [], [])
    with os.scandir(folder) as items:
        for item in sorted(items, key=lambda item: item.name):
            if item.name[0] != ".":
                _kind(found, item).append(item.name)
    webp = [name for name in found.images if name.lower().endswith(".webp")]
    if webp and all(is_animated_webp(folder / name) for name in webp):
        still = [name for name in found.images if name not in webp]
        found = found._replace(videos=sorted(found.videos + webp), images=still)
    return found


def _kind(found: Contents, item: os.DirEntry) -> list[str]:
    suffix = os.path.splitext(item.name)[1].lower()
    if item.is_dir():
        return found.folders
    return found.videos if suffix in VIDEOS else found.images if suffix in IMAGES else found.others


def videos_beneath(folder: Path, ignored: list[str]) -> Iterator[Path]:
    """The videos and frame folders under a folder, at any depth.

    Args:
        folder: The folder to search.
        ignored: List to which the names of other files are added.

    Raises:
        SourceError: If an image is among videos or folders.
    """
    yield from _beneath(folder, list_folder(folder), ignored, frozenset())


def _beneath(
    folder: Path, inside: Contents, ignored: list[str], above: frozenset[str]
) -> Iterator[Path]:
    """`above` are the parent folders. Links to them are not followed."""
    above |= {os.path.realpath(folder)}
    if inside.images:
        image = inside.images[0]
        raise SourceError(
            f"{folder / image} is an image among the videos of {folder}. Put the frames of a "
            f"video in a separate folder, {folder.name}/VIDEO/{image}."
        )
    ignored += inside.others
    yield from (folder / name for name in inside.videos)
    for below in (folder / name for name in inside.folders):
        if os.path.realpath(below) in above:
            continue
        within = list_folder(below)
        if within.is_frames:
            yield below
        else:
            yield from _beneath(below, within, ignored, above)


def videos_at(path: Path, ignored: list[str]) -> list[Path]:
    """The videos at a path: the path itself or, if it is a folder of videos, those in it.

    Args:
        path: A video file, a folder of frames or a folder of videos.
        ignored: List to which the other names in a folder of videos are added.

    Raises:
        VideoError: If it is a folder of neither videos nor frames.
    """
    if not path.is_dir():
        return [path]
    inside = list_folder(path)
    if inside.is_frames:
        return [path]
    if not inside.videos:
        raise VideoError(
            "a folder must contain videos, or only the frames of one video, but it contains "
            f"{_counts(inside)}; use a video or a folder in it"
        )
    ignored += [*inside.images, *inside.folders, *inside.others]
    return [path / name for name in inside.videos]


def _counts(inside: Contents) -> str:
    nouns = {"image": inside.images, "folder": inside.folders, "other file": inside.others}
    counts = [counted(len(names), noun) for noun, names in nouns.items() if names]
    return " and ".join(counts) or "nothing"
