"""The index of a shard: the offset of each frame's JPEG, so that a clip reads only its own bytes.

It is little-endian and memory-mapped: a header of 64 bytes, one row per video, one row per frame.
Row k is video k of the shard, whose id is entry k of the shard's ids in dataset.json.

If a shard contains encoded videos, its index has version 2. The frame rows then describe pieces:
the JPEGs of a video or, for an encoded video, the head of its media file and its packets in
decoding order. Two tables follow. One has a row per video with its pieces. The other has a row per
frame with the piece that contains the picture, the piece (a keyframe) where decoding starts, and
the CRC-32 of the decoded picture. Piece numbers are relative to the first piece of the video.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrecords.storage.files import AnyPath, as_path

INDEX = ".index"  # the suffix of the file
MAGIC = b"CTMINDEX"
VERSION = 1
MEDIA_VERSION = 2
HEADER_DTYPE = np.dtype(
    [
        ("magic", "S8"),
        ("version", "<u4"),
        ("videos", "<u4"),
        ("frames", "<u8"),
        ("shard_size", "<u8"),
        ("sha256", "V32"),
    ]
)
VIDEO_DTYPE = np.dtype(
    [
        ("first", "<u8"),
        ("frames", "<u4"),
        ("label", "<i4"),
        ("height", "<u4"),
        ("width", "<u4"),
        ("frame_rate", "<f8"),
    ]
)
FRAME_DTYPE = np.dtype([("offset", "<u8"), ("length", "<u4"), ("crc32", "<u4")])
STORE_DTYPE = np.dtype([("first", "<u8"), ("pieces", "<u4"), ("encoded", "<u4")])
PICTURE_DTYPE = np.dtype([("piece", "<u4"), ("start", "<u4"), ("crc32", "<u4")])


class BadIndex(ValueError):  # noqa: N818
    """An index file is invalid. The message names the file and the remedy."""


@dataclass(frozen=True)
class ShardIndex:
    """The rows of an index, as views of the mapped file.

    Args:
        shard_size: Size of the shard in bytes.
        sha256: Hash of the shard, 32 bytes.
        videos: One row per video.
        frames: One row per piece of a video.
        stores: One row per video; None if every piece is a frame.
        pictures: One row per frame of the videos; None if every piece is a frame.
    """

    shard_size: int
    sha256: bytes
    videos: np.ndarray
    frames: np.ndarray
    stores: np.ndarray | None = None
    pictures: np.ndarray | None = None

    @property
    def num_frames(self) -> int:
        """The number of frames of all videos."""
        return int(self.videos["frames"].sum())

    @property
    def encoded(self) -> np.ndarray:
        """Which videos are stored encoded, bool of shape `(videos,)`."""
        no = np.zeros(len(self.videos), bool)
        return no if self.stores is None else self.stores["encoded"] == 1

    def pieces(self, video: int) -> np.ndarray:
        """The rows of a video's pieces."""
        rows, count = (self.videos, "frames") if self.stores is None else (self.stores, "pieces")
        first = int(rows[video]["first"])
        return self.frames[first : first + int(rows[video][count])]

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """The offsets in the index file of each video's rows of pieces and of pictures."""
        pieces = HEADER_DTYPE.itemsize + len(self.videos) * VIDEO_DTYPE.itemsize
        first = self.videos["first"].astype(np.int64)
        if self.stores is None:
            return pieces + first * FRAME_DTYPE.itemsize, np.zeros_like(first)
        pictures = pieces + self.frames.nbytes + self.stores.nbytes
        own = self.stores["first"].astype(np.int64)
        return pieces + own * FRAME_DTYPE.itemsize, pictures + first * PICTURE_DTYPE.itemsize


def index_path(shard: str | AnyPath) -> AnyPath:
    """The path of a shard's index: `x.index` for `x.tfrecord`."""
    return as_path(shard).with_suffix(INDEX)


