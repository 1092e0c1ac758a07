"""The records of a TFRecord file, one after the other, each with its two checksums."""

import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import google_crc32c

from tfrecords.format.shard_writer import mask

HEADER, FOOTER = 12, 4  # the length and its checksum; the checksum of the data
LARGEST = (1 << 31) - 1  # bytes of a protobuf message
CHUNK = 1 << 24


class Compressed(ValueError):  # noqa: N818
    """A compressed TFRecord file; the message names it and the remedy."""


class Record(NamedTuple):
    """A record: where its data begins, the data or None, and the reason where there is none.

    Args:
        number: Its place in the file.
        offset: Where its data begins.
        size: Bytes of the file that it takes.
        data: Bytes or None.
        reason: Why it cannot be used; empty where it is sound.
    """

    number: int
    offset: int
    size: int
    data: bytes | None
    reason: str = ""


class RecordFile:
    """Reads a file once, record by record, and hashes all of it on the way.

    Args:
        path: The file.

    Raises:
        Compressed: If the file is compressed, so that no place in it can be read by itself.
    """

    def __init__(self, path: Path):
        self.path, self.size = path, os.path.getsize(path)
        self._sha256 = hashlib.sha256()

    @property
    def sha256(self) -> bytes:
        """The hash of what was read: of the whole file once `records` has ended."""
        return self._sha256.digest()

    def records(self, keep: bool = True) -> Iterator[Record]:
        """Every record; after one whose length is damaged nothing more can be found.

        Args:
            keep: Whether the records have their data; without, they may be of any size.
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
            return f"the file ends amid a record: {lost}"
        if struct.unpack("<I", head[8:])[0] != mask(google_crc32c.value(head[:8])):
            if not place:
                self._refuse_compressed(head)
            return f"the checksum of its length is wrong: {lost}"
        if struct.unpack("<Q", head[:8])[0] + FOOTER > self.size - place - HEADER:
            return f"it is cut short: {lost}"
        return ""

    def _record(self, file: BinaryIO, number: int, length: int, keep: bool) -> Record:
        offset, data, reason = file.tell(), None, ""
        if keep and length <= LARGEST:
            data = self._take(file, length)
            crc = google_crc32c.value(data)
        else:
            crc = self._pass(file, length)
            reason = "it is above 2 GB, more than a protobuf" if keep else ""
        if self._take(file, FOOTER) != struct.pack("<I", mask(crc)):
            data, reason = None, "its checksum is wrong: it is damaged"
        return Record(number, offset, HEADER + length + FOOTER, data, reason)

    def _take(self, file: BinaryIO, count: int) -> bytes:
        data = file.read(count)
        self._sha256.update(data)
        return data

    def _pass(self, file: BinaryIO, count: int) -> int:
        """Reads on without keeping anything; returns the checksum of what was passed."""
        crc = 0
        while count > 0 and (data := self._take(file, min(count, CHUNK))):
            crc, count = google_crc32c.extend(crc, data), count - len(data)
        return crc

    def _refuse_compressed(self, head: bytes) -> None:
        if head[:2] == b"\x1f\x8b":
            raise Compressed(
                f"{self.path} is compressed (GZIP), and its frames have no place of their own: "
                f"unpack it, `gzip -dc {self.path.name} > unpacked/{self.path.name}`"
            )
        if head[0] == 0x78 and struct.unpack(">H", head[:2])[0] % 31 == 0:
            raise Compressed(
                f"{self.path} is compressed (ZLIB), and its frames have no place of their own: "
                "write it anew without compression"
            )
