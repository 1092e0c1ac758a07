"""The videos of a split, local or remote, and random access to their frames."""

import hashlib
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tfrecords.format.index import (
    FRAME_DTYPE,
    PICTURE_DTYPE,
    BadIndex,
    index_path,
    read_index,
)
from tfrecords.format.manifest import Manifest, Shard, read_manifest
from tfrecords.format.split_name import SplitName
from tfrecords.reading.folds import fold_numbers
from tfrecords.storage.byte_ranges import read_ranges, require_ranges
from tfrecords.storage.files import AnyPath, as_path, each, file_size, is_remote
from tfrecords.storage.local_copies import cached
from tfrecords.storage.retry import StorageError
from tfrecords.video.packets import Media, Piece, runs

_CHANGED = "differs from what was written (wrong CRC-32)"


class BadShard(ValueError):  # noqa: N818
    """A shard is missing, truncated or damaged. The message names the file and the remedy."""


class Split:
    """The videos of one split: ids, rows of `VIDEO_DTYPE`, and random access to their frames.

    Each read opens and closes its shard, so any number of shards can be used from any number of
    threads. For a remote data set, the indexes are cached on this machine, and a read downloads
    only its frames.

    `base` is the name of the whole splits that have the videos, and `rows` their places among
    the videos of `base`: for `"train+val:fold-0-of-5"`, `Split(folder, "train+val")` has them at
    `rows`.

    Args:
        folder: The data set, for example `"data/mine"` or `"s3://bucket/mine"`.
        split: A split such as `"train"`, several together as `"train+val"`, one of their folds as
            `"train+val:fold-0-of-5"`, or all other folds as `"train+val:all-but-0-of-5"`.

    Raises:
        ValueError: If the folder is not a data set, the split is unknown or empty or cannot be
            divided into the folds, or a shard or its index is missing or does not match
            dataset.json.
        StorageError: If the server of a remote folder does not respond.
    """

    def __init__(self, folder: str | AnyPath, split: str):
        folder = as_path(folder)
        manifest = read_manifest(folder)
        name = SplitName.parse(split)
        self.name, self.base = split, name.base
        shards, ids = manifest.shards(self.base), manifest.ids(self.base)
        self.remote = is_remote(folder)
        self.class_names = manifest.class_names
        if not ids:
            raise ValueError(f"split must have videos, received {split!r}, empty in {folder}.")
        self._files = [folder / shard.file for shard in shards]
        tables = each(folder, lambda shard: _opened(folder, shard, len(self.class_names)), shards)
        self._indexes = [index for index, _ in tables]
        require_ranges(self._files[0])
        columns = list(map(np.concatenate, zip(*(own for _, own in tables), strict=True)))
        self.rows = _rows(name, ids, columns[0]["label"], manifest)
        self.ids = tuple(ids[row] for row in self.rows)
        columns = [column[self.rows] for column in columns]
        self.videos, self.encoded, self._pieces, self._pictures = columns
        shard = np.repeat(np.arange(len(shards)), [len(own[0]) for _, own in tables])
        self._shard = shard[self.rows]

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, video: int, frames: np.ndarray) -> list[bytes]:
        """Reads the JPEGs of some frames of a video, and nothing else from its shard.

        A video that is stored encoded has no JPEGs; see `encoded` and `read_media`.

        Args:
            video: Index of the video in the split.
            frames: Frame numbers, shape `(n,)`.

        Returns:
            A list of `n` bytes objects, each checked against its CRC-32.

        Raises:
            BadShard: If the bytes cannot be read or differ from what was written.
            StorageError: If the server of a remote data set does not respond.
        """
        shard, index = self._files[self._shard[video]], self._indexes[self._shard[video]]
        offsets = self._pieces[video] + frames * FRAME_DTYPE.itemsize
        places = [(int(offset), FRAME_DTYPE.itemsize) for offset in offsets]
        rows = np.frombuffer(b"".join(_read(index, places)), FRAME_DTYPE).tolist()
        jpegs = _read(shard, [(offset, length) for offset, length, _ in rows])
        for frame, jpeg, (_, _, crc32) in zip(frames, jpegs, rows, strict=True):
            if zlib.crc32(jpeg) != crc32:
                raise self.damaged(video, int(frame), _CHANGED)
        return jpegs

    def read_media(self, video: int, frames: np.ndarray) -> Media:
        """Reads the packets that some frames of an encoded video need.

        Args:
            video: Index of the video in the split.
            frames: Frame numbers in ascending order, shape `(n,)`.

        Returns:
            A `Media`. Every piece of it is checked against its CRC-32.

        Raises:
            BadShard: If the bytes cannot be read or differ from what was written.
            StorageError: If the server of a remote data set does not respond.
        """
        shard, index = self._files[self._shard[video]], self._indexes[self._shard[video]]
        first, count = int(frames[0]), int(frames[-1] - frames[0]) + 1
        start = int(self._pictures[video]) + first * PICTURE_DTYPE.itemsize
        rows = _read(index, [(start, count * PICTURE_DTYPE.itemsize)])[0]
        pictures = np.frombuffer(rows, PICTURE_DTYPE)[frames - first]
        stretches = [(0, 0), *runs(pictures)]  # the head of the file first
        size, start = FRAME_DTYPE.itemsize, int(self._pieces[video])
        places = [(start + a * size, (b - a + 1) * size) for a, b in stretches]
        tables = [np.frombuffer(p, FRAME_DTYPE) for p in _read(index, places)]
        spans = [(int(t["offset"][0]), int(t["offset"][-1] + t["length"][-1])) for t in tables]
        found = _read(shard, [(begin, end - begin) for begin, end in spans])
        head, *packets = [
            list(self._checked(video, piece, table, data))
            for (piece, _), table, data in zip(stretches, tables, found, strict=True)
        ]
        return Media(head[0].data, packets, pictures[["piece", "crc32"]].tolist())

    def _checked(self, video: int, first: int, rows: np.ndarray, data: bytes) -> Iterator[Piece]:
        """Extracts consecutive pieces, starting with number `first`, from their bytes."""
        begin, view = int(rows["offset"][0]), memoryview(data)
        for number, (offset, length, crc32) in enumerate(rows.tolist(), first):
            piece = view[offset - begin : offset - begin + length]
            if zlib.crc32(piece) != crc32:
                raise self._bad(video, f"packet {number}", _CHANGED)
            yield Piece(number, piece)

    def damaged(self, video: int, frame: int, reason: str) -> BadShard:
        """The error for an unusable frame."""
        return self._bad(video, f"frame {frame}", reason)

    def _bad(self, video: int, part: str, reason: str) -> BadShard:
        shard = self._files[self._shard[video]]
        return _bad(shard, f"{part} of video {self.ids[video]!r} {reason}")


