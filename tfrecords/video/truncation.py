"""Whether a media file is cut short, by its own word: most containers say how long they are.

A demuxer takes a missing tail for the end of the video. Frame counts in headers cannot tell a cut
file (they lie in whole files too), the containers' own length fields can. Bytes that do not look
like a part of the container have no say: cameras write tables of their own after the video.
"""

import os
import re
import struct
from pathlib import Path
from typing import BinaryIO

from tfrecords.video import matroska, mpegts
from tfrecords.video.parts import ASF, ISO_BOXES, box_length, parts

_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_AVI_CHUNK = re.compile(rb"RIFF|LIST|JUNK|idx1|[0-9]{2}(dc|db|wb|pc|tx|iv)|ix[0-9]{2}")
_AVI_FRAME = b"00dc"  # what the first bytes of a name most likely begin
_NO_SIZE = 0x7FFFFFFF  # bytes; from here on, as 0, what recorders to a pipe write for a size
_GIF_IMAGE, _GIF_EXTENSION, _GIF_END = b",!;"


def promised_size(path: Path) -> int:
    """The bytes that a file should have by its own length fields.

    Args:
        path: Path of an MP4, MOV, AVI, WebP, Matroska, WebM, WMV, MPEG-TS or GIF file; any other
            passes as whole.

    Returns:
        int, bytes; the file's real size where it makes no promise.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        head = file.read(4096)
        if head[4:8] in ISO_BOXES:
            return max(size, _iso_end(file))
        if head[:4] == b"RIFF":
            return max(size, _riff_end(file, size))
        if head[:4] == matroska.HEAD:
            return max(size, matroska.end(file, size))
        if head[:16] == ASF:
            return max(size, _asf_end(head))
        if head[:4] == b"GIF8":
            return size + _lacks_gif_end(file, size)
        return max(size, mpegts.end(file, size))


def _iso_end(file: BinaryIO) -> int:
    """Where the last known top-level box ends."""
    boxes = parts(file, box_length)
    return max((box.end for box in boxes if box.head[4:8] in ISO_BOXES), default=0)


def _riff_end(file: BinaryIO, size: int) -> int:
    """Where the last chunk ends; a list of open size ends with the last chunk in it."""
    place = end = 0
    while place < size:
        file.seek(place)
        head = file.read(8)
        name = head[:4] + _AVI_FRAME[len(head) :]
        if not _AVI_CHUNK.fullmatch(name):
            break
        length = int.from_bytes(head[4:], "little")
        is_open = not length or length >= _NO_SIZE
        if name in (b"RIFF", b"LIST") and is_open:
            place += 12
        else:
            end = place + 8 + length
            place = end + length % 2
    return end


def _asf_end(head: bytes) -> int:
    """The file's size in ASF's file properties; 0 where it says none, as in live recordings."""
    start = head.find(_ASF_PROPERTIES)
    properties = head[start : start + 92]
    if start < 0 or len(properties) < 92 or properties[88] & 1:
        return 0
    return struct.unpack("<Q", properties[40:48])[0]


def _lacks_gif_end(file: BinaryIO, size: int) -> bool:
    """Whether neither the blocks nor the file end with the mark of the end."""
    file.seek(10)
    file.seek(13 + _color_table(file.read(1)))
    while kind := file.read(1):
        if kind[0] == _GIF_EXTENSION:
            file.seek(1, os.SEEK_CUR)
        elif kind[0] == _GIF_IMAGE:
            file.seek(8, os.SEEK_CUR)
            file.seek(_color_table(file.read(1)) + 1, os.SEEK_CUR)
        else:
            return kind[0] != _GIF_END and not _ends_with_mark(file, size)
        while length := file.read(1)[:1].strip(b"\0"):
            file.seek(length[0], os.SEEK_CUR)
    return True


def _color_table(flags: bytes) -> int:
    """The bytes of the table of colors that a GIF's flags announce."""
    return 6 << (flags[0] & 7) if flags and flags[0] & 0x80 else 0


def _ends_with_mark(file: BinaryIO, size: int) -> bool:
    file.seek(max(0, size - 64))
    return file.read().rstrip(b"\0")[-1:] == b";"
