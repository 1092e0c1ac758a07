"""Validates the structure and the checksums of a Matroska or WebM file.

A demuxer skips invalid data up to the next valid element, which loses frames silently. So this
checks that elements lie inside their parents, and that the CRC-32 of a part matches if it has one
(FFmpeg writes one for each cluster of a Matroska file).
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

SEGMENT, CLUSTER, CRC32 = 0x18538067, 0x1F43B675, 0xBF
FILE = {0x1A45DFA3, SEGMENT}  # elements of a file
PARTS = FILE | {  # and those of segments and clusters
    0x114D9B74, 0x1549A966, 0x1654AE6B, CLUSTER, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469,
    0xEC, CRC32, 0xE7, 0xA3, 0xA0, 0xA7, 0xAB, 0x5854,
}  # fmt: skip
STARTS = {b"\x1f", b"\xa0", b"\xa3"}  # first bytes of a cluster, a group of blocks, a block
CHUNK = 1 << 20
HEAD = b"\x1a\x45\xdf\xa3"


class Closed(NamedTuple):
    """An element with a known end."""

    id: int
    start: int
    end: int


class Element(NamedTuple):
    """An element of a file: its id, and the start and end of its content."""

    id: int
    start: int
    end: int | None


class _UnsoundError(Exception):
    pass


class _UnknownSizeError(Exception):
    """A live recording, the ends of whose parts are unknown."""


def damage(path: Path) -> str | None:
    """Describes the damage of a file, or returns None if there is none or it is unknown.

    Args:
        path: Path of a file. If it is neither Matroska nor WebM, damage is unknown.
    """
    with open(path, "rb") as file:
        try:
            if file.read(4) == HEAD:
                _check_file(file, path.stat().st_size)
        except _UnsoundError as error:
            return str(error)
        except _UnknownSizeError:
            pass
    return None


def end(file: BinaryIO, size: int) -> int:
    """The end of the last part. One of unknown size, as in live recordings, ends with its last."""
    place, found, parts = 0, 0, FILE
    while place < size:
        part = element_at(file, place)
        if part is None:
            file.seek(place)
            is_cut = parts is PARTS and size - place < 12 and file.read(1) in STARTS
            return size + 1 if is_cut else found
        if part.id not in parts:
            break
        if part.end is None:
            place, parts = part.start, PARTS
        else:
            place = found = part.end
    return found


def _check_file(file: BinaryIO, size: int) -> None:
    for segment in _elements(file, 0, size):
        if segment.id == SEGMENT:  # the first; what follows is not part of the video
            for part in _elements(file, segment.start, segment.end):
                _check(file, part)
            return


def _check(file: BinaryIO, part: Closed) -> None:
    """Checks the checksum of a part if it has one, otherwise the blocks of a cluster."""
    file.seek(part.start)
    head = file.read(6)
    if head[:2] == bytes([CRC32, 0x84]) and part.end - part.start >= 6:
        if _crc32(file, part.end - part.start - 6) != int.from_bytes(head[2:], "little"):
            raise _UnsoundError(f"the checksum of its part at byte {part.start} is wrong")
    elif part.id == CLUSTER:
        for _ in _elements(file, part.start, part.end):
            pass


def _crc32(file: BinaryIO, left: int) -> int:
    crc = 0
    while left and (chunk := file.read(min(left, CHUNK))):
        crc, left = zlib.crc32(chunk, crc), left - len(chunk)
    return crc


def _elements(file: BinaryIO, place: int, end: int) -> Iterator[Closed]:
    """The elements between two offsets, which must be contiguous."""
    while place < end:
        element = element_at(file, place)
        if element is None:
            raise _UnsoundError(f"there is no valid element at byte {place}")
        if element.end is None:
            raise _UnknownSizeError
        if element.end > end:
            raise _UnsoundError(f"the element at byte {element.start} extends beyond its part")
        yield Closed(element.id, element.start, element.end)
        place = element.end


def element_at(file: BinaryIO, place: int) -> Element | None:
    """The element at an offset of a file, or None if there is none."""
    file.seek(place)
    head = file.read(12)
    number = _length(head, 4)
    size = number and _length(head[number:], 8)
    if not size:
        return None
    start = place + number + size
    value = int.from_bytes(head[number : number + size], "big") - (1 << 7 * size)
    unknown = value == (1 << 7 * size) - 1
    return Element(int.from_bytes(head[:number], "big"), start, None if unknown else start + value)


def _length(head: bytes, most: int) -> int:
    """The length of an EBML number by its leading zero bits; 0 if it is invalid."""
    length = 9 - head[0].bit_length() if head and head[0] else 0
    return length if length <= min(most, len(head)) else 0