def num_videos(folder: str | AnyPath, split: str) -> int:
    """The number of videos of a split; only the division into folds needs the indexes."""
    if SplitName.parse(split).folds:
        return len(Split(folder, split))
    return read_manifest(folder).num_videos(split)


def data_error(error: BaseException) -> BadShard | StorageError | None:
    """Finds the error about the data in an exception that TensorFlow raised during iteration.

    Args:
        error: Exception raised by `model.fit` or a loop over `tfrecords.clips`.

    Returns:
        The `BadShard` (damaged data) or `StorageError` (a server that does not respond) with its
        message, or None if the error has another cause.

    Example:
        >>> try:
        ...     clips, labels = next(iter(tfrecords.clips("data/mine")))
        ... except tf.errors.OpError as error:
        ...     raise (tfrecords.data_error(error) or error) from None
    """
    found = re.search(r"(BadShard|StorageError): (.*)", str(error))
    kinds: dict[str, type[BadShard] | type[StorageError]] = {
        "BadShard": BadShard,
        "StorageError": StorageError,
    }
    return kinds[found.group(1)](found.group(2)) if found else None


def _rows(
    name: SplitName, ids: tuple[str, ...], labels: np.ndarray, manifest: Manifest
) -> np.ndarray:
    """The places of a split's videos among those of its base."""
    if not name.folds:
        return np.arange(len(ids))
    folds = fold_numbers(ids, labels, manifest.groups, name.folds, manifest.class_names)
    return np.flatnonzero((folds != name.fold) if name.others else (folds == name.fold))


def _opened(folder: AnyPath, shard: Shard, classes: int) -> tuple[Path, list[np.ndarray]]:
    """The checked index of a shard as a local file, and its table of videos.

    The table has for each video its row, whether it is stored encoded, and the offsets of its
    pieces and pictures in the index. They are copies, since every mapped index keeps a file open.
    """
    path = folder / shard.file
    try:
        size = file_size(path)
    except FileNotFoundError:
        raise _bad(path, "the file is missing") from None
    local = _local_index(folder, shard)
    index = read_index(local)
    if size != index.shard_size:
        raise _bad(path, f"it has {size} bytes, expected {index.shard_size} according to its index")
    with open(local, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    labels = index.videos["label"]
    if (
        digest != shard.index_sha256
        or index.sha256.hex() != shard.sha256
        or len(index.videos) != len(shard.videos)
        or not ((labels >= 0) & (labels < classes)).all()
    ):
        raise _another_index(folder, shard)
    return local, [index.videos.copy(), index.encoded, *index.places()]


def _local_index(folder: AnyPath, shard: Shard) -> Path:
    path = index_path(folder / shard.file)
    try:
        return cached(path, shard.index_sha256)
    except FileNotFoundError:
        raise BadIndex(f"{path} is missing. {_remedy(folder)}") from None
    except ValueError:
        raise _another_index(folder, shard) from None


def _another_index(folder: AnyPath, shard: Shard) -> BadIndex:
    path = index_path(folder / shard.file)
    return BadIndex(f"{path} is not the index listed in dataset.json. {_remedy(folder)}")


def _remedy(folder: AnyPath) -> str:
    return f"Run `ctm verify {folder}` to list all problems."


def _read(path: AnyPath, places: list[tuple[int, int]]) -> list[bytes]:
    """Bytes of a file at places (offset, length)."""
    try:
        parts = read_ranges(path, places)
    except StorageError:
        raise
    except OSError as error:
        raise _bad(path, error.strerror or str(error)) from None
    if any(len(part) != length for part, (_, length) in zip(parts, places, strict=True)):
        raise _bad(path, "the file is shorter than its index requires")
    return parts


def _bad(path: AnyPath, reason: str) -> BadShard:
    return BadShard(
        f"{path} cannot be used: {reason}. Run `ctm verify {path.parent}` to list all problems "
        "and their remedy."
    )
