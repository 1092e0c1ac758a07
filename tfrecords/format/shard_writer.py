"""Writes a shard and its index from spooled videos, syncs both and renames them into place."""

import hashlib
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import google_crc32c
import numpy as np

from tfrecords.format import record
from tfrecords.format.decoded import Decoded
from tfrecords.format.index import (
    FRAME_DTYPE,
    INDEX,
    PICTURE_DTYPE,
    STORE_DTYPE,
    VIDEO_DTYPE,
    write_index,
)
from tfrecords.format.manifest import Shard
from tfrecords.format.record import VideoEntry
from tfrecords.storage.files import AnyPath, move, sync_folder
from tfrecords.text import plain

CHUNK = 1 << 22  # bytes of a spool file that are read at once


class Spooled(NamedTuple):
    """A decoded video that is ready to be written to a shard.

    Args:
        entry: The entry of the video.
        label: Index of its class in the class names.
        spool: File with its JPEGs, concatenated, or its media file.
        found: Description of the content of the spool file.
    """

    entry: VideoEntry
    label: int
    spool: Path
    found: Decoded


def write_shard(path: Path, split: str, videos: Sequence[Spooled]) -> Shard:
    """Writes a shard and its index to a temporary folder. `publish_shard` moves them afterwards.

    Args:
        path: The shard, in a folder of unfinished files.
        split: Split of the data set.
        videos: The videos, in the order of the shard.

    Returns:
        The `Shard` as dataset.json lists it.
    """
    with open(path, "wb") as file:
        out = _Hashed(file)
        pieces = [_write_record(out, video) for video in videos]
        file.flush()
        os.fsync(file.fileno())
    index = path.with_suffix(INDEX)
    tables = np.concatenate(pieces), *_media_tables(videos)
    write_index(index, out.size, out.sha256.digest(), _video_rows(videos), *tables)
    ids = tuple(video.entry.id for video in videos)
    index_sha256 = hashlib.sha256(index.read_bytes()).hexdigest()
    return Shard(path.name, split, ids, out.size, out.sha256.hexdigest(), index_sha256)


def publish_shard(path: Path, out: AnyPath) -> None:
    """Moves a written shard and its index into the data set and replaces existing ones."""
    for file in (path.with_suffix(INDEX), path):
        move(file, out / file.name)
    sync_folder(out)


def _video_rows(videos: Sequence[Spooled]) -> np.ndarray:
    rows, first = [], 0
    for _, label, _, found in videos:
        count, size = len(found.timestamps), (found.height, found.width)
        rows.append((first, count, label, *size, found.frame_rate))
        first += count
    return np.array(rows, VIDEO_DTYPE)


def _media_tables(videos: Sequence[Spooled]) -> list[np.ndarray]:
    """The tables of pieces and pictures, for a shard with encoded videos."""
    if not any(video.found.media for video in videos):
        return []
    stores: list[tuple[int, int, bool]] = []
    pictures, first = [], 0
    for video in videos:
        media, count = video.found.media, len(video.found.lengths)
        stores.append((first, count, media is not None))
        own = media.pictures if media else [(number, number, 0) for number in range(count)]
        pictures.append(np.array([tuple(row) for row in own], PICTURE_DTYPE))
        first += count
    return [np.array(stores, STORE_DTYPE), np.concatenate(pictures)]


class _Hashed:
    """A file that counts and hashes the bytes written to it."""

    def __init__(self, file: BinaryIO):
        self.file, self.size, self.sha256, self.crc = file, 0, hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self.sha256.update(data)
        self.crc = google_crc32c.extend(self.crc, data)
        self.size += len(data)

    def masked_crc(self) -> bytes:
        """TFRecord's checksum of the bytes written since the last checksum."""
        crc, self.crc = self.crc, 0
        return struct.pack("<I", mask(crc))


def mask(crc: int) -> int:
    """TFRecord's masking of a CRC-32C."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _write_record(out: _Hashed, video: Spooled) -> np.ndarray:
    """Writes length, checksum, SequenceExample, checksum; returns the rows of its pieces."""
    found, media, pieces = video.found, video.found.media, []
    lengths = [media.size] if media else found.lengths
    if media:
        layout = record.media_layout(_context(video), media.size, found.timestamps)
    else:
        layout = record.layout(_context(video), lengths, found.timestamps)
    out.crc = 0
    out.write(struct.pack("<Q", layout.size))
    out.write(out.masked_crc())
    out.crc = 0
    out.write(layout.head)
    with open(video.spool, "rb") as spool:
        for prefix, length in zip(layout.prefixes, lengths, strict=True):
            out.write(prefix)
            pieces.append(out.size)
            _copy(spool, out, length)
    out.write(layout.tail)
    out.write(out.masked_crc())
    rows = np.zeros(len(found.lengths), FRAME_DTYPE)
    rows["offset"] = pieces[0] + np.array(media.offsets) if media else pieces
    rows["length"], rows["crc32"] = found.lengths, found.crcs
    return rows


def _copy(spool: BinaryIO, out: _Hashed, length: int) -> None:
    while length:
        part = spool.read(min(length, CHUNK))
        if not part:
            raise OSError(f"{spool.name} was truncated during the build.")
        out.write(part)
        length -= len(part)


def _context(video: Spooled) -> dict[str, record.Value]:
    entry, found = video.entry, video.found
    tick = round(1e6 / found.frame_rate)
    end = found.timestamps[-1] + tick if entry.end is None else round(entry.end * 1e6)
    stored: dict[str, record.Value] = {record.IMAGE_FORMAT: "JPEG"}
    if found.media:
        stored = {record.MEDIA_START: found.media.start}
    return stored | {
        record.LABEL_INDEX: video.label,
        record.LABEL_STRING: entry.label,
        record.LABEL_TEXT: entry.label,
        record.MEDIA_ID: entry.id,
        record.DATA_PATH: plain(entry.path),
        record.START_TIMESTAMP: round((entry.start or 0) * 1e6),
        record.END_TIMESTAMP: end,
        record.IMAGE_HEIGHT: found.height,
        record.IMAGE_WIDTH: found.width,
        record.IMAGE_FRAME_RATE: found.frame_rate,
    }
