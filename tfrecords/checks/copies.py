"""Finds the copies in a data set, within its splits and across them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tfrecords.checks.thumbnails import few_frames, many_frames, of_each
from tfrecords.checks.video_hashes import STILL, Thumbnails, find_copies, hashes
from tfrecords.reading.split import Split


class Video(NamedTuple):
    """The id, split and class of a video."""

    id: str
    split: str
    label: str


@dataclass(frozen=True)
class Copy:
    """Two videos, one of which is a copy of the other or of a part of it.

    Args:
        videos: The two videos.
        identical: Whether their frames are identical.
        motion: Correlation of the motion.
        picture: Correlation of the pictures.
    """

    videos: tuple[Video, Video]
    identical: bool
    motion: float
    picture: float

    @property
    def torn(self) -> bool:
        """Whether the videos are in different splits."""
        return self.videos[0].split != self.videos[1].split


class Look(NamedTuple):
    """The result of a first scan of a video.

    Args:
        hashes: Uint64 array of shape `(2, n)`.
        digest: Equal for identical videos only; empty for a blank video.
    """

    hashes: np.ndarray
    digest: bytes


def all_copies(
    splits: Sequence[Split], progress: bool
) -> tuple[tuple[Copy, ...], tuple[Video, ...]]:
    """Finds the copies among all videos of a data set, and the videos of a single color.

    Args:
        splits: The splits of the data set.
        progress: Whether to show progress bars on a terminal.

    Returns:
        A tuple of `Copy`, copies in different splits first, and a tuple of blank `Video`.
    """
    places = [(split, video) for split in splits for video in range(len(split))]
    looks = of_each(_look, places, "scanning", progress)
    sets = _identical(looks)
    chosen = [own[0] for own in sets]  # one of each set of identical videos

    def more(wanted: Sequence[int]) -> dict[int, Thumbnails]:
        own = [places[chosen[number]] for number in wanted]
        return dict(zip(wanted, of_each(many_frames, own, "comparing", progress), strict=True))

    hashed = (
        np.stack([looks[number].hashes for number in chosen]) if chosen else np.zeros((0, 2, 1))
    )
    named = [_video(*place) for place in places]
    found = [Copy((named[own[0]], named[n]), True, 1.0, 1.0) for own in sets for n in own[1:]]
    for one, two, motion, picture in find_copies(hashed, more):
        both = named[chosen[one]], named[chosen[two]]
        found.append(Copy(both, False, round(motion, 3), round(picture, 3)))
    found.sort(key=lambda copy: (not copy.torn, not copy.identical, copy.videos))
    blank = (video for video, look in zip(named, looks, strict=True) if not look.digest)
    return tuple(found), tuple(blank)


def _look(place: tuple[Split, int]) -> Look:
    split, video = place
    seen = few_frames(split, video)
    if seen.pictures.std((1, 2)).max() < STILL:
        return Look(hashes(seen), b"")
    digest = hashlib.sha256(seen.pictures.tobytes())
    digest.update(split.videos["frames"][video].tobytes())
    return Look(hashes(seen), digest.digest())


def _identical(looks: Sequence[Look]) -> list[list[int]]:
    """Groups the videos that are not blank into sets of identical ones."""
    sets: dict[bytes, list[int]] = {}
    for number, look in enumerate(looks):
        if look.digest:
            sets.setdefault(look.digest, []).append(number)
    return list(sets.values())


def _video(split: Split, video: int) -> Video:
    label = split.class_names[split.videos["label"][video]]
    return Video(split.ids[video], split.name, label)
