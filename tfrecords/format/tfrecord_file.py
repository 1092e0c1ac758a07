"""Reads the records of a TFRecord file in order and checks their two checksums."""

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import google_crc32c

from tfrecords.format.shard_writer import mask

HEADER, FOOTER = 12, 4  # the length and its checksum; the checksum of the data
LARGEST = (1 << 31) - 1  # maximum size of a protobuf message in bytes
CHUNK = 1 << 24


class Compressed(ValueError):  # noqa: N818
    """A TFRecord file is compressed. The message names the file and the remedy."""


class Record(NamedTuple):
    """A record of a file.

    Args:
        number: Index of the record in the file.
        offset: Offset of its data in the file.
        size: Bytes of the record in the file.
        data: The data, or None.
        reason: Why the record cannot be used; empty if it is valid.
    """

    number: int
    offset: int
    size: int
    data: bytes | None
    reason: str = ""


class RecordFile:
    """Reads a file once, record by record, and hashes all of it.

    Args:
        path: The file.

    Raises:
        Compressed: If the file is compressed, which prevents random access.
    """

    def __init__(self, path: Path):
        self.path, self.size = path, os.path.getsize(path)
        self._sha256 = hashlib.sha256()

    @property
    def sha256(self) -> bytes:
        """The hash of the bytes read so far; of the whole file when `records` has ended."""
        return self._sha256.digest()

    def records(self, keep: bool = True) -> Iterator[Record]:
        """Yields every record. A damaged length ends the iteration.

        Args:
            keep: Whether to keep the data of the records. Without it, records may have any size.
        """
        with open(self.path, "rb") as file:
            number = place = 0
            while place < self.size:
                head = self._take(file, HEADER)
                if reason := self._broken(head, place):
                    self._pass(file, self.size - file.tell())
                    yield Record(number, place, self.size - place, None, reason)
                    return
                record = self._record(file, number, struct.unpack("<Q", head[:8])[0], keep)
                place += record.size
                number += 1
                yield record

    def _broken(self, head: bytes, place: int) -> str:
        """Why the rest of the file cannot be read."""
        lost = f"the {self.size - place:,} bytes from here to the end of the file are lost"
        if len(head) < HEADER:
            return f"the file ends inside a record: {lost}"
        if struct.unpack("<I", head[8:])[0] != mask(google_crc32c.value(head[:8])):
            if not place:
                self._refuse_compressed(head)
            return f"the checksum of its length is wrong: {lost}"
        if struct.unpack("<Q", head[:8])[0] + FOOTER > self.size - place - HEADER:
            return f"it is truncated: {lost}"
        return ""

    def _record(self, file: BinaryIO, number: int, length: int, keep: bool) -> Record:
        offset, data, reason = file.tell(), None, ""
        if keep and length <= LARGEST:
            data = self._take(file, length)
            crc = google_crc32c.value(data)
        else:
            crc = self._pass(file, length)
            reason = "it is above 2 GB, the limit of protobuf" if keep else ""
        if self._take(file, FOOTER) != struct.pack("<I", mask(crc)):
            data, reason = None, "its checksum is wrong: it is damaged"
        return Record(number, offset, HEADER + length + FOOTER, data, reason)

    def _take(self, file: BinaryIO, count: int) -> bytes:
        data = file.read(count)
        self._sha256.update(data)
        return data

    def _pass(self, file: BinaryIO, count: int) -> int:
        """Skips bytes and returns their checksum."""
        crc = 0
        while count > 0 and (data := self._take(file, min(count, CHUNK))):
            crc, count = google_crc32c.extend(crc, data), count - len(data)
        return crc

    def _refuse_compressed(self, head: bytes) -> None:
        if head[:2] == b"\x1f\x8b":
            raise Compressed(
                f"{self.path} must be uncompressed for random access, received GZIP. Unpack it "
                f"with `gzip -dc {self.path.name} > unpacked/{self.path.name}`."
            )
        if head[0] == 0x78 and struct.unpack(">H", head[:2])[0] % 31 == 0:
            raise Compressed(
                f"{self.path} must be uncompressed for random access, received ZLIB. Write it "
                "again without compression."
            )
