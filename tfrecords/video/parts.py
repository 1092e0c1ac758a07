"""Lists the top-level parts of a container, which are contiguous and start with their lengths.

The list ends at the first bytes that are not a part, such as tables that cameras append.
"""

import itertools
import os
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
FLV, PNG = b"FLV\x01", b"\x89PNG\r\n\x1a\n"
ISO_BOXES = frozenset(
    b"ftyp moov mdat free skip wide pnot styp moof mfra sidx ssix prft uuid meta emsg udta PICT "
    b"pdin imda junk".split()
)
_FLV_TAGS = (8, 9, 18)  # audio, video, script data
_HEAD = 24  # bytes that contain the length of any part


class Part(NamedTuple):
    """A part of a file: its first bytes, its start and its expected end."""

    head: bytes
    start: int
    end: int


def parts(file: BinaryIO, length_of: Callable[[bytes], int], start: int = 0) -> Iterator[Part]:
    """The parts of a file, the last of which may extend beyond the file.

    Args:
        file: Binary file.
        length_of: Function from the first bytes of a part to its length; 0 if it is not a part.
        start: Offset of the first part.
    """
    size = file.seek(0, os.SEEK_END)
    while start < size:
        file.seek(start)
        head = file.read(_HEAD)
        length = length_of(head.ljust(_HEAD, b"\0"))
        if not length:
            return
        yield Part(head, start, start + length)
        start += length


def box_length(head: bytes) -> int:
    """The length of a box of MP4 and MOV. Size 0 means until the end, 1 means 64 bits."""
    length, _, longer = struct.unpack_from(">I4sQ", head)
    length = longer if length == 1 else length
    return length if length >= 8 else 0


def chunk_length(head: bytes) -> int:
    """The length of a chunk of RIFF (AVI and WebP). Chunks start at even offsets."""
    length = int.from_bytes(head[4:8], "little")
    return 8 + length + length % 2


def is_joined(path: Path) -> bool:
    """Whether a file is a concatenation of recordings of which a demuxer reads only the first.

    It reads all of AVI, GIF, Matroska, MPEG and raw streams. In others, a second header is a sign.
    """
    with open(path, "rb") as file:
        head = file.read(_HEAD)
        if head[8:12] == b"WEBP":
            return _begins_again(file, b"RIFF", _webp_length)
        for begin, length_of in ((ASF, _object_length), (FLV, _tag_length), (PNG, _png_length)):
            if head.startswith(begin):
                return _begins_again(file, begin, length_of)
        if head[4:8] not in ISO_BOXES:
            return False
        names = Counter(part.head[4:8] for part in parts(file, box_length))
        heads = names[b"ftyp"] or names[b"mdat"]  # early MOV files have no ftyp
        return min(heads, names[b"moov"]) > 1


def _begins_again(file: BinaryIO, begin: bytes, length_of: Callable[[bytes], int]) -> bool:
    rest = itertools.islice(parts(file, length_of), 1, None)
    return any(part.head.startswith(begin) for part in rest)


def _object_length(head: bytes) -> int:
    return int.from_bytes(head[16:24], "little")


def _tag_length(head: bytes) -> int:
    """The length of a tag or the header of FLV and the four bytes of length after it."""
    if head.startswith(FLV):
        return int.from_bytes(head[5:9], "big") + 4
    return int.from_bytes(head[1:4], "big") + 15 if head[0] & 31 in _FLV_TAGS else 0


def _png_length(head: bytes) -> int:
    return len(PNG) if head.startswith(PNG) else int.from_bytes(head[:4], "big") + 12


def _webp_length(head: bytes) -> int:
    return chunk_length(head) if head[8:12] == b"WEBP" else 0