def write_index(
    path: str | Path,
    shard_size: int,
    shard_sha256: bytes,
    videos: np.ndarray,
    frames: np.ndarray,
    stores: np.ndarray | None = None,
    pictures: np.ndarray | None = None,
) -> None:
    """Writes an index under a temporary name, syncs it, and renames it into place.

    Args:
        path: The index file.
        shard_size: Size of the shard in bytes.
        shard_sha256: Hash of the shard, 32 bytes.
        videos: One row per video, in the order of the shard.
        frames: One row per piece (such as a frame's JPEG), video after video.
        stores: One row per video; None if every piece is a frame.
        pictures: One row per frame; only with `stores`.

    Raises:
        BadIndex: If the rows do not describe a shard of `shard_size` bytes.
    """
    path = Path(path)
    videos, frames = np.asarray(videos, VIDEO_DTYPE), np.asarray(frames, FRAME_DTYPE)
    if len(shard_sha256) != 32:
        raise BadIndex(
            f"The sha256 of the shard of {path} must be 32 bytes, received {len(shard_sha256)}."
        )
    index = ShardIndex(shard_size, shard_sha256, videos, frames, stores, pictures)
    _check_rows(path, index)
    header = np.zeros((), HEADER_DTYPE)
    version = VERSION if stores is None else MEDIA_VERSION
    header[()] = (MAGIC, version, len(videos), len(frames), shard_size, shard_sha256)
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        for part in (header, videos, frames, stores, pictures):
            file.write(b"" if part is None else part.tobytes())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read_index(path: str | Path) -> ShardIndex:
    """Maps an index into memory and validates all of it.

    Args:
        path: The index file.

    Returns:
        A `ShardIndex`.

    Raises:
        BadIndex: If the file is missing, is not an index, has the wrong size, or has invalid rows.
    """
    path = Path(path)
    if not path.is_file():
        raise BadIndex(f"{path} is missing. Run `ctm verify {path.parent}` to list all problems.")
    if path.stat().st_size < HEADER_DTYPE.itemsize:
        raise _bad(path, f"it has {path.stat().st_size} bytes, which is shorter than its header")
    raw = np.asarray(np.memmap(path, np.uint8, "r"))
    header = raw[: HEADER_DTYPE.itemsize].view(HEADER_DTYPE)[0]
    if header["magic"] != MAGIC:
        raise _bad(path, "it is not an index of ctm-keras")
    if header["version"] not in (VERSION, MEDIA_VERSION):
        raise _bad(
            path,
            f"its version must be {VERSION} or {MEDIA_VERSION}, received {header['version']}",
        )
    index = ShardIndex(
        int(header["shard_size"]), header["sha256"].tobytes(), *_tables(path, raw, header)
    )
    _check_rows(path, index)
    return index


def _tables(path: AnyPath, raw: np.ndarray, header: np.void) -> list[np.ndarray]:
    """The tables after the header. The videos determine the length of the last one."""
    videos, frames = int(header["videos"]), int(header["frames"])
    dtypes = [(VIDEO_DTYPE, videos), (FRAME_DTYPE, frames)]
    if header["version"] == MEDIA_VERSION:
        dtypes.append((STORE_DTYPE, videos))
    tables, start = [], HEADER_DTYPE.itemsize
    size = start + sum(dtype.itemsize * count for dtype, count in dtypes)
    if len(raw) >= size:
        for dtype, count in dtypes:
            tables.append(raw[start : start + count * dtype.itemsize].view(dtype))
            start += count * dtype.itemsize
        if header["version"] == MEDIA_VERSION:
            size += int(tables[0]["frames"].sum(dtype=np.uint64)) * PICTURE_DTYPE.itemsize
    if len(raw) != size:
        raise _bad(path, f"it has {len(raw)} bytes, expected {size} according to its header")
    return tables if header["version"] == VERSION else [*tables, raw[start:].view(PICTURE_DTYPE)]


def _check_rows(path: Path, index: ShardIndex) -> None:
    videos, frames = index.videos, index.frames
    ends = np.cumsum(videos["frames"], dtype=np.uint64)
    if not np.array_equal(videos["first"], ends - videos["frames"]):
        raise _bad(path, "its videos are not contiguous")
    pieces = frames if index.pictures is None else index.pictures
    if (ends[-1] if len(ends) else 0) != len(pieces):
        raise _bad(path, f"it has {len(pieces)} frames, which does not match its videos")
    for name in ("frames", "height", "width"):
        if not videos[name].all():
            raise _bad(path, f"video {int(np.argmin(videos[name]))} has no {name}")
    size = np.uint64(index.shard_size)
    inside = (frames["offset"] <= size) & (frames["length"] <= size - frames["offset"])
    if not (inside & (frames["length"] > 0)).all():
        row = int(np.argmin(inside & (frames["length"] > 0)))
        raise _bad(path, f"frame {row} is outside the shard of {index.shard_size} bytes")
    if index.stores is not None and index.pictures is not None:
        _check_media(path, index, index.stores, index.pictures)


def _check_media(path: Path, index: ShardIndex, stores: np.ndarray, pictures: np.ndarray) -> None:
    """Checks that pieces are in order, and pictures within the pieces of their video."""
    frames = index.frames
    ends = np.cumsum(stores["pieces"], dtype=np.uint64)
    total = ends[-1] if len(ends) else 0
    if not np.array_equal(stores["first"], ends - stores["pieces"]) or total != len(frames):
        raise _bad(path, "the pieces of its videos are not contiguous")
    encoded = np.repeat(stores["encoded"], stores["pieces"])[1:] == 1
    video = np.repeat(np.arange(len(stores)), stores["pieces"])
    follows = video[1:] == video[:-1]
    ordered = frames["offset"][1:] >= frames["offset"][:-1] + frames["length"][:-1]
    if not (ordered | ~(encoded & follows)).all():
        raise _bad(path, "the packets of an encoded video overlap")
    counts = index.videos["frames"]
    least = np.repeat(stores["encoded"], counts)  # piece 0 of an encoded video is its head
    most = np.repeat(stores["pieces"], counts)
    inside = (least <= pictures["start"]) & (pictures["start"] <= pictures["piece"])
    if (stores["encoded"] > 1).any() or not (inside & (pictures["piece"] < most)).all():
        raise _bad(path, "a picture is outside the packets of its video")


def _bad(path: AnyPath, reason: str) -> BadIndex:
    return BadIndex(
        f"{path} cannot be used: {reason}. Run `ctm verify {path.parent}` to list all problems "
        "and their remedy."
    )
