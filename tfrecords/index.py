"""The side index of a shard: where each frame's JPEG lies, so that a clip reads only its own bytes.

Little-endian and memory-mapped: a header of 64 bytes, one row per video, one row per frame.
Row k is video k of the shard, whose id stands at place k of the shard's ids in dataset.json.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrecords.storage import as_path

MAGIC = b"CTMINDEX"
VERSION = 1
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


class BadIndex(ValueError):  # noqa: N818
    """An index file that cannot be trusted; the message names the file and the remedy."""


@dataclass(frozen=True)
class ShardIndex:
    """The rows of one index; `videos` and `frames` are views into the mapped file.

    Args:
        shard_size: int, bytes of the shard.
        sha256: bytes, the shard's hash, 32 bytes.
        videos: array of `VIDEO_DTYPE`, shape `(videos,)`.
        frames: array of `FRAME_DTYPE`, shape `(frames,)`.
    """

    shard_size: int
    sha256: bytes
    videos: np.ndarray
    frames: np.ndarray


def index_path(shard: str | Path) -> Path:
    """The index that belongs to a shard: `x.tfrecord` has `x.index`."""
    return as_path(shard).with_suffix(".index")


def write_index(
    path: str | Path,
    shard_size: int,
    shard_sha256: bytes,
    videos: np.ndarray,
    frames: np.ndarray,
) -> None:
    """Writes an index under a temporary name, syncs it, and renames it into place.

    Args:
        path: str or Path, the index file.
        shard_size: int, bytes of the shard.
        shard_sha256: bytes, the shard's hash, 32 bytes.
        videos: array of `VIDEO_DTYPE`, one row per video in the shard's order.
        frames: array of `FRAME_DTYPE`, one row per frame, video after video.

    Raises:
        BadIndex: If the rows do not describe a shard of `shard_size` bytes.
    """
    path = Path(path)
    videos, frames = np.asarray(videos, VIDEO_DTYPE), np.asarray(frames, FRAME_DTYPE)
    if len(shard_sha256) != 32:
        raise BadIndex(f"{path}: the shard's sha256 must be 32 bytes, got {len(shard_sha256)}")
    _check_rows(path, shard_size, videos, frames)
    header = np.zeros((), HEADER_DTYPE)
    header[()] = (MAGIC, VERSION, len(videos), len(frames), shard_size, shard_sha256)
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        for part in (header, videos, frames):
            file.write(part.tobytes())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read_index(path: str | Path) -> ShardIndex:
    """Maps an index into memory and checks all of it.

    Args:
        path: str or Path, the index file.

    Returns:
        A `ShardIndex`.

    Raises:
        BadIndex: If the file is missing, is not an index, has the wrong size, or has rows that
            cannot be true of its shard.
    """
    path = Path(path)
    if not path.is_file():
        raise BadIndex(f"{path} is missing; `ctm verify {path.parent}` lists what is wrong")
    if path.stat().st_size < HEADER_DTYPE.itemsize:
        raise _bad(path, f"it has {path.stat().st_size} bytes, fewer than its header")
    raw = np.asarray(np.memmap(path, np.uint8, "r"))
    header = raw[: HEADER_DTYPE.itemsize].view(HEADER_DTYPE)[0]
    if header["magic"] != MAGIC:
        raise _bad(path, "it is not an index of ctm-keras")
    if header["version"] != VERSION:
        raise _bad(path, f"it has version {header['version']}, this program reads {VERSION}")
    split = HEADER_DTYPE.itemsize + int(header["videos"]) * VIDEO_DTYPE.itemsize
    size = split + int(header["frames"]) * FRAME_DTYPE.itemsize
    if len(raw) != size:
        raise _bad(path, f"it has {len(raw)} bytes where its header says {size}")
    videos = raw[HEADER_DTYPE.itemsize : split].view(VIDEO_DTYPE)
    frames = raw[split:].view(FRAME_DTYPE)
    shard_size = int(header["shard_size"])
    _check_rows(path, shard_size, videos, frames)
    return ShardIndex(shard_size, header["sha256"].tobytes(), videos, frames)


def _check_rows(path: Path, shard_size: int, videos: np.ndarray, frames: np.ndarray) -> None:
    ends = np.cumsum(videos["frames"], dtype=np.uint64)
    if not np.array_equal(videos["first"], ends - videos["frames"]):
        raise _bad(path, "its videos do not follow one another")
    if (ends[-1] if len(ends) else 0) != len(frames):
        raise _bad(path, f"it has {len(frames)} frames where its videos say otherwise")
    for name in ("frames", "height", "width"):
        if not videos[name].all():
            raise _bad(path, f"video {int(np.argmin(videos[name]))} has no {name}")
    size = np.uint64(shard_size)
    inside = (frames["offset"] <= size) & (frames["length"] <= size - frames["offset"])
    if not (inside & (frames["length"] > 0)).all():
        row = int(np.argmin(inside & (frames["length"] > 0)))
        raise _bad(path, f"frame {row} does not lie inside the shard of {shard_size} bytes")


def _bad(path: Path, reason: str) -> BadIndex:
    return BadIndex(
        f"{path} cannot be used: {reason}; `ctm verify {path.parent}` lists what is wrong, and "
        "building the data set anew writes it afresh"
    )
