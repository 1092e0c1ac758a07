"""The videos of a split on disk, and random access to their frames."""

import hashlib
import os
import re
import zlib
from pathlib import Path

import numpy as np

from tfrecords.index import (
    FRAME_DTYPE,
    HEADER_DTYPE,
    VIDEO_DTYPE,
    BadIndex,
    index_path,
    read_index,
)
from tfrecords.manifest import Shard, read_manifest


class BadShard(ValueError):  # noqa: N818
    """A shard that is missing, short or damaged; the message names it and the remedy."""


class Split:
    """The videos of one split: ids, rows of `VIDEO_DTYPE`, and their frames at random access.

    Shards are opened for each read and closed again, so that any number of them can be used, from
    any number of threads.

    Args:
        folder: str or Path, the data set.
        split: str, the split.

    Raises:
        ValueError: If the folder is no data set, the split is unknown or empty, or a shard or its
            index is missing or is not what dataset.json says.
    """

    def __init__(self, folder: str | Path, split: str):
        folder = Path(folder)
        manifest = read_manifest(folder)
        shards = manifest.shards(split)
        self.name = split
        self.class_names = manifest.class_names
        self.ids = manifest.ids(split)
        if not self.ids:
            raise ValueError(f"{folder} has no video in its split {split!r}")
        self._files = [folder / shard.file for shard in shards]
        videos = [_checked_videos(folder, shard, len(self.class_names)) for shard in shards]
        self.videos = np.concatenate(videos)
        self._shard = np.repeat(np.arange(len(shards)), [len(rows) for rows in videos])
        self._rows = np.concatenate([_row_offsets(rows) for rows in videos])

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, video: int, frames: np.ndarray) -> list[bytes]:
        """Reads the JPEGs of some frames of a video, and nothing else of its shard.

        Args:
            video: int, the place of the video in the split.
            frames: int array, frame numbers, shape `(n,)`.

        Returns:
            A list of `n` bytes objects, each checked against its CRC-32.

        Raises:
            BadShard: If the bytes cannot be read or are not those that were written.
        """
        shard = self._files[self._shard[video]]
        offsets = self._rows[video] + frames * FRAME_DTYPE.itemsize
        places = [(int(offset), FRAME_DTYPE.itemsize) for offset in offsets]
        rows = np.frombuffer(b"".join(_read(index_path(shard), places)), FRAME_DTYPE).tolist()
        jpegs = _read(shard, [(offset, length) for offset, length, _ in rows])
        for frame, jpeg, (_, _, crc32) in zip(frames, jpegs, rows, strict=True):
            if zlib.crc32(jpeg) != crc32:
                raise self.damaged(video, int(frame), "is not what was written (CRC-32 differs)")
        return jpegs

    def damaged(self, video: int, frame: int, reason: str) -> BadShard:
        """The error for a frame that cannot be used."""
        return _bad(
            self._files[self._shard[video]], f"frame {frame} of video {self.ids[video]!r} {reason}"
        )


def data_error(error: BaseException) -> BadShard | None:
    """The sentence about damaged data in what TensorFlow raises while a dataset is iterated.

    Args:
        error: exception, as `model.fit` or a loop over `tfrecords.clips` raised it.

    Returns:
        The `BadShard` with its one sentence, or None when the error is about something else.

    Example:

    >>> try:
    ...     model.fit(tfrecords.clips("data/mine"))
    ... except tf.errors.OpError as error:
    ...     raise (tfrecords.data_error(error) or error) from None
    """
    found = re.search(r"BadShard: (.*)", str(error))
    return BadShard(found.group(1)) if found else None


def _checked_videos(folder: Path, shard: Shard, classes: int) -> np.ndarray:
    """The video rows of a shard; a copy, since every mapped index would hold a file open."""
    path = folder / shard.file
    if not path.is_file():
        raise _bad(path, "the file is missing")
    index = read_index(index_path(path))
    size = path.stat().st_size
    if size != index.shard_size:
        raise _bad(path, f"it has {size} bytes where its index says {index.shard_size}")
    with open(index_path(path), "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    labels = index.videos["label"]
    if (
        digest != shard.index_sha256
        or index.sha256.hex() != shard.sha256
        or len(index.videos) != len(shard.videos)
        or not ((labels >= 0) & (labels < classes)).all()
    ):
        raise BadIndex(
            f"{index_path(path)} is not the index that dataset.json names; "
            f"`ctm verify {folder}` lists what is wrong"
        )
    return index.videos.copy()


def _row_offsets(videos: np.ndarray) -> np.ndarray:
    """Where the frame rows of each video begin in the index file."""
    head = HEADER_DTYPE.itemsize + len(videos) * VIDEO_DTYPE.itemsize
    return head + videos["first"].astype(np.int64) * FRAME_DTYPE.itemsize


def _read(path: Path, places: list[tuple[int, int]]) -> list[bytes]:
    """Bytes of a file at places (offset, length)."""
    try:
        with open(path, "rb", buffering=0) as file:
            parts = [os.pread(file.fileno(), length, offset) for offset, length in places]
    except OSError as error:
        raise _bad(path, error.strerror or str(error)) from None
    if any(len(part) != length for part, (_, length) in zip(parts, places, strict=True)):
        raise _bad(path, "the file has become shorter than its index says")
    return parts


def _bad(path: Path, reason: str) -> BadShard:
    return BadShard(
        f"{path} cannot be used: {reason}; `ctm verify {path.parent}` lists what is wrong, and "
        "building the data set anew writes it afresh"
    )
